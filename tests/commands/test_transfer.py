"""The whole way from an intermediate task to a table, on release files and a tiny random backbone."""

from __future__ import annotations

import gc
import json
from pathlib import Path
from typing import Any

import pytest
import torch

import adapterstilts
from adapterstilts.commands.score import score_folders
from adapterstilts.errors import CompatibilityError, UsageError
from adapterstilts.files import file_digest
from adapterstilts.metrics import METRICS
from adapterstilts.modeling.transfer_model import TransferModel
from adapterstilts.reporting.transfer import transfer_tables
from adapterstilts.runs.store import RunStore
from adapterstilts.stages.reporter import Silent

SEQ_BN = "seq_bn[reduction_factor=4]"


@pytest.fixture
def trained(quick: dict[str, Any]) -> dict[str, Any]:
    """Options with which an intermediate run of squad is in the store."""
    options = {**quick, "method": SEQ_BN}
    adapterstilts.train_intermediate("squad", **options)
    return options


def test_two_targets_share_one_training(trained: dict[str, Any]) -> None:
    result = adapterstilts.transfer("squad", ["xquad", "mlqa"], languages=("en", "de", "zh"), seeds=1, **trained)
    assert [(row.task, row.intermediate.split("@")[0]) for row in result.rows] == [
        ("xquad", "none"), ("xquad", "squad"), ("mlqa", "none"), ("mlqa", "squad"),
    ]  # fmt: skip
    assert result.rows[0].trained == result.rows[2].trained
    assert result.rows[1].trained == result.rows[3].trained != result.rows[0].trained
    assert [row.split for row in result.rows] == ["test", "test", "validation", "validation"]
    assert [row.composition for row in result.rows] == ["none", "stack", "none", "stack"]
    assert [row.shared_data for row in result.rows] == [[], ["squad"], [], ["squad"]]
    note = f"{result.rows[1].named}: intermediate and target phase are trained on the same data (squad)."
    assert transfer_tables(result).count(f"  {note}\n") == 2
    stages = [run.spec.stage for run in RunStore(trained["store"]).runs()]
    assert sorted(stages) == ["evaluate"] * 4 + ["train-intermediate"] + ["train-target"] * 2


def test_reported_numbers_are_those_of_the_written_predictions(trained: dict[str, Any]) -> None:
    result = adapterstilts.transfer("squad", "xquad", languages=("en", "de", "zh"), seeds=1, **trained)
    for row in result.rows:
        for language, metrics in row.languages.items():
            release = json.loads((trained["data_dir"] / f"xquad/xquad.{language}.json").read_text(encoding="utf-8"))
            questions = [qa for paragraph in release["data"][0]["paragraphs"] for qa in paragraph["qas"]]
            written = json.loads((row.folder / f"predictions/xquad/test-{language}.json").read_text(encoding="utf-8"))
            assert written == row.predictions(language)
            scores = METRICS.get("squad").load(language).compute(
                predictions=[{"id": qa["id"], "prediction_text": written[qa["id"]]} for qa in questions],
                references=[
                    {"id": qa["id"], "answers": {
                        "text": [answer["text"] for answer in qa["answers"]],
                        "answer_start": [answer["answer_start"] for answer in qa["answers"]]}}
                    for qa in questions
                ],
            )  # fmt: skip
            assert metrics["f1"] == pytest.approx(scores["f1"]) and metrics["examples"] == 24
            scored = json.loads((row.folder / f"scores/{language}.json").read_text(encoding="utf-8"))
            paragraphs = [[qa["id"] for qa in paragraph["qas"]] for paragraph in release["data"][0]["paragraphs"]]
            assert scored["groups"] == {id_: ids[0] for ids in paragraphs for id_ in ids}
        mean = (row.languages["de"]["f1"] + row.languages["zh"]["f1"]) / 2
        assert row.zero_shot is not None and row.zero_shot["f1"] == pytest.approx(mean)
        assert row.english is not None and row.english["f1"] == row.languages["en"]["f1"]
    none, stack = result.rows
    assert none.zero_shot and stack.zero_shot and not none.difference
    interval = stack.difference["f1"]
    assert interval.mean == pytest.approx(stack.zero_shot["f1"] - none.zero_shot["f1"])
    assert interval.low <= interval.mean <= interval.high


@pytest.mark.slow
def test_table_shows_every_row_language_and_folder(trained: dict[str, Any]) -> None:
    result = adapterstilts.transfer("squad", "xquad", languages=("en", "de", "zh"), seeds=1, **trained)
    text = transfer_tables(result)
    for row in result.rows:
        assert str(row.folder) in text
        for language in ("de", "zh"):
            assert f"{row.languages[language]['exact_match']:.1f}/{row.languages[language]['f1']:.1f}" in text
    assert "no intermediate task" in text and result.rows[1].intermediate in text and "95% interval" in text


def test_the_same_command_answers_from_the_store_and_force_does_not(trained: dict[str, Any]) -> None:
    class Notes(Silent):
        def __init__(self) -> None:
            self.lines: list[str] = []
            self.steps = 0

        def note(self, message: str) -> None:
            self.lines.append(message)

        def trained(self, stage: str, step: int, steps: int, logged: dict[str, float]) -> None:
            self.steps += 1

        def track(self, batches: Any, total: int, label: str) -> Any:
            return batches

    options = {**trained, "languages": ("en", "de")}
    first = adapterstilts.transfer("squad", "xquad", seeds=1, **options)
    again = Notes()
    second = adapterstilts.transfer("squad", "xquad", reporter=again, seeds=1, **options)
    assert second == first
    assert again.steps == 0 and len([line for line in again.lines if "already in the store" in line]) == 4
    forced = Notes()
    third = adapterstilts.transfer("squad", "xquad", reporter=forced, force=True, seeds=1, **options)
    assert forced.steps > 0
    assert [row.languages for row in third.rows] == [row.languages for row in first.rows]


@pytest.mark.slow
def test_full_fine_tuning_continues(quick: dict[str, Any]) -> None:
    options = {**quick, "method": "full", "eval_steps": 9}
    adapterstilts.train_intermediate("squad", **options)
    none, full = adapterstilts.transfer("squad", "xquad", languages=("en", "de"), seeds=1, **options).rows
    assert (none.composition, full.composition) == ("none", "continue")
    assert full.parameters["trained"] == full.parameters["total"]


def test_more_languages_do_not_train_again(trained: dict[str, Any]) -> None:
    few = adapterstilts.transfer("none", "xquad", languages=("en", "de"), seeds=1, **trained).rows[0]
    more = adapterstilts.transfer("none", "xquad", languages=("en", "de", "ru"), seeds=1, **trained).rows[0]
    assert more.trained == few.trained and more.folder != few.folder
    assert more.languages["de"] == few.languages["de"]


@pytest.mark.slow
def test_source_is_named_by_key_when_there_are_several(trained: dict[str, Any]) -> None:
    second = adapterstilts.train_intermediate("squad", seed=7, **trained)
    with pytest.raises(UsageError, match=r"(?s)squad has 2 intermediate runs, .*--from squad@.*--from squad@"):
        adapterstilts.transfer("squad", "xquad", languages=("en",), seeds=1, **trained)
    rows = adapterstilts.transfer(f"squad@{second.key[:12]}", "xquad", languages=("en",), seeds=1, **trained).rows
    assert rows[1].intermediate == f"squad@{second.key[:12]}"
    assert rows[1].zero_shot is None and rows[1].difference == {}  # English alone says nothing about transfer


def test_source_on_another_backbone_is_refused_before_training(trained: dict[str, Any], other_backbone: Path) -> None:
    (run,) = RunStore(trained["store"]).runs()
    options = {**trained, "backbone": str(other_backbone), "languages": ("en",)}
    with pytest.raises(CompatibilityError, match="was trained on another backbone"):
        adapterstilts.transfer(f"squad@{run.short_key}", "xquad", seeds=1, **options)
    with pytest.raises(UsageError, match="has no intermediate run of squad .* Others there: squad@"):
        adapterstilts.transfer("squad", "xquad", seeds=1, **options)
    assert len(RunStore(trained["store"]).runs()) == 1


@pytest.mark.slow
@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"composition": "none"}, "takes 0 intermediate runs, not 1"),
        ({"composition": "continue", "method": "seq_bn[reduction_factor=8]"}, "cannot be continued with"),
        ({"method": "full", "composition": "stack"}, "Method 'full' cannot be used with composition 'stack'"),
        ({"stride": 95}, "skips tokens"),
    ],
)
def test_what_cannot_work_is_refused_before_the_baseline_is_trained(
    trained: dict[str, Any], changes: dict[str, Any], message: str
) -> None:
    (run,) = RunStore(trained["store"]).runs()
    options = {**trained, "languages": ("en",), **changes}
    with pytest.raises((CompatibilityError, UsageError), match=message):
        adapterstilts.transfer(f"squad@{run.short_key}", "xquad", seeds=1, **options)
    assert len(RunStore(trained["store"]).runs()) == 1


def test_head_of_another_form_is_refused_before_training(trained: dict[str, Any]) -> None:
    (run,) = RunStore(trained["store"]).runs()
    description = json.loads((run.folder / "model.json").read_text())
    description["heads"]["squad"]["outputs"] = 3
    (run.folder / "model.json").write_text(json.dumps(description))
    manifest = json.loads((run.folder / "manifest.json").read_text())
    manifest["model.json"] = {
        "bytes": (run.folder / "model.json").stat().st_size,
        "sha256": file_digest(run.folder / "model.json"),
    }
    (run.folder / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(CompatibilityError, match="--head reuse"):
        adapterstilts.transfer("squad", "xquad", head="reuse", languages=("en",), seeds=1, **trained)
    assert len(RunStore(trained["store"]).runs()) == 1


def test_options_that_mean_the_same_have_the_same_key(quick: dict[str, Any]) -> None:
    keys = {
        adapterstilts.train_intermediate("squad", method=method, **quick).key
        for method in ("seq_bn", "seq_bn[reduction_factor=16]")
    }
    assert len(keys) == 1


@pytest.mark.slow
def test_baseline_comes_first(trained: dict[str, Any]) -> None:
    rows = adapterstilts.transfer(["squad", "none"], "xquad", languages=("en", "de"), seeds=1, **trained).rows
    assert [bool(row.difference) for row in rows] == [False, True] and rows[0].intermediate == "none"


def test_damaged_features_are_made_again(trained: dict[str, Any]) -> None:
    for path in (trained["store"] / ".cache/features").glob("*/*.arrow"):
        path.write_bytes(path.read_bytes()[:100])
    assert adapterstilts.train_intermediate("squad", seed=9, **trained).steps > 0


def test_missing_language_files_stop_before_training(trained: dict[str, Any]) -> None:
    with pytest.raises(Exception, match=r"xquad.ar.json.*--languages en,de,es,ru,zh"):
        adapterstilts.transfer("squad", "xquad", seeds=1, **trained)
    assert len(RunStore(trained["store"]).runs()) == 1


def test_bad_rows_stop_or_are_counted(quick: dict[str, Any], tmp_path: Path) -> None:
    source = quick["data_dir"] / "squad/train-v1.1.json"
    document = json.loads(source.read_text(encoding="utf-8"))
    document["data"][0]["paragraphs"][0]["qas"][0]["answers"][0]["answer_start"] += 1
    path = tmp_path / "broken/squad/train-v1.1.json"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps(document), encoding="utf-8")
    options = {**quick, "data_dir": tmp_path / "broken"}
    with pytest.raises(Exception, match=r"train-v1.1.json: .*row .* is not at offset .*--skip-bad-rows"):
        adapterstilts.train_intermediate("squad", **options)
    notes = Notes()
    result = adapterstilts.train_intermediate("squad", skip_bad_rows=True, reporter=notes, **options)
    provenance = json.loads((result.folder / "provenance.json").read_text())
    assert sum(provenance["rows_left_out"].values()) == 1
    reason = "the answer 'village' is not at offset 39, where the context has 'illage.'"
    assert f"{result.folder.name}: left out 1 malformed record: 1 where {reason}" in notes.found


def test_tokenised_data_are_reused(trained: dict[str, Any]) -> None:
    cache = trained["store"] / ".cache/features"
    before = {path.name: path.stat().st_mtime_ns for path in cache.iterdir()}
    adapterstilts.train_intermediate("squad", seed=5, **trained)
    assert {path.name: path.stat().st_mtime_ns for path in cache.iterdir()} == before


def test_a_stage_leaves_no_model_in_memory(quick: dict[str, Any]) -> None:
    """The next stage loads its own beside it, which on a GPU would need twice the memory."""
    for method in ("full", "seq_bn[reduction_factor=4]"):
        adapterstilts.transfer("none", "xquad", languages=("en",), method=method, seeds=1, **quick)
        left = [type(one).__name__ for one in gc.get_objects() if type(one) in (TransferModel, torch.optim.AdamW)]
        assert left == []


def test_names_are_given_as_on_the_command_line_too(quick: dict[str, Any]) -> None:
    (row,) = adapterstilts.transfer("none", "xquad", languages="en,de", seeds=1, **quick).rows
    assert list(row.languages) == ["en", "de"] and row.predictions("de")
    with pytest.raises(UsageError, match=r"Unknown language 'fr'. Choose from: de, en\."):
        row.predictions("fr")
    with pytest.raises(UsageError, match=r"is the folder of an evaluation. Score what is in it: astilts score "):
        score_folders(row.folder, row.folder)


class Notes(Silent):
    def __init__(self) -> None:
        self.found: list[str] = []

    def note(self, message: str) -> None:
        self.found.append(message)
