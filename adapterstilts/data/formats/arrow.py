"""Tables of columns: Parquet, and Arrow as `datasets` saves it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from adapterstilts.data.bad_rows import BadRows
from adapterstilts.data.formats.files import check_unicode
from adapterstilts.data.formats.packed import check_file, empty, unreadable
from adapterstilts.data.formats.registry import Records, register
from adapterstilts.errors import DataError

_ROWS = 1000
# What pandas makes of an index that is no plain count.
_INDEX = re.compile(r"__index_level_\d+__")
_ARROW_FILE = b"ARROW1"

Batches = Callable[[Path, ExitStack], Iterator[Any]]
"""From a file to its `pyarrow.RecordBatch`es, one after the other."""


@register("parquet", "Parquet file", more=True)
def read_parquet(paths: tuple[Path, ...], language: str, bad: BadRows) -> Records:
    """Parquet, in one file or several parts; columns that pandas made of its index are left out.

    Dates, times and decimal numbers become text.
    """
    return _rows(paths, bad, _parquet_batches, "Parquet")


@register("arrow", "Arrow file", more=True)
def read_arrow(paths: tuple[Path, ...], language: str, bad: BadRows) -> Records:
    """Arrow, as a stream or a file, such as those in a folder that `save_to_disk` of `datasets` wrote.

    Dates, times and decimal numbers become text.
    """
    return _rows(paths, bad, _arrow_batches, "Arrow")


def _rows(paths: tuple[Path, ...], bad: BadRows, batches: Batches, name: str) -> Records:
    """(`row 3`, record) of each row of all files."""
    for path in paths:
        of = f" of {path.name}" if len(paths) > 1 else ""
        first = 0
        for batch in _batches(path, batches, name):
            for number, values in enumerate(_records(batch), start=first):
                where = f"row {number}{of}"
                try:
                    record = values()
                    check_unicode(*_texts(record.values()))
                except ValueError as error:
                    bad.report(path, where, _reason(error))
                    continue
                yield where, record
            first += batch.num_rows


def _batches(path: Path, batches: Batches, name: str) -> Iterator[Any]:
    """The parts of a file, with what Arrow says of it as an error that names the file."""
    import pyarrow as pa

    try:
        check_file(path)
        if not path.stat().st_size:
            raise empty(path)
        with ExitStack() as stack:
            for batch in batches(path, stack):
                yield _plain(batch)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, pa.ArrowTypeError) as error:
        raise _damaged(path, name, error) from None
    except OSError as error:
        raise (unreadable(path, error) if error.errno else _damaged(path, name, error)) from None


def _damaged(path: Path, name: str, error: Exception) -> DataError:
    reason = str(error).strip().partition("\n")[0].rstrip(".")
    return DataError(
        f"{path} is not {name}, or damaged ({reason}).", remedy="Check its format, or download or write it again."
    )


def _parquet_batches(path: Path, stack: ExitStack) -> Iterator[Any]:
    from pyarrow import parquet

    file = stack.enter_context(parquet.ParquetFile(stack.enter_context(path.open("rb"))))
    yield from file.iter_batches(batch_size=_ROWS)


def _arrow_batches(path: Path, stack: ExitStack) -> Iterator[Any]:
    import pyarrow as pa

    # Not mapped into memory, in which the pages that were read would stay.
    source = stack.enter_context(path.open("rb"))
    if source.peek(len(_ARROW_FILE)).startswith(_ARROW_FILE):
        file = stack.enter_context(pa.ipc.open_file(source))
        found = (file.get_batch(number) for number in range(file.num_record_batches))
    else:
        found = stack.enter_context(pa.ipc.open_stream(source))
    for batch in found:
        for start in range(0, batch.num_rows, _ROWS):
            yield batch.slice(start, _ROWS)


def _plain(batch: Any) -> Any:
    """A batch without index columns, and with text for what JSON does not have."""
    import pyarrow as pa

    kept = {}
    for name, column in zip(batch.schema.names, batch.columns, strict=True):
        if _INDEX.fullmatch(name):
            continue
        odd = pa.types.is_temporal(column.type) or pa.types.is_decimal(column.type)
        if odd and not pa.types.is_duration(column.type):
            column = column.cast(pa.string())
        kept[name] = column
    return pa.RecordBatch.from_pydict(kept)


def _records(batch: Any) -> Iterator[Callable[[], dict[str, Any]]]:
    """For each row, what gives its record or raises ValueError: text in it need not be UTF-8."""
    try:
        found = batch.to_pylist()
    except UnicodeDecodeError:
        for number in range(batch.num_rows):
            yield lambda number=number: batch.slice(number, 1).to_pylist()[0]  # type: ignore[misc]
        return
    for record in found:
        yield lambda record=record: record  # type: ignore[misc]


def _texts(values: Any) -> Iterator[str]:
    return (value for value in values if isinstance(value, str))


def _reason(error: ValueError) -> str:
    return "a text is not valid UTF-8" if isinstance(error, UnicodeDecodeError) else str(error)
