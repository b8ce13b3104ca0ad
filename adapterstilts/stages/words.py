"""Languages that the backbone's tokenizer cannot read: said, and refused where most of a text is unknown."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from adapterstilts.data.bad_rows import BadRows
from adapterstilts.data.unknown_words import SAMPLE, unknown_share
from adapterstilts.errors import CompatibilityError
from adapterstilts.languages import WITHOUT
from adapterstilts.modeling.backbone import Backbone
from adapterstilts.runs.memory import Memory
from adapterstilts.runs.specs import EvaluateSpec
from adapterstilts.stages.setup import Setup

if TYPE_CHECKING:
    from datasets import Dataset

MANY_UNKNOWN = 0.1
"""Share of characters without a token from which on it is said."""
MOSTLY_UNKNOWN = 0.5
"""Share of characters without a token from which on a language is refused."""

Note = Callable[[str], None]


def check_words(backbone: Backbone, task: str, rows: Dataset, *, note: Note) -> None:
    """Says for which languages of some rows the tokenizer lacks much of the text, and refuses where it lacks most.

    Raises:
        CompatibilityError: Most of a language's text is unknown.
    """
    spoken = np.asarray(rows["language"][:])
    shares = {
        language: unknown_share(rows.select(np.flatnonzero(spoken == language)), backbone.tokenizer())
        for language in sorted(set(spoken.tolist()))
    }
    _judge(backbone, task, shares, note)


def check_evaluated_words(spec: EvaluateSpec, setup: Setup, *, note: Note) -> None:
    """As `check_words`, for what is going to be evaluated; what was found is kept.

    Raises:
        CompatibilityError: Most of a language's text is unknown.
        DataError: The data of a language cannot be read.
    """
    backbone, memory = setup.backbone, Memory.of_user()
    task = setup.catalogue.recipe(spec.task)

    def share_of(language: str) -> float:
        rows = setup.source.load(task, spec.split, language, BadRows(skip=spec.skip_bad_rows))
        return unknown_share(rows, backbone.tokenizer())

    shares = {
        language: memory.recall(
            "unknown share", backbone.fingerprint, fingerprint, str(SAMPLE), find=partial(share_of, language)
        )
        for language, fingerprint in spec.fingerprints.items()
    }
    _judge(backbone, task.name, shares, note)


def _judge(backbone: Backbone, task: str, shares: Mapping[str, float], note: Note) -> None:
    """Says what is to be said of languages with their shares of unknown characters."""

    def said(languages: Sequence[str]) -> str:
        first = f"{100 * shares[languages[0]]:.0f}% of the characters of {task} in {languages[0]}"
        more = [f"{100 * shares[language]:.0f}% in {language}" for language in languages[1:]]
        return f"{backbone.name} has no token for {', '.join([first, *more])}"

    if refused := [language for language, share in shares.items() if share > MOSTLY_UNKNOWN]:
        without = ",".join(f"{WITHOUT}{language}" for language in refused)
        raise CompatibilityError(
            f"{said(refused)}.",
            remedy=f"Leave {'the language' if len(refused) == 1 else 'these'} out (--languages={without}), or choose a "
            "--backbone whose vocabulary has the script.",
        )
    for language, share in shares.items():
        if share > MANY_UNKNOWN:
            note(f"Warning: {said([language])}, so it will know little of them.")
