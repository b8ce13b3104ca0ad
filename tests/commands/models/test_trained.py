from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import adapterstilts
from adapterstilts.commands.models.trained import TrainedModel
from adapterstilts.commands.options import TrainedModelOptions, read_options
from adapterstilts.errors import AstiltsError
from adapterstilts.runs.store import RunStore


def found(reference: str, **options: Any) -> TrainedModel:
    return TrainedModel.of(reference, read_options(TrainedModelOptions, options), lambda note: None)


def test_a_run_is_named_by_task_key_or_folder(answering: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    run = next(run for run in RunStore(answering["store"]).runs() if run.spec.task == "squad")
    monkeypatch.chdir(answering["store"].parent)
    names = ("squad", f"squad@{run.short_key}", run.short_key, run.folder.name, f"store/{run.folder.name}")
    for text in (*names, str(run.folder)):
        assert found(text, **answering).run.key == run.key
    model = found("squad", **answering)
    assert (model.task.name, model.head, model.kind.name, model.has_source) == ("squad", "squad", "span_qa", True)


def test_a_model_that_is_not_there_is_said(answering: dict[str, Any], tmp_path: Path) -> None:
    for text, message in (
        ("0123456789", "No run '0123456789'"),
        (str(tmp_path / "no"), "is not a folder"),
    ):
        with pytest.raises(AstiltsError, match=message):
            found(text, **answering)
    with pytest.raises(AstiltsError, match="'mnli'.*head|head.*'mnli'"):
        found("squad", task="mnli", **answering)


def test_near_runs_are_named_where_there_is_none(answering: dict[str, Any]) -> None:
    run = next(run for run in RunStore(answering["store"]).runs() if run.spec.task == "squad")
    for text in ("sqaud@1a2b", "squat", "squad@zzzz", f"{run.name[:-4]}0000"):
        with pytest.raises(AstiltsError, match=rf"No run '{text}'.*Did you mean .*{run.name}'"):
            found(text, **answering)
    with pytest.raises(AstiltsError) as error:
        found("tickets@1a2b", **answering)
    assert "Did you mean" not in str(error.value)


def test_another_backbone_is_refused(answering: dict[str, Any], other_backbone: Path) -> None:
    with pytest.raises(AstiltsError, match="trained on another backbone"):
        found("squad", backbone=str(other_backbone), **answering)


def test_a_model_of_several_tasks_has_one_head_chosen(suite: dict[str, Any]) -> None:
    adapterstilts.train_intermediate(["mnli", "qqp"], **suite)
    with pytest.raises(AstiltsError, match="2 heads: mnli, qqp.*--task"):
        found("mnli+qqp", store=suite["store"])
    assert found("mnli+qqp", store=suite["store"], task="qqp").kind.head().outputs == 2


def test_another_librarys_model_needs_to_be_told_its_task(tiny_backbone: Path, tmp_path: Path) -> None:
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    folder = tmp_path / "foreign"
    model = AutoModelForSequenceClassification.from_pretrained(tiny_backbone, num_labels=3)
    model.save_pretrained(folder)
    AutoTokenizer.from_pretrained(tiny_backbone).save_pretrained(folder)
    given: dict[str, Any] = {"store": tmp_path / "store", "backbone": str(tiny_backbone), "base_differs": True}
    with pytest.raises(AstiltsError, match=r"classification, 3 outputs.*--task"):
        found(str(folder), **given)
    with pytest.raises(AstiltsError, match="--task qqp needs a head"):
        found(str(folder), task="qqp", **given)
    assert found(str(folder), task="mnli", **given).kind.name == "pair_classification"


def test_an_adapter_without_head_is_said_to_have_none(tiny_backbone: Path, tmp_path: Path) -> None:
    import peft
    from transformers import AutoModel

    config = peft.LoraConfig(target_modules=["query", "value"])
    peft.get_peft_model(AutoModel.from_pretrained(tiny_backbone), config).save_pretrained(tmp_path / "alone")
    with pytest.raises(AstiltsError, match="has no head"):
        found(str(tmp_path / "alone"), store=tmp_path / "store", backbone=str(tiny_backbone), base_differs=True)
