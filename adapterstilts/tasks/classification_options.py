"""What a recipe says of a classification: which labels there are, of how many texts, and in which form answers are."""

from __future__ import annotations

from typing import Any

from pydantic import Field, SerializerFunctionWrapHandler, model_serializer, model_validator

from adapterstilts.settings import LONGEST
from adapterstilts.tasks.kind import PoolingOptions
from adapterstilts.tasks.labels import check_lines

MOST_LABELS = 1000
"""So many labels a task has at most unless its options say more: where there are more, they are mostly no labels."""

MAIN = {
    "label": ("accuracy", "f1_macro", "f1_micro"),
    "labels": ("f1_micro", "f1_macro", "accuracy"),
    "number": ("spearman", "pearson", "mse"),
}
"""What an answer is to the metrics of such answers; the first that a task's metric gives counts unless `main` says."""


class PairOptions(PoolingOptions):
    """How texts are classified.

    Attributes:
        labels: Names of the labels, in the order of the head's outputs; none where answers are numbers.
        one_text: Whether rows have one text only, which the model then reads as one and not as a pair.
        multi_label: Whether a row has any number of the labels, and not one.
        regression: Whether a row has a number in the place of a label.
        main: The metric that counts in selection and averages; by default the first of `MAIN` that there is.
        most_labels: Upper bound on labels in the place of `MOST_LABELS`.
        categories: Groups that examples can belong to, such as kinds of reasoning: rows say to which they do, and each
            has a value of the metric of its own.
        mean: Of the targets of a regression, and `sd` their standard deviation: what the model learns is how many of
            these a target is from the mean. Where they are not told, they are those of the English training rows.
    """

    labels: tuple[str, ...] = ()
    one_text: bool = False
    multi_label: bool = False
    regression: bool = False
    main: str | None = None
    most_labels: int | None = Field(None, ge=2, le=LONGEST)
    categories: tuple[str, ...] = ()
    mean: float | None = Field(None, ge=-1e30, le=1e30)
    sd: float | None = Field(None, gt=0, le=1e30)

    @model_serializer(mode="wrap")
    def _tell(self, serialize: SerializerFunctionWrapHandler) -> dict[str, Any]:
        # What is left at its default says nothing, and runs keep the keys that they had before there was a choice.
        told: dict[str, Any] = serialize(self)
        return {name: told[name] for name, field in type(self).model_fields.items() if self._said(name, field.default)}

    def _said(self, name: str, default: Any) -> bool:
        return getattr(self, name) != default

    @property
    def answers(self) -> str:
        """What an answer is: a `label`, several `labels`, or a `number`."""
        return "number" if self.regression else "labels" if self.multi_label else "label"

    @model_validator(mode="after")
    def _belong_together(self) -> PairOptions:
        if self.regression and self.multi_label:
            raise ValueError("multi_label and regression do not go together: a row has labels or a number")
        if self.categories and self.answers != "label":
            raise ValueError("categories have no meaning with multi_label or regression")
        if self.regression and self.labels:
            raise ValueError("labels have no meaning with regression, whose answers are numbers")
        if not self.regression and (self.mean is not None or self.sd is not None):
            raise ValueError("mean and sd have no meaning without regression")
        if self.main is not None and self.main not in MAIN[self.answers]:
            raise ValueError(f"main: {self.main!r} is not one of {', '.join(MAIN[self.answers])}")
        return self

    @model_validator(mode="after")
    def _has_labels(self) -> PairOptions:
        if self.regression:
            return self
        if not self.labels:
            raise ValueError("labels: Field required: their names, in the order of the head's outputs")
        if len(set(self.labels)) < len(self.labels):
            repeated = next(name for name in self.labels if self.labels.count(name) > 1)
            raise ValueError(f"labels: {repeated!r} is named twice")
        if not self.multi_label:
            check_lines(self.labels)
        if len(self.labels) == 1 and not self.multi_label:
            raise ValueError(
                f"labels: {self.labels[0]!r} is the only one, and telling rows apart takes two. Check that the column "
                "of labels is the right one"
            )
        most = self.most_labels or MOST_LABELS
        if len(self.labels) > most:
            raise ValueError(
                f"labels: there are {len(self.labels):,}, and more than {most:,} are mostly texts or numbers in the "
                f"wrong column. If they are labels, raise the bound with most_labels={len(self.labels)}; if they are "
                "numbers, say regression=true; where each is found among candidates, the kind is retrieval"
            )
        return self
