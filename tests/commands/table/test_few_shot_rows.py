"""Rows of few shots: means over draws and seeds, their spread, and the difference to the zero-shot row."""

from __future__ import annotations

import json
from pathlib import Path
from statistics import mean, stdev

import numpy as np
import pytest

import adapterstilts
from adapterstilts.commands.results import TransferResult
from adapterstilts.commands.table.contrasts import OTHER_DRAWS, OTHER_SEEDS, THIS_MODEL
from adapterstilts.metrics.intervals import interval
from adapterstilts.metrics.resampling import resample, united
from adapterstilts.reporting.transfer import transfer_tables
from tests.commands.conftest import FEW, FewShots


def scored(folder: Path) -> dict:
    return json.loads((folder / "scores" / "de.json").read_text())


def test_a_row_is_the_mean_over_its_draws(few_shots: FewShots) -> None:
    for row in few_shots.result.few_shots:
        for metric in ("exact_match", "f1"):
            values = [scored(one.folder)["metrics"][metric] for one in row.draws]
            assert row.scores[metric] == pytest.approx(mean(values))
            assert row.spread[metric] == pytest.approx(stdev(values))
        assert row.zero_shot_spread == {} and "examples" not in row.spread
        assert row.seconds["few_shot"] > 0


def test_the_difference_is_to_the_zero_shot_row_of_the_same_model(few_shots: FewShots) -> None:
    zeros = {str(row.named): row for row in few_shots.result.rows}
    for row in few_shots.result.few_shots:
        zero = zeros[row.zero_shot_row]
        for metric in ("exact_match", "f1"):
            assert row.difference[metric].mean == pytest.approx(row.scores[metric] - zero.languages["de"][metric])
        assert row.contrast is not None and row.contrast.scope == OTHER_DRAWS
        assert (row.contrast.seeds, row.contrast.draws, row.contrast.against) == (1, 2, row.zero_shot_row)
        assert row.difference["f1"].p_holm is not None


def test_the_interval_is_over_draws_and_groups(few_shots: FewShots) -> None:
    row = few_shots.of(6)[0]
    zero = scored(next(one.folder for one in few_shots.result.rows if str(one.named) == row.zero_shot_row))
    mine = [scored(one.folder) for one in row.draws]
    drawn = resample(
        [{"de": one["items"]} for one in mine],
        2 * [{"de": zero["items"]}],
        groups=united(one["groups"] for one in mine),
    )
    values = np.nanmean(drawn.values["f1"], axis=-1)
    gains = (values[0] - values[1])[None]
    expected = interval(gains, groups=drawn.count(["de"]))
    found = row.difference["f1"]
    assert (found.low, found.high) == (pytest.approx(expected.low), pytest.approx(expected.high))


def test_draws_of_several_seeds(few_shots: FewShots) -> None:
    given = {**few_shots.options, "languages": ("de",)}
    found = adapterstilts.transfer("none", "mlqa", seeds=2, **{**FEW, "shots": 3}, **given)
    (zero,), (row,) = found.rows, found.few_shots
    assert [(one.seed, one.draw) for one in row.draws] == [(42, 1), (42, 2), (43, 1), (43, 2)]
    assert row.draws[:2] == few_shots.of(3)[0].draws or row.draws[0].trained == few_shots.of(3)[0].draws[0].trained
    f1 = np.array([one.scores["f1"] for one in row.draws]).reshape(2, 2)
    assert row.scores["f1"] == pytest.approx(f1.mean())
    assert row.spread["f1"] == pytest.approx(f1.mean(axis=0).std(ddof=1))
    assert row.zero_shot_spread["f1"] == pytest.approx(stdev(one.languages["de"]["f1"] for one in zero.seeds))
    assert row.contrast is not None
    assert (row.contrast.seeds, row.contrast.draws, row.contrast.scope) == (2, 2, OTHER_SEEDS)
    text = transfer_tables(found)
    assert "Scores are means over 2 draws and 2 seeds; ±: standard deviation over draws (of zero shots, seeds)." in text
    assert "95% interval over 2 draws, 2 seeds and " in text and "this zero-shot model only" not in text


def test_one_draw_says_nothing_of_others(few_shots: FewShots) -> None:
    given = {**FEW, "draws": 1, "shots": "de=3"}
    (row,) = adapterstilts.transfer("none", "mlqa", **given, **few_shots.options).few_shots
    assert row.contrast is not None and row.contrast.scope == THIS_MODEL and row.spread == {}
    assert row.draws == few_shots.of(3)[0].draws[:1]


def test_the_table_says_what_is_not_zero_shot(few_shots: FewShots) -> None:
    text = transfer_tables(few_shots.result)
    assert text.startswith(transfer_tables(TransferResult(few_shots.result.rows)))
    assert "MLQA in German, from zero to few shots: test split, 16 examples, EM/F1" in text
    for line in (
        "Not zero-shot: the rows with shots were trained on labelled German rows after the zero-shot model above.",
        "Drawn from the train split of mlqa (200 rows); of one draw, fewer rows are among more.",
        "Trained for 2 epochs at learning rate 0.05; no German label selected anything.",
        "Scores are means over 2 draws; ±: standard deviation over draws.",
        "this zero-shot model only: other seeds are other models.",
    ):
        assert line in text
    row = few_shots.of(6)[0]
    assert f"{row.scores['f1']:.1f}±{row.spread['f1']:.1f}" in text
    assert f"  no intermediate task, 6 shots, draw 1: {row.draws[0].folder}\n" in text
