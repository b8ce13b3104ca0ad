"""A Slurm of this machine alone: its daemons with files and ports of their own, started for tests and ended after them.

It takes root, and Debian's packages slurmctld, slurmd, slurm-client and munge.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PROGRAMS = ("slurmctld", "slurmd", "munged", "sbatch", "squeue", "scontrol", "scancel", "sinfo")
NODE = "here"


WANTED = "ADAPTERSTILTS_TEST_CLUSTERS"
"""The variable without which no daemons of Slurm and no nodes of Ray are started: they take minutes."""


def lacking() -> str:
    """Why there can be no Slurm here; nothing where there can be one."""
    if not os.environ.get(WANTED):
        return f"daemons are started where {WANTED} is set"
    absent = [name for name in PROGRAMS if shutil.which(name) is None]
    if absent:
        return f"not installed: {', '.join(absent)}"
    return "" if os.geteuid() == 0 else "Slurm's daemons need root"


def settings(folder: Path, cores: int) -> str:
    """The text of slurm.conf."""
    host = socket.gethostname().partition(".")[0]
    controller, daemon = free_port(), free_port()
    values = {
        "ClusterName": "tests",
        "SlurmctldHost": f"{host}(127.0.0.1)",
        "SlurmctldPort": controller,
        "SlurmdPort": daemon,
        "SlurmUser": "root",
        "AuthType": "auth/munge",
        # Jobs that are queued again may start at once, and not after two minutes.
        "AuthInfo": f"socket={folder}/munge/socket,cred_expire=2",
        "StateSaveLocation": f"{folder}/state",
        "SlurmdSpoolDir": f"{folder}/spool",
        "SlurmctldPidFile": f"{folder}/slurmctld.pid",
        "SlurmdPidFile": f"{folder}/slurmd.pid",
        "SlurmctldLogFile": f"{folder}/slurmctld.log",
        "SlurmdLogFile": f"{folder}/slurmd.log",
        "ProctrackType": "proctrack/linuxproc",
        "TaskPlugin": "task/none",
        "JobAcctGatherType": "jobacct_gather/none",
        "MpiDefault": "none",
        "SelectType": "select/cons_tres",
        "SelectTypeParameters": "CR_Core",
        "ReturnToService": 2,
        "SchedulerParameters": "sched_min_interval=100000,batch_sched_delay=0",
        "KillWait": 5,
    }
    lines = [f"{name}={value}" for name, value in values.items()]
    lines.append(f"NodeName={NODE} NodeHostname={host} NodeAddr=127.0.0.1 CPUs={cores} RealMemory=2000 State=UNKNOWN")
    lines.append(f"PartitionName=tests Nodes={NODE} Default=YES MaxTime=60 State=UP")
    return "\n".join(lines) + "\n"


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


@contextmanager
def running_slurm(folder: Path, *, cores: int = 2) -> Iterator[Path]:
    """Slurm with one node; yields the file that `SLURM_CONF` has to name.

    Raises:
        RuntimeError: It does not start.
    """
    for name in ("state", "spool", "munge"):
        (folder / name).mkdir(parents=True)
    key = folder / "munge" / "key"
    key.write_bytes(os.urandom(128))
    key.chmod(0o600)
    config = folder / "slurm.conf"
    config.write_text(settings(folder, cores))
    environment = {**os.environ, "SLURM_CONF": str(config)}
    munge = {"key-file": key, "socket": folder / "munge/socket", "pid-file": folder / "munge/pid"}
    munge |= {"log-file": folder / "munge/log", "seed-file": folder / "munge/seed"}
    daemons: list[subprocess.Popen[bytes]] = []
    with (folder / "daemons.log").open("ab") as said:

        def start(*words: str) -> None:
            daemons.append(subprocess.Popen(words, env=environment, stdout=said, stderr=said))

        try:
            start("munged", "--foreground", "--force", *(f"--{name}={path}" for name, path in munge.items()))
            _wait(lambda: (folder / "munge/socket").exists(), "munged", folder)
            start("slurmctld", "-D", "-f", str(config))
            start("slurmd", "-D", "-f", str(config), "-N", NODE)
            _wait(lambda: _state(environment) == "idle", "the node", folder)
            yield config
        finally:
            for one in reversed(daemons):
                one.terminate()
            for one in daemons:
                try:
                    one.wait(timeout=10)
                except subprocess.TimeoutExpired:
                    one.kill()
                    one.wait()


def _state(environment: dict[str, str]) -> str:
    words = ["sinfo", "--noheader", "--format=%T"]
    return subprocess.run(words, env=environment, capture_output=True, text=True, check=False).stdout.strip()


def _wait(ready: object, what: str, folder: Path) -> None:
    for _ in range(300):
        if ready():  # type: ignore[operator]
            return
        time.sleep(0.1)
    raise RuntimeError(f"{what} does not start: see {folder}")
