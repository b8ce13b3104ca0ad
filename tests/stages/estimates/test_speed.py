"""This machine's speed, and that of one which is not here."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from adapterstilts.modeling.backbone import locate_backbone
from adapterstilts.modeling.methods import parse_method
from adapterstilts.runs.specs import MethodSpec
from adapterstilts.stages.estimates.machines import machine
from adapterstilts.stages.estimates.speed import assumed_speed, in_few_layers, speed_here
from tests.conftest import save_tiny_backbone


@pytest.mark.parametrize("method", ["seq_bn", "full", "peft:lora"])
def test_the_speed_here_is_measured_once(method: str, tiny_backbone: Path) -> None:
    backbone, spec = locate_backbone(str(tiny_backbone)), MethodSpec(name=method)
    first = speed_here(backbone, spec, "fp32", device="cpu", width=60)
    assert 1e6 < first.training < 1e13 and 1e6 < first.predicting < 1e13 and not first.on_gpu
    again = speed_here(backbone, spec, "fp32", device="cpu", width=64)
    assert again == first or first.disturbed  # the same, to the last digit
    more = first.pass_seconds(1e12, 10, training=True)
    assert more > first.pass_seconds(1e12, 1, training=True) >= 1e12 / first.training


@pytest.mark.slow(but=2)
@pytest.mark.parametrize(
    ("text", "few"),
    [
        ("seq_bn[leave_out=0-5]", [0, 1, 2]),
        ("seq_bn[leave_out=0-6]", [0, 1, 2]),  # some layer has an adapter
        ("seq_bn[leave_out=7]", []),
        ("peft:lora[layers_to_transform=5]", [3]),
        ("peft:lora[layers_to_transform=0+2+3]", [0, 1]),
        ("loreft[layers=1-6]", [1, 2, 3]),
    ],
)
def test_methods_of_some_layers_are_measured_in_a_model_of_few(text: str, few: list[int], tmp_path: Path) -> None:
    spec = parse_method(text)
    (layers,) = in_few_layers(spec, 8, 4).options.values()
    assert layers == few
    backbone = locate_backbone(str(save_tiny_backbone(tmp_path / "deep", layers=8)))
    assert speed_here(backbone, spec, "fp32", device="cpu", width=64).training > 1e6


def test_a_speed_that_other_work_has_disturbed_is_known_as_such(tiny_backbone: Path) -> None:
    backbone, spec = locate_backbone(str(tiny_backbone)), MethodSpec(name="bitfit")
    others = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(os.cpu_count() or 1)]
    try:
        time.sleep(0.5)
        assert speed_here(backbone, spec, "fp32", device="cpu", width=64).disturbed
    finally:
        for one in others:
            one.kill()
            one.wait()


def test_a_gpu_computes_while_its_next_kernels_are_launched() -> None:
    speed = assumed_speed(machine("h100"), "bf16", layers=24)
    assert speed.on_gpu and speed.pass_seconds(1e9, 100, training=True) == 100 * speed.training_call
    assert speed.pass_seconds(1e18, 100, training=True) == 1e18 / speed.training
    assert speed.training == pytest.approx(0.3 * 989.4e12)
