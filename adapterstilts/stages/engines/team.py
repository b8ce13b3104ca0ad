"""The workers of a graph: started when they are needed, listened to, replaced when they die, and ended for certain."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from multiprocessing import Pipe
from multiprocessing.connection import wait
from pathlib import Path
from typing import IO, Any

from adapterstilts.stages.engines.agenda import Weights, weights_of
from adapterstilts.stages.engines.course import WorkerEndedError
from adapterstilts.stages.engines.orders import Message, Order
from adapterstilts.stages.graph import Stage

# What a worker gets to end by itself, in seconds, before it is killed.
_GRACE = 3.0
# The same of one whose link is closed: it is ending already, and its code says why, unless it was killed here.
_LAST = 60.0
_TOLD_LINES = 30
_SIGNALS = {int(one) for one in signal.Signals}
_CODE = "from adapterstilts.stages.engines.worker import work; work({})"


class Worker:
    """One worker, as its parent has it.

    Attributes:
        loaded: The weights that its last stage has read.
        stage: What it makes now.
    """

    def __init__(self, environment: Mapping[str, str]) -> None:
        self.loaded: Weights | None = None
        self.stage: Stage[Any] | None = None
        self.environment = environment
        self._process: subprocess.Popen[bytes] | None = None
        self._said: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 -- `end` closes it
        self.link, self._there = Pipe()

    def begin(self, stage: Stage[Any], order: Order) -> None:
        """Gives it a stage to make, the first of which starts it.

        If it has died meanwhile, that is heard where it is listened to.
        """
        self.stage, self.loaded = stage, weights_of(stage)
        if self._process is None:
            self._process = self._start()
        with suppress(OSError):
            self.link.send(order)

    def _start(self) -> subprocess.Popen[bytes]:
        words = [sys.executable, "-c", _CODE.format(self._there.fileno())]
        paths = os.pathsep.join(str(Path(one).resolve()) for one in sys.path)
        # In a session of its own, so that Ctrl-C reaches the parent alone, which then ends it.
        process = subprocess.Popen(
            words,
            pass_fds=[self._there.fileno()],
            env={**os.environ, **self.environment, "PYTHONPATH": paths},
            stdin=subprocess.DEVNULL,
            stdout=self._said,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        self._there.close()
        return process

    def hear(self) -> Message:
        """What it says next.

        Raises:
            WorkerEndedError: It has ended.
        """
        try:
            message: Message = self.link.recv()
            return message
        except (EOFError, OSError):
            raise self._error() from None

    @property
    def gone(self) -> bool:
        """Whether it has begun and ended."""
        return self._process is not None and self._process.poll() is not None

    def ask_to_save(self) -> None:
        """Ends it once a training that runs has saved its last step; what it says until then can be heard."""
        if self._process is not None:
            self._process.terminate()

    def ask_to_end(self) -> None:
        """Ends it, whatever it does."""
        self.link.close()
        self._there.close()
        if self._process is not None:
            self._process.terminate()

    def end(self, until: float) -> None:
        """Waits for its end, after `ask_to_end`, and kills it when the time has come."""
        if self._process is not None:
            _ended(self._process, until - time.monotonic())
        self._said.close()

    def said(self) -> str:
        """The last lines of what it has printed."""
        self._said.seek(0)
        lines = self._said.read().decode(errors="replace").splitlines()
        return "\n".join(lines[-_TOLD_LINES:])

    def _error(self) -> WorkerEndedError:
        assert self._process is not None
        code = _ended(self._process, _LAST)
        number = -code if code < 0 else code - 128  # one that has handled the signal ends as shells do
        how = f"by {signal.Signals(number).name}" if number in _SIGNALS else f"with code {code}"
        out = " It may have run out of memory." if code == -signal.SIGKILL else ""
        return WorkerEndedError(
            f"The process that made it was ended {how}.{out}",
            remedy="Repeat the command, which goes on from the last checkpoint; if memory was short, with fewer --jobs "
            "or a lower --tokens-per-batch.",
        )


def _ended(process: subprocess.Popen[bytes], seconds: float) -> int:
    """The exit code of a process that is ending, and is killed if it takes longer."""
    try:
        return process.wait(timeout=max(0.0, seconds))
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait()


class Team:
    """Workers that share a machine; as a context, none outlives it.

    Args:
        environments: Of each worker, what its environment has beside that of this process.
    """

    def __init__(self, environments: Sequence[Mapping[str, str]]) -> None:
        self._workers = [Worker(one) for one in environments]

    def __enter__(self) -> Team:
        return self

    def __exit__(self, *_: object) -> None:
        for one in self._workers:
            one.ask_to_end()
        until = time.monotonic() + _GRACE
        for one in self._workers:
            one.end(until)

    @property
    def busy(self) -> bool:
        """Whether one of them makes a stage."""
        return any(one.stage is not None for one in self._workers)

    def idle(self) -> list[Worker]:
        """Those that have nothing to do, first those that have made something."""
        for one in list(self._workers):
            if one.stage is None and one.gone:
                self.replace(one)
        return sorted((one for one in self._workers if one.stage is None), key=lambda one: one.loaded is None)

    def heard(self, seconds: float) -> list[Worker]:
        """Those that say something within a time."""
        links: dict[Any, Worker] = {one.link: one for one in self._workers if one.stage is not None}
        return [links[link] for link in wait(list(links), timeout=seconds)]

    def ask_to_save(self) -> None:
        """Ends those that make something, each once it has saved what it can."""
        for one in self._workers:
            if one.stage is not None:
                one.ask_to_save()

    def replace(self, worker: Worker) -> None:
        """Has a new one in the place of one that has ended."""
        worker.ask_to_end()
        worker.end(time.monotonic())
        self._workers[self._workers.index(worker)] = Worker(worker.environment)
