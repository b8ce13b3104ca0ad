"""From zero to few shots: stages of every kind, method and composition, what they leak, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from safetensors.torch import load_file

import adapterstilts
from adapterstilts.cli.main import astilts
from adapterstilts.commands.options import TransferOptions, read_options
from adapterstilts.commands.plan import TO_EVALUATE, TO_TRAIN
from adapterstilts.commands.push import trained_run
from adapterstilts.commands.results import TransferResult
from adapterstilts.commands.transfer import plan_transfer
from adapterstilts.data.bad_rows import BadRows
from adapterstilts.data.shots import draw_shots, rows_to_draw_from
from adapterstilts.data.sources.mini import MiniRows
from adapterstilts.errors import AstiltsError, UsageError
from adapterstilts.reporting.studies.records import study_records
from adapterstilts.reporting.transfer import transfer_tables
from adapterstilts.runs.store import Run, RunStore
from adapterstilts.studies.results import FewShotCell, StudyResult
from tests.commands.conftest import FEW, SHOWN, FewShots
from tests.package_tasks import recipe

ONE = {"shots": 3, "draws": 1, "shot_epochs": 1, "max_eval_examples": 8}


def test_each_row_has_each_size_and_draw_as_runs_of_their_own(few_shots: FewShots) -> None:
    assert [(row.zero_shot_row, row.language, row.shots, row.of) for row in few_shots.result.few_shots] == [
        (str(row.named), "de", shots, 200) for row in few_shots.result.rows for shots in (3, 6)
    ]
    draws = [one for row in few_shots.result.few_shots for one in row.draws]
    assert [(one.seed, one.draw) for one in draws] == 4 * [(42, 1), (42, 2)]
    assert len({one.trained for one in draws}) == len({one.folder for one in draws}) == 8
    for row in few_shots.result.few_shots:
        zero = next(one for one in few_shots.result.rows if str(one.named) == row.zero_shot_row)
        for one in row.draws:
            run = Run(one.trained).check()
            assert run.spec.stage == "few-shot" and run.training.inputs == (Run(zero.trained).key,)
            assert run.metrics["train_examples"] == row.shots and run.metrics["validation_examples"] == 0
            assert run.metrics["best_score"] is None and run.metrics["steps"] == 2
            assert run.metrics["calibration"] == Run(zero.trained).metrics["calibration"]
            assert Run(one.folder).evaluation.languages == ("de",)
        assert row.zero_shot == zero.languages["de"] and row.scores["examples"] == 16


def test_programs_get_them_after_the_zero_shot_rows(few_shots: FewShots) -> None:
    records = few_shots.result.records()
    own = [one for one in records if one["shots"]]
    assert len({tuple(one) for one in records}) == 1 and records[-len(own) :] == own
    for row in few_shots.result.few_shots:
        for metric in row.metric_labels:
            (one,) = (
                one
                for one in own
                if (one["row"], one["shots"], one["metric"]) == (row.zero_shot_row, row.shots, metric)
            )
            assert (one["language"], one["value"], one["spread"]) == ("de", row.scores[metric], row.spread[metric])
            assert (one["difference"], one["against"]) == (row.difference[metric].mean, row.zero_shot_row)
    drawn = [one for one in few_shots.result.records(seeds=True) if one["shots"] == 3 and one["metric"] == "f1"]
    scores = [one.scores["f1"] for row in few_shots.of(3) for one in row.draws]
    assert [(one["seed"], one["draw"]) for one in drawn] == 2 * [(42, 1), (42, 2)]
    assert [one["value"] for one in drawn] == scores
    assert "shots" not in TransferResult(few_shots.result.rows).records()[0]


def test_records_of_a_study_have_them_too(few_shots: FewShots) -> None:
    cells = [FewShotCell({"method": "seq_bn"}, row) for row in few_shots.result.few_shots]
    study = StudyResult("few", "Few", "", "How many?", {"method": ["seq_bn"]}, [], [], "", few_shots=cells)
    records = study_records(study)
    assert {(one["from"], one["to"], one["method"]) for one in records} == {
        ("none", "mlqa", "seq_bn"), ("squad", "mlqa", "seq_bn")
    }  # fmt: skip
    of = {one.folder: one.scores["f1"] for cell in cells for one in cell.row.draws}
    found = {Path(one["folder"]): one["value"] for one in records if one["metric"] == "f1" and one["draw"]}
    assert found == of


def test_the_zero_shot_rows_are_what_they_are_without_shots(few_shots: FewShots) -> None:
    alone = adapterstilts.transfer("squad", "mlqa", **few_shots.options)
    assert alone.rows == few_shots.result.rows and alone.few_shots == []


def test_no_drawn_row_is_scored_and_fewer_are_among_more(few_shots: FewShots) -> None:
    task, source = recipe("mlqa"), MiniRows()
    pool, _ = rows_to_draw_from(source, task, "train", "de", BadRows(skip=False), apart_from=("test",))
    scored = source.load(task, "test", "de", BadRows(skip=False))
    contexts = set(scored["context"])
    ids: dict[tuple[int, int], set[str]] = {}
    for row in few_shots.result.few_shots:
        for one in row.draws:
            rows = draw_shots(pool, one.shots.count, one.draw)
            assert len(rows) == row.shots and not contexts.intersection(rows["context"])
            ids[row.shots, one.draw] = set(rows["id"])
    assert ids[3, 1] < ids[6, 1] and ids[3, 2] < ids[6, 2] and ids[6, 1] != ids[6, 2]


def test_only_what_the_target_phase_trained_is_trained_further(few_shots: FewShots) -> None:
    (row,) = [row for row in few_shots.of(6) if row.intermediate != "none"]
    zero = next(one for one in few_shots.result.rows if one.intermediate == row.intermediate)
    before, after = (load_file(folder / "weights.safetensors") for folder in (zero.trained, row.draws[0].trained))
    assert before.keys() == after.keys()
    changed = {name for name in before if not before[name].equal(after[name])}
    assert any(".adapters.mlqa." in name for name in changed) and any(name.startswith("heads.") for name in changed)
    assert not any(".adapters.squad." in name for name in changed)


def test_a_repeated_command_is_answered_from_the_store(few_shots: FewShots, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = adapterstilts.plan(adapterstilts.transfer, "squad", "mlqa", **FEW, **few_shots.options)
    assert plan.to_train == plan.to_evaluate == 0
    more = {**FEW, "shots": "de=3,6,9"}
    plan = adapterstilts.plan(adapterstilts.transfer, "squad", "mlqa", **more, **few_shots.options)
    states = [(one.stage, one.label) for one in plan.stages if one.state in (TO_TRAIN, TO_EVALUATE)]
    assert states == 2 * [("few-shot", "mlqa-de-9-draw1"), ("evaluate", "mlqa"), ("few-shot", "mlqa-de-9-draw2"),
                          ("evaluate", "mlqa")]  # fmt: skip
    monkeypatch.setattr("adapterstilts.data.shots.rows_to_draw_from", None)  # nothing is read again
    again = adapterstilts.transfer("squad", "mlqa", **FEW, **few_shots.options)
    assert again.few_shots == few_shots.result.few_shots


@pytest.mark.slow
@pytest.mark.parametrize("task", ["xnli", "xcopa", "udpos"])
def test_every_kind_that_has_labels(suite: dict[str, Any], task: str) -> None:
    language = "zh" if task == "xcopa" else "de"
    found = adapterstilts.transfer("none", task, languages=(language,), **ONE, **suite)
    (row,) = found.few_shots
    assert (row.task, row.language, row.shots) == (task, language, 3) and row.scores.keys() == row.zero_shot.keys()
    assert row.draws[0].shots.split == ("validation" if task == "xcopa" else "train")
    assert row.difference["score"].mean is not None


@pytest.mark.slow(but=3)
@pytest.mark.parametrize(
    ("intermediate", "options"),
    [
        ("squad,ccg", {"composition": "fuse"}),
        ("squad,ccg", {"composition": "fuse[target=one-step]"}),
        ("squad,ccg", {"composition": "average"}),
        ("squad,ccg", {"composition": "merge"}),
        ("squad", {"composition": "continue"}),
        ("none", {"method": "full"}),
        ("none", {"method": "head"}),
        ("none", {"method": "bitfit"}),
        ("none", {"method": "peft:lora"}),
        ("none", {"method": "lora"}),
        ("none", {"method": "prefix_tuning"}),
        ("none", {"method": "seq_bn", "unfreeze_backbone": True}),
    ],
)
def test_compositions_and_methods(mini: dict[str, Any], intermediate: str, options: dict[str, Any]) -> None:
    given = {**mini, **ONE, "shot_learning_rate": 0.05, "languages": ("en", "de"), "baseline": False, **options}
    found = adapterstilts.transfer(intermediate, "xquad", **given)
    (zero,), (row,) = found.rows, found.few_shots
    before, after = (Run(folder) for folder in (zero.trained, row.draws[0].trained))
    assert before.metrics["parameters"] == after.metrics["parameters"]
    weights = [load_file(run.folder / "weights.safetensors") for run in (before, after)]
    assert weights[0].keys() == weights[1].keys()
    assert any(not weights[0][name].equal(weights[1][name]) for name in weights[0])


def test_a_stacked_peft_method(mini: dict[str, Any], tmp_path: Path) -> None:
    options = {**mini, "store": tmp_path, "method": "peft:lora"}
    adapterstilts.train_intermediate("squad", **options)
    (row,) = adapterstilts.transfer(
        "squad", "xquad", languages=("en", "de"), baseline=False, **ONE, **options
    ).few_shots
    assert row.composition == "stack by merging" and row.draws[0].trained.is_dir()


@pytest.mark.slow
def test_rows_of_ones_own(mini: dict[str, Any], tmp_path: Path) -> None:
    lines = [
        {"frage": row["question"], "text": row["context"], "antwort": row["answers"]}
        for row in MiniRows().load(recipe("mlqa"), "train", "de", BadRows(skip=False)).select(range(9))
    ]
    path = tmp_path / "mehr.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    given = {**mini, **SHOWN, "shot_epochs": 1, "question": "frage", "context": "text", "answers": "antwort"}
    (row,) = adapterstilts.transfer("none", "mlqa", train_more={"de": path}, **given).few_shots
    assert (row.shots, row.of, len(row.draws), row.where) == (9, 9, 1, str(path))
    assert str(row.draws[0].shots) == "9 labelled German rows of a file" and row.spread == {}
    (few,) = adapterstilts.transfer("none", "mlqa", train_more=f"de={path}", shots="de=4", draws=2, **given).few_shots
    assert (few.shots, few.of, len(few.draws)) == (4, 9, 2)


def test_a_target_from_a_file_goes_on_with_rows_of_a_file(tmp_path: Path, suite: dict[str, Any]) -> None:
    texts = [f"the {noun} is {'here' if number % 2 else 'there'} {number}" for number in range(40) for noun in ("dog",)]
    lines = [f"{text},{'yes' if number % 2 else 'no'}\n" for number, text in enumerate(texts)]
    for name, part in (("sayings", lines[:24]), ("test-de", lines[24:34]), ("more-de", lines[34:])):
        (tmp_path / f"{name}.csv").write_text("words,answer\n" + "".join(part))
    target = str(tmp_path / "sayings.csv")
    given = {**suite, "text": "words", "label": "answer", "test": f"de={tmp_path}/test-de.csv", "shot_epochs": 1}
    with pytest.raises(UsageError, match=r"no labelled German rows in the files source .*--train-more de=FILE"):
        adapterstilts.transfer("none", target, shots=5, **given)
    (row,) = adapterstilts.transfer("none", target, train_more=f"de={tmp_path}/more-de.csv", **given).few_shots
    assert (row.shots, row.language, row.scores["examples"]) == (6, "de", 10)


@pytest.mark.parametrize(
    ("targets", "given", "message"),
    [
        ("mlqa", {"shots": "en=5"}, "--shots en: English is what the target phase is trained in"),
        ("mlqa", {"shots": "ru=5"}, "--shots ru: Russian is not scored"),
        ("mlqa", {"shots": "gr=5"}, "Unknown language 'gr'"),
        ("mlqa", {"shots": 5, "languages": "en"}, "no language but English is scored"),
        ("mlqa", {"shots": "de=201"}, "has 200 labelled German rows to draw from. Give at most 200"),
        ("mlqa", {"draws": 2}, "--draws 2 has no meaning without --shots"),
        ("mlqa", {"shot_epochs": 2}, "--shot-epochs 2 has no meaning without --shots"),
        ("mlqa", {"train_more": "de=nowhere.csv"}, "--train-more de=nowhere.csv is not a file"),
        ("mlqa", {"train_more": f"de={__file__}", "draws": 2}, "--draws 2 has no meaning for --train-more alone"),
        ("mlqa,xquad", {"train_more": f"de={__file__}"}, "--train-more has rows of one target, and there are 2"),
        ("mlqa", {"train_more": f"de={__file__}"}, "Give the file the suffix of its format"),
        ("mlqa", {"shots": 5, "language_adapters": True}, "--shots and --language-adapters do not go together"),
        ("mlqa", {"shots": 5, "translate_test": "mini"}, "--shots and --translate-test do not go together"),
        ("tatoeba", {"shots": 5}, "tatoeba is retrieval, and nothing is trained for it"),
        ("lareqa", {"shots": 5}, "lareqa is retrieval, and it is trained on pairs of texts"),
    ],
)
def test_what_cannot_be_done_is_refused(
    suite: dict[str, Any], targets: str, given: dict[str, Any], message: str
) -> None:
    given = {**suite, **given} if targets == "mlqa" or "," in targets else {
        **{name: suite[name] for name in ("profile", "backbone", "store")}, **given
    }  # fmt: skip
    with pytest.raises(AstiltsError, match=message):
        adapterstilts.plan(adapterstilts.transfer, "none", targets, **given)


def test_of_several_targets_those_have_shots_that_are_scored_in_the_language(suite: dict[str, Any]) -> None:
    """MLQA has no Swahili rows in the suite, and XNLI has some."""
    said: list[str] = []
    options = read_options(TransferOptions, {**suite, "shots": "sw=3", "draws": 1, "max_eval_examples": 8})
    planned = plan_transfer(["none"], ["mlqa", "xnli"], options, note=said.append)
    assert [[one.language for one in table.few_shots] for table in planned.tables] == [[], ["sw"]]
    assert "mlqa without shots in Swahili: it is not scored there" in said
    for shots, message in {
        "sw=3": "--shots sw: Swahili is not scored",
        "fi=3": "--shots fi: Finnish is not scored",
    }.items():
        none = options.model_copy(update={"shots": {shots[:2]: (3,)}})
        with pytest.raises(UsageError, match=message):
            plan_transfer(["none"], ["mlqa", "xquad"] if shots == "sw=3" else ["mlqa", "xnli"], none)


@pytest.mark.parametrize(("target", "split"), [("xquad", "test"), ("mlqa", "validation")])
def test_releases_without_other_labelled_rows_are_refused(quick: dict[str, Any], target: str, split: str) -> None:
    with pytest.raises(UsageError, match=rf"{target} has no labelled German rows in the files source beside those of "
                                         rf"its {split} split, which are scored\. .*--train-more de=FILE"):  # fmt: skip
        adapterstilts.plan(adapterstilts.transfer, "none", target, languages=("en", "de"), shots=5, **quick)


def test_an_intermediate_run_is_none_with_shots(few_shots: FewShots) -> None:
    """Nor is one taken in place of the zero-shot model where a task is named."""
    store = RunStore(few_shots.options["store"])
    shots = Run(few_shots.of(3)[0].draws[0].trained)
    with pytest.raises(UsageError, match="mlqa .MLQA. is not a task for the intermediate phase"):
        adapterstilts.transfer(f"mlqa@{shots.key}", "xquad", **few_shots.options)
    with pytest.raises(UsageError, match=r"has \d models of mlqa") as error:
        trained_run(store, "mlqa")
    assert "few-shot" not in str(error.value)
    assert trained_run(store, f"mlqa@{shots.short_key}").key == shots.key


def test_shared_models_and_their_cards_say_it(few_shots: FewShots, tmp_path: Path) -> None:
    shots = Run(few_shots.of(3)[0].draws[0].trained)
    folder = tmp_path / "model"
    adapterstilts.pull(shots.key, folder, store=few_shots.options["store"])
    card = (folder / "README.md").read_text()
    assert (
        "MLQA (generated rows of the embedded suite) in English, and then on 3 labelled German rows (draw 1, from 200)"
        in card
    )
    assert "**Not zero-shot in German**: it was trained on 3 labelled German rows" in card
    given = {**few_shots.options, "store": tmp_path / "store"}
    found = adapterstilts.transfer(str(folder), "xquad", **given)
    (seen,) = found.rows[1].intermediate_shots.values()
    assert [str(one) for one in seen] == ["3 labelled German rows (draw 1, from 200)"]
    text = transfer_tables(found)
    assert "zero-shot mean" not in text and "so that in German it is not zero-shot" in text


@pytest.mark.slow
def test_what_is_begun_with_such_a_model_is_not_zero_shot_either(few_shots: FewShots, tmp_path: Path) -> None:
    """Nor is what is begun with that, in a store that has neither of the models before it."""
    shots, said = Run(few_shots.of(3)[0].draws[0].trained), "3 labelled German rows (draw 1, from 200)"
    adapterstilts.pull(shots.key, tmp_path / "first", store=few_shots.options["store"])
    given = {**few_shots.options, "baseline": False}
    here, there = {**given, "store": tmp_path / "here"}, {**given, "store": tmp_path / "there"}
    (row,) = adapterstilts.transfer(str(tmp_path / "first"), "xquad", **here).rows
    run = CliRunner().invoke
    listed = run(astilts, ["runs", "--store", str(here["store"])]).output
    (line,) = [one for one in listed.splitlines() if f"@{Run(row.folder).short_key}" in one]
    assert " few-shot " in line and "zero-shot" not in line
    for folder in (row.trained, row.folder):
        shown = run(astilts, ["runs", "show", str(folder), "--store", str(here["store"])]).output
        assert f"not_zero_shot: trained on {said}" in shown
    adapterstilts.pull(Run(row.trained).key, tmp_path / "second", store=here["store"])
    assert f"**Not zero-shot in German**: it was trained on {said}" in (tmp_path / "second" / "README.md").read_text()
    (again,) = adapterstilts.transfer(str(tmp_path / "second"), "mlqa", **there).rows
    (seen,) = again.intermediate_shots.values()
    assert [str(one) for one in seen] == [said]
    adapterstilts.pull(Run(again.trained).key, tmp_path / "third", store=there["store"])
    assert said in (tmp_path / "third" / "README.md").read_text()
    told = json.loads((tmp_path / "third" / "astilts.json").read_text())
    assert [one["stage"] for one in told["begun_with"]] == ["train-target", "few-shot", "train-target"]


def test_the_commands_about_runs_say_it(few_shots: FewShots, tmp_path: Path) -> None:
    draw = few_shots.of(3)[0].draws[0]
    shots, evaluated, store = Run(draw.trained), Run(draw.folder), str(few_shots.options["store"])
    run = CliRunner().invoke
    listed = run(astilts, ["runs", "--store", store]).output
    assert f"mlqa-de-3-draw1@{shots.short_key}" in listed
    line = next(one for one in listed.splitlines() if f"@{evaluated.short_key}" in one)
    assert " few-shot " in line and "zero-shot" not in line
    for one in (shots, evaluated):
        shown = run(astilts, ["runs", "show", one.short_key, "--store", store]).output
        assert "not_zero_shot: trained on 3 labelled German rows (draw 1, from 200)" in shown
    (tmp_path / "in.jsonl").write_text('{"question": "wer ?", "context": "anna ist hier ."}\n')
    words = ["predict", shots.short_key, "--input", str(tmp_path / "in.jsonl"), "--language", "de", "--store", store]
    assert "its answers in German are not zero-shot" in run(astilts, words).output
