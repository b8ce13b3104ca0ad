"""The cores of a machine: how many of them are this process's."""

from __future__ import annotations

import math
import os
from pathlib import Path

from adapterstilts.modeling.cpu.groups import groups, text


def cores() -> int:
    """How many cores this process may use; a container that has part of their time has so many less."""
    found = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min([found, *_share_of_time()])


def keep_to_cores() -> None:
    """Has torch compute with no more threads than a container has cores' time, unless the user says how many.

    torch counts the cores alone. Threads beyond the share use it up early in each period and then all stand still.
    """
    import torch

    allowed = _share_of_time()
    if allowed and "OMP_NUM_THREADS" not in os.environ and torch.get_num_threads() > min(allowed):
        torch.set_num_threads(min(allowed))


def _share_of_time() -> list[int]:
    """The cores whose time each group has, begun ones counted, of the groups that are limited in it."""
    told = [_of_period(folder) for folder in groups("cpu")]
    return [max(1, math.ceil(int(one[0]) / int(one[1]))) for one in told if len(one) == 2 and one[0].isdigit()]


def _of_period(folder: Path) -> list[str]:
    """The microseconds that a group has of each period, if they are limited, and the period's length."""
    both = text(folder / "cpu.max") or f"{text(folder / 'cpu.cfs_quota_us')} {text(folder / 'cpu.cfs_period_us')}"
    return both.split()
