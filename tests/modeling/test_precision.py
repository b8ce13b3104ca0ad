"""Which device and number format are taken; and that the memory of a stage is free when it ends, at no cost."""

from __future__ import annotations

import gc
import weakref
from pathlib import Path

import pytest
import torch

from adapterstilts.errors import UsageError
from adapterstilts.modeling import precision
from adapterstilts.modeling.precision import choose_device, choose_precision, computes_on_gpu, device_memory
from adapterstilts.runs.memory import Memory


class Cycle:
    """As a Trainer, it refers to itself."""

    def __init__(self) -> None:
        self.itself = self


def test_what_a_stage_made_is_collected_and_what_was_there_is_not_looked_through() -> None:
    gc.unfreeze()
    before = Cycle()
    gone = weakref.ref(before)
    del before
    with device_memory(torch.device("cpu"), name="mini", tokens=8):
        assert gc.get_freeze_count() > 0
        made = weakref.ref(Cycle())
        assert made() is not None
    assert made() is None and gone() is not None and gc.get_freeze_count() == 0
    gc.collect()
    assert gone() is None


def test_a_process_that_has_set_objects_aside_keeps_them_so() -> None:
    gc.freeze()
    with device_memory(torch.device("cpu"), name="mini", tokens=8):
        made = weakref.ref(Cycle())
    assert made() is None and gc.get_freeze_count() > 0


@pytest.mark.parametrize(
    ("wanted", "fast", "hidden_size", "expected"),
    [
        ("auto", True, 1024, "bf16"), ("auto", True, 128, "fp32"), ("auto", False, 1024, "fp32"),
        ("auto", True, 384, "bf16"), ("auto", True, 192, "fp32"),
        ("bf16", False, 128, "bf16"), ("fp32", True, 1024, "fp32"),
    ],
)  # fmt: skip
def test_precision(wanted: str, fast: bool, hidden_size: int, expected: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The machine's own answer is replaced by that of a CPU with fast bf16 products, and of one without."""
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx512_bf16": fast})
    assert choose_precision(wanted, device="cpu", hidden_size=hidden_size) == expected


def test_a_machine_that_is_given_a_gpu_is_asked_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Under its old name: a container that is started with one, a driver that is installed."""
    memory = Memory(tmp_path / "facts")
    monkeypatch.setattr(precision, "_DEVICES", tmp_path, raising=False)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {})
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: True)

    def found() -> tuple[bool, str]:
        return computes_on_gpu("auto", memory), choose_precision("auto", device="auto", hidden_size=1024, memory=memory)

    assert found() == (False, "fp32")
    (tmp_path / "nvidia0").touch()
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert found() == (True, "bf16")


def test_device_has_to_exist() -> None:
    assert choose_device("auto").type in ("cpu", "cuda")
    for name in ("meta", "cuda:1", "warp"):
        with pytest.raises(UsageError, match=f"--device {name} cannot be used. Choose from: auto, cpu"):
            choose_device(name)
