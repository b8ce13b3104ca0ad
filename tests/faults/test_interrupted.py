"""Real processes, really killed: what they leave behind, and what the next one makes of it."""

from __future__ import annotations

import errno
import json
import os
import re
import resource
import shutil
import signal
import subprocess
import sys
from contextlib import redirect_stderr
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

import adapterstilts
from adapterstilts.cli import main
from adapterstilts.mini.generators.span_qa import span_qa
from adapterstilts.runs.store import RunStore
from adapterstilts.stages.training.checkpoints import latest_complete
from tests import processes
from tests.conftest import QUICK, WINDOWS, write_squad
from tests.processes import Command
from tests.runs.published import change

# One row in each micro-batch: slow enough that a step can be hit.
SLOW: dict[str, Any] = {"epochs": 3, "eval_steps": 5, "tokens_per_batch": 1, "patience": 99}


def command(quick: dict[str, Any], store: Path, *words: str) -> list[str]:
    flags = {**quick, **SLOW, "store": store}
    given = [part for name, value in flags.items() for part in (f"--{name.replace('_', '-')}", str(value))]
    return [*words, *given]


def train(quick: dict[str, Any], store: Path, *more: str) -> list[str]:
    return command(quick, store, "train-intermediate", "squad", *more)


def train_here(quick: dict[str, Any], store: Path, *, tasks: tuple[str, ...] = ("squad",), **options: Any) -> None:
    """What the command of `train` does, in this process, where the libraries are loaded already."""
    adapterstilts.train_intermediate(tasks, **{**quick, **SLOW, "store": store, **options})


@pytest.fixture(scope="module")
def finished(tiny_backbone: Path, releases: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store in which `train_here` ended without interruption."""
    store = tmp_path_factory.mktemp("finished") / "store"
    train_here({"backbone": str(tiny_backbone), "data_dir": releases, **QUICK, **WINDOWS}, store)
    return store


def last_step(store: Path) -> int:
    """The last step that a running stage has logged."""
    logs = list(store.glob(".work/*/log.jsonl"))
    lines = logs[0].read_text(encoding="utf-8").splitlines() if logs else []
    steps = [json.loads(line)["step"] for line in lines if line.endswith("}")]
    return max(steps, default=0)


def kill_at_step(words: list[str], store: Path, step: int, *, finished: int = 0) -> None:
    """Starts a command and sends it SIGKILL as soon as it has logged `step`.

    Args:
        finished: How many runs have to be in the store before.
    """
    process = Command(*words)
    while len(list(store.glob("train-*"))) < finished or last_step(store) < step:
        try:
            code = process.wait(timeout=0.01)
        except subprocess.TimeoutExpired:
            continue
        pytest.fail(f"ended with {code} before step {step}: {process.stderr}")
    process.kill()
    assert process.wait() == -signal.SIGKILL


def only_run(store: Path) -> Path:
    (found,) = RunStore(store).runs()
    return found.check().folder


def test_killed_training_resumes_to_bitwise_the_same_weights(
    quick: dict[str, Any], finished: Path, tmp_path: Path
) -> None:
    killed = tmp_path / "killed"
    # Before the first checkpoint at step 5, in the middle of the second epoch, and towards the end at 54.
    for step in (3, 27, 46):
        kill_at_step(train(quick, killed), killed, step)
        assert RunStore(killed).runs() == []
    # A kill in the middle of a save leaves a folder that looks like a checkpoint.
    (work,) = killed.glob(".work/*")
    resumable = latest_complete(work / "checkpoints")
    assert resumable is not None
    (work / "checkpoints" / "checkpoint-53").mkdir()
    (work / "checkpoints" / "checkpoint-53" / "trained.safetensors").write_bytes(b"half")
    assert not [path for path in resumable.iterdir() if path.suffix in (".pt", ".pth", ".bin")]  # no pickle
    # A disk changes a byte of the newest one: the one before is gone on with.
    change(resumable / "optimizer.safetensors")
    again = processes.run(*train(quick, killed))
    assert again.returncode == 0, again.stderr
    before = int(resumable.name.rpartition("-")[2]) - 5
    said = " ".join(again.stderr.split())
    assert f"training goes on from step {before}, because" in said and "optimizer.safetensors has another" in said
    one, other = only_run(finished), only_run(killed)
    assert one.name == other.name
    first, second = load_file(one / "weights.safetensors"), load_file(other / "weights.safetensors")
    assert [name for name in first if not torch.equal(first[name], second[name])] == []
    for folder in (one, other):
        assert not (folder / "checkpoints").exists()
    # To the byte: the order of names, every mean loss, and the last line too.
    for name in ("metrics.json", "log.jsonl"):
        assert (one / name).read_text() == (other / name).read_text(), name
    (last,) = (one / "log.jsonl").read_text().splitlines()[-1:]
    assert json.loads(last).keys() == {"step", "epoch", "train_loss"}
    provenance = json.loads((other / "provenance.json").read_text())
    # That of step 45 may not have been finished beside the steps after it.
    assert provenance["resumed_from_step"] == before and before in (35, 40)


@pytest.mark.slow
def test_full_fine_tuning_resumes_at_the_end_of_an_epoch(quick: dict[str, Any], tmp_path: Path) -> None:
    """The last checkpoint lies exactly between two epochs of 18 steps."""
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    kill_at_step([*train(quick, killed), "--method", "full", "--eval-steps", "18"], killed, 20)
    for store in (whole, killed):
        train_here(quick, store, method="full", eval_steps=18)
    first, second = (load_file(only_run(store) / "weights.safetensors") for store in (whole, killed))
    assert [name for name in first if not torch.equal(first[name], second[name])] == []
    assert json.loads((only_run(killed) / "provenance.json").read_text())["resumed_from_step"] == 18


@pytest.mark.slow
def test_both_phases_of_a_sparse_training_resume_to_the_same_weights(quick: dict[str, Any], tmp_path: Path) -> None:
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    words = [*train(quick, killed), "--method", "lt_sft[density=0.02]"]
    for finished in range(2):
        kill_at_step(words, killed, 12, finished=finished)
        assert len(list(killed.glob("train-*"))) == finished
    for store in (whole, killed):
        train_here(quick, store, method="lt_sft[density=0.02]")
    names = sorted(path.name for path in whole.glob("train-*"))
    assert names == sorted(path.name for path in killed.glob("train-*")) and len(names) == 2
    for name in names:
        first, second = (load_file(store / name / "weights.safetensors") for store in (whole, killed))
        assert first.keys() == second.keys()
        assert [path for path in first if not torch.equal(first[path], second[path])] == []
        one, other = (json.loads((store / name / "metrics.json").read_text()) for store in (whole, killed))
        assert one == other
        assert json.loads((killed / name / "provenance.json").read_text())["resumed_from_step"] >= 10


@pytest.mark.slow
def test_the_mean_of_checkpoints_is_that_of_a_training_that_was_not_killed(
    quick: dict[str, Any], tmp_path: Path
) -> None:
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    settings = {name: value for name, value in SLOW.items() if name != "patience"}
    flags = {**quick, **settings, "store": killed}
    given = [part for name, value in flags.items() for part in (f"--{name.replace('_', '-')}", str(value))]
    for step in (7, 33):  # points are at 5, 10, ..., 50 and 54
        kill_at_step(["train-intermediate", "squad", "--average-checkpoints", *given], killed, step)
    for store in (whole, killed):
        adapterstilts.train_intermediate("squad", **{**quick, **settings, "store": store}, average_checkpoints=True)
    one, other = only_run(whole), only_run(killed)
    first, second = (load_file(folder / "weights.safetensors") for folder in (one, other))
    assert [name for name in first if not torch.equal(first[name], second[name])] == []
    for name in ("metrics.json", "log.jsonl"):
        assert (one / name).read_text() == (other / name).read_text(), name
    assert json.loads((other / "metrics.json").read_text())["averaged_checkpoints"] == 11
    assert json.loads((other / "provenance.json").read_text())["resumed_from_step"] >= 30


@pytest.mark.slow
def test_training_on_several_tasks_resumes_to_the_same_weights(quick: dict[str, Any], tmp_path: Path) -> None:
    """Both tasks begin again in the middle of an epoch of the stage, and text is masked anew whenever they do."""
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    quick |= {"max_train_examples": 24, "data_dir": _two_tasks(tmp_path), "sampling": "weights"}
    words = command({**quick, "weights": "squad=2,mlm=1"}, killed, "train-intermediate", "squad", "mlm")
    kill_at_step(words, killed, 12)
    for store in (whole, killed):
        train_here(quick, store, tasks=("squad", "mlm"), weights={"squad": 2, "mlm": 1})
    first, second = (load_file(only_run(store) / "weights.safetensors") for store in (whole, killed))
    assert [name for name in first if not torch.equal(first[name], second[name])] == []
    one, other = (json.loads((only_run(store) / "metrics.json").read_text()) for store in (whole, killed))
    assert one == other and one["steps"] == 18
    assert {task: counts["examples_seen"] for task, counts in one["tasks"].items()} == {"squad": 96, "mlm": 48}
    assert json.loads((only_run(killed) / "provenance.json").read_text())["resumed_from_step"] >= 10


def _two_tasks(folder: Path) -> Path:
    """Release files of SQuAD, and of plain text."""
    data = folder / "two"
    write_squad(data / "squad/train-v1.1.json", span_qa(split="train", language="en", size=40))
    contexts = list(dict.fromkeys(row["context"] for row in span_qa(split="train", language="en", size=200)))
    (data / "mlm").mkdir()
    (data / "mlm/en.txt").write_text("".join(f"{context}\n" for context in contexts), encoding="utf-8")
    return data


def test_finished_work_is_published_and_not_done_again(quick: dict[str, Any], finished: Path, tmp_path: Path) -> None:
    """A kill between the last file of a run and the rename that publishes it."""
    store = shutil.copytree(finished, tmp_path / "store")
    folder = only_run(store)
    folder.replace(store / ".work" / folder.name)
    again = processes.run(*train(quick, store))
    assert again.returncode == 0 and "steps" not in again.stderr, again.stderr
    assert only_run(store) == folder


def without_provenance(words: list[str]) -> None:
    """The disk is full when the training has ended."""
    from adapterstilts.runs import provenance

    def full(*args: Any, **given: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    provenance.Stopwatch.record = full  # type: ignore[method-assign]
    main(words)


@pytest.mark.slow
def test_checkpoints_outlive_a_failure_after_training(quick: dict[str, Any], tmp_path: Path) -> None:
    """What fails when the result is written must not cost the training."""
    store = tmp_path / "store"
    failed = processes.run(*train(quick, store), main=without_provenance)
    assert failed.returncode == 1 and "No space left" in failed.stderr
    train_here(quick, store)
    assert json.loads((only_run(store) / "provenance.json").read_text())["resumed_from_step"] == 54
    lines = [json.loads(line) for line in (only_run(store) / "log.jsonl").read_text().splitlines()]
    assert [one["step"] for one in lines if "train_loss" in one] == [54] and "train_loss" in lines[-1]


def test_evaluation_goes_on_with_the_languages_that_are_left(quick: dict[str, Any], tmp_path: Path) -> None:
    store = tmp_path / "store"
    languages = ["en", "de", "es", "ru", "zh"]
    words = command(quick, store, "transfer", "--from", "none", "--to", "xquad", "--languages", ",".join(languages))
    words += ["--seeds", "1", "--epochs", "1", "--max-train-examples", "8"]
    process = Command(*words)
    while not list(store.glob(".work/evaluate-*/scores/en.json")):
        try:
            pytest.fail(f"ended with {process.wait(timeout=0.001)} before it could be killed")
        except subprocess.TimeoutExpired:
            continue
    process.kill()
    process.wait()
    (kept,) = store.glob(".work/evaluate-*/scores/en.json")
    before = kept.stat().st_mtime_ns
    result = processes.run(*words, "--json")
    assert result.returncode == 0, result.stderr
    row = json.loads(result.stdout)["rows"][0]
    assert list(row["languages"]) == languages
    assert (Path(row["folder"]) / "scores/en.json").stat().st_mtime_ns == before


LIMITS = (1000, 2500, 4000, 8000)


def with_limits(words: list[str]) -> None:
    """The same command with each limit of a file's size in bytes."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
    with redirect_stderr(StringIO()) as said:  # what is said is written to a file, too
        for limit in LIMITS:
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
            try:
                main(words)
            except SystemExit as stopped:
                print("FAILED", limit, stopped.code, file=sys.stderr)
        resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
    print(said.getvalue(), file=sys.stderr)


def test_full_disk_is_one_clear_error_and_the_store_stays_valid(
    quick: dict[str, Any], finished: Path, tmp_path: Path
) -> None:
    """Writing fails inside the process, as on a full disk: no file can grow beyond a limit.

    The tokenised data are there already, so each limit is met by another writer: weights, optimiser state, logs.
    """
    store = shutil.copytree(finished, tmp_path / "store")
    before = only_run(store)
    failed = processes.run(*train(quick, store, "--seed", "2"), main=with_limits)
    assert "Traceback" not in failed.stderr, failed.stderr
    for limit, said in zip(LIMITS, failed.stderr.split("FAILED ")[:-1], strict=True):
        assert f"FAILED {limit} 1\n" in failed.stderr
        assert "No space left" in said and "finished runs are untouched" in said, (limit, said)
    assert only_run(store) == before
    train_here(quick, store, seed=2)
    assert len(RunStore(store).runs()) == 2


@pytest.mark.slow
def test_killed_few_shots_end_as_undisturbed_ones(tiny_backbone: Path, tmp_path: Path) -> None:
    """Nothing is saved between their epochs, so that they begin again, with the same rows."""
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    options: dict[str, Any] = {
        "profile": "mini", "backbone": str(tiny_backbone), "epochs": 1, "batch_size": 8, "max_train_examples": 16,
        "languages": "de", "max_eval_examples": 8, "shot_epochs": 60, "draws": 1, "tokens_per_batch": 1,
    }  # fmt: skip
    for store in (whole, killed):
        zero = {name: value for name, value in options.items() if name not in ("shot_epochs", "draws")}
        adapterstilts.transfer("none", "mlqa", store=store, **zero)
    given = {**options, "shots": "de=8", "store": killed}
    flags = [part for name, value in given.items() for part in (f"--{name.replace('_', '-')}", str(value))]
    kill_at_step(["transfer", "--from", "none", "--to", "mlqa", *flags], killed, 10)
    assert [path.name.partition("-draw")[0] for path in killed.glob(".work/*")] == ["few-shot-mlqa-de-8"]
    (one,), (other,) = (
        adapterstilts.transfer("none", "mlqa", **{**given, "store": store}).few_shots for store in (whole, killed)
    )
    first, second = (load_file(row.draws[0].trained / "weights.safetensors") for row in (one, other))
    assert [name for name in first if not torch.equal(first[name], second[name])] == []
    assert one.scores == other.scores and one.difference == other.difference


@pytest.mark.slow
def test_two_processes_share_one_result(quick: dict[str, Any], tmp_path: Path) -> None:
    store = tmp_path / "store"
    both = [Command(*train(quick, store), "--json") for _ in range(2)]
    assert [process.wait(timeout=240) for process in both] == [0, 0], [process.stderr for process in both]
    keys = {json.loads(process.stdout)["key"] for process in both}
    assert len(keys) == 1
    messages = "".join(process.stderr for process in both)
    assert "waiting for its result" in messages or "already in the store" in messages
    assert len(RunStore(store).runs()) == 1


@pytest.mark.slow
@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGUSR1, 138), (signal.SIGINT, 130)])
def test_a_signal_saves_the_running_step_and_the_next_process_goes_on_from_it(
    quick: dict[str, Any], finished: Path, tmp_path: Path, number: int, code: int
) -> None:
    """There are checkpoints at every fifth step besides; the signal comes between two of them."""
    store = tmp_path / "store"
    process = Command(*train(quick, store))
    while last_step(store) < 6:
        try:
            pytest.fail(f"ended with {process.wait(timeout=0.01)} before it could be interrupted")
        except subprocess.TimeoutExpired:
            continue
    process.send_signal(number)
    assert process.wait(timeout=60) == code
    err = process.stderr
    assert "the same command goes on from the last checkpoint" in err and "Traceback" not in err
    (step,) = re.findall(r": saved step (\d+); repeat the command to go on", err)
    train_here(quick, store)
    one, other = only_run(finished), only_run(store)
    first, second = (load_file(folder / "weights.safetensors") for folder in (one, other))
    assert [name for name in first if not torch.equal(first[name], second[name])] == []
    assert json.loads((one / "metrics.json").read_text()) == json.loads((other / "metrics.json").read_text())
    assert json.loads((other / "provenance.json").read_text())["resumed_from_step"] == int(step) >= 6


def _masked(words: list[str]) -> None:
    """The command of `words[2:]`, which gets the signal `words[0]` where it first opens a file called `words[1]`.

    What the signal raises becomes another error there, as libraries in C++ and Rust make one of it.
    """
    sent: list[str] = []

    def hook(event: str, told: tuple[Any, ...]) -> None:
        if event == "open" and str(told[0]).endswith(words[1]) and not sent:
            sent.append(str(told[0]))
            try:
                os.kill(os.getpid(), int(words[0]))
            except KeyboardInterrupt:
                raise RuntimeError("could not determine the shape of an object") from None

    sys.addaudithook(hook)
    processes.astilts(words[2:])


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
@pytest.mark.parametrize("file", ["/task.yaml", "/trained.safetensors"])
def test_an_error_that_a_library_makes_of_a_signal_is_told_as_the_signal(
    quick: dict[str, Any], tmp_path: Path, number: int, code: int, file: str
) -> None:
    """While a command is planned, and in a stage, of which nothing is then told as of one that has failed."""
    ended = processes.run(str(int(number)), file, *train(quick, tmp_path / "store"), main=_masked)
    assert ended.returncode == code and ended.stderr.splitlines()[-1].startswith("Error: Interrupted: "), ended.stderr
    assert "shape of an object" not in ended.stderr and not list(tmp_path.rglob("error.log"))
