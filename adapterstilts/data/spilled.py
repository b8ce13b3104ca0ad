"""Rows that are too many to be kept as Python objects: in a file without a name, which is looked at through memory."""

from __future__ import annotations

import mmap
import tempfile
import uuid
import weakref
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from adapterstilts.errors import DataError

if TYPE_CHECKING:
    from datasets import Dataset

IN_MEMORY = 4096
"""So many rows are kept as they are."""

_AT_ONCE = 1000

_mapped: weakref.WeakSet[mmap.mmap] = weakref.WeakSet()


class RowStore:
    """Rows of canonical columns, in the order in which they were added.

    The file that holds many rows has no name, so that the system removes it with the last data set that shows them,
    or with the process.

    Args:
        features: The columns, as `datasets.Features`.
    """

    def __init__(self, features: Any) -> None:
        self._features = features
        self._few: list[dict[str, Any]] = []
        self._count = 0
        self._file: Any = None
        self._writer: Any = None

    def __len__(self) -> int:
        return self._count

    def add(self, row: Mapping[str, Any]) -> None:
        """Adds a row, of which the canonical columns are kept.

        Raises:
            DataError: The disk is full.
        """
        self._few.append({name: row[name] for name in self._features})
        self._count += 1
        if len(self._few) >= (IN_MEMORY if self._file is None else _AT_ONCE):
            self._spill()

    def rows(self) -> Sequence[Mapping[str, Any]]:
        """The rows, of which the many are read as they are asked for."""
        return self._few if self._file is None else _Read(self.dataset())

    def dataset(self, without: Iterable[int] = ()) -> Dataset:
        """The rows as a data set.

        Args:
            without: Numbers of rows to leave out, in order.
        """
        from datasets import Dataset

        kept = np.ones(self._count, dtype=bool)
        kept[np.fromiter(without, dtype=np.int64)] = False
        if self._file is None:
            rows = [row for row, keep in zip(self._few, kept, strict=True) if keep]
            return Dataset.from_list(rows, features=self._features)
        found = self._map()
        return found if kept.all() else found.select(np.flatnonzero(kept))

    def _spill(self) -> None:
        import pyarrow as pa
        from datasets import Dataset

        try:
            if self._file is None:
                # It is open for as long as it is looked at, and `_map` looks at it by another way.
                self._file = tempfile.TemporaryFile(prefix="astilts-rows-")  # noqa: SIM115
                self._writer = pa.ipc.new_stream(self._file, self._features.arrow_schema)
            for start in range(0, len(self._few), _AT_ONCE):
                part = Dataset.from_list(self._few[start : start + _AT_ONCE], features=self._features)
                self._writer.write_table(part.data.table)
            self._file.flush()
        except OSError as error:
            raise DataError(
                f"The rows do not fit into {tempfile.gettempdir()} ({error.strerror or error}).",
                remedy="Make room there, or name another folder with the environment variable TMPDIR.",
            ) from None
        self._few.clear()

    def _map(self) -> Dataset:
        import pyarrow as pa
        from datasets import Dataset, DatasetInfo
        from datasets.table import InMemoryTable

        if self._few:
            self._spill()
        pages = mmap.mmap(self._file.fileno(), 0, access=mmap.ACCESS_READ)
        _mapped.add(pages)
        # The stream has no end yet, and may go on.
        table = pa.ipc.open_stream(pa.py_buffer(pages)).read_all()
        # To `datasets`, what has a file's name would be a file that it can write others beside.
        info = DatasetInfo(features=self._features)
        return Dataset(InMemoryTable(table), info=info, fingerprint=uuid.uuid4().hex[:16])


def each_row(rows: Dataset) -> Iterator[dict[str, Any]]:
    """The rows of a data set; of those that are read from a file, few are in memory at the same time."""
    for start in range(0, len(rows), _AT_ONCE):
        columns = rows[start : start + _AT_ONCE]
        names = list(columns)
        for values in zip(*columns.values(), strict=True):
            yield dict(zip(names, values, strict=True))
        _release()


class _Read(Sequence[Mapping[str, Any]]):
    """The rows of a data set as a sequence."""

    def __init__(self, rows: Dataset) -> None:
        self._rows = rows

    def __len__(self) -> int:
        return len(self._rows)

    def __iter__(self) -> Iterator[Mapping[str, Any]]:
        return each_row(self._rows)

    def __getitem__(self, at: Any) -> Any:
        if isinstance(at, slice):
            return [self._rows[number] for number in range(*at.indices(len(self)))]
        return self._rows[at]


def _release() -> None:
    """Gives back the memory of what was read from files; it is read again where it is asked for."""
    if hasattr(mmap, "MADV_DONTNEED"):
        for pages in list(_mapped):
            pages.madvise(mmap.MADV_DONTNEED)
