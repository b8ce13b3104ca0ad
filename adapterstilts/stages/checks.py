"""What is refused before anything is trained: languages that the backbone or its tokenizer cannot read."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from adapterstilts.data.bad_rows import BadRows
from adapterstilts.data.unknown_words import SAMPLE, unknown_share
from adapterstilts.errors import CompatibilityError
from adapterstilts.files import write_json
from adapterstilts.modeling.architecture import check_modules, module_language
from adapterstilts.runs.specs import TrainSpec
from adapterstilts.stages.setup import Plan
from adapterstilts.tasks.recipe import Recipe

if TYPE_CHECKING:
    from datasets import Dataset

MANY_UNKNOWN = 0.1
"""Share of characters without a token from which on it is said."""
MOSTLY_UNKNOWN = 0.5
"""Share of characters without a token from which on a language is refused."""

Note = Callable[[str], None]


def check_trained_languages(plan: Plan, spec: TrainSpec) -> None:
    """Refuses languages that X-MOD has no module for, and to train on several of its modules' languages at once.

    Raises:
        CompatibilityError: See above.
    """
    languages = sorted({language for task in spec.tasks for language in task.data.languages})
    check_modules(plan.config, languages, name=plan.backbone.name)
    if len(languages) > 1 and module_language(plan.config, languages[0]):
        raise CompatibilityError(
            f"{plan.backbone.name} reads each language with a module of its own, and a stage is trained with one of "
            f"them: {', '.join(languages)} cannot be trained on together.",
            remedy="Train on one language, or choose another --backbone.",
        )


def check_words(plan: Plan, task: str, rows: Dataset, tokenizer: Any, *, note: Note) -> None:
    """Says for which languages of some rows the tokenizer lacks much of the text, and refuses where it lacks most.

    Raises:
        CompatibilityError: Most of a language's text is unknown.
    """
    spoken = np.asarray(rows["language"][:])
    for language in sorted(set(spoken.tolist())):
        share = unknown_share(rows.select(np.flatnonzero(spoken == language)), tokenizer)
        _judge(plan, task, language, share, note)


def check_evaluated_words(plan: Plan, task: Recipe, split: str, languages: Sequence[str], *, note: Note) -> None:
    """As `check_words`, for what is going to be evaluated; what was found is kept in the store.

    Raises:
        CompatibilityError: Most of a language's text is unknown.
        DataError: The data of a language cannot be read.
    """
    for language in languages:
        identity = f"{plan.backbone.fingerprint} {plan.source.fingerprint(task, split, language)} {SAMPLE}"
        kept = plan.store.cache / "unknown" / f"{hashlib.sha256(identity.encode()).hexdigest()[:32]}.json"
        if kept.is_file():
            share = float(json.loads(kept.read_text(encoding="utf-8"))["share"])
        else:
            rows = plan.source.load(task, split, language, BadRows(skip=plan.options.skip_bad_rows))
            share = unknown_share(rows, plan.backbone.tokenizer())
            kept.parent.mkdir(parents=True, exist_ok=True)
            write_json(kept, {"share": share})
        _judge(plan, task.name, language, share, note)


def _judge(plan: Plan, task: str, language: str, share: float, note: Note) -> None:
    message = f"{plan.backbone.name} has no token for {100 * share:.0f}% of the characters of {task} in {language}"
    if share > MOSTLY_UNKNOWN:
        raise CompatibilityError(
            f"{message}.", remedy="Leave the language out, or choose a --backbone whose vocabulary has its script."
        )
    if share > MANY_UNKNOWN:
        note(f"Warning: {message}, so it will know little of them.")
