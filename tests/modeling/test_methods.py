"""Every tuning method through intermediate task, target task and prediction, with the real Trainer."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from adapterstilts.data.bad_rows import BadRows
from adapterstilts.data.features import encode
from adapterstilts.data.sources.open import open_source
from adapterstilts.data.splits import training_rows
from adapterstilts.modeling.backbone import Backbone, locate_backbone
from adapterstilts.modeling.composing import start_model
from adapterstilts.modeling.methods import METHODS
from adapterstilts.modeling.storage import StoredModel, save_model
from adapterstilts.modeling.transfer_model import TransferModel
from adapterstilts.runs.specs import Choice, MethodSpec, TaskSpec
from adapterstilts.runs.training_data import TrainingData
from adapterstilts.settings import Encoding, Optimisation
from adapterstilts.stages.answering.predict import predict
from adapterstilts.stages.training.tracking import Tracking
from adapterstilts.stages.training.trainer import TaskPart, TrainingResult, train
from adapterstilts.tasks.catalogue import Catalogue
from tests.conftest import save_tiny_backbone
from tests.package_tasks import recipe
from tests.runs.test_specs import train_spec

SETTINGS = Optimisation(learning_rate=1e-2, epochs=2, batch_size=8, warmup_ratio=0, eval_steps=2)
STEPS = 4


@dataclass(frozen=True)
class Prepared:
    """What all methods train on: a few questions in English, and some in German to predict."""

    backbone: Backbone
    task: TaskSpec
    part: TaskPart
    german: Any


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    from adapterstilts.data.batching import Collator

    # As wide as Compacter's blocks need it.
    folder = save_tiny_backbone(tmp_path_factory.mktemp("wide"), hidden_size=128)
    backbone, source, cache = locate_backbone(str(folder)), open_source("mini", None), tmp_path_factory.mktemp("cache")
    squad = recipe("squad")
    task = TaskSpec(
        kind=squad.kind,
        options={},
        metric=squad.metric,
        data=TrainingData(task="squad", source="mini", fingerprints={"train": {"en": ""}}, holdout=8, max_examples=16),
        encoding=Encoding(max_length=96, stride=16, max_query_length=24),
    )
    kind, tokenizer = Catalogue().build_kind(task), backbone.tokenizer()
    rows, held_out = training_rows(source, squad, task.data, BadRows(skip=False))
    held_out = held_out.select(range(8))
    german = source.load(squad, "test", "de", BadRows(skip=False)).select(range(8))
    features = [
        encode(these, identity=name, kind=kind, tokenizer=tokenizer, encoding=task.encoding, labels=labels, cache=cache)
        for name, these, labels in (("train", rows, True), ("validation", held_out, False), ("german", german, False))
    ]
    gold = held_out.to_list()

    def score(logits: list[np.ndarray]) -> dict[str, float]:
        scores = kind.score(kind.decode(gold, features[1], logits, {}), gold, metric=squad.metric, language="en")
        return {"score": kind.main_score(scores.metrics), **scores.metrics}

    collator = Collator(pad_id=tokenizer.pad_token_id, tokens_per_batch=400, max_length=96)
    part = TaskPart(name="squad", features=features[0], held_out=features[1], score=score, collator=collator)
    return Prepared(backbone, task, part, features[2])


def begin(prepared: Prepared, method: MethodSpec, *sources: StoredModel) -> TransferModel:
    """The model of the intermediate phase, or, above its stored model, of the target phase."""
    composition = METHODS.get(method.name).compositions[0] if sources else "none"
    spec = train_spec(
        method=method,
        composition=Choice(name=composition),
        backbone=prepared.backbone.fingerprint,
        tasks=(prepared.task,),
        head="reuse" if sources and method.name == "head" else "new",
    )
    torch.manual_seed(0)
    heads = {"squad": Catalogue().build_kind(prepared.task).head()}
    return start_model(spec, prepared.backbone, sources, heads=heads, source_task="squad" if sources else None)


class KilledError(Exception):
    """Stands for the end of the process between two steps."""


def run(prepared: Prepared, model: TransferModel, work: Path, *, until: int = STEPS + 1) -> TrainingResult:
    """Trains in `work`, up to step `until`."""

    def progress(step: int, steps: int, logged: dict[str, float]) -> None:
        if step == until:
            raise KilledError

    torch.manual_seed(1)
    tracking = Tracking(names=(), stage="tried", folder=work, spec={}, on_progress=progress)
    spec = train_spec(settings=SETTINGS, seed=1)
    return train(model, [prepared.part], spec=spec, work=work, tracking=tracking)


def tensors(model: TransferModel) -> dict[str, torch.Tensor]:
    """A copy of every weight."""
    return {name: tensor.detach().clone() for name, tensor in model.named_parameters()}


def predictions(prepared: Prepared, model: TransferModel) -> list[np.ndarray]:
    """Logits for the German questions; the weights of both models that are compared are frozen."""
    model.requires_grad_(False)
    return predict(model, prepared.german, task="squad", collator=prepared.part.collator)


def specs() -> Iterator[Any]:
    for method in METHODS:
        yield pytest.param(MethodSpec(name=method.name), id=method.name)
    yield pytest.param(MethodSpec(name="seq_bn", unfreeze_backbone=True), id="seq_bn-unfrozen")
    yield pytest.param(MethodSpec(name="peft:lora", unfreeze_backbone=True), id="peft:lora-unfrozen")
    yield pytest.param(MethodSpec(name="lora", options={"leave_out": [0], "r": 4}), id="lora-options")


def test_all_methods_are_there() -> None:
    own = {"full", "head", "bitfit", "lt_sft"}
    adapters = {
        "seq_bn", "double_seq_bn", "par_bn", "seq_bn_inv", "double_seq_bn_inv", "adapterplus", "compacter",
        "compacter++", "lora", "dora", "vera", "ia3", "prefix_tuning", "prompt_tuning", "loreft", "noreft", "direft",
        "mam", "unipelt",
    }  # fmt: skip
    peft = {"lora", "rslora", "dora", "pissa", "adalora", "ia3", "vera", "oft", "loha", "lokr", "ln_tuning"}
    assert set(METHODS.names()) == own | adapters | {f"peft:{name}" for name in peft}


@pytest.mark.slow(but=8)
@pytest.mark.parametrize("method", specs())
def test_method_trains_what_it_should_and_can_be_stored_and_resumed(
    method: MethodSpec, prepared: Prepared, tmp_path: Path
) -> None:
    entry = METHODS.get(method.name)
    pretrained = {name for name, _ in prepared.backbone.encoder(torch.float32).named_parameters()}

    # The intermediate phase changes what is trainable, and nothing else.
    model = begin(prepared, method)
    trainable = {name for name, parameter in model.named_parameters() if parameter.requires_grad}
    own = {name.removeprefix("backbone.") for name in trainable if name.startswith("backbone.")}
    own = {name.replace(".base_layer.", ".") for name in own}
    if entry.trains == "all" or method.unfreeze_backbone:
        assert pretrained <= own
    elif entry.trains == "biases":
        assert own == {name for name in pretrained if name.endswith("bias")}
    else:
        assert not own & pretrained and bool(own) == entry.adds_adapter
    before = tensors(model)
    result = run(prepared, model, tmp_path / "intermediate")
    assert result.steps == STEPS and result.tokens_seen > 0
    after = tensors(model)
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    # The biases of edits at a text's end, where by default there are none.
    unused = {name for name in trainable if name.endswith(".units.1.learned_source.bias")}
    assert changed == trainable - unused

    # What is stored gives the same predictions in a new model, to the last bit.
    folder = tmp_path / "stored"
    folder.mkdir()
    save_model(model, folder)
    stored = StoredModel.read(folder)
    expected = predictions(prepared, model)
    again = predictions(prepared, stored.restore(prepared.backbone, precision="fp32"))
    assert all(np.array_equal(one, other) for one, other in zip(expected, again, strict=True))

    # The target phase goes on from it, and a run that was interrupted ends as one that was not.
    target = begin(prepared, method, stored)
    frozen = {name: tensor for name, tensor in tensors(target).items() if not target.get_parameter(name).requires_grad}
    run(prepared, target, tmp_path / "target")
    whole = tensors(target)
    assert all(torch.equal(tensor, whole[name]) for name, tensor in frozen.items())
    with pytest.raises(KilledError):
        run(prepared, begin(prepared, method, stored), tmp_path / "killed", until=STEPS - 1)
    resumed = begin(prepared, method, stored)
    assert run(prepared, resumed, tmp_path / "killed").resumed_from == 2
    parts = tensors(resumed)
    assert whole.keys() == parts.keys() and all(torch.equal(whole[name], parts[name]) for name in whole)
    save_model(target, folder)
    last = StoredModel.read(folder).restore(prepared.backbone, precision="fp32")
    found = predictions(prepared, target)
    pairs = zip(found, predictions(prepared, last), strict=True)
    assert all(np.array_equal(one, other) for one, other in pairs)
    assert any(not np.array_equal(one, other) for one, other in zip(found, expected, strict=True))


@pytest.mark.slow(but=9)
@pytest.mark.parametrize("method", [one for one in specs() if one.id != "lt_sft"])  # reads once which weights it is of
def test_all_is_computed_where_the_model_is_and_nothing_is_read_there(
    method: MethodSpec, prepared: Prepared, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Tensors without numbers can neither meet those of a CPU nor be read: what works there waits for no GPU.

    transformers alone reads whether a text of a batch is padded.
    """
    every = torch.all
    monkeypatch.setattr(torch, "all", lambda given, **of: every(given, **of) if of or not given.is_meta else False)
    monkeypatch.setattr(torch, "autocast", lambda *_, **__: nullcontext())  # there is none for such tensors
    model = begin(prepared, method).to("meta")
    rows = prepared.part.features.select(range(4)).to_list()
    batch = {name: tensor.to("meta") for name, tensor in prepared.part.collator.pad(rows).items()}
    found = model.train()(task="squad", **batch)
    found["loss"].backward()
    trained = [weight for weight in model.parameters() if weight.requires_grad]
    assert trained and found["loss"].is_meta and any(weight.grad is not None for weight in trained)
    with torch.inference_mode():
        assert model.eval()(task="squad", **batch)["logits"].shape == found["logits"].shape
