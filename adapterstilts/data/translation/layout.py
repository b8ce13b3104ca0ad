"""Files of translations: XTREME's for the tasks that it has, JSON lines for the others.

XTREME's translations (storage.googleapis.com/xtreme_translations) are SQuAD's JSON with the ids of the source, and
files of five tab-separated columns without quoting: both source texts, both translations, and the label. What is
written here also has the source's texts in its JSON, so that a reader can tell whether a file belongs to its rows.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby
from pathlib import Path
from typing import Any, TypeAlias

from adapterstilts.data.bad_rows import BadRows
from adapterstilts.data.formats import FORMATS
from adapterstilts.data.formats.files import json_object, read_lines
from adapterstilts.data.formats.packed import checked_digest
from adapterstilts.data.formats.squad import Paragraph, paragraphs
from adapterstilts.files import sync
from adapterstilts.parsed import as_offset, get_list, get_object, get_text
from adapterstilts.tasks.recipe import Recipe

Row: TypeAlias = Mapping[str, Any]
_COLUMNS = ("source_a", "source_b", "text_a", "text_b", "label")
_FIELD_BREAKS = re.compile(r"[\t\r\n\v\f\x1c-\x1e\x85\u2028\u2029]+")


@dataclass(frozen=True)
class Direction:
    """From one language to another; one of the two is English."""

    source: str
    target: str

    @property
    def other(self) -> str:
        """The language that is not English."""
        return self.target if self.source == "en" else self.source

    def __str__(self) -> str:
        return f"{self.source}-{self.target}"


@dataclass(frozen=True)
class Translated:
    """One entry of a file.

    Attributes:
        where: Its place in the file.
        columns: The columns of the row that the translation replaces; none if the translation has lost the answer.
        id: The source's id, in formats that have it.
        source: Source texts by column, in formats that have them.
        label: The label beside it, in formats that have it.
    """

    where: str
    columns: dict[str, Any]
    id: str | None = None
    source: dict[str, Any] | None = None
    label: str | None = None


def file_of(root: Path, task: Recipe, split: str, direction: Direction) -> Path:
    """Where the translations of a task's split lie."""
    # XTREME translated training sets from English and test sets into English.
    published = {"train": direction.source == "en", "test": direction.target == "en"}
    if split in task.translations and published[split]:
        return root / task.translations[split].format(language=direction.other)
    return root / task.name / f"translate-{split}" / f"{task.name}.translate.{split}.{direction}.jsonl"


def provenance_of(path: Path) -> Path:
    """The file beside a file of translations that says how they were made."""
    return path.with_suffix(".provenance.json")


def write_translations(path: Path, rows: Iterable[tuple[Row, Row]], *, columns: Sequence[str]) -> None:
    """Writes (source row, translated row) pairs in the format that the file's name ends with.

    Args:
        columns: The columns that are translated; see `Kind.translated_columns`.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    scratch = path.with_name(path.name + ".part")
    with scratch.open("w", encoding="utf-8", newline="") as file:
        for text in _WRITERS[path.suffix](rows, columns):
            file.write(text)
    sync(scratch)
    scratch.replace(path)


def read_translations(path: Path, bad: BadRows) -> tuple[Translated, ...]:
    """All usable entries of a file.

    Raises:
        DataError: An entry does not follow the format and is not to be skipped; the message names the place.
    """
    entries, skipped = _read(path, checked_digest(path), bad.skip)
    bad.counts.update(skipped)
    return entries


@lru_cache(maxsize=8)
def _read(path: Path, digest: str, skip: bool) -> tuple[tuple[Translated, ...], Counter[str]]:
    """Entries and counts of bad ones, kept because a file is read when it is checked and when it is used."""
    bad = BadRows(skip=skip)
    return tuple(_once(_READERS[path.suffix](path, bad), path, bad)), bad.counts


def _once(entries: Iterable[Translated], path: Path, bad: BadRows) -> Iterator[Translated]:
    seen: set[str] = set()
    for entry in entries:
        if entry.id in seen:
            bad.report(path, entry.where, f"the id {entry.id!r} is used twice")
            continue
        if entry.id is not None:
            seen.add(entry.id)
        yield entry


def _write_tsv(rows: Iterable[tuple[Row, Row]], columns: Sequence[str]) -> Iterator[str]:
    for source, row in rows:
        texts = [one[name] for one in (source, row) for name in columns] + [row["label"]]
        yield "\t".join(_FIELD_BREAKS.sub(" ", text) for text in texts) + "\n"


def _read_tsv(path: Path, bad: BadRows) -> Iterator[Translated]:
    for where, found in FORMATS.get("tsv")((path,), "", bad, columns=_COLUMNS):
        yield Translated(
            where=where,
            columns={name: found[name] for name in ("text_a", "text_b")},
            source={"text_a": found["source_a"], "text_b": found["source_b"]},
            label=found.get("label"),
        )


def _write_jsonl(rows: Iterable[tuple[Row, Row]], columns: Sequence[str]) -> Iterator[str]:
    for source, row in rows:
        texts = {name: source[name] for name in columns}
        yield json.dumps({**row, "source": texts}, ensure_ascii=False) + "\n"


def _read_jsonl(path: Path, bad: BadRows) -> Iterator[Translated]:
    for number, line in read_lines(path):
        where = f"line {number}"
        try:
            found = json_object(line)
            id_ = get_text(found, "id", "it has no 'id'")
            source = get_object(found, "source") if "source" in found else None
        except ValueError as error:
            bad.report(path, where, str(error))
            continue
        columns = {name: value for name, value in found.items() if name not in ("id", "source")}
        yield Translated(where, columns=columns, id=id_, source=source)


def _write_squad(rows: Iterable[tuple[Row, Row]], columns: Sequence[str]) -> Iterator[str]:
    found = [
        {"context": context, "qas": [_asked(source, row) for source, row in together]}
        for context, together in groupby(rows, key=lambda pair: pair[1]["context"])
    ]
    yield json.dumps({"version": "1.1", "data": [{"title": "", "paragraphs": found}]}, ensure_ascii=False, indent=1)


def _asked(source: Row, row: Row) -> dict[str, Any]:
    answers = zip(row["answers"]["text"], row["answers"]["answer_start"], strict=True)
    return {
        "id": row["id"],
        "question": row["question"],
        "source_question": source["question"],
        "answers": [{"text": text, "answer_start": start} for text, start in answers],
    }


def _read_squad(path: Path, bad: BadRows) -> Iterator[Translated]:
    for paragraph in paragraphs(path, bad):
        for position, asked in enumerate(paragraph.questions):
            where = f"question {position} of {paragraph.where}"
            try:
                entry = _question(asked, paragraph, where)
            except ValueError as error:
                bad.report(path, where, str(error))
                continue
            yield entry


def _question(asked: Any, paragraph: Paragraph, where: str) -> Translated:
    reason = "'id' or 'question' is missing"
    question = get_text(asked, "question", reason)
    if "id" not in asked:
        raise ValueError(reason)
    given = get_list(asked, "answers") if asked.get("answers") else []
    answers = _placed(given[0], paragraph.context) if given else None
    row = {"context": paragraph.context, "question": question, "answers": answers}
    english = asked.get("source_question")
    source = {"question": english} if isinstance(english, str) else None
    return Translated(where, columns=row if answers else {}, id=str(asked["id"]), source=source)


def _placed(answer: Any, context: str) -> dict[str, list] | None:
    """The first answer; None where it is not at its offset, as XTREME says of those that translation lost."""
    try:
        text, start = get_text(answer, "text"), as_offset(answer.get("answer_start"))
    except ValueError:
        return None
    found = text.strip() and start >= 0 and context.startswith(text, start)
    return {"text": [text], "answer_start": [start]} if found else None


_WRITERS: dict[str, Callable[[Iterable[tuple[Row, Row]], Sequence[str]], Iterator[str]]] = {
    ".tsv": _write_tsv,
    ".json": _write_squad,
    ".jsonl": _write_jsonl,
}
_READERS: dict[str, Callable[[Path, BadRows], Iterator[Translated]]] = {
    ".tsv": _read_tsv,
    ".json": _read_squad,
    ".jsonl": _read_jsonl,
}
