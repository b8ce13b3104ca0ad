"""Translations to train on or to be scored: from files, or the embedded suite's rows in other languages."""

from __future__ import annotations

import json
import shlex
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from adapterstilts.data.bad_rows import BadRows
from adapterstilts.data.formats.packed import checked_digest
from adapterstilts.data.sources.rows import Source, canonical_rows
from adapterstilts.data.translation.layout import Direction, Translated, file_of, provenance_of, read_translations
from adapterstilts.errors import DataError, UsageError
from adapterstilts.languages import ENGLISH, LANGUAGES
from adapterstilts.tasks.recipe import Recipe

if TYPE_CHECKING:
    from datasets import Dataset

SUITE = "mini"
"""What stands for the embedded suite's own rows where a folder of translations is asked for."""

# Part of every fingerprint: raise it when a reader gives other rows than before.
_VERSION = 1
_OF_A_FILE = "translations:"
_LOST = "lost in translation"


class Translations(Protocol):
    """Where rows in other languages come from that say the same as a source's.

    Attributes:
        certain: Whether they cannot fail to belong to the source's rows.
    """

    certain: bool

    def missing(self, task: Recipe, split: str, direction: Direction) -> str | None:
        """What would have to be there, or None when it is."""

    def fingerprint(self, task: Recipe, split: str, direction: Direction) -> str:
        """Identity of the translations' content."""

    def load(
        self, task: Recipe, split: str, direction: Direction, *, rows: Dataset, wanted: Dataset, bad: BadRows
    ) -> Dataset:
        """The translations of rows, in their order, with their ids and labels.

        Args:
            rows: All rows of the split in the language that is translated.
            wanted: Those whose translations are wanted.
            bad: Counts rows whose translation has lost what is needed, and what does not belong together.

        Raises:
            DataError: The translations do not belong to the rows.
        """


class ParallelRows:
    """The embedded suite, whose rows mean the same in all languages.

    Args:
        source: The suite.
    """

    certain = True

    def __init__(self, source: Source) -> None:
        self.source = source

    def missing(self, task: Recipe, split: str, direction: Direction) -> str | None:
        return self.source.missing(task, split, direction.target)

    def fingerprint(self, task: Recipe, split: str, direction: Direction) -> str:
        return self.source.fingerprint(task, split, direction.target)

    def load(
        self, task: Recipe, split: str, direction: Direction, *, rows: Dataset, wanted: Dataset, bad: BadRows
    ) -> Dataset:
        there = self.source.load(task, split, direction.target, bad)
        place = {id_: number for number, id_ in enumerate(there["id"][:])}
        return there.select([place[id_] for id_ in wanted["id"][:]])


class TranslationFiles:
    """Files as `astilts translate` writes them and XTREME publishes them.

    Args:
        root: The folder they lie below.
        flag: The option that it was given with.

    Raises:
        UsageError: It is not a folder.
    """

    certain = False

    def __init__(self, root: Path, *, flag: str) -> None:
        if not root.is_dir():
            raise UsageError(f"{flag} {root} is not a folder.", remedy="Make it with `astilts translate`.")
        self.root = root

    def missing(self, task: Recipe, split: str, direction: Direction) -> str | None:
        path = file_of(self.root, task, split, direction)
        return None if path.is_file() else str(path)

    def fingerprint(self, task: Recipe, split: str, direction: Direction) -> str:
        digest = checked_digest(file_of(self.root, task, split, direction))
        return f"{_OF_A_FILE}{_VERSION}:sha256:{digest}:{split}:{direction}"

    def load(
        self, task: Recipe, split: str, direction: Direction, *, rows: Dataset, wanted: Dataset, bad: BadRows
    ) -> Dataset:
        path = file_of(self.root, task, split, direction)
        originals = {row["id"]: row for row in rows.to_list()}
        found = dict(_by_id(path, read_translations(path, bad), originals, bad))
        lost = _dropped(path)
        kept: list[tuple[str, dict[str, Any]]] = []
        absent = []
        for id_ in wanted["id"][:]:
            entry = found.get(id_)
            if entry is not None and entry.columns:
                row = {**originals[id_], **entry.columns, "id": id_, "language": direction.target}
                kept.append((f"{path}: {entry.where}", row))
            elif entry is not None or id_ in lost:
                bad.omit(f"{_LOST} ({direction})")
            else:
                absent.append(id_)
        if absent:
            self._absent(path, direction, len(found), absent, len(wanted), bad)
        return canonical_rows(task, kept, str(path), bad)

    def _absent(
        self, path: Path, direction: Direction, there: int, absent: Sequence[str], wanted: int, bad: BadRows
    ) -> None:
        if not bad.skip:
            raise DataError(
                f"{path} has translations of {there:,} rows, and {len(absent):,} of the {wanted:,} rows that are "
                f"needed have none, for instance {absent[0]!r}.",
                remedy="Translate as many rows as are used (--max-train-examples), or leave rows without translation "
                "out with --skip-bad-rows.",
            )
        bad.counts[f"it has no translation ({direction})"] += len(absent)


def open_test_translations(given: Path | None, source: Source) -> Translations | None:
    """Translations of test sets into English; none where none are given. Args and errors as `open_translations`."""
    return None if given is None else open_translations(given, source, flag="--translate-test")


def open_translations(given: Path | None, source: Source, *, flag: str) -> Translations | None:
    """Translations in a folder; without one, the embedded suite's rows in other languages if it is the source.

    Args:
        given: The folder, or `mini` for the suite's rows.
        flag: The option that it was given with.

    Raises:
        UsageError: It is not a folder, or the suite's rows are wanted with another source.
    """
    if given is not None and str(given) != SUITE:
        return TranslationFiles(given, flag=flag)
    if source.name == "mini":
        return ParallelRows(source)
    if given is not None:
        raise UsageError(
            f"{flag} {SUITE}: the rows come from the {source.name} source.",
            remedy="Give a folder of translations, or use --profile mini.",
        )
    return None


def are_parallel_rows(fingerprint: str) -> bool:
    """Whether a fingerprint is that of the embedded suite's own rows in the place of translations."""
    return not fingerprint.startswith(_OF_A_FILE)


def _by_id(
    path: Path, entries: Sequence[Translated], rows: Mapping[str, dict[str, Any]], bad: BadRows
) -> Iterator[tuple[str, Translated]]:
    """(source id, entry) of every entry that belongs to a row."""
    if not all(entry.id is not None for entry in entries):
        yield from _by_text(path, entries, rows, bad)
        return
    for entry in entries:
        assert entry.id is not None
        if entry.id not in rows:
            bad.report(path, entry.where, f"the id {entry.id!r} is not among the source's rows")
        elif odd := _other_text(entry, rows[entry.id]):
            bad.report(path, entry.where, f"it is not a translation of {entry.id!r}: its source text is {odd!r}")
        else:
            yield entry.id, entry


def _by_text(
    path: Path, entries: Sequence[Translated], rows: Mapping[str, dict[str, Any]], bad: BadRows
) -> Iterator[tuple[str, Translated]]:
    """Entries without ids stand in the order of the source; those of rows that were not translated are left out."""
    places: dict[tuple[str, ...], list[int]] = {}
    ids = list(rows)
    for number, row in enumerate(rows.values()):
        places.setdefault(_pair(row), []).append(number)
    last = -1
    for entry in entries:
        assert entry.source is not None
        here = [number for number in places.get(_pair(entry.source), ()) if number > last]
        if not here:
            shown = entry.source["text_a"][:60]
            bad.report(path, entry.where, f"its source text is not the source's next one or a later one ({shown!r})")
            continue
        row = rows[ids[here[0]]]
        if entry.label and _label(entry.label) != row["label"] and row["label"]:
            bad.report(path, entry.where, f"its label is {entry.label!r}, and the source's is {row['label']!r}")
            continue
        last = here[0]
        yield ids[last], entry


def _pair(texts: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(_letters(texts[name]) for name in ("text_a", "text_b"))


def _other_text(entry: Translated, row: Mapping[str, Any]) -> str | None:
    """A source text of the entry that is not the row's; None if all are."""
    for name, text in (entry.source or {}).items():
        mine, theirs = (texts if isinstance(texts, list) else [texts] for texts in (row.get(name, ""), text))
        if list(map(_letters, map(str, mine))) != list(map(_letters, map(str, theirs))):
            return str(text)[:60]
    return None


def _letters(text: str) -> str:
    """What is left of a text by the ways in which releases write it: letters and digits alone."""
    return "".join(one for one in unicodedata.normalize("NFKC", text).casefold() if one.isalnum())


def _label(name: str) -> str:
    # XNLI's translated training set spells it so.
    return "contradiction" if name.strip() == "contradictory" else name.strip()


def _dropped(path: Path) -> frozenset[str]:
    """Ids of the rows that `astilts translate` has said to have lost."""
    try:
        content = json.loads(provenance_of(path).read_text(encoding="utf-8"))
        return frozenset(content["dropped_rows"])
    except (OSError, ValueError, KeyError):
        return frozenset()


def from_english(
    translations: Translations | None, task: Recipe, split: str, languages: Iterable[str]
) -> dict[str, str]:
    """Language to the fingerprint of the translations of English rows into it, English itself aside.

    Raises:
        UsageError: The task has no translations, or none are given.
        DataError: A language's are not there; the message names the file.
    """
    return {
        code: _checked(translations, task, split, Direction(ENGLISH, code)) for code in languages if code != ENGLISH
    }


def into_english(
    translations: Translations | None, task: Recipe, split: str, languages: Iterable[str]
) -> dict[str, str]:
    """Language to the fingerprint of the English translations of its rows; nothing where none are given.

    Raises:
        UsageError: What is predicted for translations cannot be scored.
        DataError: A language's are not there; the message names the file.
    """
    if translations is None:
        return {}
    if reason := task.build_kind().unscorable_in_translation:
        raise UsageError(
            f"--translate-test: {task.name} cannot be scored in translation: {reason}.",
            remedy="It is for targets with one label for each row, such as xnli, pawsx and xcopa.",
        )
    return {
        code: _checked(translations, task, split, Direction(code, ENGLISH)) for code in languages if code != ENGLISH
    }


def _checked(translations: Translations | None, task: Recipe, split: str, direction: Direction) -> str:
    """The fingerprint of the translations in one direction, once they are known to be there."""
    kind = task.build_kind()
    missing = None if translations is None else translations.missing(task, split, direction)
    if kind.untranslatable and (translations is None or missing or not kind.parallel):
        raise UsageError(
            f"{task.name} has no translations to train on: {kind.untranslatable}.", remedy="Train it in English."
        )
    spoken = LANGUAGES[direction.other]
    into, flag = (
        (f"into {spoken}", "--translations")
        if direction.source == ENGLISH
        else (f"from {spoken} into English", "--translate-test")
    )
    if translations is None:
        raise UsageError(
            f"{task.name}: translations {into} are needed, and none are given.",
            remedy=f"Give a folder with {flag}; `astilts translate` makes one.",
        )
    if missing:
        root = getattr(translations, "root", None)
        place = "" if root is None else f" --split {split} --out {shlex.quote(str(root))}"
        raise DataError(
            f"{task.name}: there is no translation {into}: {missing} is not there.",
            remedy=f"Make it with `astilts translate {task.name} --from {direction.source} --to {direction.target}"
            f"{place}` and a --model, or check {flag}.",
        )
    return translations.fingerprint(task, split, direction)
