"""Templates of lm-eval, EleutherAI's harness, for tasks of the catalogue: which there are, and rows as they read them.

What planning asks is answered from the names of the harness' files, without importing it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from adapterstilts.errors import UsageError
from adapterstilts.runs.rivals import Prompted
from adapterstilts.tasks.kind import Row
from adapterstilts.tasks.recipe import Recipe

TOKENS_OF_A_ROW = 1024
"""How many tokens of a micro-batch are counted for one answer to one row."""
_PACKAGE = "lm_eval"


@dataclass(frozen=True)
class Template:
    """How the harness asks one task.

    Attributes:
        file: Where its task of a language is below the harness' tasks, and `name` what that is called.
        document: From a row to what the template reads, its gold answer included.
        labels: The labels in the order of the template's answers; empty for choices, whose order is the row's.
        suite: Whether it can be asked about the rows of the embedded suite too.
        codes: Whether languages are written as the recipe's source on the Hub writes them.
    """

    file: str
    name: str
    document: Callable[[Row, int], dict[str, Any]]
    labels: tuple[str, ...] = ()
    suite: bool = True
    codes: bool = False

    def document_of(self, row: Row) -> dict[str, Any]:
        """What the template reads of a row; where its label is hidden the first one, on which no likelihood depends."""
        if not self.labels:
            return self.document(row, max(row["label"], 0))
        return self.document(row, self.labels.index(row["label"]) if row["label"] in self.labels else 0)

    def path(self, task: Recipe, language: str) -> Path:
        """The file of a language's task, whether it is there or not."""
        return _tasks() / self.file.format(self._code(task, language))

    def named(self, task: Recipe, language: str) -> str:
        """What the harness calls a language's task."""
        return self.name.format(self._code(task, language))

    def _code(self, task: Recipe, language: str) -> str:
        configs = getattr(task.sources.hub, "configs", None) if self.codes else None
        return (configs or {}).get(language, language)


def _pair(one: str, other: str) -> Callable[[Row, int], dict[str, Any]]:
    return lambda row, label: {one: row["text_a"], other: row["text_b"], "label": label}


def _alternatives(row: Row, label: int) -> dict[str, Any]:
    first, second = row["choices"]
    return {
        "premise": row["context"], "question": row["question"], "choice1": first, "choice2": second, "label": label,
    }  # fmt: skip


def _story(row: Row, label: int) -> dict[str, Any]:
    # The template puts the four sentences together again with a space between them.
    sentences = [*row["context"].split(" ", 3), "", "", ""][:4]
    endings = {f"sentence_quiz{number}": ending for number, ending in enumerate(row["choices"], start=1)}
    story = {f"input_sentence_{number}": sentence for number, sentence in enumerate(sentences, start=1)}
    return {**story, **endings, "answer_right_ending": label + 1}


def _passage(row: Row, label: int) -> dict[str, Any]:
    answers = {f"mc_answer{number}": choice for number, choice in enumerate(row["choices"], start=1)}
    asked = {"flores_passage": row["context"], "question": row["question"]}
    return {**asked, **answers, "correct_answer_num": str(label + 1)}


TEMPLATES: Mapping[str, Template] = {
    "xnli": Template(
        "xnli/xnli_{}.yaml", "xnli_{}", _pair("premise", "hypothesis"), ("entailment", "neutral", "contradiction")
    ),
    "pawsx": Template("paws-x/paws_{}.yaml", "paws_{}", _pair("sentence1", "sentence2"), ("0", "1")),
    "xcopa": Template("xcopa/default_{}.yaml", "xcopa_{}", _alternatives, suite=False),
    "xstorycloze": Template("xstorycloze/default_{}.yaml", "xstorycloze_{}", _story),
    "belebele": Template("belebele/belebele_{}.yaml", "belebele_{}", _passage, codes=True),
}
"""Task of the catalogue to its template."""


def check_harness() -> None:
    """Refuses to prompt without the harness.

    Raises:
        UsageError: It is not installed.
    """
    if find_spec(_PACKAGE) is None:
        raise UsageError(
            "--compare prompt needs lm-eval, whose templates it asks with, and that is not installed.",
            remedy="Run `pip install 'adapterstilts[prompt]'`, or leave it out.",
        )


def prompted(task: Recipe, languages: tuple[str, ...]) -> Prompted:
    """The templates of a task in those of some languages that it has one in."""
    template = TEMPLATES.get(task.name)
    there = [code for code in languages if template and template.path(task, code).is_file()]
    names = {code: template.named(task, code) for code in there} if template else {}
    return Prompted(name="prompt", harness=version(_PACKAGE), templates=names)


def _tasks() -> Path:
    found = find_spec(_PACKAGE)
    assert found is not None and found.origin is not None
    return Path(found.origin).parent / "tasks"
