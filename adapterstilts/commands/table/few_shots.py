"""Few shots after a zero-shot row: which languages and sizes are wanted, and the stages that make them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from adapterstilts.commands.new_task import first_records
from adapterstilts.commands.options import ALL, TransferOptions
from adapterstilts.commands.own.columns import described, given_columns, naming_flags
from adapterstilts.commands.table.targets import TargetStages
from adapterstilts.commands.used import names_of
from adapterstilts.data.formats import FORMATS
from adapterstilts.data.formats.guessing import guess_format
from adapterstilts.data.records.guessing import ColumnGuess, guess_columns
from adapterstilts.data.sources.rows import Source, with_split
from adapterstilts.data.sources.rows_file import RowsFile
from adapterstilts.errors import UsageError, unknown
from adapterstilts.languages import ENGLISH, LANGUAGES, zero_shot_languages
from adapterstilts.runs.shots import Shots
from adapterstilts.runs.store import Run
from adapterstilts.stages.evaluation_spec import Scored, plan_evaluation
from adapterstilts.stages.graph import Evaluation, Stage, Training
from adapterstilts.stages.planner import Planner
from adapterstilts.stages.training.few_shots import ShotPool, plan_few_shots
from adapterstilts.tasks.recipe import Recipe
from adapterstilts.tasks.sources import FilesSource

DRAWS = 3

# What has no meaning without rows to go on with, and what only draws need.
_ABOUT_SHOTS = ("shot_epochs", "shot_learning_rate")


@dataclass(frozen=True)
class ShotStages:
    """One draw of one seed: the stage that goes on with it, and its evaluation in its language."""

    shots: Shots
    training: Training
    evaluation: Evaluation


@dataclass(frozen=True)
class ShotRuns:
    """The same once they have run."""

    shots: Shots
    training: Run
    evaluation: Run


@dataclass(frozen=True)
class FewShotStages:
    """What goes on from one row of a table with so many rows of a language.

    Attributes:
        row: The number of that row.
        seeds: For each of its seeds, every draw.
        where: What the rows are drawn from, in words.
    """

    row: int
    language: str
    where: str
    seeds: tuple[tuple[ShotStages, ...], ...]

    def read(self, finished: Callable[[Stage[Any]], Run]) -> list[list[ShotRuns]]:
        """The runs of the stages, once they are there."""
        return [
            [ShotRuns(one.shots, finished(one.training), finished(one.evaluation)) for one in seed]
            for seed in self.seeds
        ]


def check_few_shots(options: TransferOptions, tasks: Sequence[Recipe]) -> None:
    """Refuses options about few shots that are unknown, exclude each other, or cannot be done.

    Raises:
        UsageError: See above.
    """
    shots, files = options.shots or {}, options.train_more or {}
    if not shots and not files:
        for name in ("draws", *_ABOUT_SHOTS):
            if (value := getattr(options, name)) is not None:
                raise UsageError(
                    f"--{name.replace('_', '-')} {value:g} has no meaning without --shots.", remedy="Add --shots 50."
                )
        return
    if options.draws is not None and not shots:
        raise UsageError(
            f"--draws {options.draws} has no meaning for --train-more alone, which takes all rows of a file.",
            remedy="Say how many to draw with --shots, or leave it out.",
        )
    for name, codes in (("--shots", shots), ("--train-more", files)):
        for code in codes:
            _check_language(name, code, (ALL,) if name == "--shots" else ())
    for code, path in files.items():
        if not Path(path).is_file():
            raise UsageError(f"--train-more {code}={path} is not a file.", remedy="Give one of labelled rows.")
    if files and len(tasks) > 1:
        raise UsageError(
            f"--train-more has rows of one target, and there are {len(tasks)}: {names_of(tasks)}.",
            remedy="Give each in a command of its own.",
        )
    _check_kinds(tasks)
    for name, given in (
        ("--language-adapters", options.language_adapters),
        ("--translate-test", options.translate_test),
    ):
        if given:
            raise UsageError(f"--shots and {name} do not go together: {_APART[name]}.", remedy="Leave one of them out.")


_APART = {
    "--language-adapters": "the target phase was trained over the English language adapter, and rows of another "
    "language belong over its own",
    "--translate-test": "what is scored would be English, and not the language of the rows",
}


def _check_language(option: str, code: str, others: Sequence[str]) -> None:
    if code == ENGLISH:
        raise UsageError(
            f"{option} {ENGLISH}: English is what the target phase is trained in.", remedy="Name another language."
        )
    if code not in (*LANGUAGES, *others):
        raise unknown("language", code, [*LANGUAGES, *others])


def _check_kinds(tasks: Sequence[Recipe]) -> None:
    """Refuses targets that nothing labelled is trained for."""
    kinds = {task.name: task.build_kind() for task in tasks}
    if searched := [task for task in tasks if not kinds[task.name].trained or kinds[task.name].comparing is not None]:
        why = "nothing is trained for it" if not kinds[searched[0].name].trained else "it is trained on pairs of texts"
        raise UsageError(
            f"--shots: {searched[0].name} is retrieval, and {why}, so there are no labelled rows to go on with.",
            remedy="Evaluate it in a command of its own, without this option.",
        )
    if text := [task for task in tasks if kinds[task.name].own_text]:
        raise UsageError(
            f"--shots: {text[0].name} has text in each language, and no labels.",
            remedy="Train on it with astilts train-language, or leave --shots out.",
        )


@dataclass(frozen=True)
class FewShots:
    """What a command asks for.

    Attributes:
        files: Languages of which there is a file of rows.
        settings: Hyperparameters that were given for it.
        elsewhere: The languages that the command's other targets are scored in: what one target does not have is left
            out there, as long as another one has it.
        note: Told what is left out.
    """

    planner: Planner
    scored: Scored
    sizes: dict[str, tuple[int, ...]]
    files: tuple[str, ...]
    draws: int
    settings: dict[str, Any]
    elsewhere: Collection[str]
    note: Callable[[str], None]

    @classmethod
    def of(
        cls,
        planner: Planner,
        scored: Scored,
        options: TransferOptions,
        *,
        elsewhere: Collection[str] = (),
        note: Callable[[str], None] = lambda text: None,
    ) -> FewShots:
        """What the options say; see `check_few_shots`."""
        given = {"epochs": options.shot_epochs, "learning_rate": options.shot_learning_rate}
        return cls(
            planner,
            scored,
            options.shots or {},
            tuple(options.train_more or ()),
            options.draws or DRAWS,
            {name: value for name, value in given.items() if value is not None},
            elsewhere,
            note,
        )

    def stages(self, task: Recipe, rows: Sequence[TargetStages]) -> list[FewShotStages]:
        """Plans what goes on from the rows of one target's table: row by row, each language, fewer rows first.

        Raises:
            UsageError: A language is not scored, or has no labelled rows but those that are, and there is no other
                target.
            DataError: There are not so many rows.
        """
        if not self.sizes and not self.files:
            return []
        spec = rows[0].seeds[0].evaluation.spec
        pools = {}
        for language in self._languages(task, spec.languages):
            try:
                pools[language] = ShotPool.of(self.planner, task, language, scored=spec.split)
            except UsageError as error:
                if not self.elsewhere:
                    raise
                self.note(f"{task.name} without shots in {LANGUAGES[language]}: {error.message}")
        found = []
        for language, pool in pools.items():
            sizes: tuple[int | None, ...] = self.sizes.get(language) or self._of_all(language)
            for number, row in enumerate(rows):
                for size in sizes:
                    drawn = [pool.draw(size, draw) for draw in range(1, self.draws + 1)]
                    drawn = drawn[:1] if drawn[0].every else drawn
                    seeds = tuple(tuple(self._one(task, one, pool, shots) for shots in drawn) for one in row.seeds)
                    found.append(FewShotStages(number, language, pool.where, seeds))
        return found

    def _of_all(self, language: str) -> tuple[int | None, ...]:
        """The sizes of a language that none are given for: a file is taken whole."""
        return self.sizes.get(ALL) or (None,)

    def _languages(self, task: Recipe, scored: Sequence[str]) -> list[str]:
        others = zero_shot_languages(scored)
        named = [*self.sizes, *self.files]
        odd = [code for code in named if code != ALL and code not in others]
        if odd and all(code in self.elsewhere for code in odd):
            listed = ", ".join(LANGUAGES[code] for code in odd)
            self.note(f"{task.name} without shots in {listed}: it is not scored there")
        elif odd:
            flag = "--shots" if odd[0] in self.sizes else "--train-more"
            raise UsageError(
                f"{flag} {odd[0]}: {LANGUAGES[odd[0]]} is not scored, so what the rows bring could not be seen; "
                f"{task.name} is scored in {', '.join(scored)}.",
                remedy="Add it to --languages, or leave it out.",
            )
        if ALL in self.sizes and not others and not zero_shot_languages(list(self.elsewhere)):
            raise UsageError("--shots: no language but English is scored.", remedy="Add one to --languages.")
        return [code for code in others if code in named or ALL in self.sizes]

    def _one(self, task: Recipe, row: Any, pool: ShotPool, shots: Shots) -> ShotStages:
        training = plan_few_shots(
            self.planner, task, row.targets[-1], shots, fingerprint=pool.fingerprint, settings=self.settings
        )
        split = row.evaluation.spec.split
        scored = replace(self.scored, languages=(pool.language,), split=split, cross_pairs=False)
        return ShotStages(shots, training, plan_evaluation(self.planner, task, training, scored))


def check_any(options: TransferOptions, tasks: Sequence[Recipe], found: Sequence[FewShotStages]) -> None:
    """Refuses shots that none of several targets has.

    Raises:
        UsageError: See above.
    """
    if (options.shots or options.train_more) and not found:
        raise UsageError(
            f"--shots: none of {names_of(tasks)} has labelled rows, besides those that are scored, in such a language.",
            remedy="Give labelled rows of your own with --train-more, to one target at a time.",
        )


def with_shot_files(
    planner: Planner, options: TransferOptions, tasks: Sequence[Recipe], *, note: Callable[[str], None]
) -> Planner:
    """The planner with the files of `--train-more`, of which what was told by looking is noted.

    Raises:
        UsageError: A column is not told by anything, or a flag does not fit.
        DataError: A file cannot be read.
    """
    given = {code: Path(path) for code, path in (options.train_more or {}).items()}
    source = planner.setup.source
    files = {code: _rows_file(path, tasks[0], options, source, note=note) for code, path in given.items()}
    return replace(planner, setup=replace(planner.setup, shot_files=files))


def _rows_file(
    path: Path, task: Recipe, options: TransferOptions, source: Source, *, note: Callable[[str], None]
) -> RowsFile:
    """A file of labelled rows of a task: read as the task's own files, or else as what it looks like."""
    if source.of(task).name == "files" and (part := _single_file(task.source("files"))):
        return RowsFile(path.resolve(), part)
    features, columns = task.canonical_columns, given_columns(task.kind, options)
    read_with = {"encoding": options.encoding, "delimiter": options.delimiter, "sheet": options.sheet}
    guesses: list[ColumnGuess] = []
    with naming_flags():
        found = guess_format(path, features, **read_with)
        records = first_records(path, found)
        if columns or not set(features) - {"id", "language"} <= records[0].keys():
            guesses = guess_columns(records, features, columns)
    note(f"{path}: read as {found.name}")
    for line in described(guesses, {}):
        note(line)
    theirs = {guess.column: guess.theirs for guess in guesses}
    return RowsFile(path.resolve(), FilesSource(format=found.name, options=found.options, splits={}, columns=theirs))


def _single_file(files: FilesSource) -> FilesSource | None:
    """How rows of one file are read, by the first split that has its rows in one; they are not to lack anything."""
    for split in ("train", "validation", "test"):
        for part in with_split(files, split):
            if FORMATS.get(part.format).required <= 1:
                return part.model_copy(update={"hold_out": None, "may_lack": ()})
    return None
