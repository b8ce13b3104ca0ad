"""One's own data in the place of a task: files, or data sets on the Hub; what is in them is told and said."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from pathlib import Path

from adapterstilts.commands.new_task import write_recipe
from adapterstilts.commands.options.own import OwnDataOptions
from adapterstilts.commands.own.columns import PACKED, SUFFIXES
from adapterstilts.commands.own.files import own_file
from adapterstilts.commands.own.hub import is_data_set, own_data_set
from adapterstilts.commands.own.rows import notes_on_rows
from adapterstilts.commands.own.scopes import scoped
from adapterstilts.commands.own.tasks import NO_OWN_TASKS, OwnTask, OwnTasks
from adapterstilts.commands.own.usable import check_usable
from adapterstilts.data.formats.folders import has_pattern
from adapterstilts.declared import declared_by
from adapterstilts.errors import UsageError
from adapterstilts.tasks.catalogue import Catalogue

Note = Callable[[str], None]


def own_tasks(
    names: Sequence[str],
    options: OwnDataOptions,
    catalogue: Catalogue,
    *,
    note: Note,
    scored: Collection[str] = (),
    more: bool = False,
) -> tuple[dict[str, str], OwnTasks]:
    """What each name means, that of a task in the place of one's own data, and these tasks.

    Args:
        scored: Names for which there have to be rows to score.
        more: Whether there is another file that flags can be about.
        note: Told what was found by looking.

    Raises:
        UsageError: A flag about own data is given and there are none, or the flags do not fit them.
        DataError: A file cannot be read.
        HubError: The Hub is out of reach, or has no such data set.
    """
    given = [name for name in dict.fromkeys(names) if is_own(name, catalogue)]
    if not given:
        if not more:
            _check_no_flags(options)
        return {name: name for name in names}, NO_OWN_TASKS
    found: dict[str, OwnTask] = {}
    for name, own_options in scoped(options, given).items():
        taken = [one.recipe.name for one in found.values()]
        beside = [one for one in given if one != name]
        found[name] = _own_task(name, own_options, catalogue, taken, beside, scored=name in scored)
        check_usable(found[name])
        for line in (*found[name].found, *notes_on_rows(found[name])):
            note(line)
        if own_options.save_task:
            note(_save(name, found[name]))
    meant = {name: found[name].recipe.name if name in found else name for name in names}
    return meant, OwnTasks(tuple(found.values()))


def is_own(name: str, catalogue: Catalogue) -> bool:
    """Whether a name that stands where a task is due means one's own data."""
    return name not in catalogue.names() and (is_file(name) or is_data_set(name) or "/" in name)


def is_file(name: str) -> bool:
    """Whether a name means a file, several by a pattern, or a folder of files."""
    plain = name.lower()
    for packed in PACKED:
        plain = plain.removesuffix(packed)
    return Path(name).exists() or plain.endswith(SUFFIXES) or has_pattern(name)


def is_table(name: str) -> bool:
    """Whether a name that stands where a trained model is due means one's own files: a folder holds a model there."""
    if any(sign in name for sign in ("://", "#")) or Path(name).is_dir():
        return False
    return is_file(name)


def own_task(name: str, options: OwnDataOptions, catalogue: Catalogue, *, taken: Sequence[str] = ()) -> OwnTask:
    """The task that one's own data are, with what was found by looking at them.

    Args:
        taken: Names of other tasks.

    Raises:
        AstiltsError: As `own_tasks`.
    """
    if is_data_set(name) and not is_file(name):
        return own_data_set(name, options, catalogue, taken=taken)
    return own_file(name, options, catalogue, taken=taken)


def _own_task(
    name: str,
    options: OwnDataOptions,
    catalogue: Catalogue,
    taken: Sequence[str],
    beside: Sequence[str],
    *,
    scored: bool,
) -> OwnTask:
    """As `own_task`, with errors that name the data and say how a flag is about `beside` alone."""
    try:
        own = own_task(name, options, catalogue, taken=taken)
    except UsageError as error:
        message = error.message if name in error.message else f"{name}: {error.message}"
        alone = (
            f"A flag is about one alone with its name before the value: --label {beside[0]}:COLUMN." if beside else ""
        )
        raise UsageError(message, remedy=" ".join(filter(None, (error.remedy, alone))) or None) from None
    if scored and "target" not in own.recipe.phases:
        raise UsageError(
            f"{name}: there are no rows to score it on.",
            remedy="Give some with --test CODE=FILE, as en=test.csv, or some of its rows with --validation 0.2.",
        )
    return own


def _save(name: str, own: OwnTask) -> str:
    """Writes the task down; returns what is said of it."""
    path = Path("tasks") / own.recipe.name / "task.yaml"
    try:
        write_recipe(path, own.recipe, again=True)
    except UsageError:
        raise UsageError(
            f"--save-task {own.recipe.name}: {path} is there already, and has another content.",
            remedy="Give another name, or remove it.",
        ) from None
    return f"wrote {path}; from now on: --tasks tasks{own.read_with}, and {own.recipe.name} for {name}"


def _check_no_flags(options: OwnDataOptions) -> None:
    for name, one in declared_by(OwnDataOptions).items():
        if getattr(options, name) != one.default:
            raise UsageError(
                f"{one.spelled} is about a file of one's own, and no file is given.",
                remedy="Give one in the place of a task, such as tickets.csv, or leave it out.",
            )
