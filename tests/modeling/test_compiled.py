"""Training with a compiled backbone: the same result, by few graphs."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from click.testing import CliRunner
from safetensors.torch import load_file
from torch._dynamo.utils import counters

import adapterstilts
from adapterstilts.cli.main import astilts
from adapterstilts.errors import CompatibilityError
from adapterstilts.modeling import compiled
from adapterstilts.modeling.storage import WEIGHTS
from adapterstilts.runs.store import Run, RunStore
from tests.conftest import QUICK
from tests.launched import Launched


@pytest.fixture
def options(still: Path) -> dict[str, Any]:
    """Four steps with evaluations between them, of micro-batches of many widths."""
    settings = {name: value for name, value in QUICK.items() if name not in ("epochs", "max_length")}
    steps = {"max_steps": 4, "eval_steps": 2, "max_train_examples": 32, "tokens_per_batch": 512, "seed": 1}
    return {**settings, **steps, "profile": "mini", "backbone": str(still)}


@pytest.fixture(autouse=True)
def counted() -> None:
    torch._dynamo.reset()
    counters.clear()


def graphs() -> int:
    return counters["stats"]["unique_graphs"]


def assert_same(one: Path, other: Path, *, within: float) -> None:
    first, second = (load_file(folder / WEIGHTS) for folder in (one, other))
    assert first.keys() == second.keys() and one.name == other.name
    for weights in (first, second):  # a softmax does not see this one: its gradient is rounding
        weights.pop("heads.squad.qa_outputs.bias", None)
    apart = {name: float((first[name] - second[name]).abs().max()) for name in first}
    assert {name: value for name, value in apart.items() if value > within} == {}


def target(store: Path) -> Run:
    (run,) = (run for run in RunStore(store).runs() if run.spec.stage == "train-target")
    return run


def test_one_graph_serves_all_batches_of_a_training(options: dict[str, Any], tmp_path: Path) -> None:
    plain = adapterstilts.train_intermediate("squad", store=tmp_path / "plain", **options)
    assert graphs() == 0
    run = adapterstilts.train_intermediate("squad", store=tmp_path / "compiled", compile=True, **options)
    assert graphs() == 2 and not counters["graph_break"]  # with gradients and without
    assert_same(plain.folder, run.folder, within=5e-6)
    found = [RunStore(tmp_path / name).need(run.key).provenance["compiled"] for name in ("plain", "compiled")]
    assert found == [False, True]


@pytest.mark.slow
def test_compositions_are_compiled_too(
    options: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compiled, "BACKEND", "aot_eager")  # the same graphs, in torch's own operations
    asked = {"composition": "fuse", "seeds": 1, "languages": "en,de", "max_eval_examples": 8, "baseline": False}
    options["tokens_per_batch"] = 1024  # no batch is of one row, which has a graph of its own
    for task in ("squad", "mnli"):
        adapterstilts.train_intermediate(task, store=tmp_path / "plain", **options)
    shutil.copytree(tmp_path / "plain", tmp_path / "compiled")
    for store, given in (("plain", {}), ("compiled", {"compile": True})):
        adapterstilts.transfer(["squad", "mnli"], "mlqa", store=tmp_path / store, **options, **asked, **given)
    one, other = (target(tmp_path / name) for name in ("plain", "compiled"))
    assert_same(one.folder, other.folder, within=1e-7)
    assert (one.provenance["compiled"], other.provenance["compiled"], graphs()) == (False, True, 2)


@pytest.mark.slow
def test_hypercomplex_products_are_compiled_too(
    options: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from adapters.methods import modeling

    one, other = torch.randn(3, 2, 5), torch.randn(3, 4, 1)
    assert torch.equal(compiled.kronecker_product(one, other), torch.stack([*map(torch.kron, one, other)]))
    monkeypatch.setattr(compiled, "BACKEND", "aot_eager")
    monkeypatch.setattr(modeling, "kronecker_product", modeling.kronecker_product)  # put back at the end
    method = "compacter[phm_dim=2,reduction_factor=4]"
    plain, run = (
        adapterstilts.train_intermediate("squad", method=method, store=tmp_path / name, compile=compile, **options)
        for name, compile in (("plain", False), ("compiled", True))
    )
    assert_same(plain.folder, run.folder, within=1e-7)
    assert graphs() == 2 and not counters["graph_break"]


@pytest.mark.slow
def test_a_compiler_that_fails_is_told(
    options: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("torch._inductor.config.cpp.cxx", (str(tmp_path / "no-compiler"),))
    monkeypatch.setattr("torch._inductor.config.force_disable_caches", True)
    with pytest.raises(CompatibilityError, match=r"torch cannot compile .*\. Leave out --compile"):
        adapterstilts.train_intermediate("squad", store=tmp_path / "store", compile=True, **options)
    assert not list(RunStore(tmp_path / "store").runs())


def test_processes_of_a_launcher_do_not_compile(options: dict[str, Any], tmp_path: Path) -> None:
    words = ["train-intermediate", "squad", "--profile", "mini", "--compile", "--store", str(tmp_path)]
    launched = Launched(*words)
    assert launched.wait()[0] == 2
    assert "--compile: a backbone is compiled for one process alone" in launched.said()


def test_compile_is_an_option_of_what_trains() -> None:
    for command in ("train-intermediate", "transfer", "compare", "study run", "train-language"):
        shown = CliRunner().invoke(astilts, [*command.split(), "--help"]).output
        assert "--compile" in shown and "--no-cuda-graphs" in shown
    assert "--compile" not in CliRunner().invoke(astilts, ["predict", "--help"]).output
