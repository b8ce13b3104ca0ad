"""Masked language modelling as an intermediate task: its masks, its effect, and mixing it into other tasks."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import adapterstilts
from adapterstilts.data.batch_counts import batch_counts
from adapterstilts.errors import UsageError
from adapterstilts.runs.specs import Sampling, TrainSpec
from adapterstilts.runs.store import Run
from adapterstilts.tasks.masked_lm import IGNORED, MaskingOptions, mask_tokens
from tests.conftest import QUICK


def test_masks_are_those_of_the_published_recipe() -> None:
    """15% of the tokens; of these 80% masked, 10% replaced, 10% kept (Devlin et al. 2019, section 3.1)."""
    rng = np.random.default_rng(0)
    chosen = masked = kept = tokens = special = 0
    for number in range(400):
        ids = rng.integers(10, 5000, size=128)
        maskable = np.ones(128, dtype=int)
        maskable[[0, -1]] = 0
        shown, labels = map(
            np.asarray, mask_tokens(ids.tolist(), maskable, MaskingOptions(), 4, 5000, seed=(number, 1))
        )
        asked = labels != IGNORED
        assert (labels[asked] == ids[asked]).all() and (shown[~asked] == ids[~asked]).all()
        special += int(asked[[0, -1]].sum())
        tokens, chosen = tokens + 126, chosen + int(asked.sum())
        masked, kept = masked + int((shown[asked] == 4).sum()), kept + int((shown[asked] == ids[asked]).sum())
    assert special == 0
    # Five standard deviations of a binomial draw of this size.
    for share, expected, size in (
        (chosen / tokens, 0.15, tokens),
        (masked / chosen, 0.8, chosen),
        (kept / chosen, 0.1, chosen),
    ):
        assert abs(share - expected) < 5 * (expected * (1 - expected) / size) ** 0.5


def test_masked_lm_is_added_at_its_rate() -> None:
    sizes = {"squad": 60, "mnli": 30, "mlm": 1000}
    for rate in (0.1, 0.5):
        counts = batch_counts(sizes, Sampling(added={"mlm": rate}), batch_size=8)
        assert (counts["squad"], counts["mnli"]) == (60, 30)
        assert counts["mlm"] / sum(counts.values()) == pytest.approx(rate, abs=0.01)
    uniform = batch_counts(sizes, Sampling(strategy="uniform", added={"mlm": 0.1}), batch_size=8)
    assert uniform == {"squad": 45, "mnli": 45, "mlm": 10}


@pytest.fixture
def quick(tiny_backbone: Path, tmp_path: Path) -> dict[str, Any]:
    settings = {name: value for name, value in QUICK.items() if name != "max_length"}
    return {
        **settings, "profile": "mini", "backbone": str(tiny_backbone), "store": tmp_path / "store",
        "max_train_examples": 24,
    }  # fmt: skip


@pytest.mark.slow
def test_loss_falls_on_held_out_text(quick: dict[str, Any]) -> None:
    options = {
        **quick,
        "max_train_examples": 400,
        "epochs": 3,
        "method": "full",
        "eval_steps": 25,
        "learning_rate": 5e-3,
    }
    result = adapterstilts.train_intermediate("mlm", mlm_languages=("de", "zh"), **options)
    lines = [json.loads(line) for line in (result.folder / "log.jsonl").read_text().splitlines()]
    perplexities = [line["eval_perplexity"] for line in lines if "eval_perplexity" in line]
    assert len(perplexities) >= 4 and perplexities[-1] < 0.5 * perplexities[0]
    assert result.languages == ["de", "zh"] and "mlm-de-zh" in result.folder.name


@pytest.mark.slow
def test_mixing_masked_lm_in_changes_nothing_else_about_the_stage(quick: dict[str, Any]) -> None:
    plain = adapterstilts.train_intermediate("squad", **quick)
    mixed = adapterstilts.train_intermediate("squad", mlm_rate=0.5, mlm_languages=("de", "en"), **quick)
    ours, theirs = Run(mixed.folder).spec, Run(plain.folder).spec
    assert isinstance(ours, TrainSpec) and isinstance(theirs, TrainSpec)
    assert ours.tasks[0] == theirs.tasks[0] and ours.tasks[1].data.languages == ("en", "de")
    assert ours.sampling == Sampling(added={"mlm": 0.5})
    same = {"tasks": (), "sampling": None}
    assert ours.model_copy(update=same) == theirs.model_copy(update=same)
    counts = {name: one.examples_seen for name, one in mixed.tasks.items()}
    assert counts["squad"] == plain.tasks["squad"].examples_seen and counts["mlm"] == counts["squad"]
    one, other = ((run.folder / "weights.safetensors").read_bytes() for run in (mixed, plain))
    assert one != other


@pytest.mark.parametrize(
    ("tasks", "options", "message"),
    [
        ("squad", {"mlm_rate": 0.1}, "--mlm-rate needs --mlm-languages"),
        ("squad", {"mlm_languages": ("de",)}, "--mlm-languages has no meaning without"),
        ("mlm", {"mlm_rate": 0.1, "mlm_languages": ("de",)}, "mlm is a task already"),
        ("squad", {"mlm_rate": 0.1, "mlm_languages": ("dee",)}, "Unknown language of mlm in the mini source 'dee'"),
        ("squad", {"mlm_rate": 1.5, "mlm_languages": ("de",)}, "mlm_rate: Input should be less than 1"),
    ],
)
def test_options_that_do_not_fit(quick: dict[str, Any], tasks: str, options: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        adapterstilts.train_intermediate(tasks, **quick, **options)
