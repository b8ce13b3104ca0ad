"""What a kind is unless it says otherwise."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

import numpy as np

from adapterstilts.metrics import Metric
from adapterstilts.settings import Encoding, Strict
from adapterstilts.tasks.kind import Row, draw
from adapterstilts.tasks.label_guessing import LabelGuess
from adapterstilts.tasks.observations import Observed, Observes
from adapterstilts.tasks.translation import Into

T = TypeVar("T")


SAME = "one and the same prediction for every example"
"""What is said of a model that has collapsed."""

STILL = 1e-6
"""Scores that differ by no more than this are equal: it is what rounding makes of equal ones."""


def most_common(golds: Iterable[T]) -> T:
    """The most frequent of some values, of equally frequent ones the first."""
    ((value, _),) = Counter(golds).most_common(1)
    return value


class KindDefaults:
    """What most kinds have in common, and what is safe to assume of a kind that does not say."""

    options: Strict

    @property
    def usual_metric(self) -> str | None:
        """Every task says by which metric it is scored."""
        return None

    @classmethod
    def columns(cls, options: Mapping[str, Any]) -> Any:
        """The same whatever the options."""
        return cls.features()

    @staticmethod
    def features() -> Any:
        """Every kind has its own."""
        raise NotImplementedError("a kind says which columns its rows have")

    @classmethod
    def guess_labels(cls, values: Sequence[Any], told: Mapping[str, Any]) -> LabelGuess | None:
        """Nothing has to be said."""
        return None

    @classmethod
    def starting_options(cls, rows: Iterable[Row], told: Mapping[str, Any]) -> dict[str, Any]:
        """Options at their defaults."""
        return {}

    @property
    def trained(self) -> bool:
        """A model is trained."""
        return True

    @property
    def comparing(self) -> int | None:
        """Features are looked at one at a time."""
        return None

    @property
    def pretrained_head(self) -> bool:
        """The head is new."""
        return False

    def decisive_options(self) -> dict[str, Any]:
        """All options, those left at their defaults included."""
        return self.options.model_dump(mode="json")

    @property
    def collects(self) -> bool:
        """The recipe tells all options."""
        return False

    def collect(self, rows: Iterable[Row]) -> dict[str, Any]:
        """No options."""
        return {}

    @property
    def encoding_fields(self) -> tuple[str, ...]:
        """All fields, as a kind may read any of them."""
        return tuple(Encoding.model_fields)

    def check(self, row: Row) -> None:
        """Every row is usable."""

    def check_training(self, rows: Mapping[str, Iterable[Any]]) -> None:
        """Something can be learnt from any rows."""

    def check_metric(self, metric: Metric) -> None:
        """The recipe is right about it."""

    def stand_in(self, rows: Sequence[Row]) -> str | None:
        """Equal answers can be right."""
        return None

    def without_gold(self, row: Row) -> dict[str, Any]:
        """Is not asked of kinds without a `stand_in`."""
        raise NotImplementedError(f"{type(self).__name__} takes every answer for gold")

    @property
    def pools(self) -> bool:
        """Each language is for itself."""
        return False

    @property
    def averaged(self) -> bool:
        """The main score is in percent."""
        return True

    def check_encoding(self, encoding: Encoding) -> None:
        """Any length will do."""

    def subset(self, rows: Any, size: int | None) -> Any:
        """Rows drawn at random, a smaller set part of a larger one."""
        return draw(rows, size)

    def corruption(self, tokenizer: Any, seed: int) -> Callable[[Mapping[str, Any], int], dict[str, Any]] | None:
        """Features are trained on as they are."""
        return None

    @property
    def observes(self) -> Observes | None:
        """A kind says where its labels are."""
        return None

    def observed(self, feature: Row) -> Observed:
        """Is not asked of kinds that observe nothing."""
        raise NotImplementedError(f"{type(self).__name__} does not say where its labels are")

    def calibrate(self, rows: Sequence[Row], features: Sequence[Row], logits: Sequence[np.ndarray]) -> dict[str, float]:
        """Nothing is chosen on validation data."""
        return {}

    def collapse(
        self,
        rows: Sequence[Row],
        features: Sequence[Row],
        logits: Sequence[np.ndarray],
        answers: Mapping[str, Any],
    ) -> str | None:
        """Predictions that are all equal."""
        return SAME if len(rows) > 1 and len(set(map(repr, answers.values()))) == 1 else None

    def constant(self, rows: Sequence[Row]) -> dict[str, Any] | None:
        """No answer is known that would do for many."""
        return None

    @property
    def own_text(self) -> bool:
        """Rows in other languages are translations of the English ones."""
        return False

    @property
    def parallel(self) -> bool:
        """Equal ids mean the same row."""
        return True

    @property
    def untranslatable(self) -> str | None:
        """What a translation does to a row has to be said."""
        return "its kind does not say what a translation makes of a row"

    @property
    def unscorable_in_translation(self) -> str | None:
        """What has no translation has none to score; of the rest, it has to be said."""
        return self.untranslatable or "its kind does not say that an answer to a translation is one to the original"

    @property
    def translated_columns(self) -> tuple[str, ...]:
        """No text is translated."""
        return ()

    def translate(self, row: Row, into: Into) -> dict[str, Any]:
        """Is not asked of kinds whose rows are `untranslatable`, which is what they are if they do not have this."""
        raise NotImplementedError(f"{type(self).__name__} translates no rows")
