"""Tasks as text for a terminal: the catalogue, and what became of a new one."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from adapterstilts.commands.new_task import NewTask
from adapterstilts.commands.own.formats import read_as
from adapterstilts.commands.own.recipe import Examined
from adapterstilts.commands.tasks import TaskEntry
from adapterstilts.data.formats.encodings import GuessedEncoding
from adapterstilts.data.records.guessing import ColumnGuess
from adapterstilts.languages import LANGUAGES, origin_of
from adapterstilts.reporting.sheets import Notes, Report, Sheet, columns, plain_sheet
from adapterstilts.tasks.sources import READ_WITH, listed

_WIDTH = 80
_SHOWN_RECORDS = 2
_SHOWN_COLUMNS = 12
_LISTED_CODES = 8
_GROUPS = {
    "classification": "Classification and choices",
    "structured_prediction": "Structured prediction",
    "question_answering": "Question answering",
    "retrieval": "Retrieval",
}


def tasks_report(tasks: Sequence[TaskEntry], languages: Mapping[str, Sequence[str]] | None = None) -> Report:
    """The catalogue, by group of tasks.

    Args:
        languages: Task to those of its languages that are of interest; tasks without any are left out.
    """
    shown = columns(
        "task", "title", "kind", "phases", "languages", "metric", "licence", "from",
        detail=("title", "metric", "licence", "from"), wraps=("title", "phases", "languages", "licence"),
    )  # fmt: skip
    groups: dict[str, list[list[str]]] = {group: [] for group in (*_GROUPS, "")}
    for task in tasks:
        own = task.recipe
        if languages is not None and own.name not in languages:
            continue
        codes = own.languages if languages is None else languages[own.name]
        came = f"{task.origin.name} ({task.origin.kind})" if task.origin.kind == "entry point" else task.origin.name
        phases = ", ".join(own.phases)
        row = [own.name, own.title, own.kind, phases, _languages(codes), own.metric, own.license, came]
        groups[own.group or ""].append(row)
    sheets = [Sheet(_GROUPS.get(group, "Others"), shown, rows) for group, rows in groups.items() if rows]
    notes = Notes(["`astilts tasks TASK` shows all languages of one."])
    return Report([*sheets, notes], data=_data(tasks, languages))


def _data(tasks: Sequence[TaskEntry], languages: Mapping[str, Sequence[str]] | None) -> Sheet:
    """All groups in one table, with the code of every language."""
    rows = []
    for own, origin in ((task.recipe, task.origin) for task in tasks):
        if languages is None or own.name in languages:
            codes = own.languages if languages is None else languages[own.name]
            listed = [" ".join(one) for one in (own.phases, codes)]
            rows.append([own.name, own.group, own.title, own.kind, *listed, own.metric, own.license, origin.name])
    names = ("task", "group", "title", "kind", "phases", "languages", "metric", "licence", "from")
    return plain_sheet(names, rows)


def _languages(codes: Sequence[str]) -> str:
    """The name of one language, a few codes, or how many there are."""
    if len(codes) == 1:
        return LANGUAGES[codes[0]]
    return ", ".join(codes) if len(codes) <= _LISTED_CODES else f"{len(codes)} languages"


def task_text(task: TaskEntry) -> str:
    """One task, and its languages by the part of the world that they are from."""
    own = task.recipe
    part = own.sources.hub or own.sources.files or own.sources.mini
    lines = [
        f"kind      {own.kind}, scored by {', '.join(own.metric_labels.values())}",
        f"phases    {', '.join(own.phases)}",
        f"data      {', '.join(READ_WITH[name][0] for name in own.sources.names())}",
    ]
    if part and part.train_on:
        lines.append(f"trained   as a target on {', then '.join(part.train_on)}")
    lines += [f"licence   {own.license}"] if own.license else []
    every = own.all_languages
    spoken = LANGUAGES[every[0]] if len(every) == 1 else f"{len(every)}"
    found = [line for text in [*lines, f"languages {spoken}"] for line in _wrapped(text, indent=" " * 10)]
    for region, codes in _by_region(every).items() if len(every) > 1 else ():
        text = f"  {region or 'elsewhere'} ({len(codes)}): {', '.join(f'{LANGUAGES[code]} ({code})' for code in codes)}"
        found += ["", *_wrapped(text, indent="    ")]
    head = [f"{own.title} ({own.name})", *_wrapped(own.description, indent="")]
    return "\n".join([*head, "", *found]) + "\n"


def _by_region(codes: Sequence[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for code in codes:
        found.setdefault(origin_of(code).region, []).append(code)
    return dict(sorted(found.items(), key=lambda one: (not one[0], one[0])))


def examined_text(found: Examined) -> str:
    """The columns of a file with their first values, and which of them are taken for canonical ones."""
    options = "".join(f", {name} {_mark(value)}" for name, value in found.format.options.items())
    encoding = found.format.encoding
    lines = _wrapped(f"{found.path}: format {found.format.name}{options}", indent="  ")
    if "encoding" in found.format.options or encoding.why != GuessedEncoding().why:
        lines += _wrapped(f"  {encoding.name} because {encoding.why}", indent="  ")
    for path, way in found.others.items():
        lines += _wrapped(f"{path}: read as {read_as(way)}", indent="  ")
    lines.append("")
    names = list(dict.fromkeys(name for record in found.records for name in record))
    lines += _columns(names, found)
    if found.guesses:
        lines += ["", "Read as (what is wrong can be said with --column NAME=COLUMN):", *_guesses(found.guesses)]
    if found.labels:
        lines += _wrapped(f"Labels (what is wrong, with --option NAME=VALUE): {found.labels.why}", indent="  ")
    return "\n".join(lines) + "\n"


def _mark(value: Any) -> str:
    """The value of a format's option, of which a tab would be seen by nobody."""
    return repr(value) if isinstance(value, str) and not value.strip() else _plain(value)


def _columns(names: Sequence[str], found: Examined) -> Iterator[str]:
    """One line for each column: its name and its first values, cut to fit."""
    width = min(20, max(map(len, names[:_SHOWN_COLUMNS])))
    room = (_WIDTH - 2 - width - 3 * _SHOWN_RECORDS) // _SHOWN_RECORDS
    for name in names[:_SHOWN_COLUMNS]:
        values = [_cut(_plain(record.get(name, "")), room) for record in found.records[:_SHOWN_RECORDS]]
        yield f"  {_cut(name, width):{width}} | {' | '.join(f'{value:{room}}' for value in values)}".rstrip()
    if len(names) > _SHOWN_COLUMNS:
        yield from _wrapped(f"and {', '.join(names[_SHOWN_COLUMNS:])}", indent="  ")


def _guesses(guesses: Sequence[ColumnGuess]) -> Iterator[str]:
    width = max(len(guess.column) for guess in guesses)
    for guess in guesses:
        theirs = " + ".join(listed(guess.theirs)) or "nothing"
        yield from _wrapped(f"  {guess.column:{width}} from {theirs} ({guess.why})", indent="    ")


def new_task_text(task: NewTask) -> str:
    """What was written, what was read with it, and the commands that use it."""
    recipe = task.recipe
    counts = ", ".join(f"{name} {count:,}" for name, count in task.rows.items())
    lines = [f"kind      {recipe.kind}, scored by {recipe.metric}"]
    lines += [f"{name:9} {_plain(value)}" for name, value in recipe.options.items()]
    lines += [f"rows      {counts}"]
    lines += [f"left out  {count:,}: {reason}" for reason, count in task.left_out.items()]
    lines += [f"wrote     {task.path}"]
    found = [line for text in lines for line in _wrapped(text, indent=" " * 10)]
    return "\n".join([*found, "", "Next:", *(line for command in task.next for line in _command(command))]) + "\n"


def _command(command: str) -> list[str]:
    """A command, on two lines where it is too long for one."""
    if len(command) + 2 <= _WIDTH:
        return [f"  {command}"]
    at = command.index(" --tasks ")
    return [f"  {command[:at]} \\", f"    {command[at + 1 :]}"]


def _wrapped(text: str, *, indent: str) -> list[str]:
    return textwrap.wrap(text, _WIDTH, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)


def _plain(value: Any) -> str:
    """A value on one line."""
    if isinstance(value, list | tuple) and all(isinstance(one, str) for one in value):
        return ", ".join(value)
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return " ".join(text.split())


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else f"{text[: width - 1]}…"
