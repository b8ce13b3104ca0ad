"""Classification of one text or two: a label, several labels or a number for each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from adapterstilts.metrics import METRICS, Metric
from adapterstilts.settings import Encoding, validate
from adapterstilts.tasks.answer_forms import FORMS, AnswerForm
from adapterstilts.tasks.classification_options import MAIN, PairOptions
from adapterstilts.tasks.defaults import SAME, KindDefaults, most_common
from adapterstilts.tasks.kind import KINDS, OF, HeadSpec, Row, Scores, paired
from adapterstilts.tasks.label_guessing import LabelGuess, guess_labels
from adapterstilts.tasks.labels import HIDDEN, label_order
from adapterstilts.tasks.observations import Observed, Observes
from adapterstilts.tasks.translation import Into

# Of numbers, the share of the targets' standard deviation within which all of them are one.
_STILL = 1e-3


@KINDS.register("pair_classification")
class PairClassification(KindDefaults):
    """An answer for `<s> text_a </s></s> text_b </s>`, of which the longer text is cut where both do not fit.

    With `one_text` it is one for `<s> text_a </s>`. What an answer is, is the form's: see `answer_forms`.
    """

    name = "pair_classification"
    options: PairOptions
    untranslatable = None
    unscorable_in_translation = None

    def __init__(self, options: dict[str, Any]) -> None:
        self.options = validate(PairOptions, options, where="options of pair_classification")
        self._form: AnswerForm = FORMS[self.options.answers](self.options)

    @property
    def usual_metric(self) -> str:
        """Accuracy of labels; where something else counts, the metric that has all values."""
        return "classification" if self.options.main in ("f1_macro", "f1_micro") else self._form.usual_metric

    @property
    def metrics(self) -> Mapping[str, str]:
        """All values of such answers, the main one last."""
        main = self._main(self._form.shown)
        return dict(sorted(self._form.shown.items(), key=lambda one: one[0] == main))

    @property
    def averaged(self) -> bool:
        """A squared error is not in percent."""
        return self.options.main != "mse"

    @property
    def encoding_fields(self) -> tuple[str, ...]:
        """One text has nothing to be separated from."""
        return ("max_length",) if self.options.one_text else ("max_length", "separator")

    @property
    def translated_columns(self) -> tuple[str, ...]:
        """The texts."""
        return ("text_a",) if self.options.one_text else ("text_a", "text_b")

    @staticmethod
    def features() -> Any:
        """id, text_a, text_b, label (its name), language; as `datasets.Features`."""
        from datasets import Features, Value

        return Features({name: Value("string") for name in ("id", "text_a", "text_b", "label", "language")})

    @classmethod
    def columns(cls, options: Mapping[str, Any]) -> Any:
        """As `features`; `text_b` only where there are two texts, a list in `label` where there are several.

        Where the options name categories, `categories` lists those of each row.
        """
        from datasets import Features, List, Value

        names = [name for name in cls.features() if name != "text_b" or not options.get("one_text")]
        several = bool(options.get("multi_label"))
        text = Value("string")
        names += ["categories"] if options.get("categories") else []
        listed = {"categories", *(["label"] if several else [])}
        return Features({name: List(text) if name in listed else text for name in names})

    @classmethod
    def guess_labels(cls, values: Sequence[Any], told: Mapping[str, Any]) -> LabelGuess | None:
        """Several labels, or numbers; see `label_guessing`."""
        return guess_labels(values, told)

    @classmethod
    def starting_options(cls, rows: Iterable[Row], told: Mapping[str, Any]) -> dict[str, Any]:
        """The labels that occur, and whether there is no second text."""
        labels: set[str] = set()
        second = False
        for row in rows:
            labels.update(row["label"] if told.get("multi_label") else (row["label"],))
            second = second or bool(row.get("text_b", "").strip())
        found: dict[str, Any] = {} if told.get("regression") else {"labels": list(label_order(labels - {""}))}
        return found if second else {**found, "one_text": True}

    @property
    def collects(self) -> bool:
        """The mean and standard deviation of targets that are numbers."""
        return self.options.regression and (self.options.mean is None or self.options.sd is None)

    def collect(self, rows: Iterable[Row]) -> dict[str, Any]:
        """Those of the rows."""
        numbers = np.array([self._form.gold(row["label"]) for row in rows])
        return {"mean": float(numbers.mean()), "sd": float(numbers.std())}

    def head(self) -> HeadSpec:
        """A score for each label, or a number."""
        return HeadSpec(self._form.head, outputs=self._form.outputs, options=self.options.head_options())

    def check_metric(self, metric: Metric) -> None:
        """Refuses metrics of other answers, and those without the value that counts."""
        if metric.answers not in (None, self.options.answers):
            fitting = [one.name for one in METRICS if one.answers == self.options.answers]
            raise ValueError(
                f"the metric {metric.name!r} scores a {metric.answers} each, and these rows have a "
                f"{self.options.answers} each, which are scored by {', '.join(fitting)}"
            )
        if metric.gives and self.options.main and self.options.main not in metric.gives:
            raise ValueError(
                f"main is {self.options.main!r}, which the metric {metric.name!r} does not give; "
                f"{self.usual_metric!r} does"
            )

    def unlabelled(self, row: Row) -> bool:
        """No label is an empty one."""
        return row["label"] == self._form.hidden

    def stand_in(self, rows: Sequence[Row]) -> str | None:
        """The first label; of several labels none, and of numbers any."""
        first = rows[0]["label"]
        stands = self._form.may_stand_in(first) and all(row["label"] == first for row in rows)
        return f"labels are {first!r}" if stands else None

    def without_gold(self, row: Row) -> dict[str, Any]:
        """Without its label."""
        return {**row, "label": self._form.hidden}

    def check(self, row: Row) -> None:
        """Refuses labels that the recipe does not have, and a single text that is empty."""
        if self.unlabelled(row):
            raise ValueError(HIDDEN)
        self._form.check(row["label"])
        if odd := [name for name in row.get("categories", ()) if name not in self.options.categories]:
            raise ValueError(f"{odd[0]!r} is not one of the categories {', '.join(self.options.categories)}")
        if self.options.one_text and not row["text_a"].strip():
            raise ValueError("its text is empty")

    def check_training(self, rows: Mapping[str, Iterable[Any]]) -> None:
        """Refuses rows that all have the same label."""
        self._form.check_together(rows["label"])

    def group(self, row: Row) -> str:
        """Pairs with the same first text: data sets have several hypotheses for one premise."""
        return row["text_a"]

    def translate(self, row: Row, into: Into) -> dict[str, Any]:
        """All texts; see `Kind.translate`."""
        return {name: into.text(row[name]) for name in self.translated_columns}

    def encode(
        self,
        rows: Mapping[str, list],
        indices: Sequence[int],
        *,
        tokenizer: Any,
        encoding: Encoding,
        labels: bool,
    ) -> dict[str, list]:
        """One feature per row, for training with what its head learns: see `Kind.encode`, and `AnswerForm.targets`."""
        texts = [rows["text_a"]]
        if not self.options.one_text:
            texts.append([encoding.separator + text for text in rows["text_b"]])
        found = tokenizer(*texts, truncation="longest_first", max_length=encoding.max_length)
        features: dict[str, list] = {**found, "row": list(indices)}
        features.pop("attention_mask", None)
        return features | (self._form.targets(rows["label"]) if labels else {})

    @property
    def observes(self) -> Observes:
        """A text has a label; several of them are numbers as a measurement is one."""
        return "classes" if self.options.answers == "label" else "numbers"

    def observed(self, feature: Row) -> Observed:
        """The vector of the text or pair."""
        return Observed(self._form.observed(feature)[None])

    def calibrate(self, rows: Sequence[Row], features: Sequence[Row], logits: Sequence[np.ndarray]) -> dict[str, float]:
        """The threshold of several labels; see `Kind.calibrate`."""
        labels = [rows[feature["row"]]["label"] for feature in features]
        return self._form.calibrate(labels, np.stack(logits), self._main(self._form.shown)) if labels else {}

    def decode(
        self,
        rows: Sequence[Row],
        features: Sequence[Row],
        logits: Sequence[np.ndarray],
        calibration: Mapping[str, float],
    ) -> dict[str, Any]:
        """What each row's scores say; see `Kind.decode`."""
        return {
            rows[feature["row"]]["id"]: self._form.decode(scores, calibration)
            for feature, scores in zip(features, logits, strict=True)
        }

    def score(self, predictions: Mapping[str, Any], rows: Sequence[Row], *, metric: str, language: str) -> Scores:
        """The values of the metric, and what became of every class; see `Kind.score`."""
        ids = [row["id"] for row in rows]
        given = paired(predictions, ids, what="text" if self.options.one_text else "pair", language=language)
        golds = [self._form.gold(row["label"]) for row in rows]
        result = METRICS.get(metric).score(given, golds, language=language)
        parts = result.pop("items")
        main = self._main(result)
        items = [dict(part) if isinstance(part, Mapping) else {main: part} for part in parts]
        result |= self._of_categories(rows, items, main)
        # A model that has collapsed scores the share of one label, which can look like a result.
        distinct = len(set(map(str, given)))
        return Scores(
            metrics=result,
            items=dict(zip(ids, items, strict=True)),
            counts={"distinct_predictions": distinct},
            by_class=self._form.by_class(given, golds),
        )

    def _of_categories(self, rows: Sequence[Row], items: Sequence[dict[str, Any]], main: str) -> dict[str, float]:
        """The mean over the rows of each category that there are, whose parts are added to the items."""
        found = {}
        for name in self.options.categories:
            members = [float(name in row["categories"]) for row in rows]
            if not any(members):
                continue
            value = f"{main}{OF}{name}"
            for item, member in zip(items, members, strict=True):
                item[value] = (item[main] * member, member)
            found[value] = sum(item[value][0] for item in items) / sum(members)
        return found

    def collapse(
        self,
        rows: Sequence[Row],
        features: Sequence[Row],
        logits: Sequence[np.ndarray],
        answers: Mapping[str, Any],
    ) -> str | None:
        """Equal answers, or numbers that hardly differ; see `Kind.collapse`."""
        if len({str(row["label"]) for row in rows}) < 2:
            return None
        if self.options.answers == "number":
            spread = float(np.ptp(np.array(list(answers.values()), dtype=float)))
            return SAME if spread <= _STILL * (self.options.sd or 1.0) else None
        return SAME if len(set(map(str, answers.values()))) == 1 else None

    def constant(self, rows: Sequence[Row]) -> dict[str, Any] | None:
        """The most frequent label or set of labels; one number for all says nothing by the metrics of numbers."""
        if self.options.answers == "number":
            return None
        golds = {str(gold): gold for gold in (self._form.gold(row["label"]) for row in rows)}
        common = golds[most_common(str(self._form.gold(row["label"])) for row in rows)]
        return {row["id"]: common for row in rows}

    def main_score(self, metrics: Mapping[str, float]) -> float:
        """The value that the options name, or the first that there is; of a squared error the negative."""
        main = self._main(metrics)
        return -metrics[main] if main == "mse" else metrics[main]

    def write_predictions(self, predictions: Mapping[str, Any], path: Path) -> None:
        """Writes one label or number per line, or lists of labels as JSON."""
        self._form.write(predictions, path)

    def read_predictions(self, path: Path, ids: Sequence[str]) -> dict[str, Any]:
        """Reads them."""
        return self._form.read(path, ids)

    def write_labels(self, rows: Sequence[Row], path: Path) -> None:
        """Writes the gold answers likewise."""
        self._form.write({row["id"]: self._form.gold(row["label"]) for row in rows}, path)

    def _main(self, there: Mapping[str, Any]) -> str:
        """The value that counts among some: the one that the options name, or else the first of the usual order."""
        order = (self.options.main,) if self.options.main else MAIN[self.options.answers]
        return next((name for name in order if name in there), order[0])
