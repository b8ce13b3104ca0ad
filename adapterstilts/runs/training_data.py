"""Which data a stage learns from, and how their texts become a model's inputs: parts of specs."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, field_validator

from adapterstilts.languages import is_english
from adapterstilts.parsed import check_plain
from adapterstilts.runs.shots import NativeRows, Shots
from adapterstilts.settings import Encoding, Strict


def _plain(options: dict[str, Any]) -> dict[str, Any]:
    check_plain(options)
    return options


Options = Annotated[dict[str, Any], AfterValidator(_plain)]
"""Values by name. JSON has no infinity and nothing that is not a number, so that specs with them would share a key."""


class TrainingData(Strict):
    """Which examples a stage trains on and selects its checkpoint with.

    Attributes:
        fingerprints: Split to language to content fingerprint; without a `validation` entry, `holdout` applies.
        holdout: Training examples of each language set aside for validation, whole contexts at a time; where there is
            neither, no checkpoint is selected, and the last one is the result.
        max_examples: Upper bound on training examples of each language; a smaller set is always a subset of a larger.
        translations: Language to content fingerprint of the translations of the English training examples.
        translated_only: Whether the English examples themselves are left out of training.
        shots: The rows of another language that are trained on in place of all; `fingerprints` says what they are
            drawn from.
    """

    task: str
    source: str
    fingerprints: dict[str, dict[str, str]]
    holdout: int | None = None
    max_examples: int | None = None
    skip_bad_rows: bool = False
    translations: dict[str, str] = {}
    translated_only: bool = False
    shots: Shots | None = None

    @field_validator("fingerprints")
    @classmethod
    def _have_languages(cls, given: dict[str, dict[str, str]]) -> dict[str, dict[str, str]]:
        """None at all are those of models whose data are not known."""
        if given and not (given.get("train") and all(given.values())):
            raise ValueError("fingerprints need the split train, and each split a language")
        return given

    @property
    def selects(self) -> bool:
        """Whether a checkpoint is selected by validation rows."""
        return self.holdout is not None or "validation" in self.fingerprints

    @property
    def languages(self) -> tuple[str, ...]:
        """The languages trained on, English first."""
        own = () if self.translated_only else self.fingerprints.get("train", ())
        return tuple(sorted([*own, *self.translations], key=lambda code: (code != "en", code)))

    @property
    def validation_language(self) -> str:
        """The language in which checkpoints are selected: English, except for language adapters."""
        selecting = self.fingerprints.get("validation") or self.fingerprints["train"]
        return min(selecting, key=lambda code: (code != "en", code))


class TaskSpec(Strict):
    """One task of a training stage."""

    kind: str
    options: Options
    metric: str
    data: TrainingData
    encoding: Encoding

    @property
    def name(self) -> str:
        """Name of the task."""
        return self.data.task

    @property
    def native(self) -> list[NativeRows]:
        """Its rows in each language other than English in which they were made and labelled; of text none are."""
        if self.kind == "masked_lm" or self.data.shots:
            return []
        made_in = self.data.fingerprints.get("train", ())
        return [NativeRows(language=code, task=self.name) for code in made_in if not is_english(code)]
