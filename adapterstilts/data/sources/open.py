"""Which source a command reads from."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from adapterstilts.data.sources.files import FileRows
from adapterstilts.data.sources.hub import HubRows
from adapterstilts.data.sources.mini import MiniRows
from adapterstilts.data.sources.rows import Source
from adapterstilts.errors import UsageError, unknown

_SOURCES: dict[str, Callable[[], Source]] = {"hub": HubRows, "mini": MiniRows}


def open_source(name: str, data_dir: Path | None) -> Source:
    """The source called `name`; `files` needs the folder given as `--data-dir`.

    Raises:
        UsageError: There is no such source, or `files` has no folder.
    """
    if name == "files":
        if data_dir is None:
            raise UsageError("Source 'files' needs a folder.", remedy="Give it with --data-dir.")
        return FileRows(data_dir)
    if name not in _SOURCES:
        raise unknown("source", name, [*_SOURCES, "files"])
    return _SOURCES[name]()
