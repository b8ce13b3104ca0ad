"""The server process: it listens, and at a signal it answers what it has taken and ends."""

from __future__ import annotations

import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

import uvicorn

from adapterstilts.errors import UsageError
from adapterstilts.serving.app import Limits, build_app
from adapterstilts.serving.messages import Service
from adapterstilts.serving.waiting import Waiting

_KEPT_SECONDS = 75
_STOP_SECONDS = 600
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


class _Server(uvicorn.Server):
    """A server that ends at SIGTERM and SIGINT once what it has taken is answered; a second SIGINT ends it at once.

    Attributes:
        ended_by: The first signal.
    """

    ended_by: int | None = None

    def __init__(self, config: uvicorn.Config, waiting: Waiting, started: Callable[[], None]) -> None:
        super().__init__(config)
        self._waiting = waiting
        self._started = started

    async def startup(self, sockets: Any = None) -> None:
        await super().startup(sockets)
        self._started()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self._waiting.refuse()
        self.force_exit = self.ended_by is not None and sig == signal.SIGINT
        self.ended_by = self.ended_by or sig
        self.should_exit = True

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        kept = {one: signal.signal(one, self.handle_exit) for one in _ENDING}
        try:
            yield
        finally:
            for one, handler in kept.items():
                signal.signal(one, handler)


def serve(
    service: Service, limits: Limits, at: socket.socket, *, waiting: int, note: Callable[[str], None]
) -> int | None:
    """Answers requests until a signal comes, and after it those that were taken.

    Args:
        waiting: Requests that may wait.

    Returns:
        The signal.
    """
    queue = Waiting(service.answer, most=waiting, together=limits.texts)
    config = uvicorn.Config(
        build_app(service, queue, limits),
        log_level="warning",
        access_log=False,
        server_header=False,
        ws="none",
        timeout_keep_alive=_KEPT_SECONDS,
        timeout_graceful_shutdown=_STOP_SECONDS,
    )
    host, port = at.getsockname()[:2]
    shown = f"[{host}]" if ":" in host else host
    server = _Server(config, queue, lambda: note(f"Listening at http://{shown}:{port}, with its page at /docs"))
    queue.start()
    try:
        server.run(sockets=[at])
    finally:
        queue.stop()
        at.close()
    return server.ended_by
