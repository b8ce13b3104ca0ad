"""What every source of rows gives: canonical rows of a task, by split and language.

What sources call a language can also be a pair such as `de-en`: context in German, questions in English.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Protocol

from adapterstilts.data.bad_rows import BadRows, Omitted
from adapterstilts.data.formats import Records
from adapterstilts.data.records import RECORDS
from adapterstilts.data.records.columns import Columns
from adapterstilts.errors import DataError
from adapterstilts.languages import context_language, question_language
from adapterstilts.tasks.recipe import Recipe
from adapterstilts.tasks.sources import RecordSource

if TYPE_CHECKING:
    from datasets import Dataset


# Part of every fingerprint of files and Hub data: raise it when a reader gives other rows than before, or when other
# rows are held out for validation.
ROWS_VERSION = 3


class Source(Protocol):
    """Where rows come from. `split` is `train`, `validation` or `test`; `language` an ISO 639-1 code or a pair."""

    name: str

    def languages(self, task: Recipe, benchmark: str | None) -> tuple[str, ...]:
        """The languages of the task's test data that this source has, in the recipe's order."""

    def missing(self, task: Recipe, split: str, language: str) -> str | None:
        """What would have to be there for this split and language, or None when it is."""

    def fingerprint(self, task: Recipe, split: str, language: str) -> str:
        """Identity of the rows' content, found without reading more than necessary."""

    def load(self, task: Recipe, split: str, language: str, bad: BadRows) -> Dataset:
        """The rows, with the canonical columns of the task's kind."""


def fill(template: str, language: str, codes: Mapping[str, str] = MappingProxyType({})) -> str:
    """A path or name with the language, or both of a pair, in its place.

    Args:
        codes: Language code to what takes the place of `{code}`.
    """
    own, other = context_language(language), question_language(language)
    return template.format(language=own, question_language=other, code=codes.get(own, own))


def with_split(part: Any, split: str) -> list[Any]:
    """A source and those that come after it, as far as they have this split."""
    return [one for one in (part, *part.also) if split in one.splits]


def prefixed(row: dict[str, Any], number: int, parts: list[Any]) -> dict[str, Any]:
    """The row with an id that is its own among all parts."""
    return {**row, "id": f"{number}-{row['id']}"} if len(parts) > 1 else row


def record_name(part: RecordSource) -> str:
    """What decides how records become rows, for fingerprints."""
    read_as = f":{part.columns}:{part.values}" if part.columns or part.values else ""
    return f"{part.record}{read_as}"


def canonical(
    records: Records, part: RecordSource, features: Mapping[str, Any], *, language: str, where: str, bad: BadRows
) -> Records:
    """(place, row) of every record that can be read; rows get language and id where the record gives none.

    Args:
        part: The source of the records, which says how they become rows.
        features: The canonical columns, as `datasets.Features`.
        where: What the records are from, for errors.
    """
    convert = _converter(part, features)
    for number, (place, found) in enumerate(records):
        try:
            rows = convert(found, language)
        except Omitted as reason:
            bad.omit(str(reason))
        except ValueError as error:
            bad.report(where, place, str(error))
        else:
            for row in rows if isinstance(rows, list) else [rows]:
                yield f"{where}: {place}", {"id": str(number), "language": language, **row}


def _converter(part: RecordSource, features: Mapping[str, Any]) -> Callable[[Any, str], Any]:
    """From a record and the wanted language to a row, or several."""
    if part.record:
        return RECORDS.get(part.record)
    return Columns(part, features) if part.columns or part.values else lambda found, _: found


def canonical_rows(task: Recipe, rows: Iterable[tuple[str, dict[str, Any]]], where: str, bad: BadRows) -> Dataset:
    """The usable rows, with the kind's columns only."""
    from datasets import Dataset

    kind = task.build_kind()
    features = kind.features()
    found = [row for _, row in rows]
    # Benchmarks keep the labels of some test sets to themselves; then no row has one.
    unlabelled = all(kind.unlabelled(row) for row in found)
    kept = []
    for number, row in enumerate(found):
        try:
            if absent := [name for name in features if name not in row]:
                raise ValueError(f"it has no {absent[0]!r}")
            if not unlabelled:
                kind.check(row)
        except ValueError as error:
            bad.report(where, f"row {row.get('id', number)!r}", str(error))
        else:
            kept.append({name: row[name] for name in features})
    if not kept:
        raise DataError(f"{where}: there is no usable row.", remedy="Check that it is the right data set.")
    return Dataset.from_list(kept, features=features)
