"""Files of one's own of which no row can be used: refused when the task is made, and so by a plan too."""

from __future__ import annotations

import json
from typing import Any

from adapterstilts.commands.own.rows import parts_there
from adapterstilts.commands.own.tasks import OwnTask
from adapterstilts.data.bad_rows import BadRows
from adapterstilts.data.formats.words import looks_like_text
from adapterstilts.data.sources.files import FileRows
from adapterstilts.data.sources.hub import HubRows
from adapterstilts.errors import DataError
from adapterstilts.runs.memory import Memory
from adapterstilts.tasks.recipe import Recipe

_REMEDY = "None of its rows can be used: give its columns and labels the names of the training rows', or another file."


def check_usable(own: OwnTask) -> None:
    """Refuses rows to train, to select by or to score of which none can be used, as running would.

    Raises:
        DataError: There are some; the message is about the first one.
    """
    prints = [own.source.fingerprint(own.recipe, *part) for part in parts_there(own)]
    what = (own.recipe.kind, json.dumps(own.recipe.options, sort_keys=True, default=str), *prints)

    def find() -> bool:
        for split, language in parts_there(own):
            check_part(own.recipe, own.source, split, language)
        return True

    Memory.of_user().recall("usable rows", *what, find=find)


def check_part(recipe: Recipe, source: FileRows | HubRows, split: str, language: str) -> None:
    """As `check_usable`, of one split in one language; reading ends at the first row that can be used."""
    kind = recipe.build_kind()
    first: tuple[str, dict[str, Any], str] | None = None
    for place, row in source.rows_of(recipe, split, language, BadRows(skip=True)):
        try:
            if not kind.unlabelled(row):
                kind.check(row)
        except ValueError as error:
            first = first or (place, row, str(error))
        except Exception:  # a column is not there, which is said with all rows at hand
            return
        else:
            return
    if first is None:  # no record is a row: the first one says why
        next(iter(source.rows_of(recipe, split, language, BadRows(skip=False, remedy=_REMEDY))), None)
        return
    if recipe.kind == "tagging" and isinstance(source, FileRows):
        _check_tagged(recipe, source, split, language)
    place, row, reason = first
    BadRows(skip=False, remedy=_REMEDY).report(place, f"row {row.get('id')!r}", reason)


def _check_tagged(recipe: Recipe, source: FileRows, split: str, language: str) -> None:
    """Refuses a text, whose lines end with words that would be taken for tags."""
    for part, path in source.files(recipe, split, language):
        if part.format == "conll" and looks_like_text(path, **part.options):
            raise DataError(
                f"{path} looks like text without tags: its lines are no words with a tag each.",
                remedy="Answer unlabelled text with `astilts predict MODEL --input FILE`. To score, give a word and "
                "its tag a line, with a blank line between sentences.",
            )
