"""Answers written as they come: a killed process loses one chunk at most, and its successor goes on from there."""

from __future__ import annotations

import csv
import io
import json
import math
import os
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from adapterstilts.errors import DataError, UsageError
from adapterstilts.files import sync, write_json
from adapterstilts.tasks.explained import Result

ANSWER = "prediction"
_ADDED = "_model"
_SHOWN = 100
_SUFFIXES = {".csv": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl", ".json": "jsonl"}
# What a name must not promise: nothing is packed, and these are no formats of answers.
_PACKED = (".gz", ".bz2", ".xz", ".zst", ".zip")
_OTHERS = (".tsv", ".parquet", ".pq", ".arrow", ".feather", ".xlsx", ".xlsm", ".xls")

Answered = tuple[Mapping[str, Any], Result]
"""A record of the input, and what the model says to it."""


def format_of(path: Path | None, given: str | None) -> str:
    """The format of an output: the one that is given, or that of its suffix.

    Raises:
        UsageError: The suffix is of something that is not written.
    """
    suffix = path.suffix.lower() if path else ""
    if suffix in _PACKED:
        raise UsageError(
            f"--out {path}: answers are not compressed.", remedy=f"Give {Path(path or '').stem}, and compress it then."
        )
    if suffix in _OTHERS and given is None:
        raise UsageError(
            f"--out {path}: answers are not written as {suffix}.",
            remedy="Give a name that ends with .csv or .jsonl, or say what it is to be with --format-out.",
        )
    return given or _SUFFIXES.get(suffix, "plain")


def with_answer(record: Mapping[str, Any], result: Result) -> dict[str, Any]:
    """The input's columns, and those of the answer, which are called otherwise where the input has such a column."""
    return _beside(record, _own(result))


def _own(result: Result) -> dict[str, Any]:
    """The columns of an answer."""
    (_, answer), *rest = result.items()
    return {ANSWER: answer, **dict(rest)}


def _beside(record: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """Both, nothing of which is written over: an input may be the output of another model."""
    found = dict(record)
    for column, value in own.items():
        name = column
        while name in found:
            name += _ADDED
        found[name] = value
    return found


@dataclass
class Table:
    """Answers as text of one format.

    Attributes:
        columns: Those of a CSV file, once its first row is known.
    """

    format: str
    columns: list[str] = field(default_factory=list)

    def text(self, answered: Sequence[Answered]) -> str:
        """Lines for some answers, and before the first of a CSV file its header."""
        return {"csv": self._csv, "jsonl": _jsonl, "plain": _plain}[self.format](answered)

    def _csv(self, answered: Sequence[Answered]) -> str:
        rows = [_beside(_cells(record), _cells(_shares(_own(result)))) for record, result in answered]
        lines = []
        if not self.columns and rows:
            self.columns = list(dict.fromkeys(name for row in rows for name in row))
            lines.append(_csv_line(self.columns))
        for row in rows:
            if odd := [name for name in row if name not in self.columns]:
                raise DataError(
                    f"A row has a column {odd[0]!r}, unlike those before it: a CSV file has no place for it.",
                    remedy="Write JSON lines: --format-out jsonl.",
                )
            lines.append(_csv_line([row.get(name, "") for name in self.columns]))
        return "".join(lines)


def _csv_line(values: Sequence[Any]) -> str:
    """A line of a CSV file; readers take a carriage return for the end of one, and `csv` quotes what ends its lines."""
    file = io.StringIO()
    csv.writer(file, lineterminator="\r\n").writerow(values)
    line = file.getvalue().removesuffix("\r\n")
    if line != _in_utf8(line):
        raise DataError(
            f"A row has half of a surrogate pair, which is no character: {_in_utf8(line):.{_SHOWN}}.",
            remedy="Mend the input, or write JSON lines, which have a form for it: --format-out jsonl.",
        )
    return f"{line}\n"


def _in_utf8(text: str) -> str:
    """A text with halves of surrogate pairs, which JSON has and UTF-8 has not, as JSON writes them."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def _shares(own: Mapping[str, Any]) -> dict[str, Any]:
    """An answer whose probabilities by label have a column each."""
    found: dict[str, Any] = {}
    for name, value in own.items():
        each = name == "scores" and type(value) is dict
        found |= {f"p_{label}": share for label, share in value.items()} if each else {name: value}
    return found


def _cells(row: Mapping[str, Any]) -> dict[str, Any]:
    """Values that a cell can hold: lists are JSON."""
    return {
        name: "" if value is None else _json(value) if type(value) in (list, dict) else value
        for name, value in row.items()
    }


def _json(value: Any) -> str:
    """As JSON, which has no numbers that are none (they are null), and no bytes such as Parquet's (they are text)."""
    try:
        text = json.dumps(value, ensure_ascii=False, default=str, allow_nan=False)
    except ValueError:
        text = json.dumps(_finite(value), ensure_ascii=False, default=str)
    return _in_utf8(text)


def _finite(value: Any) -> Any:
    """A value with nothing in the place of NaN and infinity, which Python writes and other programs do not read."""
    match value:
        case float() if not math.isfinite(value):
            return None
        case dict():
            return {name: _finite(one) for name, one in value.items()}
        case list():
            return [_finite(one) for one in value]
    return value


def _jsonl(answered: Sequence[Answered]) -> str:
    return "".join(f"{_json(with_answer(record, result))}\n" for record, result in answered)


def _plain(answered: Sequence[Answered]) -> str:
    """A line for each: the answer, how sure the model is, and the input's texts, with tabs between them."""
    return "".join(f"{_line(record, result)}\n" for record, result in answered)


def _line(record: Mapping[str, Any], result: Result) -> str:
    (name, answer), *_ = result.items()
    if name == "tags":
        both = (f"{token}/{tag}" for token, tag in zip(result["tokens"], answer, strict=True))
        return " ".join(both)
    if name == "answer" and answer == "":
        answer = "no answer"
    if name == "choice":
        answer = f"{answer} ({result['chosen']})"
    if name == "labels":
        answer = ", ".join(answer) or "no label"
    sure = f"{result['score']:.3f}" if type(result.get("score")) is float else ""
    texts = [_short(value) for value in record.values() if type(value) is str]
    return "\t".join([_short(str(answer)), *([sure] if sure else []), *texts])


def _short(text: str) -> str:
    line = _in_utf8(" ".join(text.split()))
    return line if len(line) <= _SHOWN else f"{line[: _SHOWN - 1]}…"


@dataclass
class PartFile:
    """The unfinished output beside the place of the finished one.

    Attributes:
        out: The finished file.
        rows: Records of the input that are done, left out ones among them.
        left_out: Why some of these were left out, and how many.
        bytes: Length of what is written whole.
    """

    out: Path
    table: Table
    rows: int = 0
    bytes: int = 0
    binding: str = ""
    left_out: Counter[str] = field(default_factory=Counter)

    @property
    def answered(self) -> int:
        """Records that were answered."""
        return self.rows - self.left_out.total()

    @property
    def path(self) -> Path:
        """The unfinished file."""
        return self.out.with_name(f"{self.out.name}.part")

    @property
    def sidecar(self) -> Path:
        """What says how far it is, and what it is of."""
        return self.out.with_name(f"{self.out.name}.part.json")

    def go_on(self, binding: str, note: Callable[[str], None]) -> None:
        """Takes up what an interrupted process left, if it was of the same input, model and options."""
        self.binding = binding
        told = self._told()
        if told and told["binding"] == binding and self.path.stat().st_size >= told["bytes"]:
            self.rows, self.bytes, self.table.columns = told["rows"], told["bytes"], told["columns"]
            self.left_out = Counter(told.get("left_out", {}))
            note(f"{self.path}: {self.answered:,} rows are there already; going on behind them")
        elif told:
            note(f"{self.path} is of another input, model or options, and is begun anew.")
        with self.path.open("ab") as file:
            file.truncate(self.bytes)

    def _told(self) -> dict[str, Any] | None:
        try:
            told = json.loads(self.sidecar.read_text(encoding="utf-8"))
            return told if self.path.is_file() and {"binding", "rows", "bytes", "columns"} <= told.keys() else None
        except (OSError, ValueError, AttributeError):
            return None

    def add(self, answered: Sequence[Answered], records: int, left_out: Mapping[str, int]) -> None:
        """Writes a chunk, and that it is written.

        Args:
            records: How many of the input these come from.
            left_out: Why others of these have no answer, and how many.
        """
        data = self.table.text(answered).encode("utf-8")
        with self.path.open("ab") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        self.rows, self.bytes = self.rows + records, self.bytes + len(data)
        self.left_out.update(left_out)
        told = {
            "binding": self.binding,
            "rows": self.rows,
            "left_out": self.left_out,
            "bytes": self.bytes,
            "columns": self.table.columns,
        }
        write_json(self.sidecar, told)

    def finish(self) -> None:
        """Gives the file its name."""
        self.path.replace(self.out)
        self.sidecar.unlink(missing_ok=True)
        sync(self.out.parent)


@contextmanager
def part_file(out: Path, table: Table, *, force: bool) -> Iterator[PartFile]:
    """The output, once it is known that it can be written and that no other process writes it.

    Raises:
        UsageError: It is there already, cannot be written, or another process writes it.
    """
    if out.is_dir():
        raise UsageError(f"--out {out} is a folder.", remedy="Give a file.")
    if out.exists() and not force:
        raise UsageError(f"--out {out} is there already.", remedy="Give another file, or --force to write over it.")
    found = PartFile(out, table)
    lock = FileLock(out.with_name(f"{out.name}.part.lock"), fallback_to_soft=False)
    try:
        if out.exists():
            out.open("ab").close()
        found.path.open("ab").close()
        lock.acquire(timeout=0)
    except Timeout:
        raise UsageError(
            f"--out {out}: another process writes it.", remedy="Wait for it, or give another file."
        ) from None
    except OSError as error:
        raise UsageError(
            f"--out {out} cannot be written ({error.strerror}).", remedy="Give a file in a folder of yours."
        ) from None
    try:
        yield found
    finally:
        if not found.sidecar.is_file() and found.path.is_file() and found.path.stat().st_size == 0:
            found.path.unlink()
        Path(lock.lock_file).unlink(missing_ok=True)
        lock.release()
