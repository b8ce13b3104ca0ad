"""A data set on the Hub in the place of a task: `USER/NAME`, at the commit that it has now or the one that is given."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from adapterstilts.commands.new_task import label_guess
from adapterstilts.commands.options.own import OwnDataOptions
from adapterstilts.commands.own.columns import (
    PACKED,
    SUFFIXES,
    check_group,
    described,
    given_columns,
    given_options,
    held_out,
    kind_by_columns,
    kind_by_flags,
    naming_flags,
    task_name,
)
from adapterstilts.commands.own.recipe import Draft, positions
from adapterstilts.commands.own.tasks import OwnTask
from adapterstilts.data.bad_rows import BadRows
from adapterstilts.data.input_rows import GOLD
from adapterstilts.data.records.guessing import guess_columns, has_spans
from adapterstilts.data.sources.hub import HubRows, hub_rows
from adapterstilts.errors import UsageError, unknown
from adapterstilts.languages import ENGLISH, LANGUAGES, check_languages
from adapterstilts.runs.memory import Memory
from adapterstilts.tasks.catalogue import Catalogue, read_recipe
from adapterstilts.tasks.kind import KINDS
from adapterstilts.tasks.sources import HubSource, is_one

_HUB = "hf-data://"
_ID = re.compile(
    r"(?P<path>(?:[A-Za-z0-9][\w.-]*/)?[A-Za-z0-9][\w.-]*)(?::(?P<configuration>[^@:]+))?(?:@(?P<revision>[\w./-]+))?"
)
_VALIDATION = ("validation", "valid", "val", "dev")
_LOOKED_AT = 200
# Options about files.
_OF_FILES = ("encoding", "delimiter", "sheet")


def is_data_set(name: str) -> bool:
    """Whether a name that stands where a task is due means a data set on the Hub: no path that begins here looks so."""
    if name.startswith(_HUB):
        return True
    found = _ID.fullmatch(name)
    if not found or "/" not in found["path"] or name.lower().endswith((*SUFFIXES, *PACKED)):
        return False
    return not Path(name).exists() and not Path(found["path"]).parent.is_dir()


@dataclass(frozen=True)
class _DataSet:
    """A data set at a commit.

    Attributes:
        name: What the user calls it.
        configurations: All of them.
        configuration: The one that is trained on, and `splits` its splits.
    """

    name: str
    path: str
    commit: str
    configurations: Sequence[str]
    configuration: str
    splits: Sequence[str]

    @classmethod
    def of(cls, name: str) -> _DataSet:
        """Asks the Hub, or the cache.

        Raises:
            UsageError: There is no such configuration, or there are several and none is the default.
            HubError: The Hub cannot be reached, or has no such data set.
        """
        from adapterstilts.data.sources.hub_datasets import commit_of, configurations

        found = _ID.fullmatch(name.removeprefix(_HUB))
        if not found:
            raise UsageError(f"{name} is no data set.", remedy=f"Write {_HUB}USER/NAME[:CONFIGURATION][@REVISION].")
        path, wanted = found["path"], found["configuration"]
        commit = commit_of(path, found["revision"])
        names, default = Memory.of_user().recall(
            "configurations on the Hub", path, commit, find=lambda: configurations(path, commit)
        )
        chosen = wanted or default
        if chosen is None:
            raise UsageError(
                f"{path} has {len(names)} configurations: {', '.join(names)}.", remedy=f"Write {path}:{names[0]}."
            )
        if chosen not in names:
            raise unknown(f"configuration of {path}", chosen, names)
        return cls(name, path, commit, names, chosen, _splits(path, chosen, commit))

    def validation(self, given: str | None) -> str | None:
        """The split that selects checkpoints."""
        if given is None:
            return next((one for one in _VALIDATION if one in self.splits), None)
        if given not in self.splits:
            raise unknown(f"split of {self.name}", given, self.splits)
        return given

    def tests(self, given: Mapping[str, str] | None) -> dict[str, tuple[str, str]]:
        """Language to configuration and split of the rows to score."""
        if given is None:
            return {ENGLISH: (self.configuration, "test")} if "test" in self.splits else {}
        check_languages(given, available=LANGUAGES, owner="--test")
        return {code: self._place(text, code) for code, text in given.items()}

    def _place(self, text: str, code: str) -> tuple[str, str]:
        """The configuration and split that a word means: `CONFIGURATION:SPLIT`, a split, or a configuration."""
        configuration, colon, split = text.partition(":")
        if not colon and text in self.splits:
            return self.configuration, text
        if configuration not in self.configurations:
            known = (*self.splits, *self.configurations)
            raise unknown(f"split or configuration of {self.path} in --test {code}", text, known)
        there = _splits(self.path, configuration, self.commit)
        if not colon:
            split = next((one for one in ("test", *_VALIDATION) if one in there), "")
            split = split or (there[0] if len(there) == 1 else "")
        if split not in there:
            raise unknown(f"split of {self.path}:{configuration} in --test {code}", split or text, there)
        return configuration, split


def own_data_set(name: str, options: OwnDataOptions, catalogue: Catalogue, *, taken: Sequence[str] = ()) -> OwnTask:
    """The task that a data set on the Hub is, at a pinned commit, with what was found by looking at it.

    Args:
        name: `[hf-data://]USER/NAME[:CONFIGURATION][@REVISION]`.
        taken: Names of other tasks.

    Raises:
        UsageError: A column, split, configuration or the kind is not told by anything, or a flag does not fit.
        HubError: The Hub cannot be reached, or has no such data set.
    """
    for field in _OF_FILES:
        if getattr(options, field) is not None:
            raise UsageError(f"--{field} has no meaning for a data set on the Hub.", remedy="Leave it out.")
    data = _DataSet.of(name)
    if "train" not in data.splits:
        raise UsageError(
            f"{name} has no split 'train'; it has {', '.join(data.splits)}.",
            remedy="Give another configuration, or its rows as a file.",
        )
    called = options.save_task or task_name(data.path.rpartition("/")[2], (*catalogue.names(), *taken))
    told = {one: getattr(options, one) for one in OwnDataOptions.model_fields if one != "save_task"}
    what = (data.path, data.commit, data.configuration, called, json.dumps(told, sort_keys=True, default=str))
    values, found = Memory.of_user().recall("own data set", *what, find=lambda: _looked_at(data, options, called))
    recipe = read_recipe(values, where=f"task {called!r}")
    return OwnTask(recipe, HubRows(), "", tuple(found))


def _looked_at(data: _DataSet, options: OwnDataOptions, called: str) -> list[Any]:
    """The values of the recipe, and what is said of it."""
    from adapterstilts.data.sources.hub_datasets import class_names, rows_of_split, with_names

    hold_out, tests = held_out(options), data.tests(options.test)
    validation = data.validation(options.validation) if hold_out is None else None
    _check_new_rows(data, validation, tests)
    train = rows_of_split(data.path, data.configuration, "train", data.commit)
    check_group(options, train.column_names)
    classes = {column: names for column, one in train.features.items() if (names := class_names(one))}
    records = [with_names(record, classes) for record in islice(train, _LOOKED_AT)]
    kind, why = kind_by_flags(options) or kind_by_columns(records)
    with naming_flags():
        guesses = guess_columns(records, KINDS.get(kind).features(), given_columns(kind, options))
    labels = label_guess(kind, given_options(options), records, guesses)
    columns = {guess.column: guess.theirs for guess in guesses}
    gold = {column: theirs for column, theirs in columns.items() if column in GOLD and is_one(theirs)}
    values: dict[str, Any] = {
        column: {**dict(enumerate(classes[theirs])), -1: ""} for column, theirs in gold.items() if theirs in classes
    }
    if kind == "multiple_choice":
        values = positions(train, columns["label"], columns["choices"], where=data.name)
    common: dict[str, Any] = {
        "path": data.path,
        "revision": data.commit,
        "columns": columns,
        "values": values,
        "separators": {"label": labels.separator} if labels and labels.separator else {},
        "spans": has_spans(records, guesses),
    }
    splits: dict[str, Any] = {"train": "train", **({"validation": validation} if validation else {})}
    part = HubSource(
        **common,
        config=data.configuration,
        splits=splits,
        hold_out=hold_out,
        also=_tests(data, common, gold, tests, classes),
    )
    draft = Draft(
        name=called,
        title=data.name.removeprefix(_HUB),
        kind=kind,
        options={**(labels.options if labels else {}), **given_options(options)},
        metric=options.metric,
        languages=tuple(tests),
    )
    bad = BadRows(skip=True)
    with naming_flags():
        recipe = draft.recipe("hub", part, lambda own, features: hub_rows(own, features, "train", ENGLISH, bad), bad)
    lines = [
        f"{data.name}: {kind} ({why}); configuration {data.configuration} at commit {data.commit}",
        *described(guesses, recipe.options, labels),
        *([f"  checkpoints are selected on the split {validation}"] if validation else []),
        *([f"  checkpoints are selected on {hold_out.share:.0%} of the split train"] if hold_out else []),
        *(f"  test {code}: {':'.join(place)}" for code, place in tests.items()),
    ]
    return [recipe.model_dump(mode="json", exclude_defaults=True), lines]


def _tests(
    data: _DataSet,
    common: Mapping[str, Any],
    gold: Mapping[str, str],
    tests: Mapping[str, tuple[str, str]],
    classes: Mapping[str, Sequence[str]],
) -> tuple[HubSource, ...]:
    """Where the rows to score are; columns of gold that one of them has not may be lacking.

    Args:
        classes: Column to what its numbers stand for in the training rows.

    Raises:
        UsageError: In some rows to score, they stand for something else.
    """
    from adapterstilts.data.sources.hub_datasets import class_names, rows_of_split

    if not tests:
        return ()
    lacking = set()
    for code, (configuration, split) in tests.items():
        there = rows_of_split(data.path, configuration, split, data.commit).features
        lacking |= {column for column, theirs in gold.items() if theirs not in there}
        for theirs in gold.values():
            named, known = class_names(there.get(theirs)) or (), classes.get(theirs, ())
            if any(one != other for one, other in zip(named, known, strict=False)):
                raise UsageError(
                    f"--test {code}: in {configuration}:{split} of {data.name}, the numbers in {theirs!r} stand for "
                    f"{', '.join(named)}, and in the rows that are trained on for {', '.join(known)}.",
                    remedy="Give its rows as a file that has the names of the training rows' labels.",
                )
    return (
        HubSource(
            **common,
            configs={code: configuration for code, (configuration, _) in tests.items()},
            splits={"test": {code: split for code, (_, split) in tests.items()}},
            may_lack=tuple(sorted(lacking)),
        ),
    )


def _check_new_rows(data: _DataSet, validation: str | None, tests: Mapping[str, tuple[str, str]]) -> None:
    given = {"--validation": (data.configuration, validation), **{f"--test {code}": one for code, one in tests.items()}}
    for flag, place in given.items():
        if place == (data.configuration, "train"):
            raise UsageError(
                f"{flag}: the split train of {data.name} is trained on: what a model scores on it says nothing of "
                "others.",
                remedy="Name another split.",
            )
    for code, place in tests.items():
        if place == (data.configuration, validation):
            raise UsageError(
                f"--test {code}: the split {validation} of {data.name} selects checkpoints, and scored rows must not.",
                remedy="Name another split in one of the two.",
            )


def _splits(path: str, configuration: str, commit: str) -> list[str]:
    """Names of splits, which are asked for once."""
    from adapterstilts.data.sources.hub_datasets import split_names

    what = ("splits on the Hub", path, configuration, commit)
    return list(Memory.of_user().recall(*what, find=lambda: split_names(path, configuration, commit)))
