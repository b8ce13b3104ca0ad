"""The same weights and batches through plain `adapters`, `peft` and `transformers` code."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import adapters
import peft
import pytest
import torch
from adapters.composition import Fuse, Stack
from safetensors.torch import load_file
from torch import nn
from torch.utils.data import DataLoader
from transformers import Trainer, TrainingArguments, XLMRobertaForSequenceClassification, XLMRobertaModel

from adapterstilts.modeling.backbone import Backbone, locate_backbone
from adapterstilts.modeling.composing import start_model
from adapterstilts.modeling.storage import WEIGHTS, StoredModel, save_model
from adapterstilts.modeling.transfer_model import TransferModel
from adapterstilts.runs.specs import Choice, MethodSpec
from adapterstilts.tasks.kind import HeadSpec
from tests.conftest import QUICK, save_tiny_backbone
from tests.runs.test_specs import SQUAD, train_spec

SPAN = HeadSpec("span", 2)


@pytest.fixture(scope="module")
def backbone(tmp_path_factory: pytest.TempPathFactory) -> Backbone:
    return locate_backbone(str(save_tiny_backbone(tmp_path_factory.mktemp("backbone") / "wide", hidden_size=64)))


def ours(
    backbone: Backbone, method: str, composition: str = "none", sources: Any = (), *, task: str = "squad"
) -> TransferModel:
    data = SQUAD.data.model_copy(update={"task": task})
    spec = train_spec(
        method=MethodSpec(name=method),
        composition=Choice(name=composition),
        tasks=(SQUAD.model_copy(update={"data": data}),),
    )
    return start_model(spec, backbone, sources, heads={task: SPAN}, source_task="squad" if sources else None)


def stored(model: TransferModel, folder: Path, *, seed: int) -> StoredModel:
    """Saves a model whose trainable weights were moved away from their initialisation."""
    folder.mkdir(parents=True)
    torch.manual_seed(seed)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.requires_grad:
                parameter.add_(0.1 * torch.randn_like(parameter))
    save_model(model, folder)
    return StoredModel.read(folder)


def batch() -> dict[str, torch.Tensor]:
    torch.manual_seed(1)
    ids = torch.randint(5, 900, (3, 20))
    mask = torch.ones_like(ids)
    mask[1, 12:] = 0
    return {"input_ids": ids, "attention_mask": mask}


def same_logits(model: TransferModel, plain: nn.Module, folder: Path, *, task: str) -> None:
    """Compares our logits with those of a plain encoder and a linear layer, both with the weights in `folder`."""
    tensors = load_file(folder / WEIGHTS)
    inside = {
        name.removeprefix("backbone."): tensor for name, tensor in tensors.items() if name.startswith("backbone.")
    }
    report = plain.load_state_dict(inside, strict=False)
    assert inside and not report.unexpected_keys
    model.eval()
    plain.eval()
    with torch.no_grad():
        hidden = plain(**batch()).last_hidden_state
        weight, bias = (tensors[f"heads.{task}.qa_outputs.{name}"] for name in ("weight", "bias"))
        expected = nn.functional.linear(hidden, weight, bias)
        found, real = model(task=task, **batch())["logits"], batch()["attention_mask"].bool()
        torch.testing.assert_close(found[real], expected[real], atol=1e-5, rtol=1e-5)


def plain_adapters(backbone: Backbone, *names: str, config: str = "seq_bn") -> Any:
    encoder = XLMRobertaModel.from_pretrained(backbone.path, add_pooling_layer=False)
    adapters.init(encoder)
    for name in names:
        encoder.add_adapter(name, config=config)
    return encoder


@pytest.mark.parametrize("method", ["seq_bn", "double_seq_bn", "par_bn", "lora", "ia3", "prefix_tuning"])
def test_one_adapter_is_that_of_the_library(method: str, backbone: Backbone, tmp_path: Path) -> None:
    model = ours(backbone, method)
    stored(model, tmp_path / "run", seed=1)
    encoder = plain_adapters(backbone, "squad", config=method)
    encoder.set_active_adapters("squad")
    same_logits(model, encoder, tmp_path / "run", task="squad")


def test_a_stack_is_that_of_the_library(backbone: Backbone, tmp_path: Path) -> None:
    source = stored(ours(backbone, "seq_bn"), tmp_path / "source", seed=1)
    model = ours(backbone, "seq_bn", "stack", [source], task="mlqa")
    stored(model, tmp_path / "target", seed=2)
    encoder = plain_adapters(backbone, "squad", "mlqa")
    encoder.active_adapters = Stack("squad", "mlqa")
    same_logits(model, encoder, tmp_path / "target", task="mlqa")


def test_a_fusion_and_its_regularisation_are_those_of_the_library(backbone: Backbone, tmp_path: Path) -> None:
    sources = [
        stored(ours(backbone, "seq_bn", task=task), tmp_path / task, seed=seed)
        for seed, task in enumerate(("squad", "mnli"))
    ]
    model = ours(backbone, "seq_bn", "fuse", sources, task="mlqa")
    stored(model, tmp_path / "target", seed=2)
    encoder = plain_adapters(backbone, "squad", "mnli")
    encoder.add_adapter_fusion(["squad", "mnli"])
    encoder.active_adapters = Fuse("squad", "mnli")
    encoder.train_adapter_fusion(Fuse("squad", "mnli"))
    same_logits(model, encoder, tmp_path / "target", task="mlqa")
    expected, found = encoder.get_fusion_regularization_loss(), model.regularization()
    assert found is not None and found.item() == pytest.approx(expected.item(), rel=1e-6) and found.item() > 0


@pytest.mark.parametrize(
    ("method", "options"), [("peft:lora", {}), ("peft:rslora", {"use_rslora": True}), ("peft:dora", {"use_dora": True})]
)
def test_lora_is_that_of_peft(method: str, options: dict[str, Any], backbone: Backbone, tmp_path: Path) -> None:
    model = ours(backbone, method)
    stored(model, tmp_path / "run", seed=1)
    encoder = XLMRobertaModel.from_pretrained(backbone.path, add_pooling_layer=False)
    config = peft.LoraConfig(target_modules=["query", "value"], **options)
    wrapped = peft.get_peft_model(encoder, config, adapter_name="squad")
    same_logits(model, wrapped.base_model.model, tmp_path / "run", task="squad")


def test_a_stack_of_loras_is_merged_as_peft_merges(backbone: Backbone, tmp_path: Path) -> None:
    source = stored(ours(backbone, "peft:lora"), tmp_path / "source", seed=1)
    model = ours(backbone, "peft:lora", "stack", [source], task="mlqa")
    stored(model, tmp_path / "target", seed=2)
    encoder = XLMRobertaModel.from_pretrained(backbone.path, add_pooling_layer=False)
    config = peft.LoraConfig(target_modules=["query", "value"])
    first = peft.get_peft_model(encoder, config, adapter_name="squad")
    inside = {name.removeprefix("backbone."): one for name, one in load_file(source.folder / WEIGHTS).items()}
    first.base_model.model.load_state_dict(inside, strict=False)
    merged = first.merge_and_unload()
    second = peft.get_peft_model(merged, config, adapter_name="mlqa")
    same_logits(model, second.base_model.model, tmp_path / "target", task="mlqa")


class PlainTrainer(Trainer):
    """`Trainer` on batches that are ready."""

    def get_train_dataloader(self) -> DataLoader:
        return DataLoader(self.train_dataset, batch_size=None, shuffle=False)


def test_full_fine_tuning_has_the_losses_of_a_plain_trainer(tmp_path: Path) -> None:
    from adapterstilts.commands.options import TrainingOptions, read_options
    from adapterstilts.commands.setup import make_planner
    from adapterstilts.data.batching import LengthBatches
    from adapterstilts.stages.reporter import Silent
    from adapterstilts.stages.run import run_stage
    from adapterstilts.stages.training_spec import plan_training
    from tests.package_tasks import recipe

    folder = save_tiny_backbone(tmp_path / "backbone", hidden_size=64)
    config = json.loads((folder / "config.json").read_text())
    without_dropout = {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
    (folder / "config.json").write_text(json.dumps({**config, **without_dropout}))
    settings = {
        **QUICK,
        "warmup_ratio": 0.25,
        "weight_decay": 0.01,
        "learning_rate": 1e-3,
        "epochs": 2,
        "eval_steps": 16,
    }
    options = {
        **settings, "profile": "mini", "backbone": str(folder), "method": "full", "store": tmp_path / "store",
        "max_train_examples": 64, "tokens_per_batch": 512, "seed": 3,
    }  # fmt: skip
    planner = make_planner(read_options(TrainingOptions, options))
    setup, spec = planner.setup, plan_training(planner, [recipe("mnli")], "train-intermediate").spec
    run = run_stage(spec, setup, Silent())
    lines = [json.loads(line) for line in (run.folder / "log.jsonl").read_text().splitlines()]
    losses = [line["loss"] for line in lines if "loss" in line]

    from transformers import set_seed

    set_seed(3)
    begun = ours_for(setup, spec)
    model = XLMRobertaForSequenceClassification.from_pretrained(folder, num_labels=3)
    model.classifier.load_state_dict(begun.heads["mnli"].state_dict())
    features = cached_features(setup, spec)
    batches = LengthBatches(features["length"][:], batch_size=8, seed=3)
    ready = []
    for epoch in range(2):
        batches.set_epoch(epoch)
        ready += [padded([features[index] for index in indices]) for indices in batches]
    assert len(ready) == len(losses) == 16
    arguments = TrainingArguments(
        output_dir=str(tmp_path / "plain"), max_steps=len(ready), learning_rate=1e-3, weight_decay=0.01,
        warmup_steps=4, lr_scheduler_type="linear", max_grad_norm=1.0, optim="adamw_torch", logging_steps=1,
        save_strategy="no", report_to=[], use_cpu=True, disable_tqdm=True, seed=3,
    )  # fmt: skip
    trainer = PlainTrainer(model=model, args=arguments, train_dataset=ready)  # type: ignore[arg-type]
    trainer.train()
    expected = [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]
    # `Trainer` rounds the losses that it logs to four digits, and so ours are.
    assert losses == pytest.approx(expected, abs=1.01e-4)
    tensors = load_file(run.folder / WEIGHTS)
    assert run.metrics["best_step"] == len(ready) and len(tensors) > 30
    for name, tensor in tensors.items():
        path = name.removeprefix("backbone.") if name.startswith("backbone.") else None
        theirs = (
            model.roberta.get_parameter(path) if path else model.classifier.get_parameter(name[len("heads.mnli.") :])
        )
        torch.testing.assert_close(tensor, theirs.detach(), atol=1e-5, rtol=0)


def ours_for(setup: Any, spec: Any) -> TransferModel:
    """The model with which the stage begins."""
    from adapterstilts.stages.heads import heads_of

    return start_model(spec, setup.backbone, [], heads=heads_of(spec, setup.catalogue), source_task=None)


def cached_features(setup: Any, spec: Any) -> Any:
    """The training features of the stage, made again."""
    from adapterstilts.data.bad_rows import BadRows
    from adapterstilts.data.features import encode
    from adapterstilts.data.splits import training_rows
    from tests.package_tasks import recipe

    rows, _ = training_rows(setup.source, recipe("mnli"), spec.only.data, BadRows(skip=False))
    return encode(
        rows, identity="again", kind=setup.catalogue.build_kind(spec.only), tokenizer=setup.backbone.tokenizer(),
        encoding=spec.only.encoding, labels=True, cache=setup.store.cache / "again",
    )  # fmt: skip


def padded(rows: list[dict[str, Any]]) -> dict[str, torch.Tensor]:
    """One batch, padded to its longest row."""
    width = max(len(row["input_ids"]) for row in rows)
    ids = torch.tensor([row["input_ids"] + [1] * (width - len(row["input_ids"])) for row in rows])
    labels = torch.tensor([row["label"] for row in rows])
    return {"input_ids": ids, "attention_mask": (ids != 1).long(), "labels": labels}
