"""The command line in processes of their own that start at once: forked from one that has loaded the libraries.

They are real ones, which can be killed, wait for each other's locks and have their own environment. Only what libraries
read when they are imported (`HF_HOME`, `HF_ENDPOINT`) comes too late: there, `python -m adapterstilts` is started.
"""

from __future__ import annotations

import gc
import multiprocessing
import os
import shlex
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

Main = Callable[[list[str]], None]

_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(
    [
        "adapterstilts.stages.training.train",
        "adapterstilts.stages.answering.evaluate",
        "adapters",
        "evaluate",
        "scipy.stats",
    ]
)


def astilts(words: list[str]) -> None:
    """The command line as it is."""
    from adapterstilts.__main__ import main

    main(words)


class Command:
    """A running `astilts`, with what of `subprocess.Popen` the tests need.

    Args:
        folder: Where it is run, here by default.
        environment: This process's by default.
        main: A function of a module that does something else with the words in the process.
    """

    def __init__(
        self, *words: str, folder: Path | None = None, environment: dict[str, str] | None = None, main: Main = astilts
    ) -> None:
        self._printed = [NamedTemporaryFile(), NamedTemporaryFile()]  # noqa: SIM115
        place = (str(folder or Path.cwd()), environment or dict(os.environ), [file.name for file in self._printed])
        self._process = _CONTEXT.Process(target=_run, args=(main, list(words), *place))
        self._process.start()
        assert self._process.pid
        self.pid: int = self._process.pid

    @property
    def stdout(self) -> str:
        return self._read(0)

    @property
    def stderr(self) -> str:
        return self._read(1)

    def _read(self, number: int) -> str:
        return Path(self._printed[number].name).read_text(encoding="utf-8")

    def wait(self, timeout: float | None = None) -> int:
        """The exit code; minus the signal's number where one ended it.

        Raises:
            subprocess.TimeoutExpired: It still runs.
        """
        self._process.join(timeout)
        if self._process.exitcode is None:
            raise subprocess.TimeoutExpired("astilts", timeout or 0)
        return self._process.exitcode

    def send_signal(self, number: int) -> None:
        os.kill(self.pid, number)

    def kill(self) -> None:
        self._process.kill()


def run(*words: str, **given: Any) -> subprocess.CompletedProcess[str]:
    """A command, which `Command` takes, and what it printed when it has ended."""
    command = Command(*words, **given)
    return subprocess.CompletedProcess(list(words), command.wait(), command.stdout, command.stderr)


def run_line(
    line: str, folder: Path, environment: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str] | None:
    """A line of a page, `astilts ...`; None if it is of another program or needs a shell."""
    words = shlex.split(line.replace("\\\n", ""), posix=True)
    if words[0] != "astilts" or {"|", ">", "<", "&&", ";"} & set(words):
        return None
    return run(*words[1:], folder=folder, environment=environment)


def _run(main: Main, words: list[str], folder: str, environment: dict[str, str], printed: list[str]) -> None:
    """What happens in the process."""
    gc.freeze()  # the libraries need not be looked through by every training
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    for number, name in enumerate(printed, start=1):
        with Path(name).open("ab") as file:
            os.dup2(file.fileno(), number)
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs ignore it
    main(words)
