"""The model, its methods and compositions: what is trained, what is kept, and equality with the libraries' own code."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

import adapters
import pytest
import torch
from adapters.composition import Stack
from datasets import Dataset
from safetensors.torch import load_file, save_file
from transformers import AutoModel, XLMRobertaForQuestionAnswering

from adapterstilts.data.batching import Collator
from adapterstilts.errors import CompatibilityError, UsageError
from adapterstilts.modeling.architecture import Facts
from adapterstilts.modeling.backbone import check_length, locate_backbone
from adapterstilts.modeling.composing import start_model
from adapterstilts.modeling.outline import TORCHS_OWN
from adapterstilts.modeling.storage import WEIGHTS, StoredModel, load_parameters, save_model
from adapterstilts.modeling.transfer_model import TransferModel
from adapterstilts.runs.specs import Choice, MethodSpec
from adapterstilts.stages.answering.predict import predict
from adapterstilts.tasks.kind import HeadSpec
from tests.conftest import save_tiny_backbone
from tests.runs.test_specs import SQUAD, train_spec

SPAN = HeadSpec("span", 2)
SEQ_BN = MethodSpec(name="seq_bn", options={"reduction_factor": 4})
FULL = MethodSpec(name="full")


def start(
    folder: Path, method: MethodSpec, composition: str = "none", sources: Any = (), **changes: Any
) -> TransferModel:
    backbone = locate_backbone(str(folder))
    spec = train_spec(method=method, composition=Choice(name=composition), backbone=backbone.fingerprint, **changes)
    torch.manual_seed(0)
    return start_model(spec, backbone, list(sources), heads={spec.task: SPAN}, source_task="squad" if sources else None)


def store(model: TransferModel, folder: Path, *, noise: float = 0.02) -> StoredModel:
    """Saves a model as if it had been trained: its trainable weights moved away from their initialisation."""
    folder.mkdir()
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.requires_grad:
                parameter.add_(noise * torch.randn_like(parameter))
    save_model(model, folder)
    return StoredModel.read(folder)


def batch(*, labels: bool = True) -> dict[str, torch.Tensor]:
    torch.manual_seed(1)
    made = {"input_ids": torch.randint(5, 900, (3, 20)), "attention_mask": torch.ones(3, 20, dtype=torch.long)}
    made["attention_mask"][1, 12:] = 0
    made["input_ids"][1, 12:] = 1
    if labels:
        made |= {"start_positions": torch.tensor([1, 2, 3]), "end_positions": torch.tensor([4, 5, 6])}
    return made


def logits(model: TransferModel) -> torch.Tensor:
    with torch.inference_mode():
        return model.eval()(task="squad", **batch(labels=False))["logits"].clone()


# method, composition, names that every trained parameter of the backbone has to contain
CASES = [
    (FULL, "none", ""),
    (FULL, "continue", ""),
    (SEQ_BN, "none", ".adapters.squad."),
    (SEQ_BN, "continue", ".adapters.squad."),
    (SEQ_BN, "stack", ".adapters.squad_2."),
]


@pytest.fixture(params=CASES, ids=[f"{method.name}-{composition}" for method, composition, _ in CASES])
def case(request: Any, tiny_backbone: Path, tmp_path: Path) -> tuple[TransferModel, str]:
    method, composition, trained = request.param
    sources = [] if composition == "none" else [store(start(tiny_backbone, method), tmp_path / "source")]
    return start(tiny_backbone, method, composition, sources), trained


def test_only_what_should_be_trained_is_trained_and_the_rest_stays_bitwise(case: tuple[TransferModel, str]) -> None:
    model, trained_name = case
    trained = {name for name, parameter in model.named_parameters() if parameter.requires_grad}
    assert {name for name in trained if name.startswith("heads.")} == {
        "heads.squad.qa_outputs.weight",
        "heads.squad.qa_outputs.bias",
    }
    inside = {name for name, _ in model.named_parameters() if name.startswith("backbone.") and trained_name in name}
    assert trained - {name for name in trained if name.startswith("heads.")} == inside
    before = {name: parameter.detach().clone() for name, parameter in model.named_parameters()}
    optimizer = torch.optim.AdamW([parameter for parameter in model.parameters() if parameter.requires_grad], lr=1e-2)
    for _ in range(2):  # the first step moves only one side of a bottleneck whose other side starts at zero
        optimizer.zero_grad()
        model.train()(task="squad", **batch())["loss"].backward()
        optimizer.step()
    changed = {name for name, parameter in model.named_parameters() if not torch.equal(parameter, before[name])}
    assert changed <= trained
    # Embeddings of tokens and positions that no batch has, and keys' biases, have no gradient to follow.
    assert len(changed) > 0.8 * len(trained)


def test_saved_model_is_restored_exactly(case: tuple[TransferModel, str], tmp_path: Path, tiny_backbone: Path) -> None:
    model, _ = case
    stored = store(model, tmp_path / "run")
    again = stored.restore(locate_backbone(str(tiny_backbone)), precision="fp32")
    assert torch.equal(logits(again), logits(model))
    assert not any(parameter.requires_grad for parameter in again.parameters())
    assert again.describe() == model.describe()


def test_a_run_keeps_all_but_the_frozen_backbone(tiny_backbone: Path, tmp_path: Path) -> None:
    source = store(start(tiny_backbone, SEQ_BN), tmp_path / "source")
    stacked = store(start(tiny_backbone, SEQ_BN, "stack", [source]), tmp_path / "stacked")
    names = load_file(stacked.folder / WEIGHTS).keys()
    assert all(".adapters." in name or name.startswith("heads.") for name in names)
    assert {name.split(".adapters.")[1].split(".")[0] for name in names if ".adapters." in name} == {"squad", "squad_2"}
    full = store(start(tiny_backbone, FULL), tmp_path / "full")
    base = AutoModel.from_pretrained(tiny_backbone, add_pooling_layer=False)
    assert len(load_file(full.folder / WEIGHTS)) == len(dict(base.named_parameters())) + 2


@pytest.mark.parametrize("name", ["seq_bn", "peft:lora", "full"])
@pytest.mark.parametrize("task", ["train", "type", "keys", "items"])
def test_a_task_may_be_called_as_a_method_of_a_module_is(
    task: str, name: str, tmp_path: Path, tiny_backbone: Path
) -> None:
    method = SEQ_BN if name == "seq_bn" else MethodSpec(name=name)
    named = SQUAD.model_copy(update={"data": SQUAD.data.model_copy(update={"task": task})})
    model = start(tiny_backbone, method, tasks=(named,))
    stored = store(model, tmp_path / "run")
    again = stored.restore(locate_backbone(str(tiny_backbone)), precision="fp32").train().eval()
    with torch.inference_mode():
        mine, theirs = (one.eval()(task=task, **batch(labels=False))["logits"] for one in (model, again))
    assert torch.equal(mine, theirs)


def test_names_that_modules_have_are_those_of_torch() -> None:
    have = {*dir(torch.nn.ModuleDict()), *dir(torch.nn.ParameterDict())}
    assert {name for name in have if not name.startswith("_")} <= TORCHS_OWN


def test_full_model_equals_transformers(tiny_backbone: Path) -> None:
    model = start(tiny_backbone, FULL).eval()
    reference = XLMRobertaForQuestionAnswering.from_pretrained(tiny_backbone).eval()
    reference.qa_outputs.load_state_dict(model.heads["squad"].qa_outputs.state_dict())
    inputs = batch()
    inputs["attention_mask"][:] = 1  # transformers lets padding take part in the loss, so there is none here
    theirs, ours = reference(**inputs), model(task="squad", **inputs)
    assert torch.allclose(ours["logits"][..., 0], theirs.start_logits, atol=1e-6)
    assert torch.allclose(ours["logits"][..., 1], theirs.end_logits, atol=1e-6)
    assert torch.allclose(ours["loss"], theirs.loss, atol=1e-6)


def test_padding_changes_neither_logits_nor_loss(tiny_backbone: Path) -> None:
    model = start(tiny_backbone, FULL).eval()
    short = {name: value[1:2, :12] if value.ndim > 1 else value[1:2] for name, value in batch().items()}
    padded = {name: value[1:2] for name, value in batch().items()}
    one, other = model(task="squad", **short), model(task="squad", **padded)
    assert torch.allclose(one["logits"][0], other["logits"][0, :12], atol=1e-5)
    assert torch.allclose(one["loss"], other["loss"], atol=1e-5)


@pytest.mark.parametrize("composition", ["none", "stack"])
def test_adapter_logits_equal_those_of_plain_adapters_code(
    tiny_backbone: Path, tmp_path: Path, composition: str
) -> None:
    sources = [] if composition == "none" else [store(start(tiny_backbone, SEQ_BN), tmp_path / "source")]
    model = start(tiny_backbone, SEQ_BN, composition, sources)
    store(model, tmp_path / "run")
    reference = AutoModel.from_pretrained(tiny_backbone, add_pooling_layer=False)
    adapters.init(reference)
    names = ["squad"] if composition == "none" else ["squad", "squad_2"]
    for name in names:
        reference.add_adapter(name, config=adapters.SeqBnConfig(reduction_factor=4))
    tensors = load_file(tmp_path / "run" / WEIGHTS)
    inside = {name.removeprefix("backbone."): value for name, value in tensors.items() if name.startswith("backbone.")}
    assert not reference.load_state_dict(inside, strict=False).unexpected_keys
    reference.set_active_adapters(Stack(*names))
    inputs = batch(labels=False)
    with torch.inference_mode():
        hidden = reference.eval()(**inputs).last_hidden_state
        head = torch.nn.functional.linear(
            hidden, tensors["heads.squad.qa_outputs.weight"], tensors["heads.squad.qa_outputs.bias"]
        )
    real = inputs["attention_mask"].bool()
    assert torch.equal(logits(model)[real], head[real])


def test_stack_and_continue_start_from_the_source_and_none_does_not(tiny_backbone: Path, tmp_path: Path) -> None:
    source = store(start(tiny_backbone, SEQ_BN), tmp_path / "source", noise=0.3)
    tensors = load_file(source.folder / WEIGHTS)
    name = next(name for name in tensors if name.endswith("adapter_down.0.weight"))
    for composition in ("stack", "continue"):
        model = start(tiny_backbone, SEQ_BN, composition, [source])
        assert torch.equal(dict(model.named_parameters())[name], tensors[name])
    model = start(tiny_backbone, SEQ_BN)
    assert not torch.equal(dict(model.named_parameters())[name], tensors[name])


def test_head_is_new_or_reused(tiny_backbone: Path, tmp_path: Path) -> None:
    source = store(start(tiny_backbone, SEQ_BN), tmp_path / "source")
    weight = load_file(source.folder / WEIGHTS)["heads.squad.qa_outputs.weight"]
    reused = start(tiny_backbone, SEQ_BN, "stack", [source], head="reuse").heads["squad"].qa_outputs
    new = start(tiny_backbone, SEQ_BN, "stack", [source], head="new").heads["squad"].qa_outputs
    assert torch.equal(reused.weight, weight) and reused.weight.requires_grad
    assert not torch.equal(new.weight, weight) and not new.bias.any()


def test_reused_head_of_another_task_is_renamed(tiny_backbone: Path, tmp_path: Path) -> None:
    source = store(start(tiny_backbone, SEQ_BN), tmp_path / "source")
    task = SQUAD.model_copy(update={"data": SQUAD.data.model_copy(update={"task": "mlqa"})})
    model = start(tiny_backbone, SEQ_BN, "stack", [source], head="reuse", tasks=(task,))
    assert list(model.heads) == ["mlqa"] and model.adapter_names == ["squad", "mlqa"]


def test_head_of_another_form_is_not_reused(tiny_backbone: Path, tmp_path: Path) -> None:
    source = store(start(tiny_backbone, SEQ_BN), tmp_path / "source")
    backbone = locate_backbone(str(tiny_backbone))
    spec = train_spec(method=SEQ_BN, composition=Choice(name="stack"), backbone=backbone.fingerprint, head="reuse")
    with pytest.raises(CompatibilityError, match=r"no 'span' head with 3 outputs. Use --head new"):
        start_model(spec, backbone, [source], heads={"squad": HeadSpec("span", 3)}, source_task="squad")


def test_wrong_backbones_are_refused(tiny_backbone: Path, other_backbone: Path, tmp_path: Path) -> None:
    source = store(start(tiny_backbone, SEQ_BN), tmp_path / "source")
    deeper = save_tiny_backbone(tmp_path / "deeper", layers=3)
    wider = save_tiny_backbone(tmp_path / "wider", hidden_size=64)
    for folder, message in (
        (other_backbone, "weights 'sha256:"),
        (deeper, "number of layers 2 there, 3 here"),
        (wider, "hidden size 32 there, 64 here"),
    ):
        with pytest.raises(CompatibilityError, match=message):
            backbone = locate_backbone(str(folder))
            source.check_backbone(backbone, backbone.config())


def test_compositions_that_cannot_work_are_refused(tiny_backbone: Path, tmp_path: Path) -> None:
    adapter = store(start(tiny_backbone, SEQ_BN), tmp_path / "adapter")
    biases = store(start(tiny_backbone, MethodSpec(name="bitfit")), tmp_path / "biases")
    other = MethodSpec(name="seq_bn", options={"reduction_factor": 8})
    for method, composition, sources, message in (
        (FULL, "stack", [adapter], "Method 'full' cannot be used with composition 'stack'.*It allows: continue"),
        (SEQ_BN, "stack", [biases], "was trained with bitfit and has no adapter to stack on"),
        (other, "continue", [adapter], "was trained with seq_bn.reduction_factor=4., so it cannot be continued"),
    ):
        with pytest.raises(CompatibilityError, match=message):
            start(tiny_backbone, method, composition, sources)
    for composition, sources, message in (
        ("stack", [], "takes 1 intermediate runs, not 0"),
        ("none", [adapter], "takes 0 intermediate runs, not 1"),
        ("stak", [adapter], "Unknown composition 'stak'. Did you mean 'stack'"),
    ):
        with pytest.raises(UsageError, match=message):
            start(tiny_backbone, SEQ_BN, composition, sources)


def test_weights_of_another_shape_are_refused(tiny_backbone: Path, tmp_path: Path) -> None:
    source = store(start(tiny_backbone, SEQ_BN), tmp_path / "source")
    model = start(tiny_backbone, MethodSpec(name="seq_bn", options={"reduction_factor": 8}))
    with pytest.raises(CompatibilityError, match=r"adapter_down.0.bias of shape \(8,\) does not fit .*\(4,\)"):
        load_parameters(model, source.folder / WEIGHTS)


@pytest.mark.parametrize("method", [SEQ_BN, FULL], ids=["seq_bn", "full"])
def test_a_missing_tensor_is_not_left_as_it_was(tiny_backbone: Path, tmp_path: Path, method: MethodSpec) -> None:
    source = store(start(tiny_backbone, method), tmp_path / "source")
    tensors = load_file(source.folder / WEIGHTS)
    name = sorted(tensors)[0]
    save_file({other: tensor for other, tensor in tensors.items() if other != name}, source.folder / WEIGHTS)
    with pytest.raises(CompatibilityError, match=f"has no {name}"):
        source.restore(locate_backbone(str(tiny_backbone)), precision="fp32")


def test_backbone_without_its_weights_is_refused(tmp_path: Path) -> None:
    folder = save_tiny_backbone(tmp_path / "renamed")
    tensors = load_file(folder / "model.safetensors")
    save_file(
        {f"old.{name}": tensor for name, tensor in tensors.items()}, folder / "model.safetensors", {"format": "pt"}
    )
    with pytest.raises(CompatibilityError, match=r"has no weights for .* and \d+ more"):
        locate_backbone(str(folder)).encoder(torch.float32)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("model.safetensors", b"not tensors", "The model of --backbone .* cannot be loaded"),
        ("model.safetensors", None, "The model of --backbone .* cannot be loaded"),
        ("config.json", b"{", "The config of --backbone .* cannot be loaded"),
        ("config.json", b'{"model_type": "no_such"}', "The config of --backbone .* cannot be loaded"),
    ],
)
def test_faulty_checkpoint_folder_is_one_clear_error(
    tmp_path: Path, name: str, content: bytes | None, message: str
) -> None:
    folder = save_tiny_backbone(tmp_path / "faulty")
    (folder / name).unlink() if content is None else (folder / name).write_bytes(content)
    with pytest.raises(CompatibilityError, match=message):
        locate_backbone(str(folder)).encoder(torch.float32)


@pytest.mark.parametrize(
    ("name", "value", "refused"),
    [
        ("num_hidden_layers", 2**31, True), ("num_attention_heads", 20_000, True), ("num_hidden_layers", 3, False),
        # Sizes of one tensor, which real models have.
        ("n_positions", 32_768, False), ("num_hash_buckets", 16_384, False), ("n_vocab", 250_002, False),
    ],
)  # fmt: skip
def test_more_parts_than_any_model_has_are_refused(tmp_path: Path, name: str, value: int, refused: bool) -> None:
    """Built one by one, they would keep the machine busy for ever."""
    folder = save_tiny_backbone(tmp_path / "many")
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, name: value}))
    backbone = locate_backbone(str(folder))
    if refused:
        with pytest.raises(CompatibilityError, match=f"{name} {value:,}, which no model has"):
            backbone.encoder(torch.float32)
    else:
        assert getattr(backbone.config(), name) == value


@pytest.mark.parametrize(("name", "message"), [("model.safetensors", "cannot be read"), ("tokenizer.json", "a pipe")])
def test_what_is_no_file_of_a_checkpoint_is_named(tmp_path: Path, name: str, message: str) -> None:
    folder = save_tiny_backbone(tmp_path / "faulty")
    (folder / name).unlink()
    os.mkfifo(folder / name) if message == "a pipe" else (folder / name).symlink_to("nowhere")
    with pytest.raises(UsageError, match=rf"--backbone .*: {re.escape(name)} .*{message}"):
        locate_backbone(str(folder))


def test_revision_is_for_the_hub(tiny_backbone: Path) -> None:
    with pytest.raises(UsageError, match="--revision main has no meaning for"):
        locate_backbone(str(tiny_backbone), revision="main")


def test_predictions_in_batches_are_those_of_single_rows(tiny_backbone: Path) -> None:
    model = start(tiny_backbone, SEQ_BN)
    lengths = [20, 5, 33, 7, 90, 12, 20]
    ids = [torch.randint(5, 900, (length,)).tolist() for length in lengths]
    features = Dataset.from_list([{"input_ids": row, "length": len(row), "sequences": 1, "row": 0} for row in ids])
    collator = Collator(pad_id=1, tokens_per_batch=64, max_length=96)
    found = predict(model, features, task="squad", collator=collator)
    for row, values in zip(ids, found, strict=True):
        single = torch.tensor([row])
        with torch.inference_mode():
            expected = model.eval()(task="squad", input_ids=single, attention_mask=torch.ones_like(single))["logits"][0]
        assert values.shape == (len(row), 2)
        assert torch.allclose(torch.from_numpy(values), expected, atol=1e-5)


def test_frozen_weights_are_bf16_and_trained_ones_fp32(tiny_backbone: Path) -> None:
    for method, frozen in ((SEQ_BN, torch.bfloat16), (FULL, torch.float32)):
        model = start(tiny_backbone, method, precision="bf16")
        by_training = {True: set(), False: set()}
        for parameter in model.parameters():
            by_training[parameter.requires_grad].add(parameter.dtype)
        assert by_training[True] == {torch.float32}
        assert by_training[False] <= {frozen}
        result = model(task="squad", **batch())
        result["loss"].backward()
        assert result["logits"].dtype == torch.float32
        reference = start(tiny_backbone, method)(task="squad", **batch())
        assert torch.allclose(result["loss"], reference["loss"], atol=0.1)


def test_longer_inputs_than_positions_are_refused(tiny_backbone: Path) -> None:
    backbone = locate_backbone(str(tiny_backbone))
    facts = Facts.of(backbone.config(), backbone.tokenizer())  # 130 positions, of which XLM-R uses 128
    check_length(facts, 128, name="tiny")
    with pytest.raises(CompatibilityError, match="tiny has 128 positions, fewer than max_length 129"):
        check_length(facts, 129, name="tiny")


def test_folder_without_a_checkpoint_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="has no config.json"):
        locate_backbone(str(tmp_path))
    with pytest.raises(UsageError, match="is not a folder"):
        locate_backbone("./absent")


def test_fingerprint_follows_weights_and_tokenizer(tmp_path: Path) -> None:
    folder = save_tiny_backbone(tmp_path / "one")
    before = locate_backbone(str(folder)).fingerprint
    (folder / "README.md").write_text("no part of the model")
    assert locate_backbone(str(folder)).fingerprint == before
    tokenizer = folder / "tokenizer.json"
    tokenizer.write_text(tokenizer.read_text(encoding="utf-8") + " ", encoding="utf-8")
    assert locate_backbone(str(folder)).fingerprint != before
