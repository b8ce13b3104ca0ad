"""What the axes of a study may be, and whether every value of them is known."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from adapterstilts.commands.models.intermediate_runs import NONE, check_names
from adapterstilts.commands.options import ALL, TransferOptions, read_options
from adapterstilts.commands.table.baselines import baseline_names
from adapterstilts.commands.table.target_names import named_targets
from adapterstilts.commands.table.transfer_options import parse_composition
from adapterstilts.declared import declared_by
from adapterstilts.errors import AstiltsError, UsageError, unknown
from adapterstilts.modeling.backbone import locate_backbone
from adapterstilts.modeling.methods import parse_method
from adapterstilts.settings import Settings, validate
from adapterstilts.studies.definition import BASELINE, FROM, INTERMEDIATE_RATE, OF_PHASE, OF_ROWS, TO, Selection, Study
from adapterstilts.tasks.catalogue import Catalogue

SYNONYMS = {"translate-train": "translate-target"}
"""Names of baselines that the field has beside the package's own."""
# What a study asks for in its own way, or has no use for.
_NOT_AXES = ("compare", "baseline", "select", "against", "force", "store", "report_to")
_LISTS = (list, tuple)
# Tasks of a set that are named one by one.
_LISTED = 3


def text_of(value: Any) -> str:
    """A value as a cell's axes show it, and as a flag takes it."""
    if isinstance(value, dict):
        return ",".join(f"{name}={text_of(one)}" for name, one in value.items())
    return "+".join(map(text_of, value)) if isinstance(value, _LISTS) else f"{value}"


def text_on(axis: str, value: Any) -> str:
    """The same of a value on an axis, by the name that cells have it by."""
    text = text_of(value)
    return SYNONYMS.get(text, text) if axis == BASELINE else text


def intermediate_name(value: Any) -> str:
    """An entry of the axis `from`: a task, or a list of tasks that are trained together."""
    return text_of(value)


def short_names(tasks: Iterable[str]) -> dict[str, str]:
    """What sets of many tasks are called where there is little room, if that says which of `tasks` is meant.

    Args:
        tasks: Values of the axis `from`, as text.
    """
    counts = {one: one.count("+") + 1 for one in tasks}
    named = {one: f"{count} tasks together" for one, count in counts.items() if count > _LISTED}
    return {one: name for one, name in named.items() if list(named.values()).count(name) == 1}


def check_values(study: Study, catalogue: Catalogue) -> None:
    """Refuses a study whole if anything that it names is unknown.

    Raises:
        UsageError: It names all of it.
    """
    wrong = list(dict.fromkeys(_unknown(study, catalogue)))
    if len(wrong) == 1:
        raise wrong[0]
    if wrong:
        listed = "".join(f"\n  {one.message}{f' {one.remedy}' if one.remedy else ''}" for one in wrong)
        raise UsageError(f"The study {study.name or 'given'} has {len(wrong)} faults:{listed}")


def _unknown(study: Study, catalogue: Catalogue) -> Iterator[UsageError]:
    if not study.axes.get(TO):
        yield UsageError("The axis 'to' has no target.", remedy="Name one; `astilts tasks` lists them.")
    for axis, value in _values(study):
        yield from _caught(partial(_check, axis, value, catalogue))
    yield from _caught(partial(validate, Settings, dict(study.intermediate), where="intermediate"))
    for name in study.options:
        yield from _caught(partial(_option, name, "option"))
    for number, claim in enumerate(study.claims, start=1):
        where = f"claim {number}"
        parts = [claim.mean, claim.minus, claim.each, claim.best, *(term.of for term in claim.terms)]
        if claim.slope:
            parts += [claim.slope.of, claim.slope.minus]
            yield from _caught(partial(_properties, study, claim.slope.axis, claim.slope.by))
        for part in parts:
            yield from _unmeant(study, part or {}, where)
        ways = (claim.mean, claim.terms or None, claim.each, claim.slope, claim.best)
        if sum(one is not None for one in ways) != 1 or (claim.minus is not None and claim.mean is None):
            yield UsageError(
                f"{where} has to have one of mean (with or without minus), terms, each, slope and best.",
                remedy="Give one of them.",
            )
        if claim.each is not None and claim.expect not in ("positive", "negative"):
            yield UsageError(
                f"{where} expects each group to be {claim.expect!r}, and each can only be positive or negative.",
                remedy="Give one of these, or a claim with mean for each group.",
            )


def _values(study: Study) -> Iterator[tuple[str, Any]]:
    for axis, values in study.axes.items():
        yield from ((axis, value) for value in values)
    for arm in study.arms:
        yield from arm.items()


def _caught(check: Callable[[], Any]) -> Iterator[UsageError]:
    try:
        check()
    except UsageError as error:
        yield error
    except AstiltsError:  # what cannot be reached or read is said when it is needed
        return


def _check(axis: str, value: Any, catalogue: Catalogue) -> None:
    if axis == TO:
        for name in named_targets([str(value)], catalogue, benchmark=None).names:
            if name in catalogue.names():
                catalogue.recipe_for_phase(name, "target")
            elif not any(sign in name for sign in "./"):
                raise unknown("task", name, catalogue.names())
    elif axis == FROM:
        check_names([intermediate_name(value)], catalogue)
    elif axis == BASELINE:
        name = SYNONYMS.get(value, value)
        if name not in (*baseline_names(), ALL, NONE):
            raise unknown("baseline", str(value), [*baseline_names(), *SYNONYMS, NONE, ALL])
    elif axis == INTERMEDIATE_RATE:
        validate(Settings, {"learning_rate": value}, where=axis)
    elif axis in OF_PHASE:
        return
    else:
        _option(axis, "axis")
        options = read_options(TransferOptions, {axis: value})
        if axis == "method":
            parse_method(str(value))
        elif axis == "composition":
            parse_composition(options)
        elif axis == "backbone":
            _check_folder(str(value))


def _check_folder(name: str) -> None:
    """Looks at a backbone that is here; one on the Hub is asked for when it is needed."""
    if Path(name).is_dir() or name.startswith((".", "/", "~")):
        locate_backbone(name)


def _option(name: str, what: str) -> None:
    known = [one for one in declared_by(TransferOptions) if one not in _NOT_AXES]
    if name not in known:
        raise unknown(what, name, [*OF_ROWS, *OF_PHASE, *known] if what == "axis" else known)


def _properties(study: Study, axis: str, by: str) -> None:
    there = study.properties.get(axis, {})
    lacking = [text_of(value) for value in axis_values(study, axis) if by not in there.get(text_of(value), {})]
    if lacking:
        raise UsageError(
            f"A slope is by {by!r} of {axis}, which {', '.join(lacking)} has none of.",
            remedy=f"Give it under properties: {axis}.",
        )


def axis_values(study: Study, axis: str) -> list[Any]:
    """Every value of an axis, those of `arms` too."""
    found = [*study.axes.get(axis, ()), *(arm[axis] for arm in study.arms if axis in arm)]
    return list({text_of(value): value for value in found}.values())


def _unmeant(study: Study, selection: Selection, where: str) -> Iterable[UsageError]:
    """Values that a claim is about and the study has not."""
    for axis, values in selection.items():
        known = [text_on(axis, value) for value in axis_values(study, axis)]
        if axis in (FROM, BASELINE):
            known = [*known, NONE]
        if axis in (TO, FROM) and any(one in (ALL, "xtreme", "xtreme-r") for one in known):
            continue
        if not known:
            yield UsageError(f"{where} is about {axis}, which is no axis of the study.", remedy="Leave it out.")
            continue
        for value in values:
            if text_on(axis, value) not in known:
                yield unknown(f"value of {axis} in {where}", text_of(value), known)
