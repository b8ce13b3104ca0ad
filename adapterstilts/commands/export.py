"""A benchmark submission from finished evaluations."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

from adapterstilts.errors import DataError, UsageError
from adapterstilts.files import make_writable, put_in_place
from adapterstilts.metrics import METRICS
from adapterstilts.printable import counted
from adapterstilts.runs.lineage import labelled_behind
from adapterstilts.runs.specs import EvaluateSpec
from adapterstilts.runs.store import Run, RunStore
from adapterstilts.tasks.catalogue import Catalogue, in_catalogue


@dataclass(frozen=True)
class Export:
    """What was written.

    Attributes:
        files: Task to the languages whose predictions are there.
        missing: Task of the benchmark to the languages that a complete submission has besides.
        outside: Task to languages of the runs that the benchmark does not have; they were left out.
        notes: What one should know before handing it in.
    """

    folder: Path
    files: dict[str, tuple[str, ...]]
    missing: dict[str, tuple[str, ...]]
    outside: dict[str, tuple[str, ...]]
    notes: tuple[str, ...] = field(default=())


@dataclass(frozen=True)
class _Evaluation:
    """A run that is a whole evaluation of a test split, with its spec."""

    run: Run
    spec: EvaluateSpec

    @classmethod
    def of(cls, run: Run) -> _Evaluation:
        """The evaluation that a run is; UsageError if it is something else."""
        spec = run.check().spec
        if not isinstance(spec, EvaluateSpec):
            raise UsageError(f"{run.name} is not an evaluation.", remedy="`astilts runs` lists those there are.")
        if spec.split != "test":
            raise UsageError(
                f"{run.name} has predictions for the {spec.split} split.",
                remedy="Evaluate the test split: astilts transfer --split test.",
            )
        if spec.max_examples is not None:
            raise UsageError(
                f"{run.name} has predictions for {counted(spec.max_examples, 'example')} per language only.",
                remedy="Evaluate again without --max-eval-examples.",
            )
        return cls(run, spec)

    @property
    def name(self) -> str:
        """What messages call it."""
        return self.run.name

    def file_name(self, language: str) -> str:
        """Where its predictions belong in a submission."""
        return f"{self.spec.task}/test-{language}{METRICS.get(self.spec.metric).suffix}"

    def predictions(self, language: str) -> Path:
        """Where they are; StoreError if they are not what was published."""
        return self.run.file(f"predictions/{self.file_name(language)}")

    def notes(self, store: RunStore, catalogue: Catalogue) -> Iterator[str]:
        """What one should know before handing it in.

        Args:
            store: Where its model may be, too.
        """
        known = self.spec.task in catalogue.names()
        if known and (differs := catalogue.recipe(self.spec.task).differs(self.spec.source, self.spec.split)):
            yield f"{self.name}: not the benchmark's rows: {differs}."
        if self.spec.translate_test:
            yield f"{self.name}: English translations were answered, and not the benchmark's rows."
        store = RunStore(self.run.folder.parent, store.roots, store.remotes)
        if self.spec.source == "mini":
            yield f"{self.name}: the embedded suite, not the benchmark's data."
        for rows in labelled_behind(self.run, store):
            yield f"{self.name}: the model was trained on {rows}, so this is no zero-shot submission."
        if left_out := self.run.provenance.get("rows_left_out"):
            yield f"{self.name}: {counted(sum(left_out.values()), 'row')} left out, so lines are missing."


Chosen: TypeAlias = dict[str, dict[str, _Evaluation]]
"""Task and language to the evaluation that has it."""


@in_catalogue
def export_runs(
    runs: Sequence[Run],
    out: Path,
    *,
    benchmark: str,
    partial: bool,
    catalogue: Catalogue | None = None,
    store: RunStore | None = None,
) -> Export:
    """Collects the predictions of evaluation runs into a folder in the submission layout.

    Args:
        out: Folder to make; `<task>/test-<language>.{json|tsv}` below it.
        partial: Write the folder although tasks or languages are missing.
        catalogue: By default the package's tasks and those of `ASTILTS_TASKS`.
        store: Where their models are, if these are not beside them.

    Raises:
        UsageError: A run is not a whole evaluation of a test split, or two have the same task and language.
        DataError: Something is missing and `partial` is False, or `out` has files already.
    """
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise DataError(f"--out {out} is there already and is not empty.", remedy="Give a new folder.")
    catalogue = catalogue or Catalogue.load()
    expected = catalogue.benchmark_languages(benchmark)
    evaluations = [_Evaluation.of(run) for run in runs]
    chosen, outside = _sorted_out(evaluations, expected)
    missing = {
        name: absent
        for name, languages in expected.items()
        if (absent := tuple(code for code in languages if code not in chosen.get(name, {})))
    }
    if missing and not partial:
        listed = "; ".join(f"{name}: {', '.join(languages)}" for name, languages in missing.items())
        raise DataError(
            f"A submission to {benchmark} lacks {listed}.",
            remedy="Evaluate these with `astilts transfer`, or write what is there with --partial.",
        )
    if not chosen:
        raise DataError(f"None of the runs has a task of {benchmark}.", remedy="Check --benchmark.")
    _write(chosen, out)
    stores = ((one, store or RunStore(one.run.folder.parent)) for one in evaluations)
    return Export(
        folder=out,
        files={
            task: tuple(code for code in expected[task] if code in by_language) for task, by_language in chosen.items()
        },
        missing=missing,
        outside=outside,
        notes=tuple(note for one, where in stores for note in one.notes(where, catalogue)),
    )


def _sorted_out(
    evaluations: Sequence[_Evaluation], expected: Mapping[str, Sequence[str]]
) -> tuple[Chosen, dict[str, tuple[str, ...]]]:
    """What goes into the submission, and task to the languages that the benchmark does not have.

    Raises:
        UsageError: Two evaluations have the same task and language.
    """
    chosen: Chosen = {}
    outside: dict[str, tuple[str, ...]] = {}
    for one in evaluations:
        task = one.spec.task
        for language in one.spec.languages:
            if language not in expected.get(task, ()):
                outside[task] = (*outside.get(task, ()), language)
                continue
            other = chosen.setdefault(task, {}).setdefault(language, one)
            if other is not one:
                raise UsageError(
                    f"{other.name} and {one.name} both have {task} in {language!r}.", remedy="Give one of them."
                )
    return chosen, outside


def _write(chosen: Chosen, out: Path) -> None:
    """Makes the folder, which is there whole or not at all."""
    beside = out.resolve().parent
    make_writable(beside, said=f"--out {out}")
    with tempfile.TemporaryDirectory(dir=beside, prefix=f".{out.name}.") as scratch:
        files = Path(scratch) / "files"
        for task, by_language in chosen.items():
            (files / task).mkdir(parents=True)
            for language, one in by_language.items():
                shutil.copyfile(one.predictions(language), files / one.file_name(language))
        put_in_place(files, out)
