"""Other architectures: which heads their libraries have, and that those are the same functions as ours."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from adapterstilts.modeling.backbone import Backbone
from tests.backbones import FAMILIES
from tests.modeling.exchange.models import (
    CLASSIFIERS,
    HEADS,
    LABELS,
    TASK,
    batch,
    close,
    comes_back,
    exported,
    loaded,
    new_model,
    our_logits,
    pairs,
    spec,
    their_logits,
)

ROBERTA = ("roberta", "xlm-roberta", "xlm-roberta-xl", "xmod")
ALL = ("span", "token", "classification", "choice")
# Forms of heads that `transformers` has for a family; the others are said to have no equal.
OF_TRANSFORMERS: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(ROBERTA, ALL),
    "bert": ALL,
    "deberta-v2": ("span", "token"),
    "mt5": ("token",),
    "mistral": ("span", "token"),
    "mixtral": ("span", "token"),
    "qwen2_moe": ("span", "token"),
    **dict.fromkeys(("llama", "qwen2", "qwen3", "gemma", "gemma2", "qwen3_moe"), ("token",)),
}
OF_ADAPTERS: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("bert", "roberta", "xlm-roberta"), ALL),
    "deberta-v2": ALL,
    "llama": ("span", "token", "classification"),
    "mistral": ("span", "token", "classification"),
}


ADAPTED = [name for name, family in FAMILIES.items() if family.adapters]


def has_equal(method: str, family: str, form: str) -> bool:
    return form in (OF_ADAPTERS if method == "seq_bn" else OF_TRANSFORMERS).get(family, ())


# Of two methods that find a head in the same place, in turn with other families' heads; of the whole model all.
@pytest.mark.slow(but=28)
@pytest.mark.parametrize(
    ("method", "family", "form"),
    [
        *(("full", family, form) for family in FAMILIES for form in HEADS),
        *(("peft:lora", family, form) for family, form in pairs(FAMILIES, HEADS, whole=["xlm-roberta"])),
        *(
            ("seq_bn", *pair)
            for pair in pairs((one for one in FAMILIES if FAMILIES[one].adapters), HEADS, whole=["bert"])
        ),
    ],
)
def test_a_family_has_the_heads_that_are_its_own(
    method: str, family: str, form: str, backbones: dict[str, Backbone], tmp_path: Path
) -> None:
    backbone = backbones[family]
    model = new_model(backbone, spec(method), {TASK: HEADS[form]})
    run, made, folder = exported(model, backbone, tmp_path, LABELS[form])
    comes_back(run, backbone, folder)
    names = loaded(made, folder, backbone)
    assert has_equal(method, family, form) == ("head" not in names), made.notes
    if "head" in names:
        assert made.notes
    else:
        close(their_logits(names["model"], form), our_logits(model, form), form)


@pytest.mark.parametrize("family", ADAPTED)
def test_an_adapter_alone_has_the_hidden_states_of_ours(
    family: str, backbones: dict[str, Backbone], tmp_path: Path
) -> None:
    """Also where the library has no heads for the family."""
    backbone = backbones[family]
    model = new_model(backbone, spec("seq_bn"), {})
    _, made, folder = exported(model, backbone, tmp_path)
    theirs, inputs = loaded(made, folder, backbone)["model"], batch()
    if family == "mt5":
        assert made.auto_class == "AutoModelForTextEncoding"
    model.eval()
    with torch.no_grad():
        expected = model.backbone(**inputs).last_hidden_state
        base = getattr(theirs, "base_model", theirs)
        found = base(**inputs).last_hidden_state
    torch.testing.assert_close(found, expected, atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize("method", ["full", "lt_sft", "peft:lora", "seq_bn"])
@pytest.mark.parametrize("form", CLASSIFIERS)
def test_classifiers_of_several_labels_and_of_numbers_have_the_same_scores_and_loss(
    form: str, method: str, backbones: dict[str, Backbone], tmp_path: Path
) -> None:
    backbone = backbones["xlm-roberta"]
    model = new_model(backbone, spec(method), {TASK: CLASSIFIERS[form]})
    run, made, folder = exported(model, backbone, tmp_path, ("no", "maybe", "yes") if form == "multi_label" else ())
    comes_back(run, backbone, folder)
    names = loaded(made, folder, backbone)
    assert "head" not in names
    close(their_logits(names["model"], form), our_logits(model, form), form)
    if form == "multi_label":
        ours = {"label_set": torch.tensor([[0, 2], [1, -100], [-100, -100], [2, -100]])}
        theirs = torch.tensor([[1.0, 0.0, 1.0], [0.0, 1.0, 0.0], [0.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
    else:
        ours = {"target": torch.tensor([0.5, -1.0, 2.0, 0.0])}
        theirs = ours["target"]
    with torch.no_grad():
        expected = model(task=TASK, **batch(), **ours)["loss"]
        torch.testing.assert_close(names["model"](**batch(), labels=theirs).loss, expected)
