"""What requests and answers look like, as `/openapi.json` says it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from pydantic import BaseModel, ConfigDict, Field, JsonValue

Input = str | list[str] | dict[str, JsonValue]


class Question(BaseModel):
    """Texts for one model."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"model": "squad", "inputs": [["Who slept?", "Ann slept in the garden."]]}]},
    )

    model: str | None = Field(None, description="Name of the model; not needed where there is one.")
    language: str | None = Field(
        None,
        description="Language of the texts, such as `de`: for models over language adapters, or with language modules.",
    )
    inputs: list[Input] = Field(
        description="Texts; pairs of texts, or of question and context; lists of words to tag; or records with the "
        "columns that the model reads, such as `text` and `text_pair`, `question` and `context`, `choices`, `tokens`."
    )
    columns: dict[str, str | list[str]] = Field(
        default_factory=dict,
        description="What the columns of records are called that are read as `text`, `question`, `context`, `choices` "
        "or `tokens`, where their names do not tell.",
    )


class Answer(BaseModel):
    """A result for each input, in order, as `astilts predict` writes them."""

    model: str
    task: str
    language: str = Field(description="That the texts are read in.")
    results: list[dict[str, Any]] = Field(
        description="`label`, `score` and `scores`; `answer`, `start`, `end` and `score`; `tags`, `scores` and "
        "`entities`; or `choice`, `chosen`, `score` and `scores`."
    )
    cut: list[int] = Field(description="Inputs, counted from 0, of which the model has read the beginning only.")
    unspaced: list[int] = Field(
        description="Inputs, counted from 0, in which words without white space between them got one tag together: "
        "give lists of words."
    )


class Model(BaseModel):
    """A model that answers."""

    name: str
    task: str
    kind: str
    reads: list[str] = Field(description="The columns of records.")
    labels: list[str]
    languages: list[str] = Field(description="That it was trained in.")
    language: str = Field(description="That texts are read in whose language is not given.")
    backbone: str
    method: str
    calibrated: bool = Field(description="Whether probabilities are divided by a temperature.")
    calibration: str = Field(description="By which one, or why they are not.")
    max_length: int = Field(description="Tokens that are read at once.")
    shares_batches_with: list[str] = Field(description="Models whose texts can be in one batch with those of this one.")


class Models(BaseModel):
    """All models."""

    models: list[Model]


class Health(BaseModel):
    """How the server is."""

    status: str = Field(description="`ok`, or `stopping`.")
    models: int
    waiting: int = Field(description="Requests that have not been answered yet.")


class Fault(BaseModel):
    """Why there is no answer."""

    error: str
    remedy: str | None = Field(None, description="What can be done about it.")


class Service(Protocol):
    """Models that answer."""

    def models(self) -> list[Model]:
        """What they are."""

    def answer(self, questions: Sequence[Question]) -> Sequence[Answer | Exception]:
        """An answer to each question, or why there is none; all are for models that there are."""
