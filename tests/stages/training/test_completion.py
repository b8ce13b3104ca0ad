"""What is written of a checkpoint beside training."""

from __future__ import annotations

import errno
import json
import os
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

import adapterstilts
from adapterstilts.errors import AstiltsError
from adapterstilts.modeling.storage import save_tensors
from adapterstilts.stages.training import completion, trainer


def elsewhere() -> bool:
    return threading.current_thread() is not threading.main_thread()


def wait_for_steps(store: Path) -> bool:
    """Whether the running training makes another step within half a minute."""

    def steps() -> int:
        return sum(len(path.read_text().splitlines()) for path in store.glob(".work/*/log.jsonl"))

    before, end = steps(), time.monotonic() + 30
    while steps() == before and time.monotonic() < end:
        time.sleep(0.01)
    return steps() > before


def test_training_goes_on_while_a_checkpoint_is_forced_to_the_disk(
    quick: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    real, went_on = os.fsync, list[bool]()

    def slow(descriptor: int) -> None:
        if elsewhere() and not went_on:
            went_on.append(wait_for_steps(quick["store"]))
        real(descriptor)

    monkeypatch.setattr(os, "fsync", slow)
    result = adapterstilts.train_intermediate("squad", **{**quick, "epochs": 2})
    assert went_on == [True] and result.steps == 36


def test_what_is_written_beside_training_is_of_the_step_of_the_checkpoint(
    quick: dict[str, Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """As on a GPU: each file is written after a later step, and is that of a training which waited for it."""

    def written(store: Path, *, beside: bool) -> dict[str, bytes]:
        files: dict[str, bytes] = {}
        went_on = []

        def slow(tensors: Mapping[str, Any], path: Path) -> None:
            if beside and path.parent.name == "checkpoint-18":
                assert elsewhere()
                went_on.append(wait_for_steps(store))
            save_tensors(tensors, path)
            files[f"{path.parent.name}/{path.name}"] = path.read_bytes()

        with monkeypatch.context() as patch:
            patch.setattr(completion, "save_tensors", slow)
            patch.setattr(trainer, "Completion", lambda copies: completion.Completion(copies=beside))
            adapterstilts.train_intermediate("squad", **{**quick, "epochs": 2, "store": store})
        assert went_on == [True, True] * beside
        return files

    one, other = written(tmp_path / "one", beside=False), written(tmp_path / "other", beside=True)
    names = [f"checkpoint-{step}/{name}.safetensors" for step in (18, 36) for name in ("optimizer", "trained")]
    assert sorted(one) == sorted(other) == names
    assert [name for name in names if one[name] != other[name]] == []


def test_a_disk_that_fills_then_ends_training_and_what_was_whole_is_gone_on_with(
    quick: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    real, finished = os.fsync, list[str]()

    def full(descriptor: int) -> None:
        if elsewhere():
            path = Path(f"/proc/self/fd/{descriptor}").readlink()
            finished.append(path.parent.name)
            if finished[-1] == "checkpoint-36":
                raise OSError(errno.ENOSPC, "No space left on device", str(path))
        real(descriptor)

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(AstiltsError, match="(?i)disk") as caught:
            adapterstilts.train_intermediate("squad", **{**quick, "epochs": 2})
    assert set(finished) == {"checkpoint-18", "checkpoint-36"} and caught.value.remedy
    result = adapterstilts.train_intermediate("squad", **{**quick, "epochs": 2})
    assert json.loads((result.folder / "provenance.json").read_text())["resumed_from_step"] == 18
