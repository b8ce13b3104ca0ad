"""What comes from outside the package: `extension.py` of a folder of tasks, and entry points of installed packages.

Both have a function `register(catalogue)`, whose argument is a `Registration`.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable, Iterator
from functools import lru_cache
from importlib.metadata import EntryPoint, entry_points
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

from adapterstilts.errors import AstiltsError, UsageError
from adapterstilts.registry import Entries, Origin

EXTENSION = "extension.py"
"""The module of a folder that is imported before its tasks are used."""

GROUP = "adapterstilts.tasks"
"""The group of entry points."""


class Registration:
    """What one extension adds: tasks, and code by name.

    Attributes:
        entries: What the following have been given.
        kinds: `add(name, kind)`: a class with the interface of `tasks.kind.Kind`.
        metrics: `add(name, metric)`: an entry as those of `metrics`.
        heads: `add(name, head)`: a function of backbone configuration, number of outputs and options that builds a
            `modeling.heads.Head`.
        methods: `add(name, method)`: a `modeling.methods.Method`.
        formats: `add(name, format)`: a `data.formats.Format`.
        records: `add(name, function)`: from a record and a language to a row; see `data.records`.
        tables: `add(name, function)`: from all records to rows; see `data.records.tables`.
        folders: Folders of tasks.
        tasks: Task to the content of its `task.yaml`.
    """

    def __init__(self, origin: Origin) -> None:
        self.origin = origin
        self.entries = Entries()
        self.kinds = self.entries.adding("task kind", origin)
        self.metrics = self.entries.adding("metric", origin)
        self.heads = self.entries.adding("head", origin)
        self.methods = self.entries.adding("method", origin)
        self.formats = self.entries.adding("file format", origin)
        self.records = self.entries.adding("record function", origin)
        self.tables = self.entries.adding("table function", origin)
        self.folders: list[Path] = []
        self.tasks: dict[str, dict[str, Any]] = {}

    def add_folder(self, folder: str | Path) -> None:
        """Adds the tasks of a folder, which holds a folder with a `task.yaml` for each, or has one itself."""
        self.folders.append(Path(folder).resolve())

    def add_task(self, name: str, **values: Any) -> None:
        """Adds a task without a file.

        Args:
            values: What its `task.yaml` would say besides its name.
        """
        self.tasks[name] = {"name": name, **values}


def registered_folder(folder: Path) -> Registration | None:
    """What `extension.py` of a folder adds, imported once in this process; None where there is none.

    Raises:
        UsageError: It cannot be imported, has no `register`, or takes names that are taken.
    """
    path = folder / EXTENSION
    return _of_file(path, path.stat().st_mtime_ns) if path.is_file() else None


@lru_cache(maxsize=64)
def _of_file(path: Path, _changed: int) -> Registration:
    origin = Origin("folder", shown(path.parent))
    return _registered(origin, lambda: _imported(path), what=shown(path), remedy="Mend it.")


@lru_cache(maxsize=1)
def registered_packages() -> tuple[Registration, ...]:
    """What the entry points of installed packages add, in the order of their names.

    Raises:
        UsageError: As `registered_folder`.
    """
    return tuple(_of_entry_point(point) for point in sorted(entry_points(group=GROUP), key=lambda point: point.name))


def _of_entry_point(point: EntryPoint) -> Registration:
    package = point.dist.name if point.dist else point.module
    what = f"entry point {point.name!r} ({point.value}) of package {package}"
    return _registered(
        Origin("entry point", package),
        point.load,
        what=what,
        remedy=f"Mend it, or uninstall it: pip uninstall {package}",
    )


def _registered(origin: Origin, load: Callable[[], Any], *, what: str, remedy: str) -> Registration:
    """What the `register` that `load` finds adds.

    Args:
        load: Gives the function, or a module that has it.
        what: Where it is, for errors.
    """
    found = Registration(origin)
    try:
        loaded = load()
        register = getattr(loaded, "register", None) if isinstance(loaded, ModuleType) else loaded
        if not callable(register):
            raise UsageError(f"{what} has no function register(catalogue).", remedy=remedy)
        register(found)
    except AstiltsError:
        raise
    except Exception as error:
        raise UsageError(f"{what} cannot be used: {type(error).__name__}: {error}.", remedy=remedy) from error
    return found


def _imported(path: Path) -> ModuleType:
    """The module at `path`; it is a package, so that it can import others of its folder: `from .kind import Kind`."""
    digest = hashlib.sha256(str(path).encode()).hexdigest()[:12]
    name = f"adapterstilts_extension_{digest}"
    spec = spec_from_file_location(name, path, submodule_search_locations=[str(path.parent)])
    assert spec is not None and spec.loader is not None
    module = module_from_spec(spec)
    before = {one for one in sys.modules if one.startswith(name)}
    for one in before:  # of an earlier state of the file
        del sys.modules[one]
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def shown(path: Path) -> str:
    """A path as it is written in messages: from the working directory where it lies below it."""
    try:
        below = path.relative_to(Path.cwd())
    except ValueError:
        return str(path)
    return f"./{below}" if below.parts else "."


def task_folders(folder: Path) -> Iterator[Path]:
    """The folders of tasks in a folder, by name; the folder itself where it has a `task.yaml`."""
    if (folder / "task.yaml").is_file():
        yield folder
        return
    for child in sorted(folder.iterdir()):
        if (child / "task.yaml").is_file():
            yield child
