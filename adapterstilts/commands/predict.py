"""A trained model's answers to a file of the user's, or to what comes in at standard input."""

from __future__ import annotations

import hashlib
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from adapterstilts.commands.models.answering import Ready, check_language, make_ready, told_of_cut
from adapterstilts.commands.models.trained import TrainedModel
from adapterstilts.commands.options import PredictOptions
from adapterstilts.commands.prediction_files import Answered, Table, format_of, part_file
from adapterstilts.data.bad_rows import BadRows
from adapterstilts.data.formats import Records
from adapterstilts.data.formats.packed import checked_digest
from adapterstilts.data.input_files import STANDARD_INPUT, Input, InputFile, InputStream, in_chunks, peeked
from adapterstilts.data.input_rows import InputColumns, input_features, unspaced
from adapterstilts.stages.reporter import Reporter
from adapterstilts.tasks.catalogue import in_catalogue
from adapterstilts.tasks.explained import Result, explained
from adapterstilts.tasks.kind import Row
from adapterstilts.tasks.sources import Names

if TYPE_CHECKING:
    from adapterstilts.stages.answering.predict import Track

Show = Callable[[str], None]
_COLUMN_OPTIONS = ("text", "question", "context", "choices", "tokens")
_NOT_BINDING = ("input", "out", "force", "device", "store", "calibrate", "backbone", "data_dir", "tasks")
_QUIET_SECONDS = 30


@dataclass(frozen=True)
class Predictions:
    """What was answered.

    Attributes:
        rows: How many answers there are, and `before` how many of these an interrupted process had written.
        left_out: Why rows were left out, and how many.
        columns: What was read from which column of the input.
        calibration: What probabilities are divided by, or that they are uncalibrated, in words.
        temperature: What scores were divided by; None where they are uncalibrated.
        out: The file; None for standard output.
    """

    task: str
    model: str
    language: str
    rows: int
    before: int
    left_out: dict[str, int]
    columns: str
    calibration: str
    temperature: float | None
    out: Path | None


@in_catalogue
def run_predict(reference: str, options: PredictOptions, reporter: Reporter, show: Show) -> Predictions:
    """Answers rows; see `adapterstilts.predict`.

    Args:
        show: Is given the answers as text, a chunk after the other, where there is no file for them.
    """
    check_language(options)
    table = Table(format_of(options.out, options.format_out))
    with part_file(options.out, table, force=options.force) if options.out else nullcontext() as part:
        trained = TrainedModel.of(reference, options, reporter.note)
        features = input_features(trained.kind)
        given = _opened(options, list(features), reporter)
        bad = BadRows(skip=options.skip_bad_rows)
        first, records = peeked(given.records(bad), where=given.where)
        columns = InputColumns.of(trained.kind, first, _given(options), trained.likely_columns)
        reporter.note(f"Reading {columns.described()}")
        ready = make_ready(trained, options, reporter.note)
        reporter.note(f"Probabilities are {ready.calibrated}.")
        if part is not None:
            part.go_on(_binding(ready, given, options), reporter.note)
        work = _Work(ready, columns, given.where, options, reporter)
        before = part.answered if part else 0
        count, left_out = 0, Counter(part.left_out if part else {})
        for answered, read, unanswered in work.answers(records, skip=part.rows if part else 0):
            count += len(answered)
            left_out += unanswered
            if part is not None:
                part.add(answered, read, unanswered)
            else:
                show(table.text(answered))
        if part is not None:
            part.finish()
        return Predictions(
            task=trained.task.name,
            model=trained.run.name,
            language=ready.language,
            rows=before + count,
            before=before,
            left_out=dict(bad.counts + bad.omitted + left_out),  # of the whole file, and which are no inputs
            columns=columns.described(),
            calibration=str(ready.calibrated),
            temperature=getattr(ready.calibrated, "value", None),
            out=options.out,
        )


@dataclass(frozen=True)
class _Work:
    """Answering chunk after chunk."""

    ready: Ready
    columns: InputColumns
    where: str
    options: PredictOptions
    reporter: Reporter

    def answers(self, records: Records, *, skip: int) -> Iterator[tuple[list[Answered], int, Counter[str]]]:
        """Each chunk's answers, how many records it was, and why some of these have no answer.

        Args:
            skip: Records at the beginning that have been answered before.
        """
        for _ in islice(records, skip):
            pass
        done, begun = skip, time.monotonic()
        last = begun
        for chunk in in_chunks(records, self.options.chunk):
            bad = BadRows(skip=self.options.skip_bad_rows)
            label = f"{self.ready.trained.task.name} rows {done + 1:,} to {done + len(chunk):,}"
            rows = self.columns.rows(chunk, language=self.ready.language, where=self.where, bad=bad)

            def track(batches: Any, total: int, label: str = label) -> Any:
                return self.reporter.track(batches, total, label)

            results = self._results([row for _, row in rows], track)
            answered = [(record, result) for (record, _), result in zip(rows, results, strict=True)]
            yield answered, len(chunk), bad.counts
            done += len(chunk)
            if time.monotonic() - last > _QUIET_SECONDS:
                last = time.monotonic()
                self.reporter.note(f"{done:,} rows, {(done - skip) / (last - begun):,.0f} a second")

    def _results(self, rows: list[Row], track: Track) -> list[Result]:
        if not rows:
            return []
        if joined := [found for row in rows if (found := unspaced(row))]:
            self.reporter.note(
                f"In {len(joined):,} of {len(rows):,} rows, words without white space between them got one tag "
                f"together, such as {joined[0]!r:.40}; give the words as lists"
            )
        answerer = self.ready.answerer
        said = answerer.said(rows, track=track)
        if told := told_of_cut(answerer, said):
            self.reporter.note(told)
        return explained(said)


def _opened(options: PredictOptions, columns: list[str], reporter: Reporter) -> Input:
    if options.input != STANDARD_INPUT:
        return InputFile.of(Path(options.input), columns, format=options.format)
    if sys.stdin.isatty():
        reporter.note("Reading texts from the keyboard, one a line; Ctrl-D ends them.")
    return InputStream(sys.stdin.buffer, options.format)


def _given(options: PredictOptions) -> dict[str, Names]:
    """What the user says of columns; a single column with lists of choices is that, and not a list of one."""
    given = {name: value for name in _COLUMN_OPTIONS if (value := getattr(options, name)) is not None}
    if len(given.get("choices", ())) == 1:
        given["choices"] = given["choices"][0]
    return given


def _binding(ready: Ready, given: Input, options: PredictOptions) -> str:
    """What an unfinished output is of: the input's content, the model, and everything that decides a line of it."""
    content = checked_digest(given.path) if type(given) is InputFile else time.time_ns()
    told = {name: value for name, value in dict(options).items() if name not in _NOT_BINDING}
    parts = (content, ready.trained.run.key, ready.trained.precision, ready.calibrated, sorted(map(str, told.items())))
    return hashlib.sha256("\0".join(map(str, parts)).encode()).hexdigest()
