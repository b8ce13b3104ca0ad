"""Languages that the backbone's tokenizer cannot read: said, and refused where most of a text is unknown."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from adapterstilts.data.bad_rows import BadRows
from adapterstilts.data.unknown_words import SAMPLE, unknown_share
from adapterstilts.errors import CompatibilityError
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
    for language in sorted(set(spoken.tolist())):
        share = unknown_share(rows.select(np.flatnonzero(spoken == language)), backbone.tokenizer())
        _judge(backbone, task, language, share, note)


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

    for language, fingerprint in spec.fingerprints.items():
        identity = (backbone.fingerprint, fingerprint, str(SAMPLE))
        share = memory.recall("unknown share", *identity, find=partial(share_of, language))
        _judge(backbone, task.name, language, share, note)


def _judge(backbone: Backbone, task: str, language: str, share: float, note: Note) -> None:
    message = f"{backbone.name} has no token for {100 * share:.0f}% of the characters of {task} in {language}"
    if share > MOSTLY_UNKNOWN:
        raise CompatibilityError(
            f"{message}.", remedy="Leave the language out, or choose a --backbone whose vocabulary has its script."
        )
    if share > MANY_UNKNOWN:
        note(f"Warning: {message}, so it will know little of them.")
