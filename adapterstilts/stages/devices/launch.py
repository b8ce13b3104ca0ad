"""What a launcher (torchrun, accelerate launch) says to the processes that it starts, by their environment."""

from __future__ import annotations

import os
from dataclasses import dataclass
from itertools import chain

from adapterstilts.errors import UsageError

_RANK, _COUNT, _LOCAL_RANK, _LOCAL_COUNT = "RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE"
_ADDRESS, _PORT = "MASTER_ADDR", "MASTER_PORT"
# What mpirun, which accelerate starts processes on CPUs with, calls the same.
_MPI = {
    _RANK: ("OMPI_COMM_WORLD_RANK", "PMI_RANK"),
    _COUNT: ("OMPI_COMM_WORLD_SIZE", "PMI_SIZE"),
    _LOCAL_RANK: ("OMPI_COMM_WORLD_LOCAL_RANK", "MPI_LOCALRANKID"),
    _LOCAL_COUNT: ("OMPI_COMM_WORLD_LOCAL_SIZE", "MPI_LOCALNRANKS"),
}
_FSDP = "ACCELERATE_USE_FSDP"
# What accelerate is asked for that would change a stage behind its spec's back, or that is not there.
_NOT_HERE = {
    "ACCELERATE_MIXED_PRECISION": ("--mixed_precision", "Say no to the launcher, and --precision bf16 to astilts."),
    "ACCELERATE_DYNAMO_BACKEND": ("--dynamo_backend", "Leave it out."),
    "ACCELERATE_USE_DEEPSPEED": ("--use_deepspeed", "Leave it out: --method full is sharded by FSDP."),
    "ACCELERATE_USE_MEGATRON_LM": ("--use_megatron_lm", "Leave it out: --method full is sharded by FSDP."),
    "ACCELERATE_USE_PARALLELISM_CONFIG": ("--use_parallelism_config", "Leave it out."),
}


@dataclass(frozen=True)
class Launch:
    """One of several processes.

    Attributes:
        rank: Its number, from 0, and `count` how many there are; `local_rank` and `local_count` on its machine.
        fsdp: Whether the launcher was asked for FSDP.
    """

    rank: int
    count: int
    local_rank: int
    local_count: int
    fsdp: bool = False


def launched() -> Launch | None:
    """What a launcher says to this process; None where it is the only one.

    Raises:
        UsageError: The launcher says too little, or was asked for what changes results or cannot be.
    """
    _refuse_settings()
    given = {name: _value(name, others) for name, others in _MPI.items()}
    if (count := _number(_COUNT, given[_COUNT], 1)) == 1:
        # Accelerate takes one process for several where they are there, as Slurm sets mpirun's for separate commands.
        for name in (*_MPI, *chain(*_MPI.values()), _FSDP):
            os.environ.pop(name, None)
        return None
    if given[_RANK] is None or not os.environ.get(_ADDRESS):
        lacking = _RANK if given[_RANK] is None else _ADDRESS
        raise UsageError(
            f"{_COUNT}={count}, but {lacking} is not set: that is no launcher's environment.",
            remedy=f"Start astilts with torchrun or accelerate launch, or unset {_COUNT}.",
        )
    rank = _number(_RANK, given[_RANK], 0)
    # Libraries read torchrun's names.
    told = {
        _RANK: rank,
        _COUNT: count,
        _LOCAL_RANK: _number(_LOCAL_RANK, given[_LOCAL_RANK], rank),
        _LOCAL_COUNT: _number(_LOCAL_COUNT, given[_LOCAL_COUNT], count),
    }
    os.environ.update({name: str(value) for name, value in told.items()})
    os.environ.setdefault(_PORT, "29500")
    # How a stage is shared follows from its method, and not from what accelerate would do to any.
    fsdp = os.environ.pop(_FSDP, "false").lower() in ("true", "1")
    return Launch(rank, count, told[_LOCAL_RANK], told[_LOCAL_COUNT], fsdp)


def _value(name: str, others: tuple[str, ...]) -> str | None:
    """What the environment says; mpirun's names only where accelerate has started it, as Slurm sets them too."""
    names = (name, *others) if os.environ.get(_ADDRESS) else (name,)
    return next((os.environ[one] for one in names if os.environ.get(one)), None)


def _number(name: str, text: str | None, default: int) -> int:
    if text is None or text == "-1":  # what torch has where there is no launcher
        return default
    if not text.isdigit():
        raise UsageError(f"{name}={text} is not a number of processes.", remedy=f"Unset {name}.")
    return int(text)


def _refuse_settings() -> None:
    for name, (flag, remedy) in _NOT_HERE.items():
        value = os.environ.get(name, "no")
        if value.lower() not in ("", "no", "false", "0"):
            raise UsageError(f"accelerate's {flag} ({name}={value}) has no meaning here.", remedy=remedy)
