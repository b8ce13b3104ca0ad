"""Tatoeba: sentences of a language and their English translations, line by line."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal, TypeAlias

from adapterstilts.data.bad_rows import BadRows
from adapterstilts.data.formats.aligned import side
from adapterstilts.data.formats.files import check_unicode, read_lines
from adapterstilts.data.formats.registry import Records, register
from adapterstilts.errors import DataError

# So many sentences are not in alphabetical order by chance.
_SORTED = 10

Sentences: TypeAlias = Sequence[tuple[str, str] | None]
"""(place, sentence) of each line; None for a bad one, so that the others keep their numbers."""


@register("tatoeba", "sentences", "their English translations", "line numbers", required=2)
def read_tatoeba(
    paths: tuple[Path, ...], language: str, bad: BadRows, *, gold: Literal["lines", "hidden", "auto"] = "lines"
) -> Records:
    """Tatoeba as LASER released it: one sentence per line, equal lines of both files translate each other.

    XTREME's download sorts the English file, so that its lines no longer correspond to the other's. What corresponds
    to them is then in a third file: for each line of the English file, the line (from 0) of the other one.

    Args:
        gold: `hidden` reads sorted files without a third one; there are only predictions to be made then. `auto`
            takes the gold of sorted files for hidden, that of others from their lines.

    Raises:
        DataError: The files do not have equally many lines, or English is sorted and no third file says how.
    """
    other, english = (_sentences(path, bad) for path in paths[:2])
    if gold == "auto":
        gold = "hidden" if _is_sorted(english) else "lines"
        if gold == "hidden" and len(paths) == 2:
            bad.hidden = "the English sentences are in alphabetical order, and not in that of their translations"
    if len(paths) > 2:
        return asked_in_english(english, other, language, _line_numbers(paths[2], len(english), len(other), bad))
    _check_aligned(paths, other, english, hidden=gold == "hidden")
    return asked_in_english(english, other, language, None if gold == "hidden" else range(len(english)))


def asked_in_english(
    english: Sentences, other: Sentences, language: str, right: Sequence[int | None] | None
) -> Records:
    """Each English sentence is looked for among the other language's, as XTREME's and the STILTs authors' scripts do.

    Queries are in alphabetical order, in which XTREME's download leaves them, so that predictions are in the order of
    a submission whatever file they are made from. They are numbered in it: `en-0`. The id of a candidate is the number
    of its line (from 0), which is what prediction files hold.

    Args:
        right: For each English sentence the line of its translation, or None where that is a bad one; None for all if
            it is not known.
    """
    order = sorted(range(len(english)), key=lambda at: (english[at] or ("", ""))[1])
    for number, at in enumerate(order):
        answer = right[at] if right is not None else None
        gold = [str(answer)] if answer is not None and other[answer] else []
        if (asked := english[at]) and (gold or right is None):
            place, text = asked
            yield place, {**side(f"en-{number}", text, gold=gold), "language": "en"}
    for number, found in enumerate(other):
        if found:
            place, text = found
            yield place, {**side(str(number), text), "language": language}


def _sentences(path: Path, bad: BadRows) -> Sentences:
    found: list[tuple[str, str] | None] = []
    for number, line in read_lines(path):
        found.append((f"line {number} of {path.name}", line.strip()))
        try:
            check_unicode(line)
            if not line.strip():
                raise ValueError("the sentence is empty")
        except ValueError as error:
            bad.report(path, f"line {number}", str(error))
            found[-1] = None
    return found


def _check_aligned(paths: tuple[Path, ...], other: Sentences, english: Sentences, *, hidden: bool) -> None:
    if len(other) != len(english):
        raise DataError(
            f"{paths[0]} has {len(other)} lines, and {paths[1]} has {len(english)}.",
            remedy="Download both again: they do not belong together.",
        )
    if not hidden and _is_sorted(english):
        raise DataError(
            f"{paths[1]} is in alphabetical order, as XTREME's download leaves it, so its lines do not correspond to "
            f"those of {paths[0]}.",
            remedy="Use LASER's own files (data/tatoeba/v1), or name a file of line numbers after the two.",
        )


def _is_sorted(sentences: Sentences) -> bool:
    texts = [found[1] for found in sentences if found]
    return len(texts) >= _SORTED and texts == sorted(texts)


def _line_numbers(path: Path, count: int, limit: int, bad: BadRows) -> list[int | None]:
    """For each of `count` English sentences the line of the other file; None for bad ones."""
    found: list[int | None] = []
    for number, line in read_lines(path):
        text = line.strip()
        valid = text.isascii() and text.isdigit() and int(text) < limit
        if not valid:
            bad.report(path, f"line {number}", f"{text!r} is not a line number from 0 to {limit - 1}")
        found.append(int(text) if valid else None)
    if len(found) != count:
        raise DataError(
            f"{path} has {len(found)} lines, and there are {count} sentences.",
            remedy="Check that it belongs to these files.",
        )
    return found
