"""A reporter that hears of a stage by messages."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from adapterstilts.stages.engines.orders import Message
from adapterstilts.stages.engines.told import Told
from adapterstilts.stages.reporter import Silent


class Listening(Silent):
    def __init__(self) -> None:
        self.heard: list[Any] = []

    def note(self, message: str) -> None:
        self.heard.append(message)

    def trained(self, stage: str, step: int, steps: int, logged: dict[str, float]) -> None:
        self.heard.append((stage, step, steps, logged))

    def track(self, batches: Iterable[Any], total: int, label: str) -> Iterator[Any]:
        for done, batch in enumerate(batches, start=1):
            yield batch
            self.heard.append((label, done))
        self.heard.append((label, "end"))


def test_a_reporter_shows_what_messages_say() -> None:
    listening = Listening()
    told = Told(listening)
    told.tell(Message("note", ("hello",)))
    told.tell(Message("trained", ("train", 3, 9, {"loss": 0.5})))
    for done in (0, 2, 3):
        told.tell(Message("batch", ("mlqa en", 3, done)))
    told.tell(Message("batch", ("mlqa de", 2, 0)))
    told.tell(Message("batch", ("mlqa de", 2, 1)))
    assert listening.heard == [
        "hello", ("train", 3, 9, {"loss": 0.5}),
        ("mlqa en", 1), ("mlqa en", 2), ("mlqa en", 3), ("mlqa en", "end"), ("mlqa de", 1),
    ]  # fmt: skip
