"""A worker's side of the link."""

from __future__ import annotations

import subprocess
import sys
from multiprocessing import Pipe

from adapterstilts.stages.engines.worker import Message, Sending


def test_what_a_stage_tells_is_sent_but_not_too_often() -> None:
    here, there = Pipe()
    sending = Sending(there)
    sending.note("hello")
    assert list(sending.track(range(500), 500, "mlqa en")) == list(range(500))
    for step in range(1, 501):
        sending.trained("train", step, 500, {"loss": 0.5} if step == 10 else {})
    sending.send("made")
    found: list[Message] = []
    while not found or found[-1].sort != "made":
        found.append(here.recv())
    assert found[0] == Message("note", ("hello",)) and found[1] == Message("batch", ("mlqa en", 500, 0))
    assert Message("batch", ("mlqa en", 500, 500)) in found
    assert Message("trained", ("train", 10, 500, {"loss": 0.5})) in found
    assert Message("trained", ("train", 500, 500, {})) in found and len(found) < 100


def test_a_worker_ends_when_nobody_is_left() -> None:
    here, there = Pipe()
    words = [sys.executable, "-c", f"from adapterstilts.stages.engines.worker import work; work({there.fileno()})"]
    with subprocess.Popen(words, pass_fds=[there.fileno()]) as process:
        there.close()
        here.close()
        assert process.wait(timeout=60) == 0
