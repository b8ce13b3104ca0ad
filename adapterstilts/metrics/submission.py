"""The benchmark's files: predictions and gold answers, read strictly and written as its own scripts read them.

A submission is a folder of tasks, each with one file per language: `<task>/<split>-<language>.{json|tsv}`; labels lie
the same way. There are five forms: a label per line, a tag per line with a blank line between sentences, pairs of ids,
a JSON object of answers, and one of rankings; `classification_files` has two more. Gold answers are SQuAD JSON. Line
ends may be `\\n` or `\\r\\n`, and the last one may lack. All errors are `DataError`s that name the file and the place.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from adapterstilts.errors import DataError
from adapterstilts.files import CHECK, no_file, write_json
from adapterstilts.languages import context_language
from adapterstilts.parsed import as_list, as_object, as_text, as_texts, from_json

Pair = tuple[str, str]
Question = tuple[str, list[str]]
"""Id and gold answers."""
T = TypeVar("T")
_AROUND = 30
_MISPLACED = "a list or object is not where it is due"


@dataclass(frozen=True)
class SubmissionFile:
    """One file of a task's folder.

    Attributes:
        key: The language, or two for questions in another language than their context: `de-en`, context first.
    """

    path: Path
    split: str
    key: str

    @property
    def language(self) -> str:
        """Language of the texts that answers come from."""
        return context_language(self.key)


def task_files(folder: Path) -> list[SubmissionFile]:
    """The files of one task, sorted by name; hidden ones are left out.

    Raises:
        DataError: The folder is empty, or a name is not `<split>-<language>.json` or `.tsv`.
    """
    found = []
    for path in sorted(folder.iterdir()):
        if path.name.startswith("."):
            continue
        split, _, key = path.stem.partition("-")
        if not split or not key or path.suffix not in (".json", ".tsv") or not path.is_file():
            raise DataError(
                f"{path} is not a file of the submission layout.",
                remedy="Name it <split>-<language>.json or .tsv, for instance test-de.tsv, or move it away.",
            )
        found.append(SubmissionFile(path=path, split=split, key=key))
    if not found:
        raise DataError(f"{folder} is empty.", remedy="Put one file for each language there, or remove the folder.")
    return found


def read_lines(path: Path) -> list[str]:
    """Labels, one per line."""
    lines = [line.strip() for line in _lines(path)]
    for number, line in enumerate(lines, start=1):
        _check_label(line, path, number)
    return lines


def write_lines(labels: Iterable[str], path: Path) -> None:
    """Writes one label per line."""
    _write(path, (f"{label}\n" for label in labels))


def read_tags(path: Path) -> list[list[str]]:
    """Tags of sentences, one per line, with a blank line between sentences and perhaps some at the end.

    Before a further blank line there is a sentence without tags, as the benchmark's scorer reads it: its own files have
    such.
    """
    sentences: list[list[str]] = [[]]
    for number, line in enumerate((line.strip() for line in _lines(path)), start=1):
        if line:
            _check_label(line, path, number)
            sentences[-1].append(line)
        else:
            sentences.append([])
    while sentences and not sentences[-1]:
        sentences.pop()
    if not sentences:
        raise DataError(f"{path} has no tags.", remedy="Write one tag on each line.")
    return sentences


def write_tags(sentences: Iterable[Sequence[str]], path: Path) -> None:
    """Writes one tag per line and a blank line between sentences."""
    parts = ("".join(f"{tag}\n" for tag in sentence) for sentence in sentences)
    _write(path, (("\n" if index else "") + part for index, part in enumerate(parts)))


def read_pairs(path: Path) -> list[Pair]:
    """Pairs of ids, `source TAB target` on each line, each pair once; none in an empty file."""
    pairs: dict[Pair, int] = {}
    for number, line in enumerate(_lines(path, may_be_empty=True), start=1):
        columns = [column.strip() for column in line.split("\t")]
        if len(columns) != 2 or not all(columns):
            raise DataError(
                f"{path}, line {number}: {_short(line)} is not a pair of ids.",
                remedy="Write the source's id, a tab, and the target's id.",
            )
        pair = (columns[0], columns[1])
        if pair in pairs:
            raise DataError(
                f"{path}, line {number}: the pair {pair[0]} {pair[1]} is also on line {pairs[pair]}.",
                remedy="Keep one of the two.",
            )
        pairs[pair] = number
    return list(pairs)


def write_pairs(pairs: Iterable[Pair], path: Path) -> None:
    """Writes `source TAB target` lines."""
    _write(path, (f"{source}\t{target}\n" for source, target in pairs))


def read_answers(path: Path) -> dict[str, str]:
    """Answers by question id, from `{id: answer}`; an empty answer stands for "no answer"."""
    return read_entries(path, as_text, "the answer to", due="a string", remedy="Write one string per id.")


def write_answers(texts: Mapping[str, str], path: Path) -> None:
    """Writes `{id: answer}`."""
    write_json(path, dict(texts))


def read_rankings(path: Path) -> dict[str, list[str]]:
    """Candidate ids by query id, best first, from `{query: [candidate, ...]}`."""
    remedy = "Write a list of strings for every query."
    return read_entries(path, as_texts, "the entry of", due="a list of ids", remedy=remedy)


def write_rankings(rankings: Mapping[str, Sequence[str]], path: Path) -> None:
    """Writes `{query: [candidate, ...]}`."""
    write_json(path, {query: list(ranked) for query, ranked in rankings.items()})


def read_gold_answers(path: Path) -> list[Question]:
    """Questions of a SQuAD-format label file, in order; an id that is there twice gives two of them."""
    content = _json(path)
    try:
        found = list(_questions(content))
    except ValueError as error:
        raise DataError(
            f"{path} is not SQuAD JSON: {error}.",
            remedy="Labels of question answering are data > paragraphs > qas > id and answers > text.",
        ) from None
    if not found:
        raise DataError(f"{path} has no questions.", remedy="Take the label file as the benchmark gives it.")
    for id_, golds in found:
        try:
            as_texts([id_, *golds], f"{path}: question {id_!r} has an id or an answer that is not a string.")
        except ValueError as error:
            raise DataError(str(error), remedy="Quote it.") from None
    return found


def _questions(content: Any) -> Iterator[tuple[Any, list[Any]]]:
    """Id and gold answers of every question, which can be anything yet; ValueError if there is no such structure."""
    # Some label files have the articles alone.
    for article in content if isinstance(content, list) else _listed(content, "data"):
        for paragraph in _listed(article, "paragraphs"):
            for question in _listed(paragraph, "qas"):
                yield _due(question, "id"), [_due(answer, "text") for answer in _listed(question, "answers")]


def _listed(record: Any, name: str) -> list[Any]:
    return as_list(_due(record, name), _MISPLACED)


def _due(record: Any, name: str) -> Any:
    """What an object has under a name; ValueError if it is none, or has not."""
    if name not in as_object(record, _MISPLACED):
        raise ValueError(f"an object has no {name!r}")
    return record[name]


def write_gold_answers(questions: Mapping[str, Sequence[str]], path: Path) -> None:
    """Writes the SQuAD JSON that official scorers read: ids and gold answers, without texts.

    Args:
        questions: Question id to its gold answers; none stands for "no answer".
    """
    qas = [{"id": id_, "answers": [{"text": text} for text in golds]} for id_, golds in questions.items()]
    write_json(path, {"version": "1.1", "data": [{"paragraphs": [{"qas": qas}]}]})


def _lines(path: Path, *, may_be_empty: bool = False) -> list[str]:
    # Not `splitlines`, which also splits at characters that texts may hold, such as U+2028.
    text = _text(path)
    if "\r" in text.rstrip("\r\n") and "\n" not in text:
        raise DataError(
            f"{path} has the line ends of old Macs: a carriage return, and no line feed.",
            remedy=f"Change them: tr '\\r' '\\n' < {path.name} > new",
        )
    lines = [line.removesuffix("\r") for line in text.split("\n")]
    if not lines[-1]:
        lines.pop()
    if not lines and not may_be_empty:
        raise DataError(f"{path} is empty.", remedy="Write one line for each example.")
    return lines


def _text(path: Path) -> str:
    if found := no_file(path):
        raise DataError(
            f"{path} {found[0]}.", remedy="Check the path and its rights." if found[1] == CHECK else found[1]
        )
    try:
        content = path.read_bytes()
    except OSError as error:
        raise DataError(
            f"{path} cannot be read ({error.strerror}).", remedy="Check the path and its rights."
        ) from error
    if content.startswith(b"\xef\xbb\xbf"):
        raise DataError(f"{path} begins with a byte-order mark.", remedy="Save it as UTF-8 without one.")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise DataError(
            f"{path}, line {line}: byte 0x{content[error.start]:02x} is not UTF-8.", remedy="Save the file as UTF-8."
        ) from error


def _json(path: Path) -> Any:
    text = _text(path)
    if not text.strip():
        raise DataError(f"{path} is empty.", remedy="Write a JSON object.")
    try:
        found = from_json(text, object_pairs_hook=lambda items: _unique(items, path))
        if "\\u" in text:
            json.dumps(found, ensure_ascii=False).encode("utf-8")
    except json.JSONDecodeError as error:
        raise DataError(
            f"{path}, line {error.lineno}, column {error.colno}: not JSON ({error.msg}).",
            remedy="Write the file again; it may have been cut off.",
        ) from error
    except UnicodeEncodeError as error:  # JSON has escapes for what no text can be written with
        before, half = error.object[max(0, error.start - _AROUND) : error.start], ord(error.object[error.start])
        raise DataError(
            f"{path}: \\u{half:04x} after {before!r} is half of a surrogate pair, which is no character.",
            remedy="Write the whole character, or leave it out.",
        ) from None
    except (ValueError, RecursionError) as error:
        raise DataError(f"{path} is no JSON that can be used: {error}.", remedy="Write the file again.") from None
    return found


def _unique(items: list[tuple[str, Any]], path: Path) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in items:
        if key in found:
            raise DataError(f"{path}: {key!r} is there twice in one object.", remedy="Give each id one entry.")
        found[key] = value
    return found


def read_entries(path: Path, read: Callable[[Any, str], T], what: str, *, due: str, remedy: str) -> dict[str, T]:
    """The entries of a JSON object, all of which have to be what `read` takes.

    Args:
        read: Raises ValueError with its second argument, made of `what` an entry is and what is `due`, for another one.
    """
    found = _object(path)
    for id_, value in found.items():
        try:
            read(value, f"{path}: {what} {id_!r} is {_short(value)}, not {due}.")
        except ValueError as error:
            raise DataError(str(error), remedy=remedy) from None
    return found


def _object(path: Path) -> dict[str, Any]:
    content = _json(path)
    try:
        found = as_object(content, f"{path} holds {_short(content)}, not a JSON object.")
    except ValueError as error:
        raise DataError(str(error), remedy="Write one object with an entry for each id.") from None
    if not found:
        raise DataError(f"{path} has no entries.", remedy="Write one entry for each id.")
    return found


def _check_label(line: str, path: Path, number: int) -> None:
    if not line:
        raise DataError(
            f"{path}, line {number}: no label.", remedy="Write one label on each line, and no line after the last."
        )
    if "\t" in line:
        raise DataError(
            f"{path}, line {number}: {_short(line)} has more than one column.", remedy="Keep the label only."
        )


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _write(path: Path, parts: Iterable[str] | Iterator[str]) -> None:
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.writelines(parts)
