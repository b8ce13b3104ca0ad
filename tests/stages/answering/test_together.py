"""Models that answer together: their own answers, in batches that they share where they can."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from adapterstilts.commands.models.answering import make_ready
from adapterstilts.commands.models.trained import TrainedModel
from adapterstilts.commands.options import LoadOptions, read_options
from adapterstilts.data.input_rows import input_features
from adapterstilts.mini.generators.span_qa import span_qa
from adapterstilts.stages.answering.answerer import Answerer
from adapterstilts.stages.answering.together import Together


def answerer(reference: str, store: Path) -> Answerer:
    options = read_options(LoadOptions, {"store": store, "calibrate": False})
    return make_ready(TrainedModel.of(reference, options, lambda note: None), options, lambda note: None).answerer


def rows(count: int, language: str = "de") -> dict[str, list[dict[str, Any]]]:
    found = span_qa(split="test", language=language, size=count)
    texts = [{"id": str(number), "language": language, "first": row["context"], "second": row["question"]}
             for number, row in enumerate(found)]  # fmt: skip
    return {
        "mnli": [{"id": one["id"], "language": language, "text_a": one["first"].split(".")[0], "text_b": one["second"]}
                 for one in texts],
        "squad": [{"id": one["id"], "language": language, "context": one["first"], "question": one["second"]}
                  for one in texts],
        "siqa": [{"id": one["id"], "language": language, "context": one["first"], "question": one["second"],
                  "choices": ["Yes.", one["second"], "Nobody."]} for one in texts],
    }  # fmt: skip


@pytest.fixture(scope="module")
def together(tmp_path_factory: pytest.TempPathFactory, trained: dict[str, Any]) -> Together:
    found = Together()
    for name, store in (("mnli", None), ("squad", trained["store"]), ("siqa", None)):
        one = answerer(name, store or tmp_path_factory.mktemp("store"))
        found.add(name, one, list(input_features(one.kind)))
    return found


def test_each_model_says_what_it_says_alone(together: Together) -> None:
    german, chinese = rows(6), rows(3, "zh")
    asked = [("siqa", german["siqa"]), ("mnli", german["mnli"]), ("squad", german["squad"]), ("mnli", []),
             ("mnli", chinese["mnli"]), ("siqa", chinese["siqa"][:1])]  # fmt: skip
    answers = together.answer(asked)
    assert [len(one.results) for one in answers] == [6, 6, 6, 0, 3, 1]
    for (name, given), found in zip(asked, answers, strict=True):
        alone = [together.answerers[name].answer([row])[0] for row in given]
        assert found.results == alone and found.cut == []
    assert together.answer([]) == []


def test_models_on_one_backbone_share_batches(together: Together, monkeypatch: pytest.MonkeyPatch) -> None:
    assert together.sharing("mnli") == ["siqa"] and together.sharing("squad") == []
    widths: list[tuple[int, int]] = []
    run = together._run

    def counted(batch: Any) -> Any:
        widths.append((len({one.model for one in batch}), len(batch)))
        return run(batch)

    monkeypatch.setattr(together, "_run", counted)
    given = rows(4)
    short = [{**row, "text_a": "Ann.", "text_b": "Bob."} for row in given["mnli"]]
    choices = [{**row, "context": "Ann.", "question": "", "choices": ["Ann.", "Bob."]} for row in given["siqa"]]
    together.answer([("mnli", short), ("siqa", choices)])
    assert widths == [(2, 8)]


def test_what_is_cut_is_told_by_row(together: Together) -> None:
    (short,) = rows(1)["mnli"]
    long = {**short, "text_a": short["text_a"] * 60}
    (found, other) = together.answer([("mnli", [short, long, short]), ("mnli", [long])])
    assert found.cut == [1] and other.cut == [0]
