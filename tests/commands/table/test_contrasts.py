"""What sets rows apart: against the numbers of the rows themselves, and the files of their examples."""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from scipy.stats import binomtest

import adapterstilts
from adapterstilts.commands.results import TransferResult, TransferRow, to_json
from adapterstilts.commands.table.contrasts import OTHER_SEEDS, OTHER_TARGET_SEEDS, adjusted
from adapterstilts.errors import UsageError
from adapterstilts.metrics.intervals import Interval, paired_bootstrap
from adapterstilts.mini.generators.span_qa import span_qa
from adapterstilts.reporting.transfer import transfer_tables
from adapterstilts.runs.content import entry_of
from tests.conftest import QUICK

SHOWN = {"languages": ("en", "de", "zh"), "max_eval_examples": 40}


@pytest.fixture(scope="module")
def result(mini: dict[str, Any]) -> TransferResult:
    return adapterstilts.transfer(["squad", "ccg"], "xquad", compare="full", **SHOWN, **mini)


def scores(row: TransferRow, language: str) -> dict[str, Any]:
    return json.loads((row.folder / f"scores/{language}.json").read_text(encoding="utf-8"))


def test_differences_are_those_of_the_rows_numbers(result: TransferResult) -> None:
    none, squad, *_ = result.rows
    found = squad.contrast
    assert found and none.contrast is None and found.zero_shot == squad.difference
    assert found.against == "no intermediate task" and (found.seeds, found.scope) == (1, "this model only")
    assert none.zero_shot and squad.zero_shot and none.english and squad.english
    for metric in ("exact_match", "f1", "score"):
        gain = squad.zero_shot[metric] - none.zero_shot[metric]
        assert found.zero_shot[metric].mean == pytest.approx(gain)
        english = squad.english[metric] - none.english[metric]
        assert found.with_english[metric].mean == pytest.approx((2 * gain + english) / 3)
    assert set(found.languages) == {"en", "de", "zh"} and found.cross_lingual == {}
    for language, own in found.languages.items():
        f1, exact = (squad.languages[language][name] - none.languages[language][name] for name in ("f1", "exact_match"))
        assert own["f1"].mean == pytest.approx(f1) and own["score"].mean == pytest.approx((f1 + exact) / 2)
        assert own["f1"].low <= own["f1"].mean <= own["f1"].high and 0 < own["f1"].p <= 1
    printed = json.loads(to_json(result))["rows"][1]
    assert printed["contrast"]["scope"] == "this model only" and printed["difference"]["score"]["p"] <= 1


def test_paragraphs_are_what_is_resampled(result: TransferResult) -> None:
    none, squad, *_ = result.rows
    languages = ("de", "zh")
    files = {language: scores(squad, language) for language in languages}
    groups = files["de"]["groups"]
    assert groups == files["zh"]["groups"] and len(set(groups.values())) < len(groups) == 40
    assert squad.contrast and (squad.contrast.groups, squad.contrast.unit) == (len(set(groups.values())), "paragraphs")
    sides = [
        {language: {id_: item["f1"] for id_, item in scores(row, language)["items"].items()} for language in languages}
        for row in (squad, none)
    ]
    expected, own = paired_bootstrap(*sides, groups=groups), squad.difference["f1"]
    assert (own.low, own.high, own.p) == pytest.approx((expected.low, expected.high, expected.p), rel=0.1)
    text = transfer_tables(result)
    assert f"In brackets: 95% interval over {squad.contrast.groups} paragraphs, this model only: other seeds" in text


def test_any_row_can_be_what_the_others_are_compared_with(mini: dict[str, Any], result: TransferResult) -> None:
    names = [str(row.named) for row in result.rows]
    for text, number in (("ccg", 2), ("full", 3), ("no intermediate task", 0), (names[4], 4), ("full: ccg", 5)):
        found = adapterstilts.transfer(["squad", "ccg"], "xquad", compare="full", against=text, **SHOWN, **mini)
        base = found.rows[number]
        assert base.contrast is None and base.zero_shot
        for row in found.rows:
            if row is not base:
                assert row.contrast and row.zero_shot and row.contrast.against == names[number]
                gain = row.zero_shot["score"] - base.zero_shot["score"]
                assert row.difference["score"].mean == pytest.approx(gain)
        without = "without intermediate task" if number == 0 else f"of {names[number]}"
        assert f"Δ: zero-shot mean minus that {without}." in transfer_tables(found)


def test_rows_that_a_name_does_not_tell_are_refused_before_training(mini: dict[str, Any]) -> None:
    for text, message in (
        ("squat", "--against 'squat' is no row of the table. Its rows are:\n  no intermediate task\n"),
        ("squad@", r"--against 'squad@' means several rows:\n  squad@\w+ \(stack\)\n  full: squad@"),
    ):
        with pytest.raises(UsageError, match=message):
            adapterstilts.plan(adapterstilts.transfer, "squad", "xquad", compare="full", against=text, **mini)
    with pytest.raises(UsageError, match="--against 'none' has only one row to compare"):
        adapterstilts.plan(adapterstilts.transfer, "none", "xquad", against="none", **mini)


def test_p_values_are_adjusted_for_the_rows_of_the_table(result: TransferResult) -> None:
    contrasts = [row.contrast for row in result.rows if row.contrast]
    for metric in ("f1", "score"):
        found = [one.zero_shot[metric] for one in contrasts]
        order = sorted(range(4), key=lambda number: found[number].p)
        least = 0.0
        for rank, number in enumerate(order):
            least = max(least, min(1.0, (4 - rank) * found[number].p))
            assert found[number].p_holm == pytest.approx(least)
    assert "  *: p < 0.05 after Holm's correction for the 4 differences of the table.\n" in transfer_tables(result)


def test_categories_of_examples_are_adjusted_together(result: TransferResult) -> None:
    """Two rows with three categories are six differences of one table, of which chance makes one significant."""
    first = next(row for row in result.rows if row.contrast)
    assert first.contrast
    names = ("f1", "f1:negation", "f1:causal", "f1:spatial")
    rows = []
    for least in (0.01, 0.3):
        gains = {name: Interval(2.0, 1.0, 3.0, least + number / 10) for number, name in enumerate(names)}
        rows.append(replace(first.contrast, zero_shot=gains, with_english={}, languages={}))
    for found, own in zip(adjusted(rows), rows, strict=True):
        assert found
        expected = [1.0 if name != "f1" else 2 * 0.01 if own is rows[0] else 0.3 for name in names]
        expected[1] = 6 * 0.11 if own is rows[0] else 1.0
        assert [found.zero_shot[name].p_holm for name in names] == pytest.approx(expected)
    table = [replace(first, contrast=one, difference=one.zero_shot) for one in rows]
    text = " ".join(transfer_tables(TransferResult(table)).split())
    assert "after Holm's correction for the 2 differences of the table, by category for all 6." in text


def test_significant_differences_are_marked_where_there_are_several(result: TransferResult) -> None:
    rows = []
    for row, p in zip(result.rows, (None, 0.02, 0.06, None, 0.001, 0.9), strict=True):
        if row.contrast is None:
            rows.append((row, None))
            continue
        parts = {place: Interval(2.0, 1.0, 3.0, p) for place in row.contrast.parts}
        rows.append((row, row.contrast.with_parts(parts)))
    found = adjusted([contrast for _, contrast in rows])
    table = [
        replace(row, contrast=one, difference=one.zero_shot) if one else row
        for (row, _), one in zip(rows, found, strict=True)
    ]
    lines = transfer_tables(TransferResult(table)).splitlines()
    shown = [line for line in lines if "[+1.0, +3.0]" in line]
    # 4 x 0.001 and 3 x 0.02, which is more than 0.05
    assert ["[+1.0, +3.0]*" in line for line in shown] == [False, False, True, False]
    alone = transfer_tables(TransferResult(table[:2]))
    assert "[+1.0, +3.0]*" not in alone and "Holm" not in alone


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"seeds": 3, "scope": OTHER_SEEDS}, "95% interval over 3 seeds and 7 paragraphs."),
        (
            {"seeds": 3, "scope": OTHER_TARGET_SEEDS},
            "95% interval over 3 seeds of one intermediate run and 7 paragraphs.",
        ),
        (
            {"seeds": 2, "scope": OTHER_SEEDS},
            "over 2 seeds and 7 paragraphs; two seeds say little, take three or more.",
        ),
        ({"groups": 1}, "No interval: all examples are about one text."),
    ],
)
def test_the_table_says_what_an_interval_is_about(result: TransferResult, changed: dict[str, Any], said: str) -> None:
    none, squad, *_ = result.rows
    assert squad.contrast
    row = replace(squad, contrast=replace(squad.contrast, **{"groups": 7, **changed}))
    assert f"{said}\n" in transfer_tables(TransferResult([none, row]))


def test_scores_of_an_earlier_version_are_compared_by_example(
    mini: dict[str, Any], result: TransferResult, tmp_path: Path
) -> None:
    """Their files do not say which examples share a text: each is taken for itself, and the table warns."""
    shutil.copytree(mini["store"], tmp_path / "store")
    options = {**mini, "store": tmp_path / "store"}
    for path in (tmp_path / "store").glob("evaluate-xquad-*/scores/*.json"):
        values = json.loads(path.read_text(encoding="utf-8"))
        values.pop("groups")
        path.write_text(json.dumps(values), encoding="utf-8")
        manifest = path.parents[1] / "manifest.json"
        known = json.loads(manifest.read_text(encoding="utf-8"))
        known[f"scores/{path.name}"] = entry_of(path).model_dump()
        manifest.write_text(json.dumps(known), encoding="utf-8")
    found = adapterstilts.transfer("squad", "xquad", **SHOWN, **options)
    squad = found.rows[1]
    assert squad.contrast and (squad.contrast.groups, squad.contrast.unit) == (40, "examples")
    assert squad.contrast.ungrouped and not result.rows[1].contrast.ungrouped
    text = transfer_tables(found)
    assert "over 40 examples, this model only" in text
    assert re.search(r"do not say which examples share a text.*\n.*--force scores again", text)
    again = adapterstilts.transfer("squad", "xquad", force=True, **SHOWN, **options).rows[1]
    assert again.contrast and again.contrast.unit == "paragraphs" and not again.contrast.ungrouped


def test_every_score_is_a_record_beside_its_difference(result: TransferResult) -> None:
    frame = result.to_pandas()
    assert len(frame) == len(result.records()) == sum(
        len(row.metric_labels) * (len(row.languages) + 1) for row in result.rows
    )  # fmt: skip
    row = next(row for row in result.rows if row.contrast)
    own = frame[frame["row"] == str(row.named)].set_index(["language", "metric"])
    assert row.contrast and row.zero_shot
    for metric in row.metric_labels:
        assert own.loc[("de", metric), "value"] == row.languages["de"][metric]
        assert own.loc[("de", metric), "low"] == row.contrast.languages["de"][metric].low
        assert own.loc[("zero_shot", metric), "value"] == row.zero_shot[metric]
        assert own.loc[("zero_shot", metric), "difference"] == row.contrast.zero_shot[metric].mean
    seeds = result.to_pandas(seeds=True)
    assert set(seeds["seed"]) == {one.seed for row in result.rows for one in row.seeds}
    assert len(seeds) == sum(len(row.seeds) for row in result.rows) * len(frame) // len(result.rows)


def test_rows_of_a_language_that_lacks_some_are_not_taken_for_those_of_others(
    tiny_backbone: Path, tmp_path: Path
) -> None:
    """AmericasNLI numbers nothing, and its Nahuatl lacks rows: there, three hypotheses have other premises' numbers."""
    labels, data = ("entailment", "neutral", "contradiction"), tmp_path / "data"
    pairs = [(f"Anna is in the {place}.", f"She is {one}.") for place in "abcdefgh" for one in ("there", "old", "away")]
    (data / "xnli").mkdir(parents=True)
    (data / "americasnli/test").mkdir(parents=True)
    lines = [f"{first}\t{second}\t{labels[number % 3]}\n" for number, (first, second) in enumerate(pairs)]
    for name in ("train-en", "dev-en"):
        (data / f"xnli/{name}.tsv").write_text("".join(lines), encoding="utf-8")
    for code, missing in (("aym", 0), ("gn", 0), ("nah", 1)):
        rows = "".join(f"{code}\t{line}" for line in lines[missing:])
        (data / f"americasnli/test/{code}.tsv").write_text(f"language\tpremise\thypothesis\tlabel\n{rows}")
    languages = ("ay", "gn", "nah")
    options = {
        **QUICK,
        "profile": "mini",
        "backbone": str(tiny_backbone),
        "data_dir": data,
        "store": tmp_path / "store",
    }
    found = adapterstilts.transfer("none", "americasnli", compare=("knn",), languages=languages, **options)
    none, knn = found.rows
    assert knn.contrast and (knn.contrast.groups, knn.contrast.unit) == (8 + 8, "premises")
    groups = {f"{number} {place}": f"{number} {(place + number) // 3}" for number in (0, 1) for place in range(24)}
    sides = [
        {
            code: {f"{int(code == 'nah')} {id_}": item["accuracy"] for id_, item in scores(row, code)["items"].items()}
            for code in languages
        }
        for row in (knn, none)
    ]
    expected, own = paired_bootstrap(*sides, groups=groups), knn.difference["accuracy"]
    assert own.low is not None and own.high is not None and expected.low is not None and expected.high is not None
    assert own.high - own.low == pytest.approx(expected.high - expected.low, rel=0.1)


def test_scores_without_a_row_to_compare_with_have_intervals(mini: dict[str, Any]) -> None:
    result = adapterstilts.transfer("none", "pawsx", **SHOWN, **mini)
    (row,) = result.rows
    found = row.uncertainty
    assert found and row.contrast is None and (found.groups, found.unit) == (40, "examples")
    right = round(row.languages["de"]["accuracy"] * 40 / 100)
    exact, own = binomtest(right, 40).proportion_ci(), found.languages["de"]["accuracy"]
    assert (own.mean, own.low, own.high) == pytest.approx((2.5 * right, 100 * exact.low, 100 * exact.high), abs=2)
    assert own.low < own.mean < own.high and found.zero_shot["accuracy"].mean == row.zero_shot["accuracy"]
    told = next(one for one in result.records() if one["language"] == "de")
    assert (told["score_low"], told["score_high"], told["low"]) == (own.low, own.high, None)
    text = " ".join(transfer_tables(result).split())
    assert f"de {own.mean:.1f} [{own.low:.1f}, {own.high:.1f}]" in text
    assert "In brackets: 95% interval over 40 examples, this model only" in text


@pytest.mark.slow
def test_what_counts_no_example_of_a_language_has_no_difference(mini: dict[str, Any], tmp_path: Path) -> None:
    """Of questions without an answer, of which the German file has none; JSON has no number for what they differ by."""
    for name, language, share in (("train", "en", 0.4), ("en", "en", 0.4), ("de", "de", 0.0)):
        rows = span_qa(split=name if name == "train" else "test", language=language, size=24, unanswerable=share)
        told = [
            {"context": row["context"], "qas": [{**row, "answers": [{"text": text, "answer_start": start}
             for text, start in zip(*row["answers"].values(), strict=True)]}]}
            for row in rows
        ]  # fmt: skip
        (tmp_path / f"{name}.json").write_text(json.dumps({"data": [{"paragraphs": told}]}), encoding="utf-8")
    test = ",".join(f"{code}={tmp_path / code}.json" for code in ("en", "de"))
    found = adapterstilts.transfer("squad", str(tmp_path / "train.json"), test=test, validation="0.2", **mini)
    contrast = found.rows[1].contrast
    assert contrast and {"has_answer_f1", "no_answer_f1"} <= contrast.languages["en"].keys()
    for own in (contrast.zero_shot, contrast.languages["de"]):
        assert "has_answer_f1" in own and "no_answer_f1" not in own
    assert "NaN" not in to_json(found) and not any(one["difference"] != one["difference"] for one in found.records())
