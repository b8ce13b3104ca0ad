"""Which targets a command is about, if it names a benchmark or `all`, and which of its languages each of them has."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from adapterstilts.commands.options import ALL
from adapterstilts.data.sources.rows import Source
from adapterstilts.errors import DataError, UsageError, unknown
from adapterstilts.stages.evaluation_spec import Scored, evaluation_languages
from adapterstilts.tasks.catalogue import Catalogue
from adapterstilts.tasks.recipe import Recipe

_BENCHMARKS = ("xtreme", "xtreme-r")


@dataclass(frozen=True)
class Named:
    """What `--to` says.

    Attributes:
        names: Those of tasks, each once, and of files.
        implied: Those of them that only `all` or a benchmark stands for.
        benchmark: The benchmark, if one is named, whose tasks are scored in its languages.
    """

    names: tuple[str, ...]
    implied: frozenset[str]
    benchmark: str | None = None


def named_targets(given: Sequence[str], catalogue: Catalogue, *, benchmark: str | None) -> Named:
    """Names, with benchmarks and `all` replaced by their tasks.

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
    names: dict[str, None] = {}
    for name in given:
        names |= dict.fromkeys(_members(name, catalogue, benchmark))
    implied = frozenset(names) - frozenset(given)
    return Named(tuple(names), implied, whole[0] if whole else None)


def _members(name: str, catalogue: Catalogue, benchmark: str | None) -> Iterable[str]:
    if name in _BENCHMARKS:
        return catalogue.benchmark_languages(name)
    if name == ALL:
        recipes = map(catalogue.recipe, catalogue.names())
        offered = (one for one in recipes if benchmark is None or benchmark in one.benchmarks)
        return [one.name for one in offered if "target" in one.phases]
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
    wanted = scored.languages
    own = {task.name: _in_benchmark(task, named, scored) for task in tasks}
    if len(tasks) == 1:
        return own
    every = {task.name: evaluation_languages(source, task, replace(own[task.name], languages=None)) for task in tasks}
    offered = {task.name: _offered(task, every[task.name], scored.split, source) for task in tasks}
    if nowhere := [one for one in wanted or () if not any(one in have for have in offered.values())]:
        remedy = "`astilts tasks` shows the languages of each."
        raise UsageError(f"No target has test data in {', '.join(nowhere)}.", remedy=remedy)
    found: dict[str, Scored] = {}
    left_out: list[str] = []
    for name, have in offered.items():
        chosen = tuple(one for one in wanted or every[name] if one in have)
        lacking = [one for one in wanted or every[name] if one not in have]
        if name in named.implied and not chosen:
            left_out.append(name)
        elif wanted and not chosen and have:
            remedy = f"Leave it out, or choose from: {', '.join(have)}."
            raise UsageError(f"{name} has none of the languages {', '.join(wanted)}.", remedy=remedy)
        elif chosen and lacking and (wanted or name in named.implied):
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


def _in_benchmark(task: Recipe, named: Named, scored: Scored) -> Scored:
    return replace(scored, benchmark=named.benchmark) if named.benchmark in task.benchmarks else scored


def _offered(task: Recipe, languages: Sequence[str], split: str | None, source: Source) -> tuple[str, ...]:
    """The languages that there are rows of in the split that would be scored."""
    for one in (split,) if split else ("test", "validation"):
        if there := tuple(language for language in languages if source.missing(task, one, language) is None):
            return there
    return ()
