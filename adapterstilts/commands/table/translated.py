"""Baselines that are trained on translations, where there can be none, whatever is given."""

from __future__ import annotations

from collections.abc import Sequence

from adapterstilts.commands.models.intermediate_runs import Intermediates
from adapterstilts.commands.table.rivals import Lack
from adapterstilts.data.sources.rows import Source
from adapterstilts.languages import ENGLISH, LANGUAGES
from adapterstilts.tasks.kind import KINDS, Kind
from adapterstilts.tasks.recipe import Recipe

TRANSLATED = ("translate-intermediate", "translate-target")
_SUITE = "mini"


def translations_lack(
    name: str, intermediates: Intermediates, targets: Sequence[Recipe], source: Source | None
) -> Lack | None:
    """What cannot be translated of what a baseline is trained on, to follow its name, and what to do then.

    Args:
        targets: The command's; it is enough that one of them can be.
        source: Where their rows come from, if that is known yet.
    """
    why: list[str | None] = []
    if name == "translate-intermediate":
        for task in (one for intermediate in intermediates for one in intermediate.spec.tasks):
            english = task.data.fingerprints.get("train", {ENGLISH: ""})
            if ENGLISH not in english:
                spoken = LANGUAGES[min(english)]
                return f"translates English rows, and those of {task.name} are in {spoken}", "Leave it out."
            why.append(_untranslatable(task.name, KINDS.get(task.kind)(task.options), task.data.source))
        why = [one for one in why if one]
    if name == "translate-target" and source is not None:
        kinds = {one.name: (one.build_kind(), source.of(one).name) for one in targets}
        why = [_untranslatable(one, kind, where) for one, (kind, where) in kinds.items() if kind.trained]
        why = [] if None in why else why
    return (str(why[0]), "Leave it out.") if why else None


def _untranslatable(name: str, kind: Kind, source: str) -> str | None:
    """Why a task has no translations; the rows of the embedded suite are there in all of its languages."""
    if kind.untranslatable is None or kind.own_text or (source == _SUITE and kind.parallel):
        return None
    return f"needs translations, which {name} cannot have: {kind.untranslatable}"
