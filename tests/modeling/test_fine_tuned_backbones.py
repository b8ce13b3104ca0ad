"""A new adapter on a backbone that an earlier phase has fine-tuned: with every method, and as the libraries load it."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from adapterstilts.errors import CompatibilityError
from adapterstilts.modeling.backbone import Backbone, locate_backbone
from adapterstilts.modeling.compatibility import check_composition, check_language_adapter
from adapterstilts.modeling.methods import METHODS
from adapterstilts.modeling.outline import planned_outline
from adapterstilts.modeling.storage import WEIGHTS, StoredModel, read_tensors
from adapterstilts.runs.specs import Choice, MethodSpec
from adapterstilts.stages.estimates.model_sizes import model_size
from tests.conftest import save_tiny_backbone
from tests.modeling.exchange.models import LABELS, close, comes_back, exported, loaded, our_logits, their_logits
from tests.modeling.test_compositions import SPAN, begin, logits, method_spec, store
from tests.runs.test_specs import SQUAD, train_spec

ADAPTERS = [one.name for one in METHODS if one.adds_adapter and not one.sparse]
STACK = Choice(name="stack")
# Their new weights are made of those that they are put on.
FROM_WEIGHTS = ("dora", "peft:dora", "peft:pissa", "peft:ln_tuning")


@pytest.fixture(scope="module")
def backbone(tmp_path_factory: pytest.TempPathFactory) -> Backbone:
    return locate_backbone(str(save_tiny_backbone(tmp_path_factory.mktemp("backbone") / "wide", hidden_size=64)))


@pytest.fixture(scope="module")
def full(backbone: Backbone, tmp_path_factory: pytest.TempPathFactory) -> StoredModel:
    begun = begin(backbone, MethodSpec(name="full"), Choice(name="none"), task="squad")
    return store(begun, tmp_path_factory.mktemp("full") / "squad", seed=1)


def test_every_method_was_counted() -> None:
    assert len(ADAPTERS) == 30 and {"seq_bn", "lora", "mam", "peft:lora", "peft:adalora"} <= set(ADAPTERS)


@pytest.mark.slow(but=7)
@pytest.mark.parametrize("name", ADAPTERS)
def test_the_adapter_is_trained_and_the_backbone_stays(
    name: str, full: StoredModel, backbone: Backbone, tmp_path: Path
) -> None:
    method = method_spec(name)
    check_composition(STACK, method, [full])
    model, alone = begin(backbone, method, STACK, [full]), begin(backbone, method, Choice(name="none"))
    trained = {path: one.detach() for path, one in model.named_parameters() if one.requires_grad}
    fresh = {path: one.detach() for path, one in alone.named_parameters() if one.requires_grad}
    assert trained.keys() == fresh.keys() and model.parameter_counts() == alone.parameter_counts()
    theirs = read_tensors(full.folder / WEIGHTS)
    mine = {path.replace(".base_layer", ""): one for path, one in model.named_parameters()}
    below = [path for path in theirs if path.startswith("backbone.")]
    same = all(torch.equal(one, fresh[path]) for path, one in trained.items())
    assert same == (name not in FROM_WEIGHTS)
    if name != "peft:pissa":  # which takes what it begins with out of the weights
        assert all(torch.equal(theirs[path], mine[path]) for path in below)
    spec = train_spec(
        method=method,
        composition=STACK,
        backbone=backbone.fingerprint,
        tasks=(SQUAD.model_copy(update={"data": SQUAD.data.model_copy(update={"task": "mlqa"})}),),
    )
    outline = planned_outline("planned", spec, backbone.config(), [full], heads={"mlqa": SPAN})
    assert outline.description == model.describe() and outline.description.own_backbone and not outline.fine_tuned
    # The run keeps all of it, and what it keeps is what was said before.
    run = store(model, tmp_path / "target", seed=2)
    size = model_size(outline.description, backbone)
    assert size.stored == pytest.approx((run.folder / WEIGHTS).stat().st_size, rel=0.01) and size.whole
    assert {"trained": size.trained, "total": size.total} == model.parameter_counts()
    again = run.restore(backbone, precision="fp32")
    assert torch.equal(logits(again), logits(model))
    gone_on = begin(backbone, method, Choice(name="continue"), [run])
    assert {path for path, one in gone_on.named_parameters() if one.requires_grad} == trained.keys()


@pytest.mark.parametrize("name", ["peft:lora", "peft:pissa", "lora", "peft:ia3"])
def test_an_adapter_that_begins_as_nothing_leaves_what_was_learnt(
    name: str, full: StoredModel, backbone: Backbone
) -> None:
    model = begin(backbone, method_spec(name), STACK, [full])
    learnt = full.restore(backbone, precision="fp32")
    model.heads.load_state_dict({f"mlqa.{path}": one for path, one in learnt.heads["squad"].state_dict().items()})
    torch.testing.assert_close(logits(model), logits(learnt, "squad"), atol=1e-5, rtol=1e-4)
    plain = begin(backbone, method_spec(name), Choice(name="none"))
    plain.heads.load_state_dict(model.heads.state_dict())
    assert not torch.allclose(logits(plain), logits(model), atol=1e-3)


@pytest.mark.parametrize("name", ["seq_bn", "lora", "ia3", "peft:lora", "peft:oft"])
def test_the_libraries_load_it(name: str, full: StoredModel, backbone: Backbone, tmp_path: Path) -> None:
    model = begin(backbone, method_spec(name), STACK, [full])
    run = store(model, tmp_path / "moved", seed=3)
    moved = run.restore(backbone, precision="fp32")
    moved.train_adapter("mlqa")
    stored, made, folder = exported(moved, backbone, tmp_path / "shared", LABELS["span"])
    assert (folder / "backbone/model.safetensors").is_file()
    comes_back(stored, backbone, folder)
    close(their_logits(loaded(made, folder, backbone)["model"], "span"), our_logits(moved, "span"), "span")


def test_a_head_is_gone_on_with_and_a_backbone_may_be_trained_further(full: StoredModel, backbone: Backbone) -> None:
    whole = method_spec("seq_bn").model_copy(update={"unfreeze_backbone": True})
    model = begin(backbone, whole, STACK, [full])
    trained = {path for path, one in model.named_parameters() if one.requires_grad}
    assert {path for path in read_tensors(full.folder / WEIGHTS) if path.startswith("backbone.")} <= trained
    check_composition(STACK, method_spec("seq_bn"), [full], head="reuse")


def test_what_would_lose_the_backbone_is_refused(full: StoredModel, backbone: Backbone, tmp_path: Path) -> None:
    method = method_spec("seq_bn")
    biases = store(
        begin(backbone, MethodSpec(name="bitfit"), Choice(name="none"), task="squad"), tmp_path / "biases", seed=4
    )
    target = store(begin(backbone, method, STACK, [full]), tmp_path / "target", seed=5)
    other = store(begin(backbone, method, Choice(name="none"), task="mnli"), tmp_path / "mnli", seed=6)
    for choice, name, sources, message in (
        ("fuse", "seq_bn", [full, full], "has no adapter to fuse. Use --composition stack, or train"),
        ("average", "seq_bn", [target, other], "has a backbone of its own, trained with or before its adapter"),
        ("stack", "seq_bn", [biases], "was trained with bitfit and has no adapter to stack on"),
        ("continue", "lora", [full], "cannot be continued with lora. Use --composition stack, or --method 'full'"),
        ("stack", "lora", [other], "'lora' cannot be used with composition 'stack'"),
    ):
        with pytest.raises(CompatibilityError, match=message):
            check_composition(Choice(name=choice), method_spec(name), sources)
    spec = train_spec(method=method, composition=STACK)
    with pytest.raises(CompatibilityError, match="own backbone would have no effect above a language adapter"):
        check_language_adapter(other, spec, [full])
    with pytest.raises(CompatibilityError, match="is not a language adapter that can be exchanged"):
        check_language_adapter(target, spec, [])
