"""A worker process: it ends with who directs it, and by a signal."""

from __future__ import annotations

import signal
import subprocess
import sys
from multiprocessing import Pipe

import pytest

CODE = "from adapterstilts.stages.engines.worker import work; print('there', flush=True); work({})"


@pytest.mark.parametrize("how", ["alone", "signal"])
def test_a_worker_ends_when_nobody_is_left_or_by_a_signal(how: str) -> None:
    here, there = Pipe()
    words = [sys.executable, "-c", CODE.format(there.fileno())]
    with subprocess.Popen(words, pass_fds=[there.fileno()], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None and process.stdout.readline() == b"there\n"
        there.close()
        if how == "alone":
            here.close()
            assert process.wait(timeout=60) == 128 + signal.SIGTERM
        else:
            process.send_signal(signal.SIGTERM)
            assert process.wait(timeout=60) in (-signal.SIGTERM, 128 + signal.SIGTERM)
