"""Steps that are CUDA graphs come to what steps come to that are launched kernel by kernel; on a GPU alone."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

import adapterstilts
from adapterstilts.errors import GraphError
from adapterstilts.modeling.backbone import Backbone, locate_backbone
from adapterstilts.modeling.gpu.recorded import RecordedSteps
from adapterstilts.modeling.methods import METHODS
from adapterstilts.modeling.precision import device_memory
from adapterstilts.modeling.storage import WEIGHTS
from adapterstilts.modeling.transfer_model import TransferModel
from adapterstilts.runs.specs import MethodSpec, Precision
from adapterstilts.runs.store import RunStore
from adapterstilts.tasks.kind import HeadSpec
from tests.backbones import FAMILIES
from tests.conftest import QUICK, save_tiny_backbone

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU")

DEVICE = torch.device("cuda")
STEPS = 10
BIAS = "qa_outputs.bias"
# A step waits for the GPU, as parts of prompts and places of words are made on the host; or weights go on the way.
LAUNCHED = ("direft", "loreft", "mam", "noreft", "peft:adalora", "prefix_tuning", "prompt_tuning", "unipelt")


@pytest.fixture(scope="module")
def backbone(tmp_path_factory: pytest.TempPathFactory) -> Backbone:
    """With dropout, and as wide as Compacter's blocks need it."""
    return locate_backbone(str(save_tiny_backbone(tmp_path_factory.mktemp("wide"), hidden_size=128)))


def built(backbone: Backbone, method: MethodSpec, precision: Precision) -> TransferModel:
    torch.manual_seed(0)
    model = TransferModel(backbone, method=method, precision=precision)
    if METHODS.get(method.name).adds_adapter:
        model.train_adapter(model.add_adapter("task", method))
    model.train_backbone()
    model.add_head("task", HeadSpec("span", 2))
    model.train_head("task")
    return model.to(DEVICE)


def batch(rows: int, width: int, seed: int) -> dict[str, torch.Tensor]:
    """Of which every second one has no padding."""
    draws = torch.Generator().manual_seed(seed)
    mask = torch.ones(rows, width, dtype=torch.long)
    if seed % 2:
        mask[-1, width // 2 :] = 0
    ids = torch.randint(5, 60, (rows, width), generator=draws).where(mask.bool(), torch.tensor(1))
    starts = torch.randint(1, width // 4, (rows,), generator=draws)
    return {"input_ids": ids, "attention_mask": mask, "start_positions": starts, "end_positions": starts + 2}


def states_below(model: TransferModel, micro: dict[str, torch.Tensor]) -> torch.Tensor:
    inputs = {name: micro[name].to(DEVICE) for name in ("input_ids", "attention_mask")}
    with torch.no_grad():
        return model.lower_states(**inputs).cpu()


def trained(model: TransferModel, *, record: bool) -> tuple[dict[str, torch.Tensor], torch.Tensor, RecordedSteps]:
    """The weights after some steps of two micro-batches each, the next random numbers, and the graphs."""
    recorded = RecordedSteps(model)
    if not record:
        recorded.refused = "not asked for"
    weights = [weight for weight in model.parameters() if weight.requires_grad]
    optimizer = torch.optim.AdamW(weights, lr=1e-2, weight_decay=0.1, fused=True)
    model.begin_training(STEPS)
    model.train()
    for step in range(STEPS):
        for micro in (batch(4, 32, step), batch(3, 24, step + 1)):
            if model.lower:
                micro["below"] = states_below(model, micro)
            loss = recorded("task", micro, 0.5).clone()
            assert torch.isfinite(loss)
        if (regularization := model.regularization()) is not None:
            regularization.backward()
        del regularization  # which would keep what gathers gradients
        torch.nn.utils.clip_grad_norm_(weights, 1.0)
        optimizer.step()
        model.after_step(step + 1)
        optimizer.zero_grad()
    found = {name: weight.detach().cpu() for name, weight in model.named_parameters() if weight.requires_grad}
    return found, torch.rand(4, device=DEVICE).cpu(), recorded


def assert_same(make: Callable[[], TransferModel]) -> RecordedSteps:
    """Trains with graphs and without, from the same random numbers."""
    plain, numbers, _ = trained(make(), record=False)
    once_more, _, _ = trained(make(), record=False)
    again, same_numbers, recorded = trained(make(), record=True)
    assert plain.keys() == again.keys()
    assert torch.equal(numbers, same_numbers)
    # Kernels that add up in any order differ from themselves, and a softmax does not see the bias of the answers' head.
    noise = max(float((plain[name] - once_more[name]).abs().max()) for name in plain if BIAS not in name)
    apart = {name: float((plain[name] - again[name]).abs().max()) for name in plain if BIAS not in name}
    assert {name: value for name, value in apart.items() if value > 1e-3 + 4 * noise} == {}
    return recorded


@pytest.mark.parametrize("method", METHODS.names())
def test_every_method_trains_to_the_same_weights(method: str, backbone: Backbone) -> None:
    recorded = assert_same(lambda: built(backbone, MethodSpec(name=method), "fp32"))
    assert (len(recorded), recorded.refused is None) == ((0, False) if method in LAUNCHED else (2, True))


def test_a_model_above_layers_whose_states_are_kept_trains_to_the_same_weights(backbone: Backbone) -> None:
    def make() -> TransferModel:
        model = built(backbone, MethodSpec(name="seq_bn", options={"leave_out": [0]}), "bf16")
        model.settle_below(1)
        return model

    assert len(assert_same(make)) == 2


@pytest.mark.parametrize("family", FAMILIES)
def test_every_family_trains_to_the_same_weights(family: str, backbones: dict[str, Backbone]) -> None:
    recorded = assert_same(lambda: built(backbones[family], MethodSpec(name="full"), "bf16"))
    assert len(recorded) == (0 if recorded.refused else 2)


def test_a_model_that_asks_the_gpu_on_the_way_is_not_recorded(backbone: Backbone) -> None:
    def asks(*_: Any) -> None:
        torch.ones((), device=DEVICE).item()

    def make() -> TransferModel:
        model = built(backbone, MethodSpec(name="seq_bn"), "bf16")
        model.backbone.register_forward_hook(asks)
        return model

    recorded = assert_same(make)
    assert len(recorded) == 0 and "synchroniz" in str(recorded.refused)


@pytest.mark.parametrize("method", ["peft:loha", "peft:lokr"])
def test_what_is_drawn_on_the_host_is_drawn_in_each_step(method: str, backbone: Backbone) -> None:
    """Whether a module is left out; with probability 0 the draw decides nothing."""
    recorded = assert_same(lambda: built(backbone, MethodSpec(name=method, options={"module_dropout": 0.5}), "fp32"))
    assert len(recorded) == 0 and "random numbers on the host (torch)" in str(recorded.refused)


def test_gradients_that_are_watched_are_not_recorded(backbone: Backbone) -> None:
    seen: list[float] = []

    def make() -> TransferModel:
        model = built(backbone, MethodSpec(name="seq_bn"), "bf16")
        model.heads["task"].qa_outputs.weight.register_hook(lambda gradient: seen.append(float(gradient.abs().sum())))
        return model

    recorded = assert_same(make)
    assert len(recorded) == 0 and len(seen) >= 3 * 2 * STEPS


def test_graphs_of_a_model_share_their_memory(backbone: Backbone) -> None:
    model = built(backbone, MethodSpec(name="seq_bn"), "bf16").train()
    recorded, reserved = RecordedSteps(model), []
    for width in (64, 60, 56, 52, 48):
        for seed in range(3):
            recorded("task", batch(32, width, seed), 1.0)
        torch.cuda.empty_cache()
        reserved.append(recorded._memory_bytes)
    assert len(recorded) == 5 and reserved[-1] < 2 * reserved[0]


def test_a_recording_that_fails_is_told(backbone: Backbone) -> None:
    """In a process of its own, since what it leaves behind cannot be used."""
    context = multiprocessing.get_context("spawn")
    with context.Pool(1) as pool, pytest.raises(GraphError, match=r"CUDA graph: .*Use --no-cuda-graphs"):
        pool.apply(_fail, (backbone,))


def _fail(backbone: Backbone) -> None:
    model = built(backbone, MethodSpec(name="seq_bn"), "bf16")
    model.backbone.register_forward_hook(lambda *_: torch.cuda.synchronize())
    with device_memory(DEVICE, name="tiny", tokens=128):
        trained(model, record=True)


def test_a_stage_comes_to_the_same_with_graphs_and_without(tiny_backbone: Path, tmp_path: Path) -> None:
    options = {**QUICK, "profile": "mini", "backbone": str(tiny_backbone), "device": "cuda", "max_steps": 24}
    runs = [
        adapterstilts.train_intermediate(
            "squad", store=tmp_path / str(graphs), cuda_graphs=graphs, eval_steps=8, max_train_examples=64, **options
        )
        for graphs in (False, True)
    ]
    one, other = (load_file(run.folder / WEIGHTS) for run in runs)
    apart = {name: float((one[name] - other[name]).abs().max()) for name in one if BIAS not in name}
    assert {name: value for name, value in apart.items() if value > 1e-3} == {}
    plain, recorded = (RunStore(tmp_path / str(graphs)).need(runs[0].key).provenance for graphs in (False, True))
    assert "cuda_graphs" not in plain and recorded["cuda_graphs"] > 0
