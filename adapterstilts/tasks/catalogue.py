"""The catalogue: the package's tasks, those of folders of the user's, and those of other installed packages."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import lru_cache, wraps
from importlib.resources import files
from inspect import signature
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import yaml

from adapterstilts.documents import parse_yaml, read_document
from adapterstilts.errors import AstiltsError, DataError, UsageError, unknown
from adapterstilts.metrics import METRICS
from adapterstilts.registry import PACKAGE, Entries, Origin
from adapterstilts.settings import validate
from adapterstilts.tasks.extensions import Registration, registered_folder, registered_packages, shown, task_folders
from adapterstilts.tasks.kind import KINDS, Kind
from adapterstilts.tasks.recipe import Recipe

P = ParamSpec("P")
Result = TypeVar("Result")

MLM = "mlm"
"""The task of masked language modelling, which language adapters and some baselines are trained with."""

# From such a likeness on, a name is taken for a misspelt one.
_MISSPELT = 0.75
# libyaml reads ten times as fast, where PyYAML was built with it.
_Loader: type[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True)
class Place:
    """Where a task is.

    Attributes:
        folder: The folder with its `task.yaml`; None for a task without a file.
        values: What the file would say, for such a task.
    """

    origin: Origin
    folder: Path | None
    values: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class Catalogue:
    """The tasks that a command knows, and the entries of registries that come with them from outside the package.

    It holds nothing but the folders, reads a recipe when it is asked for, and can be sent to another process, which
    reads what it needs there.

    Attributes:
        folders: Folders of tasks outside the package: each holds a folder with a `task.yaml` for every task, or has
            one itself. `extension.py` of such a folder is imported, and what it adds belongs to this catalogue.
        own: Recipes of tasks that have no file.
    """

    folders: tuple[Path, ...] = ()
    own: tuple[Recipe, ...] = ()

    @classmethod
    def load(cls, folders: Iterable[str | Path] = (), own: Iterable[Recipe] = ()) -> Catalogue:
        """The catalogue with some folders.

        Args:
            own: Recipes of tasks that have no file; no other task has their names.

        Raises:
            UsageError: A folder is not there or has no tasks, an extension cannot be used, or a name is taken.
        """
        found = cls(tuple(dict.fromkeys(Path(folder).resolve() for folder in folders)), tuple(own))
        found.names()
        with found.in_use():
            KINDS.names(), METRICS.names()  # which refuse a name that the package has
        return found

    def in_use(self) -> AbstractContextManager[None]:
        """While it lasts, registries know the entries that come with these tasks, and those of no other catalogue.

        Raises:
            UsageError: An extension cannot be used, or two have entries of one name.
        """
        packages = (registered.entries for registered in registered_packages())
        folders = (registered.entries for _, registered in self._extensions() if registered)
        return Entries(*packages, *folders).in_use()

    def names(self) -> tuple[str, ...]:
        """Names of all tasks, sorted."""
        return tuple(sorted([*self._places(), *(recipe.name for recipe in self.own)]))

    def place(self, name: str) -> Place:
        """Where a task is.

        Raises:
            UsageError: There is no such task; near names are suggested.
        """
        found = self._places()
        if name not in found:
            error = unknown("task", name, found)
            if self.folders or difflib.get_close_matches(name, found, n=1, cutoff=_MISSPELT):
                raise error
            raise UsageError(
                error.message, remedy=f"{error.remedy} For a task of your own, name its folder with --tasks."
            )
        return found[name]

    def recipe(self, name: str) -> Recipe:
        """The recipe of one task, of which no other is read.

        Raises:
            UsageError: There is no such task (near names are suggested), or it does not follow the schema.
            DataError: Its file is not YAML, or the name inside is not its folder's.
        """
        if own := next((recipe for recipe in self.own if recipe.name == name), None):
            return own
        place = self.place(name)
        with self.in_use():
            if place.folder is None:
                return read_recipe(dict(place.values or {}), where=f"task {name!r} of {place.origin}")
            path = place.folder / "task.yaml"
            state = path.stat()
            return _read(path, self.folders, state.st_mtime_ns, state.st_size)

    def recipe_for_phase(self, name: str, phase: str) -> Recipe:
        """The recipe of a task that can be used in `phase` (`intermediate` or `target`).

        Raises:
            UsageError: The task is unknown or is not offered for this phase.
        """
        found = self.recipe(name)
        if phase not in found.phases:
            offered = [other for other in self.names() if phase in self.recipe(other).phases]
            raise UsageError(
                f"{name} ({found.title}) is not a task for the {phase} phase.",
                remedy=f"These are: {', '.join(offered)}.",
            )
        return found

    def training_recipes(self, task: Recipe, source: str) -> tuple[Recipe, ...]:
        """The recipes whose training data `task` is trained on, one after the other: its own, or those it refers to.

        Empty for tasks that are evaluated without any training.
        """
        part = task.source(source)
        if part.train_on:
            return tuple(self.recipe(other) for other in part.train_on)
        return (task,) if part.has("train") else ()

    def benchmark_languages(self, benchmark: str) -> dict[str, tuple[str, ...]]:
        """The tasks of `xtreme` or `xtreme-r`, with their languages there."""
        recipes = (self.recipe(name) for name in self.names())
        return {task.name: task.languages_of(benchmark) for task in recipes if benchmark in task.benchmarks}

    def build_kind(self, spec: Any) -> Kind:
        """The kind of a `TaskSpec` or `EvaluateSpec`, with its options."""
        with self.in_use():
            return KINDS.get(spec.kind)(spec.options)

    def training_data(self, specs: Iterable[Any]) -> set[str]:
        """The tasks whose training data some `TaskSpec`s train on, of those that the catalogue has."""
        known = self.names()
        return {
            name
            for spec in specs
            if spec.name in known
            for name in self.recipe(spec.name).training_data(spec.data.source)
        }

    def _places(self) -> dict[str, Place]:
        """Name to place of every task, once no two have the same name."""
        found: dict[str, Place] = dict(_package())
        for name, place in self._outside():
            known = found.setdefault(name, place)
            if known != place and not (known.folder and known.folder == place.folder):
                where = shown(place.folder) if place.folder else str(place.origin)
                raise UsageError(
                    f"task {name!r} in {where} is already a task of {known.origin}.",
                    remedy="Give its folder and its recipe another name.",
                )
        return found

    def _outside(self) -> Iterator[tuple[str, Place]]:
        """(name, place) of the tasks that the package does not have."""
        for registered in registered_packages():
            for folder in registered.folders:
                yield from _tasks_in(folder, registered.origin)
            yield from ((name, Place(registered.origin, None, values)) for name, values in registered.tasks.items())
        for folder, extension in self._extensions():
            origin = Origin("folder", shown(folder))
            own = list(_tasks_in(folder, origin, may_be_empty=extension is not None))
            yield from own
            for further in extension.folders if extension else ():
                yield from _tasks_in(further, origin)
            if extension:
                yield from ((name, Place(origin, None, values)) for name, values in extension.tasks.items())

    def _extensions(self) -> Iterator[tuple[Path, Registration | None]]:
        """Each folder, with what its `extension.py` adds."""
        return ((folder, registered_folder(folder)) for folder in self.folders)


def in_catalogue(command: Callable[P, Result]) -> Callable[P, Result]:
    """Decorates a function with the argument `catalogue`, or with `options` that name its folders of tasks.

    While it runs, that catalogue is in use. Where it is given none, it is that of the package and of installed ones.
    """
    arguments = signature(command)

    @wraps(command)
    def call(*args: P.args, **kwargs: P.kwargs) -> Result:
        given = arguments.bind(*args, **kwargs).arguments
        catalogue = given.get("catalogue") or Catalogue.load(given["options"].tasks if "options" in given else ())
        with catalogue.in_use():
            return command(*args, **kwargs)

    return call


@lru_cache(maxsize=1)
def _package() -> Mapping[str, Place]:
    return dict(_tasks_in(Path(str(files("task_adapters"))), PACKAGE))


def _tasks_in(folder: Path, origin: Origin, *, may_be_empty: bool = False) -> list[tuple[str, Place]]:
    """(name, place) of the tasks in a folder.

    Raises:
        UsageError: It is not there, or has no tasks.
    """
    remedy = "Check --tasks and ASTILTS_TASKS." if origin.kind == "folder" else f"It was added by {origin}: mend that."
    if not folder.is_dir():
        raise UsageError(f"The folder of tasks {shown(folder)} is not there.", remedy=remedy)
    try:
        found = [(one.name, Place(origin, one)) for one in task_folders(folder)]
    except OSError as error:
        reason = f"The folder of tasks {shown(folder)} cannot be read ({error.strerror})."
        raise UsageError(reason, remedy="Make it readable for yourself: chmod u+rx.") from None
    if not found and not may_be_empty:
        raise UsageError(f"{shown(folder)} has no tasks: neither a task.yaml nor a folder with one.", remedy=remedy)
    return found


@lru_cache(maxsize=256)
def _read(path: Path, _folders: tuple[Path, ...], *_state: int) -> Recipe:
    where = shown(path)
    found = read_recipe(parse_yaml(read_document(path), where=where, loader=_Loader), where=where)
    if found.name != path.parent.name:
        raise DataError(
            f"{where} is named {found.name!r} inside, and its folder {path.parent.name!r}.",
            remedy="Give folder and recipe the same name.",
        )
    return found


def read_recipe(values: Any, *, where: str) -> Recipe:
    """The recipe that a `task.yaml` says, once its kind and metric exist and the kind takes its options.

    Raises:
        UsageError: It does not follow the schema, or there is no such kind, option or metric.
        DataError: It says nothing at all.
    """
    if not isinstance(values, dict):
        raise DataError(f"{where} does not say what the task is.", remedy="See `astilts tasks show squad`.")
    found = validate(Recipe, values, where=where)
    try:
        found.build_kind().check_metric(METRICS.get(found.metric))
    except AstiltsError as error:
        raise UsageError(f"{where}: {error.message}", remedy=error.remedy) from None
    except ValueError as error:
        raise UsageError(f"{where}: {error}.", remedy="Change 'metric' or the options.") from None
    return found
