"""Several processes make a stage together: the result is that of one, whatever happens on the way."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import torch
from accelerate.utils import get_int_from_env
from safetensors.torch import load_file, save_file

from adapterstilts.cli import main
from adapterstilts.data.batching import Collator
from adapterstilts.errors import CompatibilityError, UsageError
from adapterstilts.modeling.storage import WEIGHTS
from adapterstilts.runs.specs import MethodSpec
from adapterstilts.runs.store import RunStore
from adapterstilts.stages.devices.launch import Launch, launched
from adapterstilts.stages.devices.strategy import check_shared
from adapterstilts.stages.training import callbacks
from adapterstilts.tasks.kind import KINDS
from tests.conftest import QUICK
from tests.launched import Launched, launch
from tests.processes import astilts
from tests.stages.conftest import World

# How far two results' weights may be apart: sums in another order, after five of Adam's steps of at most 1e-3.
CLOSE = 5e-6
# A softmax does not see a number that is added to all scores: the gradient is rounding, of which Adam makes a step.
_NO_GRADIENT = ("qa_outputs.bias", "attention.self.key.bias")
# Five optimiser steps, each of several micro-batches.
STEPS: dict[str, Any] = {
    "profile": "mini",
    "batch_size": 8,
    "learning_rate": 1e-3,
    "max_steps": 5,
    "eval_steps": 2,
    "max_train_examples": 40,
    "max_validation_examples": QUICK["max_validation_examples"],
    "tokens_per_batch": 512,
}
FULL = ["train-intermediate", "squad", "mnli", "--method", "full"]
LORA = ["train-intermediate", "squad", "--method", "peft:lora"]
BOTTLENECKS = ["train-intermediate", "squad", "mnli", "--separately"]
FUSED = ["transfer", "--from", "squad,mnli", "--to", "mlqa", "--composition", "fuse", "--no-baseline"]
FUSED += ["--languages", "en,de", "--seeds", "1", "--max-eval-examples", "12"]


def flags(store: Path, backbone: Path, **options: Any) -> list[str]:
    given = {**STEPS, "store": store, "backbone": backbone, **options}
    return [part for name, value in given.items() for part in (f"--{name.replace('_', '-')}", str(value))]


@pytest.fixture(scope="module")
def alone(still: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store of what one process has made."""
    store = tmp_path_factory.mktemp("alone")
    for words in (BOTTLENECKS, FUSED, FULL, LORA):
        main([*words, *flags(store, still)])
    return store


def with_large_checkpoints(words: list[str]) -> None:
    """The command line, where evaluations write no more of a checkpoint than of a large one."""
    callbacks.LARGE_BYTES = 0
    astilts(words)


def runs(store: Path) -> dict[str, Path]:
    return {run.folder.name: run.check().folder for run in RunStore(store).runs()}


def read(folder: Path, name: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((folder / name).read_text(encoding="utf-8"))
    return content


def assert_equal(one: Path, other: Path) -> None:
    """Both are the same stage's, with the same result."""
    first, second = read(one, "metrics.json"), read(other, "metrics.json")
    fine = dict.fromkeys(("temperatures", "largest_change"))  # they show the last digits of the weights
    assert first | fine == second | fine
    for path in (path for part in ("predictions", "labels", "scores") for path in (one / part).rglob("*.*")):
        assert path.read_bytes() == (other / path.relative_to(one)).read_bytes(), path
    if (one / WEIGHTS).is_file():
        assert_close(load_file(one / WEIGHTS), load_file(other / WEIGHTS))
        logs = [
            [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()] for folder in (one, other)
        ]
        for name in ("step", "loss", "grad_norm", "eval_score"):
            told = [[line[name] for line in log if name in line] for log in logs]
            assert told[0] == pytest.approx(told[1], rel=1e-4), name


def assert_close(first: dict[str, torch.Tensor], second: dict[str, torch.Tensor]) -> None:
    assert first.keys() == second.keys()
    apart = {name: (first[name] - second[name]).abs().max().item() for name in first}
    assert {name: by for name, by in apart.items() if by > CLOSE and not name.endswith(_NO_GRADIENT)} == {}


def test_two_processes_train_and_evaluate_as_one(alone: Path, still: Path, tmp_path: Path) -> None:
    told = launch(*BOTTLENECKS, *flags(tmp_path, still))
    assert "by 2 processes" in told
    launch(*FUSED, *flags(tmp_path, still))
    launch(*FULL, *flags(tmp_path, still), main=with_large_checkpoints)
    made = runs(tmp_path)
    assert len(made) == 5
    for name, folder in made.items():
        assert_equal(runs(alone)[name], folder)
        provenance = read(folder, "provenance.json")
        method = read(folder, "spec.json").get("method", {}).get("name")
        expected = {"full": "fsdp", None: "batches"}.get(method, "ddp")
        assert (provenance["processes"], provenance["strategy"]) == (2, expected)
    assert all(read(folder, "metrics.json").get("largest_change", 1) > 1e-4 for folder in made.values())
    (fused,) = (read(folder, "metrics.json") for name, folder in made.items() if name.startswith("evaluate"))
    assert set(fused["fusion_attention"]) == {"en", "de"}


def last_step(store: Path) -> int:
    """The last step that a running stage has logged."""
    lines = [line for log in store.glob(".work/*/log.jsonl") for line in log.read_text().splitlines()]
    return max((json.loads(line)["step"] for line in lines if line.endswith("}")), default=0)


def wait_for_step(store: Path, step: int) -> None:
    """Until a stage has logged a step."""
    end = time.monotonic() + 200
    while last_step(store) < step:
        assert time.monotonic() < end, f"step {step} has not come"
        time.sleep(0.01)


@pytest.mark.slow
@pytest.mark.parametrize("words", [FULL, LORA])  # spread over both processes, and copied
def test_two_processes_average_the_checkpoints_that_one_does(words: list[str], still: Path, tmp_path: Path) -> None:
    words = [*words, "--average-checkpoints"]
    main([*words, *flags(tmp_path / "one", still)])
    launch(*words, *flags(tmp_path / "two", still))
    (one,), (two,) = (runs(tmp_path / name).values() for name in ("one", "two"))
    assert_equal(one, two)
    assert read(two, "metrics.json")["averaged_checkpoints"] == 3 and read(two, "provenance.json")["processes"] == 2


# One row in each micro-batch: slow enough that a step can be hit.
SLOW = {"tokens_per_batch": 1}


@pytest.mark.slow
def test_one_process_goes_on_where_one_of_two_was_killed(alone: Path, still: Path, tmp_path: Path) -> None:
    launched = Launched(*FULL, *flags(tmp_path, still, **SLOW))
    wait_for_step(tmp_path, 3)
    launched.processes[1].kill()
    assert launched.wait() == [1, -signal.SIGKILL]
    assert "Process 1 of 2: it has ended without a word." in launched.processes[0].stderr
    main([*FULL, *flags(tmp_path, still)])
    ((name, folder),) = runs(tmp_path).items()
    assert_equal(runs(alone)[name], folder)
    provenance = read(folder, "provenance.json")
    assert provenance["resumed_from_step"] >= 2 and provenance["processes"] == 1


@pytest.mark.slow
def test_two_processes_go_on_where_a_launcher_of_two_was_killed(alone: Path, still: Path, tmp_path: Path) -> None:
    words = [*LORA, *flags(tmp_path, still, **SLOW)]
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m"]
    launcher = subprocess.Popen([*torchrun, "adapterstilts", *words], stdout=subprocess.DEVNULL)
    wait_for_step(tmp_path, 3)
    launcher.kill()
    launcher.wait()
    launch(*words)  # when the processes that are left without it let the stage go
    ((name, folder),) = runs(tmp_path).items()
    assert_equal(runs(alone)[name], folder)


@pytest.mark.slow
def test_a_signal_to_all_saves_the_step_and_the_draws_go_on(tiny_backbone: Path, tmp_path: Path) -> None:
    """With dropout: what goes on draws as it would have done, which is something else in each process."""
    whole, ended = tmp_path / "whole", tmp_path / "ended"
    launch(*LORA, *flags(whole, tiny_backbone, **SLOW))
    launched = Launched(*LORA, *flags(ended, tiny_backbone, **SLOW), main=with_large_checkpoints)
    wait_for_step(ended, 3)
    for one in launched.processes:
        one.send_signal(signal.SIGTERM)
    assert launched.wait() == [128 + signal.SIGTERM] * 2, launched.said()
    assert "saved step" in launched.processes[0].stderr and "Error" not in launched.processes[1].stderr
    launch(*LORA, *flags(ended, tiny_backbone, **SLOW), main=with_large_checkpoints)
    ((name, folder),) = runs(whole).items()
    first, second = (load_file(one / WEIGHTS) for one in (folder, runs(ended)[name]))
    assert [one for one in first if not torch.equal(first[one], second[one])] == []
    assert read(runs(ended)[name], "provenance.json")["resumed_from_step"] >= 3


@pytest.mark.slow
def test_what_fails_in_one_process_ends_all(still: Path, tmp_path: Path) -> None:
    """Such as a path that means something else there."""
    here, there = tmp_path / "here", tmp_path / "there"
    here.mkdir()
    there.mkdir()
    (here / "still").symlink_to(still)
    launched = Launched(*LORA, *flags(tmp_path / "store", Path("still")), folders=[here, there])
    assert launched.wait() == [1, 1]
    for one in launched.processes:
        assert "Process 1 of 2: " in one.stderr and "--backbone still cannot be loaded" in one.stderr
        assert "The same command goes on from the last checkpoint." in one.stderr


@pytest.mark.slow
def test_what_fails_in_all_processes_is_the_stages_own(still: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    shutil.copytree(still, broken)
    weights = load_file(broken / "model.safetensors")
    name = next(one for one in weights if one.endswith("layer.1.output.LayerNorm.bias"))
    save_file(weights | {name: weights[name].fill_(float("nan"))}, broken / "model.safetensors", {"format": "pt"})
    launched = Launched(*BOTTLENECKS, *flags(tmp_path / "store", broken))
    assert launched.wait() == [1, 0]
    leader, other = launched.processes
    assert "2 stages failed" in leader.stderr and leader.stderr.count("The loss is nan at step 1.") >= 2
    assert "Error" not in other.stderr


LAUNCHED = {"RANK": "0", "WORLD_SIZE": "2", "LOCAL_RANK": "0", "LOCAL_WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1"}
NAMES = (
    *LAUNCHED,
    *(f"OMPI_COMM_WORLD_{name}" for name in ("SIZE", "RANK", "LOCAL_SIZE", "LOCAL_RANK")),
    *("PMI_SIZE", "PMI_RANK"),
    "MASTER_PORT",
    "ACCELERATE_USE_FSDP",
    "ACCELERATE_MIXED_PRECISION",
)


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """The process's own, without what a launcher or an earlier test says."""
    for name in NAMES:
        monkeypatch.setenv(name, "")  # so that it is put back
        monkeypatch.delenv(name)
    return monkeypatch


def test_what_launchers_say_is_read(environment: pytest.MonkeyPatch) -> None:
    assert launched() is None
    for name, value in (LAUNCHED | {"ACCELERATE_USE_FSDP": "true"}).items():
        environment.setenv(name, value)
    assert launched() == Launch(0, 2, 0, 2, fsdp=True)
    assert "ACCELERATE_USE_FSDP" not in os.environ  # accelerate would spread what is not to be
    environment.setenv("WORLD_SIZE", "1")
    assert launched() is None and "LOCAL_RANK" not in os.environ  # one process is not several


def test_processes_of_mpirun_are_those_of_accelerate(environment: pytest.MonkeyPatch) -> None:
    for name, value in (("SIZE", "2"), ("RANK", "1"), ("LOCAL_SIZE", "2"), ("LOCAL_RANK", "1")):
        environment.setenv(f"OMPI_COMM_WORLD_{name}", value)
    environment.setenv("MASTER_ADDR", "127.0.0.1")
    assert launched() == Launch(1, 2, 1, 2)


@pytest.mark.parametrize("prefix", ["OMPI_COMM_WORLD", "PMI"])
def test_separate_commands_that_a_cluster_starts_are_one_process_each(
    environment: pytest.MonkeyPatch, prefix: str
) -> None:
    """As `srun -n 2 astilts`: accelerate, which reads these names too, would ask for the other one's address."""
    environment.setenv(f"{prefix}_SIZE", "2")
    environment.setenv(f"{prefix}_RANK", "1")
    assert get_int_from_env(["PMI_SIZE", "OMPI_COMM_WORLD_SIZE"], 1) == 2
    assert launched() is None
    assert get_int_from_env(["PMI_SIZE", "OMPI_COMM_WORLD_SIZE"], 1) == 1


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"RANK": ""}, "WORLD_SIZE=2, but RANK is not set: .* Start astilts with torchrun"),
        ({"MASTER_ADDR": ""}, "MASTER_ADDR is not set"),
        ({"WORLD_SIZE": "many"}, "WORLD_SIZE=many is not a number"),
        ({"ACCELERATE_MIXED_PRECISION": "bf16"}, "--mixed_precision .* Say no to the launcher, and --precision bf16"),
    ],
)
def test_an_environment_that_cannot_be_meant_is_refused(
    environment: pytest.MonkeyPatch, changes: dict[str, str], message: str
) -> None:
    for name, value in (LAUNCHED | changes).items():
        environment.setenv(name, value)
    with pytest.raises(UsageError, match=message):
        launched()


def test_what_processes_cannot_share_is_refused(world: World) -> None:
    spec, kind = world.squad.spec, world.planner.setup.catalogue.build_kind(world.squad.spec.only)
    check_shared(spec, [kind], Launch(0, 8, 0, 8))
    with pytest.raises(UsageError, match="--batch-size 8: 9 processes cannot share .* Start 8 at most"):
        check_shared(spec, [kind], Launch(0, 9, 0, 9))
    with pytest.raises(CompatibilityError, match="--use_fsdp: method seq_bn.* leaves the backbone as it is"):
        check_shared(spec, [kind], Launch(0, 2, 0, 2, fsdp=True))
    in_8bit = spec.settings.model_copy(update={"adamw_8bit": True})
    full = spec.model_copy(update={"settings": in_8bit, "method": MethodSpec(name="full")})
    with pytest.raises(UsageError, match="--adamw-8bit: method full is spread over 2 processes"):
        check_shared(full, [kind], Launch(0, 2, 0, 2))
    quantized = spec.model_copy(update={"quantization": "nf4"})
    with pytest.raises(CompatibilityError, match=r"leaves the backbone in 4 bits \(nf4\) as it is"):
        check_shared(quantized, [kind], Launch(0, 2, 0, 2, fsdp=True))


def test_pairs_that_are_compared_stay_together(world: World) -> None:
    retrieval = KINDS.get("retrieval")({"mode": "rank", "negatives": 4})
    check_shared(world.squad.spec, [retrieval], Launch(0, 2, 0, 2))
    with pytest.raises(UsageError, match="compares 4 pairs with each other, so that a step has work for 2 of 3"):
        check_shared(world.squad.spec, [retrieval], Launch(0, 3, 0, 3))


def test_each_process_gets_its_share_of_a_step() -> None:
    features = [{"input_ids": [7] * length, "label": length} for length in (5, 3, 9, 4, 8, 6, 2)]
    for size, rows in ((9, None), (16, None), (999, None), (999, 2)):
        collator = Collator(pad_id=1, tokens_per_batch=size, max_length=16, rows=rows)
        for count in (2, 3, 8):
            shares = [collator.share(features, rank=rank, count=count) for rank in range(count)]
            assert len({len(micros) for micros, _ in shares}) == 1  # all wait for each other as often
            labels = [
                int(label) for micros, counted in shares for micro in micros[:counted] for label in micro["label"]
            ]
            assert sorted(labels) == [2, 3, 4, 5, 6, 8, 9]
            for micros, _ in shares:
                assert all(micro["input_ids"].numel() <= max(size, 16) or rows for micro in micros)
        if rows:  # the same ones are compared, whatever the number of processes
            whole = {tuple(micro["label"].tolist()) for micro in collator(features)}
            assert {tuple(m["label"].tolist()) for micros, n in shares for m in micros[:n]} == whole
