"""Several processes make a stage together: the result is that of one, whatever happens on the way."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from adapterstilts.cli import main
from adapterstilts.modeling.storage import WEIGHTS
from adapterstilts.runs.store import Run, RunStore
from tests.conftest import QUICK
from tests.launched import Launched, launch

# Weights of two results may differ by so much: sums in another order, which Adam makes whole steps of 1e-3 of where a
# gradient is nothing but rounding.
CLOSE = 1e-4
# Five optimiser steps, each of micro-batches of a few rows.
STEPS: dict[str, Any] = {
    **{name: value for name, value in QUICK.items() if name not in ("max_length", "epochs")},
    "profile": "mini",
    "max_steps": 5,
    "eval_steps": 2,
    "max_train_examples": 40,
    "max_eval_examples": 12,
    "tokens_per_batch": 512,
}


@pytest.fixture(scope="module")
def still(tiny_backbone: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny backbone without dropout, whose draws depend on how a step is shared."""
    folder = tmp_path_factory.mktemp("still")
    for path in tiny_backbone.iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    config = json.loads((folder / "config.json").read_text())
    config |= {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
    (folder / "config.json").write_text(json.dumps(config))
    return folder


def words(command: str, store: Path, backbone: Path, **options: Any) -> list[str]:
    given = {**STEPS, "store": store, "backbone": backbone, **options}
    if not command.startswith("transfer"):
        del given["max_eval_examples"]
    flags = [part for name, value in given.items() for part in (f"--{name.replace('_', '-')}", str(value))]
    return [*command.split(), *flags]


COMMANDS = (
    # Bottlenecks, fused, over two intermediate runs; all tasks together; the whole backbone.
    (
        "transfer --from squad,mnli --to mlqa --composition fuse --compare full,multi-task --languages en,de --seeds 1",
        {},
    ),
    ("train-intermediate squad", {"method": "peft:lora"}),
)
