"""The baselines beside a transfer: each differs from its neighbour in what its name says, and in nothing else."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

import adapterstilts
from adapterstilts.commands.results import TransferResult, TransferRow
from adapterstilts.errors import AstiltsError
from adapterstilts.mini.generators.span_qa import span_qa
from adapterstilts.reporting.transfer import transfer_tables
from adapterstilts.runs.specs import Choice, MethodSpec, Sampling, TrainSpec
from adapterstilts.runs.store import Run, RunStore
from tests.conftest import QUICK


@pytest.fixture(scope="module")
def options(tiny_backbone: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    settings = {name: value for name, value in QUICK.items() if name != "max_length"}
    return {
        **settings, "profile": "mini", "backbone": str(tiny_backbone), "method": "seq_bn[reduction_factor=4]",
        "store": tmp_path_factory.mktemp("store"), "max_train_examples": 24,
    }  # fmt: skip


@pytest.fixture(scope="module")
def result(options: dict[str, Any]) -> TransferResult:
    # The sources were trained for longer and with another seed than the target is: so are their counterparts.
    adapterstilts.train_separately(["squad", "mnli"], **{**options, "epochs": 2, "seed": 7, "max_train_examples": 32})
    return adapterstilts.transfer(
        ["squad", "mnli"], "mlqa", compare=("all",), languages=("en", "de", "zh"), max_eval_examples=8, mlm_rate=0.25,
        **options,
    )  # fmt: skip


def runs_of(row: TransferRow) -> tuple[TrainSpec, list[TrainSpec]]:
    """The specs of a row's target phase and of the intermediate runs it started from."""
    assert row.trained is not None
    target = Run(row.trained).spec
    by_key = {run.key: run.spec for run in RunStore(row.trained.parent).runs()}
    found = [by_key[key] for key in row.intermediate_runs.values()]
    assert isinstance(target, TrainSpec) and all(isinstance(one, TrainSpec) for one in found)
    return target, found  # type: ignore[return-value]


def differing(one: TrainSpec, other: TrainSpec) -> set[str]:
    """The fields in which two specs differ."""
    return {name for name in TrainSpec.model_fields if getattr(one, name) != getattr(other, name)}


def rows(result: TransferResult, variant: str | None) -> list[TransferRow]:
    return [row for row in result.rows if row.variant == variant]


@pytest.mark.slow
def test_all_baselines_are_in_one_table(result: TransferResult) -> None:
    found = [(row.variant, [name.split("@")[0] for name in row.intermediate_runs]) for row in result.rows]
    assert found == [
        (None, []),
        (None, ["squad"]),
        (None, ["mnli"]),
        ("full", []),
        ("full", ["squad"]),
        ("full", ["mnli"]),
        ("MLM continuation", ["mlm"]),
        ("25% MLM mixed in", ["squad+mlm"]),
        ("25% MLM mixed in", ["mnli+mlm"]),
        ("translate-train of the intermediate task", ["squad"]),
        ("translate-train of the intermediate task", ["mnli"]),
        ("translate-train of the target task", []),
        ("multi-task", ["squad+mnli"]),
        ("longer target", []),
        ("untrained adapter", ["squad"]),
    ]
    table = transfer_tables(result)
    for row in result.rows:
        assert row.variant is None or f" {row.variant}: " in table
    assert "full: no intermediate task" in table and row.cost["target"].flops > 0


@pytest.mark.slow
def test_stilts_and_full_fine_tuning_differ_in_the_method_and_its_settings(result: TransferResult) -> None:
    for ours, theirs in zip(rows(result, None), rows(result, "full"), strict=True):
        (target, sources), (full, full_sources) = runs_of(ours), runs_of(theirs)
        assert full.method == MethodSpec(name="full")
        expected = {"method", "method_config", "settings", *(["composition", "inputs"] if sources else [])}
        assert differing(target, full) <= expected and differing(target, full) >= {"method", "method_config"}
        assert full.composition == Choice(name="continue" if sources else "none")
        for one, other in zip(sources, full_sources, strict=True):
            assert differing(one, other) <= {"method", "method_config", "settings"}
            assert other.settings.epochs == one.settings.epochs == 2 and other.seed == one.seed == 7


@pytest.mark.slow
def test_intermediate_baselines_change_their_data_alone(result: TransferResult) -> None:
    _, squad, mnli = rows(result, None)
    (spec,), (second,) = runs_of(squad)[1], runs_of(mnli)[1]
    for variant, changed in (
        ("MLM continuation", {"tasks"}),
        ("25% MLM mixed in", {"tasks", "sampling"}),
        ("translate-train of the intermediate task", {"tasks"}),
        ("multi-task", {"tasks", "sampling"}),
    ):
        row = rows(result, variant)[0]
        target, (other,) = runs_of(row)
        assert differing(spec, other) == changed, variant
        assert differing(runs_of(squad)[0], target) == {"inputs"}, variant
        if variant == "MLM continuation":
            assert other.only.kind == "masked_lm" and other.only.data.languages == ("en", "de", "zh")
            assert other.only.data.max_examples == spec.only.data.max_examples == 32
        elif variant.endswith("mixed in"):
            assert other.tasks[0] == spec.only and other.tasks[1].data.languages == ("en", "de", "zh")
            assert other.sampling == Sampling(added={"mlm": 0.25})
        elif variant == "multi-task":
            assert other.tasks == (spec.only, second.only)
        else:
            ours, theirs = other.only, spec.only
            assert ours.data.languages == ("en", "de", "zh") and theirs.data.languages == ("en",)
            assert ours.model_copy(update={"data": theirs.data}) == theirs
            without = {"translations": {}, "translated_only": False}
            assert ours.data.model_copy(update=without) == theirs.data


def metrics_of(row: TransferRow) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The metrics of a row's target phase and of its intermediate runs."""
    assert row.trained is not None
    by_key = {run.key: run.metrics for run in RunStore(row.trained.parent).runs()}
    return Run(row.trained).metrics, [by_key[key] for key in row.intermediate_runs.values()]


@pytest.mark.slow
def test_controls_tell_what_is_learned_from_time_and_from_weights(result: TransferResult) -> None:
    none, squad, _ = rows(result, None)
    (longer,), (untrained,) = rows(result, "longer target"), rows(result, "untrained adapter")
    assert differing(runs_of(none)[0], runs_of(longer)[0]) == {"budget"}
    target, (intermediate,) = metrics_of(squad)
    assert metrics_of(longer)[0]["steps"] == target["steps"] + intermediate["steps"] > target["steps"]
    assert differing(runs_of(squad)[1][0], runs_of(untrained)[1][0]) == {"settings"}
    assert differing(runs_of(squad)[0], runs_of(untrained)[0]) == {"inputs"}
    found = metrics_of(untrained)[1][0]
    assert found["steps"] == found["tokens_seen"] == found["flops"] == 0 and found["best_score"] >= 0
    assert metrics_of(untrained)[0]["steps"] == target["steps"]
    notes = " ".join(transfer_tables(result).split())
    assert "Tokens trained on, both phases: " in notes and " (no intermediate task) to " in notes


@pytest.mark.slow
@pytest.mark.parametrize(("match", "metric"), [("steps", "steps"), ("compute", "tokens_seen")])
def test_baselines_can_be_trained_as_long(
    match: str, metric: str, result: TransferResult, options: dict[str, Any]
) -> None:
    squad = rows(result, None)[1]
    found = adapterstilts.transfer(
        list(squad.intermediate_runs), "mlqa", compare=("mlm", "translate-target"), match=match,
        languages=("en", "de", "zh"), max_eval_examples=8, **options,
    )  # fmt: skip
    none, own = rows(found, None)
    assert own.trained == squad.trained  # what the others are compared with is as it was
    target, (intermediate,) = (metrics_of(own)[0], metrics_of(own)[1])
    whole = target[metric] + intermediate[metric]
    (mlm,), (translated,) = (rows(found, name) for name in ("MLM continuation", "translate-train of the target task"))
    # As many tokens as are full batches.
    batch = 0 if match == "steps" else 8 * 128
    for mine, wanted in (
        (metrics_of(none)[0][metric], whole),
        (metrics_of(translated)[0][metric], whole),
        (metrics_of(mlm)[1][0][metric], intermediate[metric]),
        (metrics_of(mlm)[0][metric], target[metric]),
    ):
        assert wanted <= mine <= wanted + batch, (mine, wanted)


@pytest.mark.slow
def test_translate_train_of_the_target_changes_its_data_alone(result: TransferResult) -> None:
    (none,), (translated,) = rows(result, None)[:1], rows(result, "translate-train of the target task")
    plain, other = runs_of(none)[0], runs_of(translated)[0]
    assert differing(plain, other) == {"tasks"} and other.only.data.languages == ("en", "de", "zh")
    assert other.only.data.model_copy(update={"translations": {}}) == plain.only.data


@pytest.mark.slow
def test_gains_are_measured_against_the_row_without_intermediate_task_of_the_same_method(
    result: TransferResult,
) -> None:
    baselines = {None: rows(result, None)[0], "full": rows(result, "full")[0]}
    for row in result.rows:
        baseline = baselines["full" if row.variant == "full" else None]
        if row is baseline:
            assert not row.difference
        else:
            assert row.zero_shot and baseline.zero_shot
            expected = row.zero_shot["f1"] - baseline.zero_shot["f1"]
            assert row.difference["f1"].mean == pytest.approx(expected)


@pytest.mark.slow
def test_the_same_command_again_trains_nothing(result: TransferResult, options: dict[str, Any]) -> None:
    before = {run.folder.name for run in RunStore(options["store"]).runs()}
    again = adapterstilts.transfer(
        [f"{name}" for row in rows(result, None) for name in row.intermediate_runs], "mlqa", compare=("mlm", "full"),
        languages=("en", "de", "zh"), max_eval_examples=8, **options,
    )  # fmt: skip
    assert {run.folder.name for run in RunStore(options["store"]).runs()} == before
    assert [row.variant for row in again.rows] == [None] * 3 + ["full"] * 3 + ["MLM continuation"]


@pytest.mark.slow
def test_text_is_bounded_by_the_rows_of_the_task_that_it_replaces(
    tiny_backbone: Path, releases: Path, tmp_path: Path
) -> None:
    """A Wikipedia has a thousand times the rows of most tasks."""
    shutil.copytree(releases, tmp_path / "data")
    (tmp_path / "data/mlm").mkdir()
    for code in ("en", "de"):
        documents = [f"{row['context']}\n" for row in span_qa(split="train", language=code, size=2000)]
        (tmp_path / f"data/mlm/{code}.txt").write_text("".join(dict.fromkeys(documents)), encoding="utf-8")
    given = {"profile": "mini", "backbone": str(tiny_backbone), "data_dir": tmp_path / "data"}
    options = {**QUICK, **given, "store": tmp_path / "store"}
    trained = adapterstilts.train_intermediate("squad", **options)
    found = adapterstilts.transfer("squad", "xquad", compare=("mlm",), languages=("en", "de"), **options)
    _, (text,) = runs_of(rows(found, "MLM continuation")[0])
    assert text.only.data.max_examples == Run(trained.folder).metrics["train_examples"] < 200
    assert list(text.only.data.languages) == ["en", "de"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("sources", "changed", "message"),
    [
        (["squad"], {"compare": ("mlmm",)}, "Unknown baseline 'mlmm'. Did you mean 'mlm'"),
        (["none"], {"compare": ("mlm",)}, "needs an intermediate task to compare"),
        (["squad"], {"compare": ("multi-task",)}, "needs several tasks"),
        (["squad", "mnli"], {"compare": ("mlm",), "composition": "fuse"}, "no meaning with --composition fuse"),
        (["squad"], {"compare": ("mlm",), "baseline": False}, "no meaning with --no-baseline"),
        (["squad"], {"compare": ("mlm",), "head": "reuse"}, "no meaning with --head reuse"),
        (["squad"], {"compare": ("mlm",), "compare_languages": ("dd",)}, "Unknown language 'dd'"),
        (["squad"], {"compare": ("all",), "train_languages": ("en", "de")}, "no meaning with --train-languages"),
        (["none"], {"match": "steps"}, "--match needs an intermediate task to be as long as"),
        (["squad"], {"mlm_rate": 0.2}, "--mlm-rate has no meaning without --compare"),
        (
            ["squad"],
            {"compare": ("mlm",), "compare_languages": ("ja",)},
            "--compare mlm: .*no training data: train rows of mlm in 'ja'.* Or name the others in --compare, without",
        ),
    ],
)
def test_what_cannot_be_compared_is_refused(
    sources: list[str], changed: dict[str, Any], message: str, result: TransferResult, options: dict[str, Any]
) -> None:
    named = [
        next((name for row in result.rows[1:3] for name in row.intermediate_runs if name.startswith(one)), one)
        for one in sources
    ]
    with pytest.raises(AstiltsError, match=message):
        adapterstilts.transfer(named, "mlqa", languages=("en", "de"), **options, **changed)
