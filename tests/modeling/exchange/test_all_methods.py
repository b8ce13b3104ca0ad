"""Every method with every form of head, exported, loaded by the plain library, and imported again."""

from __future__ import annotations

from pathlib import Path

import pytest

from adapterstilts.modeling.backbone import Backbone, locate_backbone
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
    spec,
    their_logits,
)


@pytest.fixture(scope="module")
def backbone(tmp_path_factory: pytest.TempPathFactory) -> Backbone:
    return locate_backbone(str(save_tiny_backbone(tmp_path_factory.mktemp("wide") / "backbone", hidden_size=64)))


@pytest.mark.parametrize("form", HEADS)
@pytest.mark.parametrize("method", METHODS.names())
def test_a_method_is_that_of_the_library(method: str, form: str, backbone: Backbone, tmp_path: Path) -> None:
    options = {"reduction_factor": 4} if method in ("compacter", "compacter++") else {}
    model = new_model(backbone, spec(method, **options), {TASK: HEADS[form]})
    run, made, folder = exported(model, backbone, tmp_path, LABELS[form])
    comes_back(run, backbone, folder)
    names = loaded(made, folder, backbone)
    if method == "prompt_tuning" and form in ("classification", "choice"):
        assert "model_head.safetensors" in made.loading and made.notes
        return
    assert "head" not in names
    close(their_logits(names["model"], form), our_logits(model, form), form)
