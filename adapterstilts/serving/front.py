"""The process that listens: it reads requests and writes answers, while the models compute in another process.

Both need Python's lock all the time, so that in one process each would wait for the other.
"""

from __future__ import annotations

import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from types import FrameType
from typing import Any

import uvicorn

from adapterstilts.serving.app import Setup, build_app
from adapterstilts.serving.waiting import Waiting

_KEPT_SECONDS = 75
_STOP_SECONDS = 600
_ENDING = (signal.SIGINT, signal.SIGTERM)


class _Server(uvicorn.Server):
    """A server that ends at SIGTERM and SIGINT once what it has taken is answered; a second SIGINT ends it at once.

    Args:
        link: To the models, which are told once it listens.
    """

    _signal: int | None = None

    def __init__(self, config: uvicorn.Config, waiting: Waiting, link: Connection) -> None:
        super().__init__(config)
        self._waiting = waiting
        self._link = link

    async def startup(self, sockets: Any = None) -> None:
        self._waiting.start()
        await super().startup(sockets)
        self._link.send("listening")

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self._waiting.refuse()
        self.force_exit = self._signal is not None and sig == signal.SIGINT
        self._signal = self._signal or sig
        self.should_exit = True

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        for one in _ENDING:
            signal.signal(one, self.handle_exit)
        yield


def main() -> None:
    """Serves at a socket, and for the models at the other ends of some links; their descriptors are the arguments."""
    at, links = socket.socket(fileno=int(sys.argv[1])), [Connection(int(one)) for one in sys.argv[2:]]
    setup: Setup = links[0].recv()

    def lost() -> None:
        server.should_exit = True

    waiting = Waiting(links, most=setup.waiting, lost=lost)
    config = uvicorn.Config(
        build_app(setup.models, waiting, setup.limits),
        log_level="warning",
        access_log=False,
        server_header=False,
        ws="none",
        timeout_keep_alive=_KEPT_SECONDS,
        timeout_graceful_shutdown=_STOP_SECONDS,
    )
    server = _Server(config, waiting, links[0])
    server.run(sockets=[at])


if __name__ == "__main__":
    main()
