"""A command in several processes, as a launcher starts them, which are forked and begin at once."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Sequence
from pathlib import Path

from tests.processes import Command, Main, astilts


class Launched:
    """The processes of a running `astilts`.

    Args:
        count: How many there are.
        folders: Where each of them is run, here by default.
        main: As `Command` takes it.
    """

    def __init__(
        self, *words: str, count: int = 2, folders: Sequence[Path | None] | None = None, main: Main = astilts
    ) -> None:
        port = str(_free_port())
        self.processes = [
            Command(*words, folder=folder, environment=_environment(rank, count, port), main=main)
            for rank, folder in enumerate(folders or [None] * count)
        ]

    def wait(self, timeout: float = 300) -> list[int]:
        """The exit codes, when all have ended."""
        end = time.monotonic() + timeout
        return [one.wait(max(0.1, end - time.monotonic())) for one in self.processes]

    def kill(self) -> None:
        """Ends those that still run, as a launcher does when one of them has failed."""
        for one in self.processes:
            one.kill()

    def said(self) -> str:
        """What all of them have printed as errors."""
        return "\n".join(one.stderr for one in self.processes)


def launch(*words: str, count: int = 2, main: Main = astilts) -> str:
    """Runs a command in several processes; returns what it prints."""
    launched = Launched(*words, count=count, main=main)
    codes = launched.wait()
    assert codes == [0] * count, launched.said()
    first, *others = launched.processes
    assert [one.stdout for one in others] == [""] * (count - 1)
    return first.stdout


def _environment(rank: int, count: int, port: str) -> dict[str, str]:
    return dict(os.environ) | {
        "RANK": str(rank),
        "LOCAL_RANK": str(rank),
        "WORLD_SIZE": str(count),
        "LOCAL_WORLD_SIZE": str(count),
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": port,
    }


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]
