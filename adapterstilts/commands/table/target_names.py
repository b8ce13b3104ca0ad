"""Which targets a command is about, if it names a benchmark or `all`, and which of its languages each of them has."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from adapterstilts.commands.options import ALL
from adapterstilts.data.sources.rows import Source
from adapterstilts.errors import DataError, UsageError, unknown
from adapterstilts.languages import GROUP, in_group, is_several, named_languages, shown
from adapterstilts.stages.evaluation_spec import Scored, evaluation_languages
from adapterstilts.tasks.catalogue import Catalogue
from adapterstilts.tasks.recipe import Recipe
from adapterstilts.tasks.sources import READ_WITH

_BENCHMARKS = ("xtreme", "xtreme-r")


@dataclass(frozen=True)
class Named:
    """What `--to` says.

    Attributes:
        names: Those of tasks, each once, and of files.
        implied: Those of them that only `all` or a benchmark stands for.
        benchmark: The benchmark, if one is named, whose tasks are scored in its languages.
        group: The group of languages, if one is named, in which all targets are scored.
    """

    names: tuple[str, ...]
    implied: frozenset[str]
    benchmark: str | None = None
    group: str | None = None


def named_targets(given: Sequence[str], catalogue: Catalogue, *, benchmark: str | None) -> Named:
    """Names, with benchmarks, `all` and a group of languages replaced by their tasks.

    Args:
        benchmark: The one of `--benchmark`.

    Raises:
        UsageError: Nothing is named, something twice, or languages of another benchmark are asked for.
    """
    if not given:
        raise UsageError("No target is given.", remedy="Name at least one; `astilts tasks` lists them.")
    if repeated := [name for name in given if list(given).count(name) > 1]:
        raise UsageError(f"The target {repeated[0]!r} is given twice.", remedy="Give each once.")
    whole = [name for name in given if name in _BENCHMARKS]
    asked = {*whole, *([benchmark] if benchmark else [])}
    if whole and len(asked) > 1:
        raise UsageError(
            f"--to {','.join(whole)}: languages are those of one benchmark, and not of {' and '.join(sorted(asked))}.",
            remedy="Give a command for each.",
        )
    groups = [name for name in given if name.startswith(GROUP)]
    if len(groups) > 1:
        raise UsageError(
            f"--to {','.join(groups)}: targets are scored in one group of languages.",
            remedy="Give a command for each, or several groups with --languages.",
        )
    names: dict[str, None] = {}
    for name in given:
        names |= dict.fromkeys(_members(name, catalogue, benchmark))
    implied = frozenset(names) - frozenset(given)
    return Named(tuple(names), implied, whole[0] if whole else None, groups[0] if groups else None)


def _members(name: str, catalogue: Catalogue, benchmark: str | None) -> Iterable[str]:
    if name in _BENCHMARKS:
        return catalogue.benchmark_languages(name)
    if name == ALL or name.startswith(GROUP):
        recipes = map(catalogue.recipe, catalogue.names())
        offered = [one for one in recipes if benchmark is None or benchmark in one.benchmarks]
        targets = {one.name: one.all_languages for one in offered if "target" in one.phases}
        if name == ALL:
            return targets
        every = dict.fromkeys(language for languages in targets.values() for language in languages)
        members = set(in_group(name.removeprefix(GROUP), every))
        return [task for task, languages in targets.items() if members & set(languages)]
    known = catalogue.names()
    if name not in known and difflib.get_close_matches(name, (*_BENCHMARKS, ALL), cutoff=0.8):
        raise unknown("task", name, [*known, *_BENCHMARKS, ALL])
    return [name]


def scored_targets(
    tasks: Sequence[Recipe], named: Named, scored: Scored, source: Source, *, note: Callable[[str], None]
) -> Mapping[str, Scored]:
    """The targets by name, each with those of the languages that it has; what is left out is noted.

    A single target has to have all languages that are asked for. Of several each has to have one, but for those that
    only a benchmark or `all` stands for, which are left out without data or without any of the languages.

    Raises:
        UsageError: No target has a language, or one that is named has none.
        DataError: No target has data.
    """
    scored = _in_group(named, scored)
    tasks = _with_source(tasks, named, source, note)
    own = {task.name: _in_benchmark(task, named, scored) for task in tasks}
    said = scored.languages or ()
    wanted = [one for one in said if not is_several(one)]
    if len(tasks) == 1 and len(wanted) == len(said):
        return own
    every = {task.name: evaluation_languages(source, task, replace(own[task.name], languages=None)) for task in tasks}
    offered = {task.name: _offered(task, every[task.name], scored.split, source) for task in tasks}
    anywhere = list(dict.fromkeys(one for have in offered.values() for one in have))
    members = set(named_languages(said, anywhere))
    if nowhere := [one for one in wanted if one not in anywhere]:
        remedy = "`astilts tasks` shows the languages of each."
        raise UsageError(f"No target has test data in {', '.join(nowhere)}.", remedy=remedy)
    found: dict[str, Scored] = {}
    left_out: list[str] = []
    for name, have in offered.items():
        asked = [*wanted, *(one for one in have if one in members and one not in wanted)] if said else every[name]
        chosen = tuple(one for one in asked if one in have)
        lacking = [one for one in asked if one not in have]
        if name in named.implied and not chosen:
            left_out.append(name)
        elif said and not chosen and have:
            remedy = f"Leave it out, or choose from: {shown(have)}."
            raise UsageError(f"{name} has none of the languages {', '.join(said)}.", remedy=remedy)
        elif len(wanted) < len(said) and chosen and not lacking:
            found[name] = replace(own[name], languages=chosen)
        elif chosen and lacking and (said or name in named.implied):
            note(f"{name} is scored in {', '.join(chosen)}: there are no test data in {', '.join(lacking)}.")
            found[name] = replace(own[name], languages=chosen)
        else:
            found[name] = own[name]  # what is missing is an error that says so
    if left_out:
        what = "of these languages" if scored.languages else "test data here"
        note(f"Left out, without any {what}: {', '.join(left_out)}.")
    if not found:
        raise DataError(
            "No target has data here.", remedy="Check --data-dir, or name one: what is missing is then said."
        )
    return found


def evaluated_languages(tasks: Sequence[Recipe], scored: Mapping[str, Scored], source: Source) -> list[str]:
    """The languages, and pairs of them, that all targets together are scored in; one that several have, repeatedly."""
    return [language for task in tasks for language in evaluation_languages(source, task, scored[task.name])]


def _in_group(named: Named, scored: Scored) -> Scored:
    """What is to be scored, in the languages of the group that targets are named by."""
    if named.group and scored.languages:
        raise UsageError(
            f"--to {named.group} says in which languages targets are scored.",
            remedy="Leave --languages out, or name targets.",
        )
    return replace(scored, languages=(named.group,)) if named.group else scored


def _with_source(
    tasks: Sequence[Recipe], named: Named, source: Source, note: Callable[[str], None]
) -> Sequence[Recipe]:
    """The targets without those that only `all` or a group stands for and that have no rows of the source's kind."""

    def has(task: Recipe) -> bool:
        name = source.of(task).name
        return name not in READ_WITH or name in task.sources.names()

    left_out = [task for task in tasks if task.name in named.implied and not has(task)]
    if left_out:
        what = READ_WITH[source.of(left_out[0]).name][0]
        note(f"Left out, without {what}: {', '.join(task.name for task in left_out)}.")
    return [task for task in tasks if task not in left_out]


def _in_benchmark(task: Recipe, named: Named, scored: Scored) -> Scored:
    return replace(scored, benchmark=named.benchmark) if named.benchmark in task.benchmarks else scored


def _offered(task: Recipe, languages: Sequence[str], split: str | None, source: Source) -> tuple[str, ...]:
    """The languages that there are rows of in the split that would be scored."""
    for one in (split,) if split else ("test", "validation"):
        if there := tuple(language for language in languages if source.missing(task, one, language) is None):
            return there
    return ()
