"""A benchmark submission from finished evaluations."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from adapterstilts.errors import DataError, UsageError
from adapterstilts.metrics import METRICS
from adapterstilts.runs.specs import EvaluateSpec
from adapterstilts.runs.store import Run
from adapterstilts.tasks.catalogue import Catalogue


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


def export_runs(
    runs: Sequence[Run], out: Path, *, benchmark: str, partial: bool, catalogue: Catalogue | None = None
) -> Export:
    """Collects the predictions of evaluation runs into a folder in the submission layout.

    Args:
        out: Folder to make; `<task>/test-<language>.{json|tsv}` below it.
        partial: Write the folder although tasks or languages are missing.
        catalogue: By default the package's tasks alone.

    Raises:
        UsageError: A run is not a whole evaluation of a test split, or two have the same task and language.
        DataError: Something is missing and `partial` is False, or `out` has files already.
    """
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise DataError(f"--out {out} is there already and is not empty.", remedy="Give a new folder.")
    expected = (catalogue or Catalogue.load()).benchmark_languages(benchmark)
    chosen: dict[str, dict[str, Run]] = {}
    outside: dict[str, tuple[str, ...]] = {}
    for run in runs:
        spec = _checked(run)
        for language in spec.languages:
            if language not in expected.get(spec.task, ()):
                outside[spec.task] = (*outside.get(spec.task, ()), language)
                continue
            other = chosen.setdefault(spec.task, {}).setdefault(language, run)
            if other is not run:
                raise UsageError(
                    f"{other.folder.name} and {run.folder.name} both have {spec.task} in {language!r}.",
                    remedy="Give one of them.",
                )
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
    return Export(
        folder=out,
        files={
            task: tuple(code for code in expected[task] if code in by_language) for task, by_language in chosen.items()
        },
        missing=missing,
        outside=outside,
        notes=_notes(runs),
    )


def _write(chosen: Mapping[str, Mapping[str, Run]], out: Path) -> None:
    """Copies the predictions of each task and language to `out`, all or none."""
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=f".{out.name}.") as scratch:
        for task, by_language in chosen.items():
            (Path(scratch) / "files" / task).mkdir(parents=True)
            for language, run in by_language.items():
                name = _file_name(run, language)
                shutil.copyfile(run.folder / "predictions" / name, Path(scratch) / "files" / name)
        if out.is_dir():
            out.rmdir()
        (Path(scratch) / "files").replace(out)


def _checked(run: Run) -> EvaluateSpec:
    """The run's spec, once it is known to be a whole evaluation of a test split."""
    spec = run.check().spec
    if not isinstance(spec, EvaluateSpec):
        raise UsageError(f"{run.folder.name} is not an evaluation.", remedy="`astilts runs` lists those there are.")
    if spec.split != "test":
        raise UsageError(
            f"{run.folder.name} has predictions for the {spec.split} split.",
            remedy="Evaluate the test split: astilts transfer --split test.",
        )
    if spec.max_examples is not None:
        raise UsageError(
            f"{run.folder.name} has predictions for {spec.max_examples} examples per language only.",
            remedy="Evaluate again without --max-eval-examples.",
        )
    return spec


def _file_name(run: Run, language: str) -> str:
    assert isinstance(run.spec, EvaluateSpec)
    return f"{run.spec.task}/test-{language}{METRICS.get(run.spec.metric).suffix}"


def _notes(runs: Sequence[Run]) -> tuple[str, ...]:
    notes = []
    for run in runs:
        spec = run.spec
        assert isinstance(spec, EvaluateSpec)
        if spec.source == "mini":
            notes.append(f"{run.folder.name}: the embedded suite, not the benchmark's data.")
        if left_out := run.provenance.get("rows_left_out"):
            notes.append(f"{run.folder.name}: {sum(left_out.values())} rows were left out, so lines are missing.")
    return tuple(notes)
