"""Multiple choice: which of several texts goes with a context and a question."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from adapterstilts.metrics import METRICS, submission
from adapterstilts.settings import Encoding, validate
from adapterstilts.tasks.defaults import SAME, STILL, KindDefaults, most_common
from adapterstilts.tasks.kind import KINDS, HeadSpec, PoolingOptions, Row, Scores, paired
from adapterstilts.tasks.labels import HIDDEN
from adapterstilts.tasks.observations import Observed, Observes, one_of
from adapterstilts.tasks.translation import Into


class ChoiceOptions(PoolingOptions):
    """What the model reads beside the row's own texts.

    Attributes:
        prompts: A row's `question` to the text that stands for it, for data sets whose questions are key words.
    """

    prompts: dict[str, str] = {}


@KINDS.register("multiple_choice")
class MultipleChoice(KindDefaults):
    """Scores `<s> context question </s></s> choice </s>` for each choice; a row may have any number of them.

    All choices of a row are one feature, because the softmax is over them.
    """

    name = "multiple_choice"
    usual_metric = "accuracy"
    options: ChoiceOptions
    metrics: Mapping[str, str] = MappingProxyType({"accuracy": "accuracy"})
    encoding_fields = ("max_length", "separator")
    untranslatable = None
    unscorable_in_translation = None
    translated_columns = ("context", "question", "choices")

    def __init__(self, options: dict[str, Any]) -> None:
        self.options = validate(ChoiceOptions, options, where="options of multiple_choice")

    @staticmethod
    def features() -> Any:
        """id, context, question, choices[], label (position of the right choice), language; as `datasets.Features`."""
        from datasets import Features, List, Value

        text = Value("string")
        return Features(
            {
                "id": text,
                "context": text,
                "question": text,
                "choices": List(text),
                "label": Value("int32"),
                "language": text,
            }
        )

    def head(self) -> HeadSpec:
        """A score for each choice."""
        return HeadSpec("choice", outputs=1, options=self.options.head_options())

    def unlabelled(self, row: Row) -> bool:
        """No label is -1."""
        return row["label"] == -1

    def stand_in(self, rows: Sequence[Row]) -> str | None:
        """The first choice."""
        return "labels are the first choice" if all(row["label"] == 0 for row in rows) else None

    def without_gold(self, row: Row) -> dict[str, Any]:
        """Without its label."""
        return {**row, "label": -1}

    def check(self, row: Row) -> None:
        """Refuses rows with fewer than two choices, or whose label is not one of them."""
        if len(row["choices"]) < 2:
            raise ValueError(f"there are {len(row['choices'])} choices, and a choice needs at least 2")
        if self.unlabelled(row):
            raise ValueError(HIDDEN)
        if not 0 <= row["label"] < len(row["choices"]):
            raise ValueError(f"the label {row['label']} is not the position of one of {len(row['choices'])} choices")

    def group(self, row: Row) -> str:
        """Rows about the same context, or about the same question where there is no context."""
        return row["context"] or row["question"]

    def translate(self, row: Row, into: Into) -> dict[str, Any]:
        """All texts but questions that are key words, which stand for a prompt; see `Kind.translate`."""
        key = row["question"] in self.options.prompts
        return {
            "context": into.text(row["context"]),
            "question": row["question"] if key else into.text(row["question"]),
            "choices": [into.text(choice) for choice in row["choices"]],
        }

    def encode(
        self,
        rows: Mapping[str, list],
        indices: Sequence[int],
        *,
        tokenizer: Any,
        encoding: Encoding,
        labels: bool,
    ) -> dict[str, list]:
        """One feature per row, its `input_ids` a list of sequences, one for each choice; see `Kind.encode`."""
        questions = [self.options.prompts.get(question, question) for question in rows["question"]]
        before = [" ".join(part for part in pair if part) for pair in zip(rows["context"], questions, strict=True)]
        counts = [len(choices) for choices in rows["choices"]]
        found = tokenizer(
            [text for text, count in zip(before, counts, strict=True) for _ in range(count)],
            [encoding.separator + choice for choices in rows["choices"] for choice in choices],
            # The longer one is cut, which is the context unless a choice is longer than half of the input.
            truncation="longest_first",
            max_length=encoding.max_length,
        )
        ends = np.cumsum(counts).tolist()
        features: dict[str, list] = {
            name: [values[end - count : end] for count, end in zip(counts, ends, strict=True)]
            for name, values in found.items()
            if name != "attention_mask"
        }
        features["row"] = list(indices)
        if labels:
            features["label"] = rows["label"]
        return features

    @property
    def observes(self) -> Observes:
        """One choice is the right one."""
        return "choices"

    def observed(self, feature: Row) -> Observed:
        """The vector of each choice."""
        return Observed(one_of(feature["label"], len(feature["input_ids"]))[:, None])

    def decode(
        self,
        rows: Sequence[Row],
        features: Sequence[Row],
        logits: Sequence[np.ndarray],
        calibration: Mapping[str, float],
    ) -> dict[str, int]:
        """The position of the best-scoring choice; see `Kind.decode`."""
        found = {}
        for feature, scores in zip(features, logits, strict=True):
            row = rows[feature["row"]]
            found[row["id"]] = int(np.argmax(scores[: len(row["choices"])]))
        return found

    def score(self, predictions: Mapping[str, int], rows: Sequence[Row], *, metric: str, language: str) -> Scores:
        """Accuracy in percent; see `Kind.score`."""
        ids = [row["id"] for row in rows]
        given = paired(predictions, ids, what="question", language=language)
        gold = [str(row["label"]) for row in rows]
        result = METRICS.get(metric).score(map(str, given), gold, language=language)
        items = {id_: {"accuracy": value} for id_, value in zip(ids, result.pop("items"), strict=True)}
        return Scores(metrics=result, items=items, counts={"distinct_predictions": len(set(given))})

    def collapse(
        self,
        rows: Sequence[Row],
        features: Sequence[Row],
        logits: Sequence[np.ndarray],
        answers: Mapping[str, Any],
    ) -> str | None:
        """Equal scores for all choices, or one position for all rows; see `Kind.collapse`."""
        counts = [len(rows[feature["row"]]["choices"]) for feature in features]
        if all(np.ptp(scores[:count]) <= STILL for count, scores in zip(counts, logits, strict=True)):
            return "the same score to every choice"
        different = len({row["label"] for row in rows}) > 1
        return SAME if different and len(set(answers.values())) == 1 else None

    def constant(self, rows: Sequence[Row]) -> dict[str, Any]:
        """The position that is right most often."""
        return dict.fromkeys((row["id"] for row in rows), most_common(row["label"] for row in rows))

    def main_score(self, metrics: Mapping[str, float]) -> float:
        """Accuracy."""
        return metrics["accuracy"]

    def write_predictions(self, predictions: Mapping[str, int], path: Path) -> None:
        """Writes the position of one choice per line."""
        submission.write_lines(map(str, predictions.values()), path)

    def read_predictions(self, path: Path, ids: Sequence[str]) -> dict[str, int]:
        """Reads the position of one choice per line."""
        return dict(zip(ids, map(int, submission.read_lines(path)), strict=True))

    def write_labels(self, rows: Sequence[Row], path: Path) -> None:
        """Writes the position of the right choice of each row."""
        submission.write_lines((str(row["label"]) for row in rows), path)
