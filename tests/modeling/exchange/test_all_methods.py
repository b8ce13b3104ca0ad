"""Every method with every form of head, exported, loaded by the plain library, and imported again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from adapterstilts.errors import SharingError
from adapterstilts.modeling.backbone import Backbone, locate_backbone
from adapterstilts.modeling.exchange.exporting import export_model
from adapterstilts.modeling.methods import METHODS
from tests.conftest import save_tiny_backbone
from tests.modeling.exchange.models import (
    HEADS,
    LABELS,
    TASK,
    close,
    comes_back,
    exported,
    loaded,
    new_model,
    our_logits,
    pairs,
    spec,
    stored,
    their_logits,
    with_biases,
)


@pytest.fixture(scope="module")
def backbone(tmp_path_factory: pytest.TempPathFactory) -> Backbone:
    folder = save_tiny_backbone(tmp_path_factory.mktemp("wide") / "backbone", hidden_size=64)
    return locate_backbone(str(with_biases(folder)))


# What is to be known of a method before its library gives the same scores, by a word of the note; of all others there
# is nothing, but for heads of multiple choice in `adapters`.
SAID = {
    ("prompt_tuning", "span"): ["a prompt of 10 tokens"],
    ("prompt_tuning", "token"): ["a prompt of 10 tokens"],
    ("prompt_tuning", "classification"): ["has no head that is its equal", "a prompt of 10 tokens"],
    ("prompt_tuning", "choice"): ["has no head that is its equal", "a prompt of 10 tokens"],
    **{("direft", form): ["no place in its files"] for form in HEADS},
}


def expected_notes(method: str, form: str) -> list[str]:
    said = SAID.get((method, form), [])
    in_rows = METHODS.get(method).library_name == "adapters" and form == "choice" and method != "prompt_tuning"
    return [*(["rows of their own"] if in_rows else []), *said]


def test_every_method_and_form_has_its_say() -> None:
    assert len(METHODS.names()) == 34 and len(HEADS) == 4
    assert {method for method, _ in SAID} < set(METHODS.names())


@pytest.mark.slow(but=11)
@pytest.mark.parametrize(
    ("method", "form"), pairs(METHODS.names(), HEADS, whole=("seq_bn", "peft:lora", "prompt_tuning", "direft"))
)
def test_a_method_is_that_of_the_library(method: str, form: str, backbone: Backbone, tmp_path: Path) -> None:
    options = {"reduction_factor": 4} if method in ("compacter", "compacter++") else {}
    model = new_model(backbone, spec(method, **options), {TASK: HEADS[form]})
    run, made, folder = exported(model, backbone, tmp_path, LABELS[form])
    comes_back(run, backbone, folder)
    words = expected_notes(method, form)
    assert len(made.notes) == len(words) and all(map(str.__contains__, made.notes, words)), made.notes
    names = loaded(made, folder, backbone)
    if "has no head that is its equal" in words:
        assert "head" in names
    else:
        assert "head" not in names
        close(their_logits(names["model"], form), our_logits(model, form), form)


@pytest.mark.parametrize("method", ["seq_bn", "peft:lora", "full"])
def test_labels_go_along(method: str, backbone: Backbone, tmp_path: Path) -> None:
    model = new_model(backbone, spec(method), {TASK: HEADS["token"]})
    _, made, folder = exported(model, backbone, tmp_path, LABELS["token"])
    theirs = loaded(made, folder, backbone)["model"]
    names = theirs.get_labels() if method == "seq_bn" else list(theirs.config.id2label.values())
    assert names == list(LABELS["token"])


@pytest.mark.parametrize("method", ["seq_bn", "peft:lora", "peft:vera", "loreft"])
def test_the_weights_of_the_backbone_are_not_read(
    method: str, backbone: Backbone, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = new_model(backbone, spec(method), {TASK: HEADS["token"]})

    def read(*_: Any, **__: Any) -> None:
        raise AssertionError("the backbone is read")

    monkeypatch.setattr(Backbone, "_read_encoder", read)
    run, _, folder = exported(model, backbone, tmp_path)
    comes_back(run, backbone, folder)


def test_the_folder_has_to_be_empty(backbone: Backbone, tmp_path: Path) -> None:
    model = new_model(backbone, spec("seq_bn"), {TASK: HEADS["token"]})
    (tmp_path / "out").mkdir()
    (tmp_path / "out/file").touch()
    with pytest.raises(SharingError, match="not empty"):
        exported(model, backbone, tmp_path)


def test_a_commit_of_the_backbone_is_asked_for(backbone: Backbone, tmp_path: Path) -> None:
    for method in ("seq_bn", "peft:lora"):
        run = stored(new_model(backbone, spec(method), {TASK: HEADS["token"]}), tmp_path / method / "run")
        made = export_model(run, backbone, tmp_path / method / "out", labels={}, base="some/base", revision="abc")
        assert "from_pretrained(BASE, revision='abc'" in made.loading
        config = json.loads((tmp_path / method / "out/adapter_config.json").read_text())
        assert config.get("base_model_name_or_path", config.get("model_name")) == "some/base"
