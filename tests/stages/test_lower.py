"""What lower layers give, kept on disk: computed once for all models that share them, with the same results."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from datasets import Dataset

import adapterstilts
from adapterstilts.data import lower_states as kept
from adapterstilts.data.batching import Collator
from adapterstilts.errors import CompatibilityError, UsageError
from adapterstilts.modeling.backbone import locate_backbone
from adapterstilts.modeling.transfer_model import TransferModel
from adapterstilts.runs.specs import MethodSpec
from adapterstilts.runs.store import RunStore
from adapterstilts.stages.lower import FOLDER, lower_states

UPPER = "seq_bn[leave_out=0,reduction_factor=4]"
LENGTHS = [3, 11, 7, 1, 20, 9]


def states_in(store: Path) -> dict[str, int]:
    """Name of each file of states to its time of change."""
    return {path.name: path.stat().st_mtime_ns for path in (store / ".cache" / FOLDER).glob("*")}


def runs(store: Path) -> list[dict[str, Any]]:
    """The metrics of all runs, in the order of their names without keys."""
    found = sorted(RunStore(store).every(), key=lambda run: run.name.rpartition("-")[0])
    return [run.metrics for run in found]


@pytest.mark.slow(but=1)
@pytest.mark.parametrize(
    ("task", "languages"), [("xnli", "en,de"), ("xquad", "en,de"), ("udpos", "en,de"), ("xcopa", "sw,zh")]
)
def test_results_are_those_of_all_layers(
    task: str, languages: str, suite: dict[str, Any], still: Path, tmp_path: Path
) -> None:
    """Of one text, of tokens, and of several choices: without dropout it is the same training, but for last digits."""
    given = {**suite, "backbone": str(still), "method": UPPER, "languages": languages, "epochs": 2, "seeds": 1}
    given["max_validation_examples"] = 10_000  # all of them
    whole, once = tmp_path / "whole", tmp_path / "once"
    adapterstilts.transfer("none", task, **{**given, "store": whole})
    adapterstilts.transfer("none", task, **{**given, "store": once}, frozen_once=True)
    assert not states_in(whole)
    before = states_in(once)
    assert len(before) >= 4  # training and validation rows, and those of two languages
    for one, other in zip(runs(whole), runs(once), strict=True):
        assert one.keys() == other.keys()
        if "languages" in one:
            assert one["languages"] == other["languages"]
            continue
        assert one["validation"] == pytest.approx(other["validation"], abs=1e-4)
        assert one["tokens_seen"] == other["tokens_seen"] and other["flops"] < one["flops"]

    # Another seed is another model with the same layers below it.
    adapterstilts.transfer("none", task, **{**given, "store": once, "seed": 2}, frozen_once=True)
    assert states_in(once) == before


def test_what_has_nothing_below_it_is_refused_before_it_begins(suite: dict[str, Any]) -> None:
    for method in ("seq_bn", "full", "seq_bn_inv[leave_out=0]"):
        with pytest.raises(UsageError, match="has nothing to keep") as caught:
            adapterstilts.train_intermediate("squad", **suite, method=method, frozen_once=True)
        assert method.partition("[")[0] in str(caught.value) and "leave_out=0]" in str(caught.value.remedy)
    with pytest.raises(UsageError, match="--compile"):
        adapterstilts.train_intermediate("squad", **suite, method=UPPER, frozen_once=True, compile=True)
    assert not suite["store"].exists() or not list(suite["store"].glob("train-*"))


@pytest.mark.slow
def test_where_nothing_is_trained_no_states_of_training_rows_are_made(suite: dict[str, Any]) -> None:
    given = {**suite, "method": UPPER, "frozen_once": True, "max_validation_examples": 10_000}
    adapterstilts.train_intermediate("ccg", **given, max_steps=0)
    assert runs(suite["store"])[0]["flops"] == 0
    assert len(states_in(suite["store"])) == 1  # of validation rows
    adapterstilts.train_intermediate("ccg", **given, max_steps=1)
    assert len(states_in(suite["store"])) == 2


def test_a_backbone_of_another_build_is_refused(suite: dict[str, Any], tmp_path: Path) -> None:
    from transformers import DistilBertConfig, DistilBertModel

    folder = tmp_path / "distilbert"
    shutil.copytree(suite["backbone"], folder)
    config = DistilBertConfig(vocab_size=9000, dim=32, n_layers=2, n_heads=2, hidden_dim=64)
    DistilBertModel(config).save_pretrained(folder)
    with pytest.raises(CompatibilityError, match="distilbert"):
        adapterstilts.train_intermediate("squad", **{**suite, "backbone": str(folder)}, method="head", frozen_once=True)


@pytest.fixture
def model(tiny_backbone: Path) -> TransferModel:
    found = TransferModel(locate_backbone(str(tiny_backbone)), method=MethodSpec(name="head"), precision="fp32")
    found.settle_below(1)
    return found.train()


@pytest.fixture
def features() -> Dataset:
    torch.manual_seed(0)
    ids = [torch.randint(5, 900, (length,)).tolist() for length in LENGTHS]
    return Dataset.from_dict(
        {"input_ids": ids, "row": range(6), "sequences": [1] * 6, "length": LENGTHS, "tokens": LENGTHS}
    )


COLLATOR = Collator(pad_id=1, tokens_per_batch=64, max_length=32)


def test_states_are_those_of_each_row_alone(
    model: TransferModel, features: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept, "PART", 4)
    found = lower_states(model, features, tmp_path, collator=COLLATOR)
    assert found is not None and len(list(tmp_path.glob("*.states"))) == 2 and model.training
    real = model.pretrained.encoder(torch.float32).eval()
    for place, ids in enumerate(features["input_ids"]):
        alone = real(input_ids=torch.tensor([ids]), output_hidden_states=True).hidden_states[1][0]
        assert torch.allclose(found.of(place), alone, atol=1e-5)
    # Rows that come first in other features, too, are not computed again.
    again = lower_states(model, features.select(range(4)), tmp_path, collator=COLLATOR)
    assert again is not None and torch.equal(again.of(3), found.of(3))
    assert len(list(tmp_path.iterdir())) == 2
    # Other layers, other tokens and another order are others.
    lower_states(model, features.select([1, 0, 2, 3]), tmp_path, collator=COLLATOR)
    model.settle_below(2)
    lower_states(model, features.select(range(4)), tmp_path, collator=COLLATOR)
    assert len(list(tmp_path.iterdir())) == 4


def test_backbones_that_round_otherwise_share_no_states(tiny_backbone: Path, features: Dataset, tmp_path: Path) -> None:
    """One into which an adapter is merged above is in fp32 under bf16, and a frozen one is not."""
    found = []
    for own in (False, True):
        torch.manual_seed(0)
        model = TransferModel(
            locate_backbone(str(tiny_backbone)), method=MethodSpec(name="head"), precision="bf16", own_backbone=own
        )
        model.settle_below(1)
        states = lower_states(model, features, tmp_path, collator=COLLATOR)
        alone = lower_states(model, features, tmp_path / f"alone-{own}", collator=COLLATOR)
        assert states is not None and alone is not None and torch.equal(states.of(4), alone.of(4))
        found.append(states.of(4).float())
    assert not torch.equal(*found)


def test_a_damaged_part_is_made_again_and_a_part_that_was_cut_off_leaves_nothing(
    model: TransferModel, features: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept, "PART", 4)
    first = lower_states(model, features, tmp_path, collator=COLLATOR)
    assert first is not None
    right = [first.of(place).clone() for place in range(6)]
    del first
    damaged = min(tmp_path.glob("*.states"))
    content = bytearray(damaged.read_bytes())
    content[5] ^= 255
    damaged.write_bytes(bytes(content))

    def stopped(batches: list[Any], count: int) -> Iterator[Any]:
        yield batches[0]
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        lower_states(model, features, tmp_path, collator=COLLATOR, track=stopped)
    assert len(list(tmp_path.iterdir())) == 1 and model.training
    found = lower_states(model, features, tmp_path, collator=COLLATOR)
    assert found is not None and all(torch.equal(found.of(place), one) for place, one in enumerate(right))


def test_states_that_would_fill_the_disk_are_not_kept(
    model: TransferModel, features: Dataset, small_disk: Path
) -> None:
    many = Dataset.from_dict({name: features[name][:] * 500 for name in features.column_names})
    assert lower_states(model, many, small_disk, collator=COLLATOR) is None  # 3.3 of 4 MB
    assert not list(small_disk.iterdir())
    assert lower_states(model, features, small_disk, collator=COLLATOR) is not None
