"""Where an exported model comes from, and what its parts are called in its files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Origin:
    """What an exported model says that it is for, and what its parts are called.

    Attributes:
        base: Name of the backbone's checkpoint.
        revision: Its commit.
        labels: Task to the names of its labels, in order.
        adapter: What the only adapter is called in the files, where that is not our name.
        head: Likewise for the only head.
        ignored: Modules that a file of `peft` may have whole without that the model has them.
    """

    base: str = ""
    revision: str | None = None
    labels: Mapping[str, Sequence[str]] = field(default_factory=dict)
    adapter: str | None = None
    head: str | None = None
    ignored: tuple[str, ...] = ()
