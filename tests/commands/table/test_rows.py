"""Which rows a transfer has and what they are picked or averaged from: all sources, selection, seeds, compositions."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from statistics import mean, stdev
from typing import Any

import pytest

import adapterstilts
from adapterstilts.commands.results import ORACLE, SELECTED, TransferResult, to_json
from adapterstilts.errors import UsageError
from adapterstilts.files import file_digest
from adapterstilts.metrics import METRICS
from adapterstilts.metrics.statistics import computed_anew
from adapterstilts.reporting.transfer import transfer_tables
from adapterstilts.runs.content import entry_of
from adapterstilts.runs.specs import TrainSpec
from adapterstilts.runs.store import Run, RunStore
from adapterstilts.stages.reporter import Silent

SHOWN = {"languages": ("en", "de", "zh"), "max_eval_examples": 16}


def knowing(mini: dict[str, Any]) -> dict[str, Any]:
    """Options with the suite's own backbone and adapter, with which rows answer differently, and not by chance."""
    return {**SHOWN, **{name: value for name, value in mini.items() if name != "backbone"}}


def spec_of(folder: Path) -> TrainSpec:
    spec = Run(folder).spec
    assert isinstance(spec, TrainSpec)
    return spec


def intermediate(options: dict[str, Any]) -> dict[str, Run]:
    runs = [run for run in RunStore(options["store"]).runs() if run.spec.stage == "train-intermediate"]
    return {run.spec.task: run for run in runs if run.training.seed == 42}


def stages(options: dict[str, Any]) -> int:
    return len(RunStore(options["store"]).runs())


@pytest.mark.slow
def test_all_is_every_intermediate_task_with_a_run(mini: dict[str, Any]) -> None:
    runs = intermediate(mini)
    rows = adapterstilts.transfer("all", "xquad", **SHOWN, **mini).rows
    labels = [f"{task}@{runs[task].short_key}" for task in ("ccg", "squad")]
    assert [row.intermediate for row in rows] == ["none", *labels]
    assert [row.intermediate_runs for row in rows[1:]] == [
        {label: runs[task].key} for label, task in zip(labels, ("ccg", "squad"), strict=True)
    ]
    named = adapterstilts.transfer([labels[1], "all"], "xquad", **SHOWN, **mini).rows
    assert [row.intermediate for row in named] == ["none", labels[1], labels[0]]


def test_all_without_any_run_names_the_command(mini: dict[str, Any], other_backbone: Path) -> None:
    before = stages(mini)
    options = {**mini, **SHOWN, "backbone": str(other_backbone)}
    with pytest.raises(UsageError, match=r"--from all: .* has no intermediate run with method .*Train one first: "
                                         r"astilts train-intermediate TASK --profile mini"):  # fmt: skip
        adapterstilts.transfer("all", "xquad", **options)
    assert stages(mini) == before


@pytest.mark.slow
def test_all_refuses_a_task_with_several_runs(mini: dict[str, Any], tmp_path: Path) -> None:
    options = {**mini, "store": tmp_path}
    for seed in (1, 5):
        last = adapterstilts.train_intermediate("ccg", seed=seed, **options)
    with pytest.raises(
        UsageError, match=r"(?s)ccg has 2 intermediate runs, .*--from ccg@.*seed \d.*--from ccg@.*seed \d"
    ):
        adapterstilts.transfer("all", "xquad", **SHOWN, **options)
    chosen = f"ccg@{last.key[:12]}"
    rows = adapterstilts.transfer(["all", chosen], "xquad", **SHOWN, **options).rows
    assert [row.intermediate for row in rows] == ["none", chosen]
    with pytest.raises(UsageError, match=rf"The intermediate run {chosen} is given twice"):
        adapterstilts.transfer([chosen, f"ccg@{last.key[:20]}"], "xquad", **SHOWN, **options)


@pytest.mark.slow
def test_a_metric_that_is_no_mean_is_compared_by_its_statistic(
    mini: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    options = knowing(mini)
    before = adapterstilts.transfer("squad", "xquad", **options).rows
    highest = replace(METRICS.get("squad"), statistics={"f1": computed_anew(lambda items: float(items.max()))})
    monkeypatch.setitem(METRICS._own, "squad", highest)
    none, squad = adapterstilts.transfer("squad", "xquad", **options).rows
    assert squad.difference["exact_match"] == before[1].difference["exact_match"]

    def best(row: Any) -> float:
        scores = [json.loads((row.folder / f"scores/{code}.json").read_text())["items"] for code in ("de", "zh")]
        return mean(max(item["f1"] for item in items.values()) for items in scores)

    assert squad.difference["f1"].mean == pytest.approx(best(squad) - best(none)) != before[1].difference["f1"].mean


def test_rows_of_the_target_phase_are_counted(mini: dict[str, Any]) -> None:
    unselected = {name: value for name, value in mini.items() if name != "max_validation_examples"}
    selected = adapterstilts.transfer("none", "xquad", **SHOWN, **mini).rows
    last = adapterstilts.transfer("none", "xquad", validation_from="none", **SHOWN, **unselected).rows
    assert selected[0].examples == {"trained": 24, "selected": 16}
    assert "Target phase: 24 rows trained on, 16 to select by." in transfer_tables(TransferResult(selected))
    assert "Target phase: 24 rows trained on, the last checkpoint taken." in transfer_tables(TransferResult(last))
    assert adapterstilts.transfer("none", "tatoeba", languages=("de",), profile="mini", backbone=mini["backbone"],
                                  store=mini["store"]).rows[0].examples == {}  # fmt: skip


def test_runs_that_were_made_differently_are_said_to(mini: dict[str, Any]) -> None:
    rows = adapterstilts.transfer("squad", "xquad", **SHOWN, **mini).rows
    (where,) = {one for row in rows for one in row.made_on}
    assert "torch" in where and "threads" in where and "made differently" not in transfer_tables(TransferResult(rows))
    other = {where.replace("1 threads", "8 threads"): [str(rows[1].trained)]}
    noted = transfer_tables(TransferResult([rows[0], replace(rows[1], made_on=other)]))
    assert "Runs made differently" in noted and "1 with torch" in noted and "8 threads" in noted


def rewrite(run: Run, **changes: Any) -> None:
    """Changes a run's metrics as if it had been published with them."""
    path = run.folder / "metrics.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))
    manifest = json.loads((run.folder / "manifest.json").read_text())
    manifest["metrics.json"] = {"bytes": path.stat().st_size, "sha256": file_digest(path)}
    (run.folder / "manifest.json").write_text(json.dumps(manifest))


@pytest.mark.parametrize("best", [0, 1, 2])
def test_selection_reads_english_validation_and_the_oracle_the_scores(mini: dict[str, Any], best: int) -> None:
    """The runs' validation scores are set so that each row in turn is the best by them, whatever it scores."""
    rows = adapterstilts.transfer("all", "xquad", **SHOWN, **mini).rows
    for number, row in enumerate(rows):
        assert row.trained is not None
        assert row.validation == Run(row.trained).metrics["validation_all"]["score"]
        rewrite(Run(row.trained), validation_all={"score": 60.0 if number == best else 20.0 + number})
    # And the scores so that the last row is the best where it counts, or the first when that is selected.
    winner = 0 if best == 2 else 2
    for number, row in enumerate(rows):
        rewrite(Run(row.folder), zero_shot={**row.zero_shot, "score": 9.0 if number == winner else 1.0})
    result = adapterstilts.transfer("all", "xquad", select=True, **SHOWN, **mini)
    *own, selected, oracle = result.rows
    assert [row.intermediate for row in own] == [row.intermediate for row in rows] and not any(
        row.selection for row in own
    )
    assert (selected.selection, selected.intermediate) == (SELECTED, rows[best].intermediate)
    assert (oracle.selection, oracle.intermediate) == (ORACLE, rows[winner].intermediate)
    assert selected.intermediate != oracle.intermediate
    assert selected.difference == own[best].difference and selected.folder == own[best].folder
    assert bool(selected.difference) == (best > 0)
    printed = json.loads(to_json(result))["rows"]
    assert [(row["selection"], row["intermediate"]) for row in printed[3:]] == [
        ("selected", rows[best].intermediate),
        ("oracle (chosen on the scored split itself: an upper bound, not a result)", rows[winner].intermediate),
    ]
    text = transfer_tables(result)
    assert "\n oracle (chosen on the scored split itself: an upper bound, not a result) " in text
    assert f"  selected: {'no intermediate task' if best == 0 else rows[best].intermediate}" in text
    assert text.count(str(own[0].folder)) == 1


def test_without_scores_in_other_languages_there_is_no_oracle(mini: dict[str, Any]) -> None:
    options = {**mini, **SHOWN, "languages": ("en",)}
    result = adapterstilts.transfer("squad", "xquad", select=True, **options)
    assert [row.selection for row in result.rows] == [None, None, SELECTED]


def test_seeds_are_runs_of_their_own_and_rows_their_means(mini: dict[str, Any]) -> None:
    options = knowing(mini)
    one = adapterstilts.transfer("squad", "xquad", seed=8, **options)
    before = stages(mini)
    result = adapterstilts.transfer("squad", "xquad", seed=7, seeds=3, intermediate_seeds=1, **options)
    assert stages(mini) == before + 2 * 2 * 2  # two rows, two new seeds, training and evaluation
    for row, single in zip(result.rows, one.rows, strict=True):
        assert [seed.seed for seed in row.seeds] == [7, 8, 9]
        assert [spec_of(seed.trained).seed for seed in row.seeds if seed.trained] == [7, 8, 9]
        assert row.seeds[1] == single.seeds[0] and (row.folder, row.trained) == (
            row.seeds[0].folder,
            row.seeds[0].trained,
        )
        stored = [Run(seed.folder).metrics for seed in row.seeds]
        for group, found in (("english", row.english), ("zero_shot", row.zero_shot)):
            for metric in ("exact_match", "f1", "score"):
                values = [metrics[group][metric] for metrics in stored]
                assert found is not None and found[metric] == pytest.approx(mean(values))
                assert row.spread[group][metric] == pytest.approx(stdev(values))
        assert row.languages["de"]["f1"] == pytest.approx(mean(one["languages"]["de"]["f1"] for one in stored))
        assert row.languages["de"]["examples"] == 16
        scores = [Run(seed.trained).metrics["validation_all"]["score"] for seed in row.seeds if seed.trained]
        assert row.validation == pytest.approx(mean(scores))
        assert single.spread == {} and len(single.seeds) == 1
    none, squad = result.rows
    assert none.zero_shot and squad.zero_shot and squad.spread["zero_shot"]["f1"] > 0
    interval = squad.difference["f1"]
    assert interval.mean == pytest.approx(squad.zero_shot["f1"] - none.zero_shot["f1"])
    assert interval.low <= interval.mean <= interval.high
    assert interval != one.rows[1].difference["f1"]
    text = transfer_tables(result)
    assert "mean of 3 seeds ± standard deviation" in text
    assert "  In brackets: 95% interval over 3 seeds of one intermediate run and " in text
    assert f"{squad.zero_shot['f1']:.1f}±{squad.spread['zero_shot']['f1']:.1f}" in text
    assert all(f"seed {seed.seed}: {seed.folder}" in text for row in result.rows for seed in row.seeds)


@pytest.mark.slow
def test_both_phases_are_repeated(mini: dict[str, Any]) -> None:
    """Each model of a row has an intermediate run of its own; what is missing of these is trained, once."""
    first = intermediate(mini)["squad"]
    options = {**SHOWN, **mini, "languages": ("de", "zh"), "seed": 7, "seeds": 3}
    plan = adapterstilts.plan(adapterstilts.transfer, "squad", ["xquad", "tatoeba"], **options)
    fresh = [one for one in plan.stages if one.stage == "train-intermediate"]
    assert [(one.seed, one.label) for one in fresh] == [(seed, "squad") for seed in (42, 43, 44)]
    result = adapterstilts.transfer("squad", ["xquad", "tatoeba"], **options)
    by_key = {run.key: run for run in RunStore(mini["store"]).runs()}
    for none, squad in (result.rows[:2], result.rows[2:]):
        assert len(none.seeds) == (3 if none.trained else 1) and all(not one.intermediate_runs for one in none.seeds)
        runs = [by_key[key].training for one in squad.seeds for key in one.intermediate_runs.values()]
        assert runs == [first.training.model_copy(update={"seed": seed}) for seed in (42, 43, 44)]
        assert squad.seconds["intermediate"] == pytest.approx(
            sum(
                by_key[key].provenance["train_seconds"] for one in squad.seeds for key in one.intermediate_runs.values()
            )
        )
        assert squad.contrast and (squad.contrast.seeds, squad.contrast.scope) == (3, "models of other seeds")
        assert none.zero_shot and squad.zero_shot
        gain = squad.zero_shot["score"] - none.zero_shot["score"]
        assert squad.difference["score"].mean == pytest.approx(gain)
    xquad, tatoeba = result.rows[1], result.rows[3]
    for one, keys in zip(xquad.seeds, ([7, 42], [8, 43], [9, 44]), strict=True):
        spec = spec_of(Path(str(one.trained)))
        assert [one.seed, by_key[spec.inputs[0]].training.seed] == [spec.seed, keys[1]] == keys
    assert [one.seed for one in tatoeba.seeds] == [42, 43, 44] and result.rows[2].seeds[0].seed is None
    assert len({one.folder for one in tatoeba.seeds}) == 3
    text = transfer_tables(result)
    assert f", seed 43 from {next(iter(tatoeba.seeds[1].intermediate_runs))}: {tatoeba.seeds[1].folder}" in text
    assert "over 3 seeds and " in text and "mean of 3 seeds" in text
    before = stages(mini)
    again = adapterstilts.transfer("squad", ["xquad", "tatoeba"], **options)
    assert stages(mini) == before and again == result  # by its name it is the first that is meant


def test_what_cannot_be_repeated_is_refused(mini: dict[str, Any], tmp_path: Path, releases: Path) -> None:
    options = {**mini, "store": tmp_path, "data_dir": releases}
    last = adapterstilts.train_intermediate("squad", **options)
    options.pop("data_dir")
    with pytest.raises(UsageError, match=r"squad@\w+ has to be trained with seed 43 and 44 too, and the data of squad"):
        adapterstilts.transfer("squad", "xquad", seeds=3, **SHOWN, **options)
    plan = adapterstilts.plan(adapterstilts.transfer, "squad", "xquad", seeds=3, intermediate_seeds=1, **options)
    assert [one.key for one in plan.stages if one.stage == "train-intermediate"] == [last.key[:12]]


@pytest.mark.slow
def test_seeds_that_give_the_same_do_not_spread(mini: dict[str, Any]) -> None:
    """The files of one seed's evaluations in the place of another's."""
    result = adapterstilts.transfer("squad", "xquad", seed=8, seeds=2, intermediate_seeds=1, **SHOWN, **mini)
    for row in result.rows:
        first, second = (Run(seed.folder) for seed in row.seeds)
        for language in SHOWN["languages"]:
            copied = (first.folder / f"scores/{language}.json").read_bytes()
            (second.folder / f"scores/{language}.json").write_bytes(copied)
        rewrite(second, **{name: first.metrics[name] for name in ("languages", "english", "zero_shot")})
        manifest = json.loads((second.folder / "manifest.json").read_text())
        for name in manifest:
            manifest[name] = entry_of(second.folder / name).model_dump()
        (second.folder / "manifest.json").write_text(json.dumps(manifest))
    rows = adapterstilts.transfer("squad", "xquad", seed=8, seeds=2, intermediate_seeds=1, **SHOWN, **mini).rows
    (alone,) = adapterstilts.transfer("squad", "xquad", seed=8, **SHOWN, **mini).rows[1:]
    for row in rows:
        assert all(value == 0 for group in row.spread.values() for value in group.values())
        assert row.languages["de"]["f1"] == pytest.approx(Run(row.folder).metrics["languages"]["de"]["f1"])
    both, one = rows[1].difference["f1"], alone.difference["f1"]
    # Nothing differs between seeds, so the interval is that over paragraphs alone.
    assert (both.mean, both.low, both.high, both.p) == pytest.approx((one.mean, one.low, one.high, one.p))


def test_selection_with_seeds_is_by_the_mean(mini: dict[str, Any]) -> None:
    options = {**mini, **SHOWN, "seed": 8, "seeds": 2, "intermediate_seeds": 1}
    rows = adapterstilts.transfer("squad", "xquad", **options).rows
    for row, values in zip(rows, ((50.0, 10.0), (31.0, 31.0)), strict=True):
        for seed, value in zip(row.seeds, values, strict=True):
            assert seed.trained is not None
            rewrite(Run(seed.trained), validation_all={"score": value})
    *_, selected, _ = adapterstilts.transfer("squad", "xquad", select=True, **options).rows
    assert selected.intermediate == rows[1].intermediate and selected.validation == 31.0
    assert len(selected.seeds) == 2 and selected.spread == rows[1].spread


@pytest.mark.slow
@pytest.mark.parametrize("composition", ["fuse", "average[weights=0.75+0.25]", "merge[then=stack]"])
def test_several_sources_make_one_row(mini: dict[str, Any], composition: str) -> None:
    runs = intermediate(mini)
    result = adapterstilts.transfer(["squad", "ccg"], "xquad", composition=composition, **SHOWN, **mini)
    none, row = result.rows
    assert none.intermediate == "none" and none.intermediate_runs == {}
    assert row.intermediate == f"squad@{runs['squad'].short_key} + ccg@{runs['ccg'].short_key}"
    assert list(row.intermediate_runs.values()) == [runs["squad"].key, runs["ccg"].key]
    assert row.trained is not None
    spec = spec_of(row.trained)
    assert spec.inputs == (runs["squad"].key, runs["ccg"].key) and str(spec.composition) == row.composition
    assert row.composition in transfer_tables(result)
    assert row.seconds["intermediate"] == pytest.approx(sum(run.provenance["train_seconds"] for run in runs.values()))


def test_many_sources_are_written_below_the_table(mini: dict[str, Any]) -> None:
    result = adapterstilts.transfer(["squad", "ccg"], "xquad", composition="fuse", **SHOWN, **mini)
    row = replace(
        result.rows[1],
        intermediate_runs={**result.rows[1].intermediate_runs, "qqp@0": "0"},
        intermediate="squad@1 + ccg@2 + qqp@0",
    )
    lines = transfer_tables(adapterstilts.TransferResult([row])).splitlines()
    assert any(line.startswith(" 3 runs (fuse) ") for line in lines)
    assert "  3 runs (fuse): squad@1 + ccg@2 + qqp@0." in lines


def test_published_fusion_has_the_targets_own_adapter_too(mini: dict[str, Any]) -> None:
    none, row = adapterstilts.transfer("all", "xquad", composition="fuse[target=two-step]", **SHOWN, **mini).rows
    assert none.trained is not None and row.trained is not None
    runs = intermediate(mini)
    assert spec_of(row.trained).inputs == (runs["ccg"].key, runs["squad"].key, Run(none.trained).key)
    assert list(row.intermediate_runs.values()) == [runs["ccg"].key, runs["squad"].key]
    assert row.seconds["target"] > Run(row.trained).provenance["train_seconds"]


class Interrupting(Silent):
    """Stops when the vectors of the second language would be computed."""

    def track(self, batches: Iterable[Any], total: int, label: str) -> Iterable[Any]:
        if label == "lareqa de":
            raise KeyboardInterrupt
        return batches


@pytest.mark.slow
def test_vectors_that_were_kept_come_with_what_the_fusion_looked_at(mini: dict[str, Any], tmp_path: Path) -> None:
    shutil.copytree(mini["store"], tmp_path / "store")
    options = {**mini, "languages": ("en", "de"), "max_eval_examples": 4, "composition": "fuse", "baseline": False}
    (whole,) = adapterstilts.transfer(["squad", "ccg"], "lareqa", **options).rows
    options["store"] = tmp_path / "store"
    with pytest.raises(KeyboardInterrupt):
        adapterstilts.transfer(["squad", "ccg"], "lareqa", reporter=Interrupting(), **options)
    assert [path.name for path in options["store"].glob(".work/*/checkpoints/*.npy")] == ["vectors-en.npy"]
    (resumed,) = adapterstilts.transfer(["squad", "ccg"], "lareqa", **options).rows
    assert set(whole.fusion_attention) == {"en", "de"}
    assert whole.fusion_attention == resumed.fusion_attention


WRONG = [
    ({"select": True, "baseline": False}, "squad", "xquad", "--select has only one row to choose from"),
    ({"select": True, "composition": "fuse", "baseline": False}, "all", "xquad", "--select has only one row"),
    ({"select": True}, "squad", ["xquad", "tatoeba"], "--select: tatoeba is evaluated without training"),
    ({"seeds": 3}, "none", "bucc2018", "--seeds 3 has no meaning for bucc2018: nothing is trained here"),
    ({"intermediate_seeds": 3}, "none", "xquad", "--intermediate-seeds 3 has no meaning with --from none"),
    ({"intermediate_seeds": 2, "seeds": 3}, "squad", "xquad", "--intermediate-seeds 2 with --seeds 3"),
    ({"seeds": 0}, "squad", "xquad", "seeds: Input should be greater than or equal to 1"),
    (
        {"composition": "fuse"},
        "all",
        "tatoeba",
        "--composition fuse has no meaning for tatoeba: nothing is trained here",
    ),
    ({"composition": "fuse[target"}, "all", "xquad", r"--composition 'fuse\[target' cannot be read"),
    ({"composition": "fuse[targt=x]"}, "all", "xquad", "Did you mean 'target'"),
    ({"composition": "average[weights=1+2+3]"}, "all", "xquad", "3 weights for 2 sources"),
    ({"composition": "stack[a=1]"}, "squad", "xquad", "Composition 'stack' has no options"),
]


@pytest.mark.parametrize(("changes", "source", "target", "message"), WRONG)
def test_what_cannot_work_is_refused_before_anything_is_trained(
    mini: dict[str, Any], changes: dict[str, Any], source: str, target: Any, message: str
) -> None:
    before = stages(mini)
    with pytest.raises(UsageError, match=message):
        adapterstilts.transfer(source, target, **{**mini, **changes})
    assert stages(mini) == before
