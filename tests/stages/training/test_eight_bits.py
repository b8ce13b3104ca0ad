"""Moments of AdamW in 8 bits."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

import adapterstilts
from adapterstilts.errors import UsageError
from adapterstilts.stages.ending import Terminated, ended_by_signals
from tests.conftest import save_tiny_backbone
from tests.stages.training.test_trainer import log, trained_alone


def test_moments_in_8_bits_train_as_well_and_go_on(quick: dict[str, Any], tmp_path: Path) -> None:
    manager = pytest.importorskip("bitsandbytes").optim.GlobalOptimManager.get_instance()
    wide = save_tiny_backbone(tmp_path / "wide", hidden_size=64)  # of fewer than 4,096 weights they stay in fp32
    options = {**quick, "backbone": str(wide), "epochs": 2, "method": "full", "learning_rate": 1e-3, "eval_steps": 9}
    usual = adapterstilts.train_intermediate("squad", **options)
    options["adamw_8bit"] = True
    found = adapterstilts.train_intermediate("squad", **options)
    assert found.key != usual.key and found.validation["score"] == pytest.approx(usual.validation["score"], abs=10)
    losses = [[entry["loss"] for entry in log(run.folder) if "loss" in entry] for run in (usual, found)]
    assert losses[0] != losses[1] and losses[0] == pytest.approx(losses[1], rel=0.02)
    whole = trained_alone(options, tmp_path / "whole")

    class Everywhere(dict[int, Any]):
        """As if all weights were where those of an earlier model were whose moments stayed in fp32."""

        def __contains__(self, address: object) -> bool:
            return True

        def __missing__(self, address: int) -> dict[str, int]:
            return {"optim_bits": 32}

    manager.pid2config = Everywhere()
    with pytest.raises(Terminated), ended_by_signals():
        trained_alone(options, tmp_path / "ended", signal_at=20)
    moments = load_file(whole.checkpoints[-1] / "optimizer.safetensors")
    assert {tensor.dtype for name, tensor in moments.items() if name.endswith("state1")} == {torch.uint8, torch.float32}
    resumed = trained_alone(options, tmp_path / "ended")
    assert resumed.result.resumed_from == 21
    assert all(torch.equal(tensor, whole.weights[name]) for name, tensor in resumed.weights.items())


def test_moments_in_8_bits_need_their_library(quick: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "bitsandbytes", None)
    with pytest.raises(UsageError, match=r"bitsandbytes is not installed.*adapterstilts\[qlora\]"):
        adapterstilts.train_intermediate("squad", adamw_8bit=True, method="full", **quick)
