"""The labelled rows of a language other than English that a stage trains on; those that are drawn are in its spec."""

from __future__ import annotations

from typing import Literal, TypeAlias

from pydantic import Field

from adapterstilts.languages import LANGUAGES
from adapterstilts.settings import Strict

FEW_SHOT: Literal["few-shot"] = "few-shot"
"""What the stage is called that trains on them."""

FILE: Literal["file"] = "file"
"""What stands for the split where rows are from a file of the user's."""


class Shots(Strict):
    """Rows of one language that were drawn at random.

    Attributes:
        count: How many they are.
        of: How many they were drawn from.
        draw: Number of the random order of which they are the first, from 1; of equal numbers, fewer are among more.
        split: Where they are from: `train`, `validation`, or `file`.
        apart_from: Split that is scored to the fingerprint of its rows: none that shares a text with one of these, such
            as a paragraph or a premise, was there to be drawn.
        left_out: How many were not there to be drawn for that.
        digest: SHA-256 of the drawn rows.
    """

    language: str
    count: int = Field(ge=1)
    of: int = Field(ge=1)
    draw: int = Field(1, ge=1)
    split: Literal["train", "validation", "file"]
    apart_from: dict[str, str]
    left_out: int = 0
    digest: str

    @property
    def every(self) -> bool:
        """Whether they are all that there are, so that another draw would be the same."""
        return self.count == self.of

    @property
    def name(self) -> str:
        """The language in words."""
        return LANGUAGES[self.language]

    def __str__(self) -> str:
        drawn = "" if self.every else f" (draw {self.draw}, from {self.of:,})"
        rows = "row" if self.count == 1 else "rows"
        place = " of a file" if self.split == FILE else ""
        return f"{self.count:,} labelled {self.name} {rows}{place}{drawn}"

    @property
    def label(self) -> str:
        """What is added to a run's label."""
        return f"{self.language}-{self.count}" + ("" if self.every else f"-draw{self.draw}")


class NativeRows(Strict):
    """The rows of a task whose training data were made in another language than English."""

    language: str
    task: str

    @property
    def name(self) -> str:
        """The language in words."""
        return LANGUAGES[self.language]

    def __str__(self) -> str:
        return f"the labelled {self.name} rows of {self.task}"


Labelled: TypeAlias = Shots | NativeRows
"""Labelled rows of a language other than English: what is scored there is not zero-shot."""
