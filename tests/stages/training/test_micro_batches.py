"""Memory that really runs out: a process with a limit on its address space."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import weakref
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

import adapterstilts
from adapterstilts.modeling.precision import OutOfMemoryError
from adapterstilts.modeling.storage import WEIGHTS
from adapterstilts.runs.store import RunStore
from adapterstilts.stages.training.micro_batches import with_fitting_batches
from tests.conftest import save_tiny_backbone
from tests.stages.conftest import World

# What a training can have beyond what the libraries take; a step of all its rows at once takes more.
MEGABYTES = 650
LIMITED = f"""
import re, resource, sys
import adapterstilts.stages.training.train, adapters
from adapterstilts.cli import main
(kilobytes,) = re.findall(r"^VmData:\\s+(\\d+) kB$", open("/proc/self/status").read(), flags=re.MULTILINE)
limit = 1024 * int(kilobytes) + {MEGABYTES} * 1024**2
resource.setrlimit(resource.RLIMIT_DATA, (limit, resource.getrlimit(resource.RLIMIT_DATA)[1]))
main(sys.argv[1:])
"""


@pytest.mark.slow
def test_a_training_whose_steps_do_not_fit_takes_smaller_micro_batches(quick: dict[str, Any], tmp_path: Path) -> None:
    backbone = save_tiny_backbone(tmp_path / "backbone", hidden_size=128, layers=14)
    options = {**quick, "backbone": str(backbone), "batch_size": 160, "max_steps": 1, "method": "full"}
    given = {**options, "tokens_per_batch": 16384}
    flags = [word for name, value in given.items() for word in (f"--{name.replace('_', '-')}", str(value))]
    words = [sys.executable, "-c", LIMITED, "train-intermediate", "squad", *flags]
    # What is freed is no longer the process's, as it is where memory is not only address space.
    environment = {**os.environ, "MALLOC_MMAP_THRESHOLD_": "65536"}
    done = subprocess.run(words, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stderr
    assert "memory ran out with micro-batches of 16,384 tokens; tried again with 8,192" in done.stderr
    (run,) = RunStore(quick["store"]).runs()
    fitting = run.provenance["tokens_per_batch"]
    tried = [*run.provenance["out_of_memory_with"], fitting]
    assert tried == [16384 // 2**number for number in range(len(tried))] and len(tried) > 1
    again = {**options, "store": tmp_path / "again", "tokens_per_batch": fitting}
    small = adapterstilts.train_intermediate("squad", **again)
    assert small.folder.name == run.folder.name
    first, second = (load_file(folder / WEIGHTS) for folder in (run.folder, small.folder))
    assert [name for name in first if not torch.equal(first[name], second[name])] == []
    assert "out_of_memory_with" not in json.loads((small.folder / "provenance.json").read_text(encoding="utf-8"))


@pytest.mark.slow
def test_there_is_an_end_at_one_row_and_other_errors_are_raised_as_they_are(world: World) -> None:
    tried: list[int] = []

    def full(setup: Any) -> None:
        tried.append(setup.tokens_per_batch)
        raise MemoryError

    told: list[str] = []
    with pytest.raises(OutOfMemoryError, match="The memory is too small for"):
        with_fitting_batches(full, world.squad.spec, world.planner.setup, told.append)
    longest = world.squad.spec.tasks[0].encoding.max_length
    assert tried[0] == world.planner.setup.tokens_per_batch and tried[-1] == longest and len(told) == len(tried) - 1

    def wrong(setup: Any) -> None:
        raise RuntimeError("shapes differ")

    with pytest.raises(RuntimeError, match="shapes differ"):
        with_fitting_batches(wrong, world.squad.spec, world.planner.setup, told.append)


def test_what_the_tries_before_have_held_is_free(world: World) -> None:
    held: list[Any] = []

    def twice(setup: Any) -> str:
        assert [one() for one in held] == [None] * len(held)
        model = torch.nn.Linear(2, 2)
        model.itself = [model]  # as a Trainer, it refers to itself
        held.append(weakref.ref(model))
        if len(held) < 3:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB.")
        return "made"

    made, tried = with_fitting_batches(twice, world.squad.spec, world.planner.setup, print)
    assert made == "made" and len(tried) == len(held) == 3
