"""What Slurm's commands are told and say, where programs of their names answer from files: no daemon has to run."""

from __future__ import annotations

import os
import stat
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from adapterstilts.runs.store import RunStore
from adapterstilts.stages.engines.slurm import driver
from adapterstilts.stages.engines.slurm.driver import Slurm
from adapterstilts.stages.engines.slurm.submission import Resources, Submissions
from adapterstilts.stages.graph import Graph, Stage
from adapterstilts.stages.setup import Setup
from tests.network import Remembered
from tests.runs.published import publish
from tests.runs.test_specs import train_spec
from tests.stages.conftest import World
from tests.stages.engines.test_local import Interested

MINE = "astilts-sweep|41_N/A|RUNNING|None"
"""A job of this user's own, which is no array, as squeue shows it."""


class Answers:
    """The programs, in a folder that is looked through first.

    Attributes:
        folder: It has `queue`, which squeue prints, `submitted`, the options of each call of sbatch, and `then`, shell
            commands that are done once, when squeue has been called so often since the submission.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "queue").write_text(f"{MINE}\n")
        self._program(
            "sbatch",
            'echo "$@" >> submitted',
            """for word in "$@"; do case "$word" in
            --job-name=*) name="${word#*=}";; --array=*) last="${word#*-}"; last="${last##*-}";; esac; done""",
            'for index in $(seq 0 "${last#*=}"); do echo "$name|7_$index|RUNNING|None" >> queue; done',
            "echo 7",
        )
        self._program(
            "squeue",
            "cat queue",
            "[ -s submitted ] && echo >> calls",
            '[ -f calls ] && [ "$(wc -l < calls)" -ge 2 ] && [ -f then ] && . ./then',
            "true",
        )
        self._program("scontrol", "exit 1")
        self._program("scancel", "true")

    def then(self, *lines: str) -> None:
        """What is done when the driver has seen its jobs twice: they end."""
        (self.folder / "then").write_text("\n".join([*lines, f"echo '{MINE}' > queue", "rm then"]))

    @property
    def submitted(self) -> list[str]:
        """The options of each call of sbatch."""
        path = self.folder / "submitted"
        return path.read_text().splitlines() if path.exists() else []

    def _program(self, name: str, *lines: str) -> None:
        path = self.folder / name
        path.write_text("\n".join(["#!/bin/sh", f"cd {self.folder}", *lines, ""]))
        path.chmod(path.stat().st_mode | stat.S_IXUSR)


@pytest.fixture
def answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Answers:
    folder = tmp_path / "programs"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder), prepend=os.pathsep)
    monkeypatch.setattr(driver, "_SOON", 0.01)
    return Answers(folder)


def graph_of(*stages: Stage[Any]) -> Graph:
    graph = Graph()
    for stage in stages:
        graph.add(stage)
    return graph


def reading(setup: Setup, other: RunStore) -> Setup:
    """The same with a further store to read."""
    return replace(setup, store=RunStore(setup.store.root, (other.root,)))


def test_a_job_of_ones_own_whose_name_begins_alike_is_none_of_the_stores(answers: Answers, world: World) -> None:
    assert Submissions(world.planner.setup.store.root, Resources()).queued() == {}


def test_a_run_that_another_machine_has_published_is_seen_although_nfs_tells_it_late(
    answers: Answers, world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage, setup = Stage(train_spec(seed=1)), world.planner.setup
    made = publish(RunStore(tmp_path / "elsewhere"), stage.spec)
    answers.then(f"mv {made.folder} {setup.store.root}")
    Remembered(setup.store.root, monkeypatch)
    seen = Interested()
    Slurm().run(graph_of(stage), setup, seen)
    assert seen.seen("finished") == [stage.name] and len(answers.submitted) == 1


def test_what_a_store_to_read_has_is_not_submitted_and_what_comes_there_is_a_result(
    answers: Answers, world: World, tmp_path: Path
) -> None:
    first, second = Stage(train_spec(seed=1)), Stage(train_spec(seed=2))
    other, parked = RunStore(tmp_path / "other"), RunStore(tmp_path / "parked")
    publish(other, first.spec)
    answers.then(f"mv {publish(parked, second.spec).folder} {other.root}")
    seen = Interested()
    Slurm().run(graph_of(first, second), reading(world.planner.setup, other), seen)
    assert "1 stages submitted to Slurm as array 7" in seen.noted and "--array=0 " in answers.submitted[0]
    assert seen.seen("finished") == [second.name] and seen.changes[-1].totals.found == 1


@pytest.mark.skipif(os.name == "nt" or os.geteuid() != 0, reason="only root can give a folder to another user")
def test_folders_of_another_users_arrays_are_kept(world: World) -> None:
    """That user's jobs may wait, and squeue does not show them here."""
    submissions = Submissions(world.planner.setup.store.root, Resources())
    folders = [submissions.root / ".slurm" / f"astilts-{name}" for name in ("mine", "others")]
    for folder in folders:
        folder.mkdir(parents=True)
        os.utime(folder, (0, time.time() - 3 * 24 * 3600))
    os.chown(folders[1], os.getuid() + 1, -1)
    submissions.clear({})
    assert [folder.exists() for folder in folders] == [False, True]
