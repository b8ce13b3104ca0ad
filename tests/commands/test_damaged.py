"""Damage of what a command needs: found, named, set aside, and made again to the same bits."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

import adapterstilts
from adapterstilts.errors import StoreError
from adapterstilts.runs.run import Run
from adapterstilts.runs.store import RunStore
from adapterstilts.stages.reporter import Silent
from tests.runs.published import change


class Notes(Silent):
    """Keeps what is noted, and which stages are trained."""

    def __init__(self) -> None:
        self.notes: list[str] = []

    def note(self, message: str) -> None:
        self.notes.append(message)

    def of(self, stage: str) -> Notes:
        return self


@pytest.fixture(scope="module")
def made(trained: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Options, with a store in which a transfer is finished."""
    store = tmp_path_factory.mktemp("made") / "store"
    shutil.copytree(trained["store"], store)
    options = {**trained, "store": store, "languages": ("en",), "max_eval_examples": 4, "seeds": 1, "baseline": False}
    adapterstilts.transfer("squad", "mlqa", **options)
    return options


@pytest.fixture
def options(made: dict[str, Any], tmp_path: Path) -> dict[str, Any]:
    shutil.copytree(made["store"], tmp_path / "store")
    return {**made, "store": tmp_path / "store"}


def run_of(options: dict[str, Any], stage: str) -> Run:
    return next(run for run in RunStore(options["store"]).runs() if run.spec.stage == stage)


def scaled(folder: Path, factor: float) -> None:
    path = folder / "weights.safetensors"
    save_file({name: factor * value for name, value in load_file(path).items()}, path)


def another_seed(folder: Path) -> None:
    spec = json.loads((folder / "spec.json").read_text())
    (folder / "spec.json").write_text(json.dumps({**spec, "seed": spec["seed"] + 1}))


_OF_TRANSFER = ("languages", "max_eval_examples", "seeds", "baseline")
DAMAGES: dict[str, Callable[[Path], object]] = {
    "weights times -3": lambda folder: scaled(folder, -3.0),
    "no weight is a number": lambda folder: scaled(folder, float("nan")),
    "a flipped byte in the description": lambda folder: change(folder / "model.json", 30),
    "no provenance": lambda folder: (folder / "provenance.json").write_text("null"),
    "no metrics": lambda folder: (folder / "metrics.json").unlink(),
}


@pytest.mark.slow(but=2)
@pytest.mark.parametrize(
    ("stage", "damage"),
    [("train-intermediate", "weights times -3"), ("train-intermediate", "no provenance"),
     *(("train-target", damage) for damage in DAMAGES if damage != "no provenance")],
)  # fmt: skip
def test_what_a_missing_stage_starts_from_is_made_again(options: dict[str, Any], stage: str, damage: str) -> None:
    """The evaluation, and of the intermediate run's the target run, are made on what was there before."""
    run, evaluated = run_of(options, stage), run_of(options, "evaluate")
    weights, metrics = load_file(run.folder / "weights.safetensors"), dict(evaluated.metrics)
    DAMAGES[damage](run.folder)
    missing = [evaluated, *([run_of(options, "train-target")] if stage == "train-intermediate" else [])]
    for one in missing:
        shutil.rmtree(one.folder)
    told = Notes()
    adapterstilts.transfer("squad", "mlqa", reporter=told, **options)
    (note,) = [note for note in told.notes if "damaged" in note]
    assert run.folder.name in note and "set aside as" in note and "it is made again" in note
    again = load_file(run.folder / "weights.safetensors")
    assert again.keys() == weights.keys() and all(torch.equal(value, weights[name]) for name, value in again.items())
    assert run_of(options, "evaluate").metrics == metrics
    assert [path.name[: len(run.folder.name)] for path in (options["store"] / ".damaged").iterdir()] == [
        run.folder.name
    ]


def test_of_a_run_with_another_spec_it_is_said_what_made_it(options: dict[str, Any]) -> None:
    """Which one it was is not known any more, unless the command itself makes that stage."""
    run, before = run_of(options, "train-intermediate"), len(RunStore(options["store"]).runs())
    another_seed(run.folder)
    with pytest.raises(
        StoreError, match=r"spec.json is the spec of \w+, not of \w+: the run is damaged. Make it again"
    ):
        adapterstilts.transfer("squad", "mlqa", **options)
    assert len(RunStore(options["store"]).runs()) == before - 1
    told = Notes()
    more = {name: value for name, value in options.items() if name not in _OF_TRANSFER}
    adapterstilts.train_intermediate("squad", reporter=told, **more)
    assert any("is the spec of" in note and "it is made again" in note for note in told.notes)
    assert len(RunStore(options["store"]).runs()) == before


def test_of_two_processes_neither_trusts_damaged_weights(options: dict[str, Any]) -> None:
    """Workers are told of nothing: what is damaged is out of their way before they begin."""
    run, evaluated = run_of(options, "train-target"), run_of(options, "evaluate")
    metrics = dict(evaluated.metrics)
    scaled(run.folder, -3.0)
    shutil.rmtree(evaluated.folder)
    from adapterstilts.stages.engines.processes import Processes  # noqa: F401 -- what `jobs` starts
    from tests import processes

    flags = {name: value for name, value in options.items() if name not in ("languages", "baseline")}
    words = [part for name, value in flags.items() for part in (f"--{name.replace('_', '-')}", str(value))]
    done = processes.run("transfer", "--from", "squad", "--to", "mlqa", "--languages", "en", "--no-baseline",
                         "--jobs", "2", *words)  # fmt: skip
    assert done.returncode == 0 and "set aside as" in done.stderr, done.stderr
    assert run_of(options, "evaluate").metrics == metrics


def test_swapped_folders_are_found(options: dict[str, Any], tmp_path: Path) -> None:
    more = {
        name: value
        for name, value in options.items()
        if name not in ("languages", "max_eval_examples", "seeds", "baseline")
    }
    adapterstilts.train_intermediate("squad", seed=77, **more)
    one, other = (run.folder for run in RunStore(options["store"]).runs() if run.spec.stage == "train-intermediate")
    one.rename(tmp_path / "aside")
    other.rename(one)
    (tmp_path / "aside").rename(other)
    told = Notes()
    result = adapterstilts.train_intermediate("squad", seed=77, reporter=told, **more)
    assert any("is the spec of" in note for note in told.notes)
    assert Run(result.folder).problem(whole=True) is None and Run(result.folder).training.seed == 77


def test_a_damaged_result_is_made_again_and_others_stay(options: dict[str, Any]) -> None:
    evaluated, target = run_of(options, "evaluate"), run_of(options, "train-target")
    metrics, finished = dict(evaluated.metrics), target.provenance["finished"]
    change(evaluated.folder / "scores/en.json", at=50)
    told = Notes()
    row = adapterstilts.transfer("squad", "mlqa", reporter=told, **options).rows[0]
    assert any("scores/en.json" in note for note in told.notes)
    assert Run(row.folder).metrics == metrics and run_of(options, "train-target").provenance["finished"] == finished


def test_a_damaged_model_answers_nothing(options: dict[str, Any]) -> None:
    run = run_of(options, "train-target")
    scaled(run.folder, -3.0)
    for use in (
        lambda: adapterstilts.load(str(run.folder), store=options["store"]),
        lambda: adapterstilts.load(f"mlqa@{run.folder.name[-12:]}", store=options["store"]),
        lambda: adapterstilts.pull(
            f"mlqa@{run.folder.name[-12:]}", options["store"] / "pulled", store=options["store"]
        ),
    ):
        with pytest.raises(StoreError, match=r"weights.safetensors has .* the run is damaged. Make it again"):
            use()


def test_scores_that_a_killed_process_left_are_those_it_wrote(options: dict[str, Any]) -> None:
    """What is there of an evaluation that was not finished is gone on with only as it was written."""
    evaluated = run_of(options, "evaluate")
    metrics, work = dict(evaluated.metrics), options["store"] / ".work" / evaluated.folder.name
    evaluated.folder.rename(work)
    for name in ("manifest.json", "metrics.json", "provenance.json"):
        (work / name).unlink()
    scored = json.loads((work / "scores/en.json").read_text())
    (work / "scores/en.json").write_text(json.dumps({**scored, "metrics": {**scored["metrics"], "f1": 99.0}}))
    adapterstilts.transfer("squad", "mlqa", **options)
    assert run_of(options, "evaluate").metrics == metrics
