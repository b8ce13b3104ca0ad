"""Checkpoints that can be trusted after a kill, and after a disk has changed them."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
import torch

from adapterstilts.errors import StoreError
from adapterstilts.files import write_json
from adapterstilts.stages.training.checkpoints import (
    Clock,
    clock_of,
    finished_training,
    keep_usable,
    latest_complete,
    mark_complete,
    resumable_checkpoints,
)
from adapterstilts.stages.training.plain_state import load_optimiser, save_optimiser
from tests.network import rename_what_is_read
from tests.runs.published import change


def save(
    folder: Path, step: int, *, best: int | None = None, complete: bool = True, weights_alone: bool = False
) -> Path:
    """A checkpoint as the trainer writes it, of which `best` is the best until then."""
    checkpoint = folder / f"checkpoint-{step}"
    checkpoint.mkdir(parents=True)
    (checkpoint / "trained.safetensors").write_text("all of it")
    state = {
        "global_step": step, "max_steps": 20, "best_global_step": best, "best_metric": None if best is None else 1.0,
        "log_history": [], "stateful_callbacks": {},
    }  # fmt: skip
    write_json(checkpoint / "trainer_state.json", state)
    if not weights_alone:
        (checkpoint / "optimizer.safetensors").write_text("moments")
    if complete:
        mark_complete(checkpoint, Clock(seconds=float(step)))
    return checkpoint


def there(folder: Path) -> list[int]:
    return sorted(int(path.name.rpartition("-")[2]) for path in folder.glob("checkpoint-*"))


def test_only_whole_checkpoints_are_trusted(tmp_path: Path) -> None:
    for step in (5, 10, 15, 20):
        save(tmp_path, step, complete=step != 15)
    (tmp_path / "checkpoint-20" / "trained.safetensors").write_text("cut")
    assert latest_complete(tmp_path) == tmp_path / "checkpoint-10"
    assert there(tmp_path) == [5, 10]
    assert (tmp_path / "damaged/checkpoint-20").is_dir()


@pytest.mark.parametrize("name", ["clock.json", "trainer_state.json", "trained.safetensors", "complete.json"])
@pytest.mark.parametrize("at", [1, -3])
def test_one_changed_byte_costs_the_steps_since_the_checkpoint_before(tmp_path: Path, name: str, at: int) -> None:
    folder = tmp_path / "stage/checkpoints"
    for step in (5, 10):
        save(folder, step)
    change(folder / "checkpoint-10" / name, at)
    notes: list[str] = []
    assert latest_complete(folder, notes.append) == folder / "checkpoint-5"
    (note,) = notes
    assert note.startswith("stage: training goes on from step 5, because") and "checkpoint-10" in note
    change(folder / "checkpoint-5" / name, at)
    assert latest_complete(folder, notes.append) is None
    assert "training goes on from its beginning, because" in notes[-1]
    assert latest_complete(folder, notes.append) is None and len(notes) == 2


@pytest.mark.parametrize("content", ["null", "[]", '{"seconds": "long"}', '{"seconds": NaN}', "{}", ""])
def test_a_misshapen_file_is_a_damaged_one(tmp_path: Path, content: str) -> None:
    """Also where its digest is that of the content."""
    save(tmp_path, 5)
    path = save(tmp_path, 10) / "clock.json"
    path.write_text(content)
    (tmp_path / "checkpoint-10/complete.json").unlink()
    marked = json.loads((tmp_path / "checkpoint-5/complete.json").read_text())
    from adapterstilts.runs.content import entry_of

    entries = {name: entry_of(tmp_path / "checkpoint-10" / name).model_dump() for name in marked}
    write_json(tmp_path / "checkpoint-10/complete.json", entries)
    with pytest.raises(StoreError, match=r"clock.json"):
        clock_of(tmp_path / "checkpoint-10")
    assert latest_complete(tmp_path) == tmp_path / "checkpoint-5"


def test_a_checkpoint_whose_best_one_is_damaged_is_not_gone_on_with(tmp_path: Path) -> None:
    """It would end with weights that are not there."""
    for step, best in ((5, 5), (10, 10), (15, 10)):
        save(tmp_path, step, best=best)
    change(tmp_path / "checkpoint-10/trained.safetensors")
    assert latest_complete(tmp_path) == tmp_path / "checkpoint-5"
    assert there(tmp_path) == [5]


def test_the_last_two_and_the_best_of_each_are_kept(tmp_path: Path) -> None:
    for step, best in ((2, 2), (4, 2), (6, 2), (8, 8)):
        save(tmp_path, step, best=best)
        keep_usable(tmp_path, tmp_path / f"checkpoint-{best}")
    assert there(tmp_path) == [2, 6, 8]
    save(tmp_path, 10, best=8)
    keep_usable(tmp_path, tmp_path / "checkpoint-8")
    assert there(tmp_path) == [8, 10]


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_checkpoint_whose_moments_are_still_in_use_is_no_error_over_nfs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a CPU an optimiser that went on computes in the memory of the file that it has read."""
    weight = torch.nn.Parameter(torch.ones(1 << 16))
    optimiser = torch.optim.AdamW([weight], fused=True)
    weight.sum().backward()
    optimiser.step()
    first = save(tmp_path, 2, complete=False)
    save_optimiser(optimiser.state_dict(), first)
    mark_complete(first, Clock(seconds=2.0))
    optimiser.load_state_dict(load_optimiser(first))
    rename_what_is_read(monkeypatch)
    for step in (4, 6):
        keep_usable(tmp_path, save(tmp_path, step))
    assert [path.name for path in first.iterdir()] == [".nfsoptimizer.safetensors"]
    assert latest_complete(tmp_path) == tmp_path / "checkpoint-6"


def test_weights_alone_can_be_taken_at_the_end_and_are_not_gone_on_with(tmp_path: Path) -> None:
    save(tmp_path, 2, best=2, weights_alone=True)
    save(tmp_path, 3, best=2)
    for step in (4, 6):
        save(tmp_path, step, best=step, weights_alone=True)
        keep_usable(tmp_path, tmp_path / f"checkpoint-{step}")
    assert there(tmp_path) == [2, 3, 6] and resumable_checkpoints(tmp_path) == [tmp_path / "checkpoint-3"]
    assert latest_complete(tmp_path) == tmp_path / "checkpoint-3"
    assert there(tmp_path) == [2, 3]  # what comes later is made again
    save(tmp_path, 20, best=2, weights_alone=True)  # the last step, after which nothing is trained
    assert latest_complete(tmp_path) == tmp_path / "checkpoint-20"
    change(tmp_path / "checkpoint-2/trained.safetensors")
    assert latest_complete(tmp_path) is None and there(tmp_path) == []


def test_training_has_ended_at_its_last_step(tmp_path: Path) -> None:
    assert finished_training(save(tmp_path, 20)) and not finished_training(save(tmp_path, 19))
