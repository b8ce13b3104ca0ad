"""What every source of rows gives: canonical rows of a task, by split and language.

What sources call a language can also be a pair such as `de-en`: context in German, questions in English.
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Protocol

from adapterstilts.data.bad_rows import BadRows, Omitted, told_why
from adapterstilts.data.formats import Records
from adapterstilts.data.records import RECORDS
from adapterstilts.data.records.columns import Columns
from adapterstilts.data.spilled import RowStore
from adapterstilts.errors import DataError
from adapterstilts.languages import context_language, question_language
from adapterstilts.tasks.kind import Kind, draw
from adapterstilts.tasks.recipe import Recipe
from adapterstilts.tasks.sources import RecordSource

if TYPE_CHECKING:
    from datasets import Dataset


# Part of every fingerprint of files and Hub data: raise it when a reader gives other rows than before, or when other
# rows are held out for validation.
ROWS_VERSION = 3


# So many rows have different answers in a benchmark; tasks of the user's can have one that nearly all rows have.
_ALL_THE_SAME, _ALL_THE_SAME_ELSEWHERE = 20, 200


class Source(Protocol):
    """Where rows come from. `split` is `train`, `validation` or `test`; `language` an ISO 639-1 code or a pair."""

    @property
    def name(self) -> str:
        """What specs call it."""

    def of(self, task: Recipe) -> Source:
        """The source that has the rows of a task: itself, unless it stands for several."""

    def languages(self, task: Recipe, benchmark: str | None) -> tuple[str, ...]:
        """The languages of the task's test data that this source has, in the recipe's order."""

    def missing(self, task: Recipe, split: str, language: str) -> str | None:
        """What would have to be there for this split and language, or None when it is."""

    def fingerprint(self, task: Recipe, split: str, language: str) -> str:
        """Identity of the rows' content, found without reading more than necessary."""

    def load(self, task: Recipe, split: str, language: str, bad: BadRows) -> Dataset:
        """The rows, with the canonical columns of the task's kind."""

    def look(self, task: Recipe, split: str, language: str, size: int, bad: BadRows) -> tuple[int, Dataset] | None:
        """How many rows there are, and at most `size` of them; None where that is not known without the network."""


def some(rows: Dataset, size: int) -> tuple[int, Dataset]:
    """How many rows there are, and some of them, always the same ones: of several sides, as many as they have."""
    return len(rows), draw(rows, size)


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
    split_at = f":{part.separators}" if part.separators else ""
    lacking = f":without {part.may_lack}" if part.may_lack else ""
    return f"{part.record}{read_as}{':spans' if part.spans else ''}{split_at}{lacking}"


def canonical(
    records: Records,
    part: RecordSource,
    features: Mapping[str, Any],
    *,
    language: str,
    where: str,
    bad: BadRows,
    wanted: Callable[[Mapping[str, Any]], bool] = lambda record: True,
) -> Records:
    """(place, row) of every record that can be read; rows get language and id where the record gives none.

    Args:
        part: The source of the records, which says how they become rows.
        features: The canonical columns, as `datasets.Features`.
        where: What the records are from, for errors.
        wanted: Which records become rows; the others count where ids are numbers.
    """
    convert = _converter(part, features)
    for number, (place, found) in enumerate(records):
        try:
            if not wanted(found):
                continue
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
    said = part.columns or part.values or part.separators or part.spans
    return Columns(part, features) if said else lambda found, _: found


def canonical_rows(
    task: Recipe, rows: Iterable[tuple[str, dict[str, Any]]], where: str, bad: BadRows, *, split: str | None = None
) -> Dataset:
    """The usable rows, with the kind's columns only.

    Args:
        split: What the rows are, to be strict about labels where they are needed, and to tell gold from what stands in
            for it where they may be hidden.

    Raises:
        DataError: There is no usable row, a bad one is not to be skipped, or rows to train or select on have no labels.
    """
    kind = task.build_kind()
    features = task.canonical_columns
    store, checks, before = RowStore(features), _Checks(kind, bad), bad.counts.copy()
    for place, row in rows:
        if _is_complete(row, features, place, bad):
            checks.see(place, row)
            store.add(row)
    # Benchmarks keep the labels of some test sets to themselves; then no row has one, or all have the same.
    unlabelled = checks.unlabelled
    if split not in (None, "train") and not unlabelled and _stand_in(task, kind, store.rows(), bad):
        unlabelled, labelled, store = True, store, RowStore(features)
        for stored in labelled.rows():
            store.add(kind.without_gold(stored))
    if len(store) and unlabelled and split in ("train", "validation"):
        name, why = {"train": "training"}.get(split, split), bad.hidden or "they are not published"
        raise DataError(
            f"The {name} data of {task.name} have no labels: {why} ({where}).", remedy="Use a release that has them."
        )
    left_out = () if unlabelled else checks.report()
    if len(store) == len(left_out):
        raise DataError(
            f"{where}: there is no usable row{told_why(bad.counts - before)}.",
            remedy="Check that it is the right data set.",
        )
    return store.dataset(without=left_out)


class _Checks:
    """What the task says of each row, which counts only if not all of them turn out to be without label.

    Attributes:
        unlabelled: Whether no row has a label.
    """

    def __init__(self, kind: Kind, bad: BadRows) -> None:
        self._kind, self._bad = kind, bad
        self.unlabelled = True
        self._count = 0
        self._failed = array("q")
        self._first: tuple[str, str, str] | None = None
        self._broken: Exception | None = None
        self._reasons: Counter[str] = Counter()

    def see(self, place: str, row: Mapping[str, Any]) -> None:
        """Checks the next row."""
        self.unlabelled = self.unlabelled and self._kind.unlabelled(row)
        try:
            self._kind.check(row)
        except ValueError as error:
            self._failed.append(self._count)
            self._first = self._first or (place, f"row {row.get('id')!r}", str(error))
            self._reasons[str(error)] += 1
        except Exception as error:  # of a row without label, it may be the label that is not there
            self._broken = self._broken or error
        self._count += 1

    def report(self) -> Sequence[int]:
        """Reports the rows that cannot be used, and gives their numbers.

        Raises:
            DataError: There is one, and it is not to be skipped.
        """
        if self._first is not None and not self._bad.skip:
            self._bad.report(*self._first)
        if self._broken is not None:
            raise self._broken
        self._bad.counts.update(self._reasons)
        return self._failed


def _is_complete(row: Mapping[str, Any], features: Mapping[str, Any], place: str, bad: BadRows) -> bool:
    """Whether a row has all canonical columns; it is a bad one if not."""
    if absent := [name for name in features if name not in row]:
        there = ", ".join(name for name in row if name not in ("id", "language")) or "nothing"
        bad.report(place, f"row {row.get('id')!r}", f"it has no {absent[0]!r}; there is: {there}")
    return not absent


def _stand_in(task: Recipe, kind: Kind, rows: Sequence[Mapping[str, Any]], bad: BadRows) -> bool:
    """Whether all rows have one and the same answer, and are too many for that to be gold."""
    enough = _ALL_THE_SAME if task.benchmarks else _ALL_THE_SAME_ELSEWHERE
    if len(rows) < enough or not (answers := kind.stand_in(rows)):
        return False
    bad.hidden = f"all {len(rows):,} {answers}, as where a benchmark hides its own"
    return True
