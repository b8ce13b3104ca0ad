"""The server: a process that listens, the models in this one, and how both end at a signal."""

from __future__ import annotations

import gc
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import chain
from multiprocessing import Pipe, get_context
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from types import FrameType

from adapterstilts.errors import CompatibilityError, UsageError
from adapterstilts.serving.app import Limits, Setup
from adapterstilts.serving.messages import Models, Service
from adapterstilts.serving.turns import Turns

_ENDING = (signal.SIGINT, signal.SIGTERM)


def listening_socket(host: str, port: int) -> socket.socket:
    """A socket at an address, before anything large is loaded; nobody is answered before `serve`.

    Raises:
        UsageError: The address cannot be had.
    """
    try:
        family, kind, number, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        found = socket.socket(family, kind, number)
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        found.bind(address)
    except OSError as error:
        raise UsageError(
            f"--host {host} --port {port}: {error.strerror or error}.",
            remedy="Give another port, or 0 for any that is free.",
        ) from error
    return found


def serve(
    service: Service,
    limits: Limits,
    at: socket.socket,
    *,
    waiting: int,
    note: Callable[[str], None],
    processes: int = 1,
) -> int:
    """Answers requests until a signal comes, and after it those that were taken.

    Args:
        at: Is closed here, once the process that listens has it.
        waiting: Requests that may wait.
        processes: That compute: this one and copies of it. These can only be made where nothing in it computes in
            several threads.

    Returns:
        The signal.

    Raises:
        CompatibilityError: The process that listens has ended by itself.
    """
    host, port = at.getsockname()[:2]
    shown = f"[{host}]" if ":" in host else host
    gc.collect()
    gc.freeze()  # what is loaded stays: to look through it again and again takes time, and copies it in each process
    pairs = [Pipe() for _ in range(processes)]
    turns = [Turns(service.answer, link, together=limits.texts, share=_share(processes)) for link, _ in pairs]
    link, *others = [here for here, _ in pairs]
    copies = [_copied(one, own, [at, *chain.from_iterable(pairs)]) for one, own in zip(turns[1:], others, strict=True)]
    front = _front(at, [there for _, there in pairs])
    at.close()
    for end in (*others, *(there for _, there in pairs)):
        end.close()
    with _handed_on(front) as signals, front, link:
        if _listens(link, Setup(Models(models=service.models()), limits, waiting)):
            note(f"Listening at http://{shown}:{port}, with its page at /docs")
            turns[0].run()
    for one in copies:
        one.join()
    gc.unfreeze()
    if not signals:
        raise CompatibilityError(
            f"The process that listens has ended with code {front.returncode}.",
            remedy="Look at what it has written, and start the server again.",
        )
    return signals[0]


def _share(processes: int) -> float:
    """Of the requests there are, how many are a turn: all where no core is left to read others meanwhile."""
    return 0.5 if processes == 1 and (os.cpu_count() or 1) > 1 else 1.0


def _copied(turns: Turns, own: Connection, ends: Sequence[socket.socket | Connection]) -> BaseProcess:
    """A copy of this process that answers turns, too; what both have not changed lies in memory once.

    Args:
        ends: Of which the copy leaves all but its own, so that each sees when its other end is gone.
    """

    def work() -> None:
        for one in _ENDING:  # Ctrl-C is for all, service managers end all, and what was taken is answered
            signal.signal(one, signal.SIG_IGN)
        os.environ["TOKENIZERS_PARALLELISM"] = "false"  # its threads are not copied, and the cores are taken
        for end in ends:
            if end is not own:
                end.close()
        turns.run()

    process = get_context("fork").Process(target=work, daemon=True)
    process.start()
    return process


def _front(at: socket.socket, links: Sequence[Connection]) -> subprocess.Popen[bytes]:
    """The process that listens, in a group of its own: this one hands signals on to it."""
    ends = [at.fileno(), *(one.fileno() for one in links)]
    words = [sys.executable, "-m", "adapterstilts.serving.front", *map(str, ends)]
    paths = os.pathsep.join(str(Path(one).resolve()) for one in sys.path)
    return subprocess.Popen(words, pass_fds=ends, env={**os.environ, "PYTHONPATH": paths}, start_new_session=True)


def _listens(link: Connection, setup: Setup) -> bool:
    """Whether the process at the other end has begun to listen."""
    try:
        link.send(setup)
        return bool(link.recv())
    except (EOFError, OSError):  # it has ended
        return False


@contextmanager
def _handed_on(process: subprocess.Popen[bytes]) -> Iterator[list[int]]:
    """The signals to end that have come, each of which a process gets, too."""
    came: list[int] = []

    def hand_on(number: int, frame: FrameType | None) -> None:
        came.append(number)
        process.send_signal(number)

    kept = {one: signal.signal(one, hand_on) for one in _ENDING}
    try:
        yield came
    finally:
        for one, handler in kept.items():
            signal.signal(one, handler)
