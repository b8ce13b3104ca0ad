"""Real processes, really killed: what they leave behind, and what the next one makes of it."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

import adapterstilts
from adapterstilts.mini.generators.span_qa import span_qa
from adapterstilts.runs.store import RunStore
from adapterstilts.stages.checkpoints import latest_complete
from tests.conftest import QUICK, WINDOWS, write_squad

ASTILTS = [sys.executable, "-m", "adapterstilts"]


# One row in each micro-batch: slow enough that a step can be hit.
SLOW: dict[str, Any] = {"epochs": 3, "eval_steps": 5, "tokens_per_batch": 1, "patience": 99}


def command(quick: dict[str, Any], store: Path, *words: str) -> list[str]:
    flags = {**quick, **SLOW, "store": store}
    given = [part for name, value in flags.items() for part in (f"--{name.replace('_', '-')}", str(value))]
    return [*ASTILTS, *words, *given]


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


def kill_at_step(words: list[str], store: Path, step: int) -> None:
    """Starts a command and sends it SIGKILL as soon as it has logged `step`."""
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    while last_step(store) < step:
        try:
            code = process.wait(timeout=0.01)
        except subprocess.TimeoutExpired:
            continue
        assert process.stderr is not None
        pytest.fail(f"ended with {code} before step {step}: {process.stderr.read()}")
    process.kill()
    assert process.wait() == -signal.SIGKILL


def run(words: list[str], **options: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(words, capture_output=True, text=True, check=False, **options)


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
    assert run(train(quick, killed)).returncode == 0
    one, other = only_run(finished), only_run(killed)
    assert one.name == other.name
    first, second = load_file(one / "weights.safetensors"), load_file(other / "weights.safetensors")
    assert [name for name in first if not torch.equal(first[name], second[name])] == []
    for folder in (one, other):
        assert not (folder / "checkpoints").exists()
    scores = [json.loads((folder / "metrics.json").read_text()) for folder in (one, other)]
    assert scores[0] == scores[1]
    logs = [
        [json.loads(line)["step"] for line in (folder / "log.jsonl").read_text().splitlines()]
        for folder in (one, other)
    ]
    assert logs[0] == logs[1]
    provenance = json.loads((other / "provenance.json").read_text())
    assert provenance["resumed_from_step"] == int(resumable.name.rpartition("-")[2]) >= 45


def test_full_fine_tuning_resumes_at_the_end_of_an_epoch(quick: dict[str, Any], tmp_path: Path) -> None:
    """The last checkpoint lies exactly between two epochs of 18 steps."""
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    kill_at_step([*train(quick, killed), "--method", "full", "--eval-steps", "18"], killed, 20)
    for store in (whole, killed):
        train_here(quick, store, method="full", eval_steps=18)
    first, second = (load_file(only_run(store) / "weights.safetensors") for store in (whole, killed))
    assert [name for name in first if not torch.equal(first[name], second[name])] == []
    assert json.loads((only_run(killed) / "provenance.json").read_text())["resumed_from_step"] == 18


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
    again = run(train(quick, store))
    assert again.returncode == 0 and "steps" not in again.stderr, again.stderr
    assert only_run(store) == folder


def test_checkpoints_outlive_a_failure_after_training(quick: dict[str, Any], tmp_path: Path) -> None:
    """What fails when the result is written must not cost the training."""
    store = tmp_path / "store"
    code = (
        "import sys, errno\n"
        "from adapterstilts.runs import provenance\n"
        "def full(*args, **kwargs): raise OSError(errno.ENOSPC, 'No space left on device')\n"
        "provenance.Stopwatch.record = full\n"
        "from adapterstilts.cli import main\n"
        "main(sys.argv[1:])"
    )
    failed = run([sys.executable, "-c", code, *train(quick, store)[3:]])
    assert failed.returncode == 1 and "No space left" in failed.stderr
    train_here(quick, store)
    assert json.loads((only_run(store) / "provenance.json").read_text())["resumed_from_step"] == 54


def test_evaluation_goes_on_with_the_languages_that_are_left(quick: dict[str, Any], tmp_path: Path) -> None:
    store = tmp_path / "store"
    languages = ["en", "de", "es", "ru", "zh"]
    words = command(quick, store, "transfer", "--from", "none", "--to", "xquad", "--languages", ",".join(languages))
    words += ["--seeds", "1", "--epochs", "1", "--max-train-examples", "8"]
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while not list(store.glob(".work/evaluate-*/scores/en.json")):
        try:
            pytest.fail(f"ended with {process.wait(timeout=0.001)} before it could be killed")
        except subprocess.TimeoutExpired:
            continue
    process.kill()
    process.wait()
    (kept,) = store.glob(".work/evaluate-*/scores/en.json")
    before = kept.stat().st_mtime_ns
    result = run([*words, "--json"])
    assert result.returncode == 0, result.stderr
    row = json.loads(result.stdout)["rows"][0]
    assert list(row["languages"]) == languages
    assert (Path(row["folder"]) / "scores/en.json").stat().st_mtime_ns == before


_LIMITED = """
import json, resource, signal, sys
from adapterstilts.cli.main import main

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
for limit in json.loads(sys.argv[1]):
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
    try:
        main(sys.argv[2:])
    except SystemExit as stopped:
        print("FAILED", limit, stopped.code, file=sys.stderr, flush=True)
"""


def test_full_disk_is_one_clear_error_and_the_store_stays_valid(
    quick: dict[str, Any], finished: Path, tmp_path: Path
) -> None:
    """Writing fails inside the process, as on a full disk: no file can grow beyond a limit.

    The tokenised data are there already, so each limit is met by another writer: weights, optimiser state, logs.
    """
    store = shutil.copytree(finished, tmp_path / "store")
    before = only_run(store)
    limits = [1000, 2500, 4000, 8000]
    words = train(quick, store, "--seed", "2")[len(ASTILTS) :]
    failed = run([sys.executable, "-c", _LIMITED, json.dumps(limits), *words])
    assert "Traceback" not in failed.stderr, failed.stderr
    for limit, said in zip(limits, failed.stderr.split("FAILED ")[:-1], strict=True):
        assert f"FAILED {limit} 1\n" in failed.stderr
        assert "No space left" in said and "finished runs are untouched" in said, (limit, said)
    assert only_run(store) == before
    train_here(quick, store, seed=2)
    assert len(RunStore(store).runs()) == 2


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
    kill_at_step([*ASTILTS, "transfer", "--from", "none", "--to", "mlqa", *flags], killed, 10)
    assert [path.name.partition("-draw")[0] for path in killed.glob(".work/*")] == ["few-shot-mlqa-de-8"]
    (one,), (other,) = (
        adapterstilts.transfer("none", "mlqa", **{**given, "store": store}).few_shots for store in (whole, killed)
    )
    first, second = (load_file(row.draws[0].trained / "weights.safetensors") for row in (one, other))
    assert [name for name in first if not torch.equal(first[name], second[name])] == []
    assert one.scores == other.scores and one.difference == other.difference


def test_two_processes_share_one_result(quick: dict[str, Any], tmp_path: Path) -> None:
    store = tmp_path / "store"
    both = [
        subprocess.Popen([*train(quick, store), "--json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    outputs = [process.communicate(timeout=240) for process in both]
    assert [process.returncode for process in both] == [0, 0], outputs
    keys = {json.loads(out)["key"] for out, _ in outputs}
    assert len(keys) == 1
    messages = "".join(err for _, err in outputs)
    assert "waiting for its result" in messages or "already in the store" in messages
    assert len(RunStore(store).runs()) == 1


def test_interrupt_says_what_is_kept(quick: dict[str, Any], tmp_path: Path) -> None:
    store = tmp_path / "store"
    process = subprocess.Popen(
        train(quick, store), stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True,
        # A shell's background jobs, and what they start, ignore it.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )  # fmt: skip
    while last_step(store) < 6:
        try:
            pytest.fail(f"ended with {process.wait(timeout=0.01)} before it could be interrupted")
        except subprocess.TimeoutExpired:
            continue
    os.kill(process.pid, signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "the same command goes on from the last checkpoint" in err and "Traceback" not in err
