"""The pooling that a sentence encoder's own file says, on the disk and on the Hub."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import adapterstilts
from adapterstilts.commands.options import TransferOptions, read_options
from adapterstilts.commands.setup import make_planner
from adapterstilts.modeling.backbone import locate_backbone
from adapterstilts.modeling.declared_pooling import declared_pooling
from adapterstilts.runs.memory import Memory
from adapterstilts.stages.planner import Planner
from adapterstilts.stages.training_spec import plan_training
from tests.hub_server import hub_environment, serve

# As sentence-transformers writes it.
MODES = ("cls_token", "mean_tokens", "max_tokens", "mean_sqrt_len_tokens", "weightedmean_tokens", "lasttoken")
Make = Callable[..., Path]


def written(*modes: str) -> dict[str, Any]:
    chosen = {f"pooling_mode_{name}": name in modes for name in MODES}
    return {"word_embedding_dimension": 32, **chosen, "include_prompt": True}


@pytest.fixture
def encoder(tiny_backbone: Path, tmp_path: Path) -> Make:
    """Makes the tiny backbone with a file that says these modes, or with another content of it."""

    def make(*modes: str, content: str | None = None) -> Path:
        folder = tmp_path / "-".join(("encoder", *modes))
        shutil.copytree(tiny_backbone, folder)
        (folder / "1_Pooling").mkdir()
        text = json.dumps(written(*modes)) if content is None else content
        (folder / "1_Pooling/config.json").write_text(text, encoding="utf-8")
        return folder

    return make


@pytest.mark.parametrize(
    ("modes", "expected"),
    [
        (("mean_tokens",), "mean"),
        (("cls_token",), "first"),
        (("lasttoken",), "last"),
        (("max_tokens",), None),
        (("cls_token", "mean_tokens"), None),
        ((), None),
    ],
)
def test_the_one_mode_of_the_file_is_taken(
    modes: tuple[str, ...], expected: str | None, encoder: Make, tmp_path: Path
) -> None:
    assert declared_pooling(locate_backbone(str(encoder(*modes))), Memory(tmp_path)) == expected


@pytest.mark.parametrize("content", ["", "[]", "{", '{"pooling_mode_mean_tokens": "yes"}'])
def test_a_file_of_another_shape_says_nothing(content: str, encoder: Make, tmp_path: Path) -> None:
    assert declared_pooling(locate_backbone(str(encoder(content=content))), Memory(tmp_path)) is None


def planner_of(folder: Path, store: Path, **options: Any) -> Planner:
    given = {"profile": "mini", "backbone": str(folder), "store": store, **options}
    return make_planner(read_options(TransferOptions, given))


def options_of(planner: Planner, task: str) -> dict[str, Any]:
    recipe = planner.setup.catalogue.recipe(task)
    (trained, *_) = planner.setup.catalogue.training_recipes(recipe, "mini")
    return plan_training(planner, [trained], "train-target").spec.tasks[0].options


def test_it_is_the_default_of_that_backbone_alone(encoder: Make, tiny_backbone: Path, tmp_path: Path) -> None:
    mean, first = encoder("mean_tokens"), encoder("cls_token")
    for folder, given, expected in (
        (mean, {}, "mean"),
        (mean, {"pooling": "last"}, "last"),
        # What suits the architecture anyway says nothing, so that keys stay what they were.
        (mean, {"pooling": "first"}, None),
        (first, {}, None),
        (tiny_backbone, {}, None),
    ):
        found = options_of(planner_of(folder, tmp_path / "store", **given), "xnli")
        assert found.get("pooling") == expected, (folder.name, given)
    # A recipe that says its own keeps it.
    kept = [options_of(planner_of(folder, tmp_path / "store"), "lareqa") for folder in (mean, tiny_backbone)]
    assert kept[0] == kept[1]
    assert adapterstilts.doctor(backbone=str(mean)).pooling == "mean"


ASK = """
from pathlib import Path
import sys
from adapterstilts.modeling.backbone import locate_backbone
from adapterstilts.modeling.declared_pooling import declared_pooling
from adapterstilts.runs.memory import Memory
for _ in range(2):
    print(declared_pooling(locate_backbone(sys.argv[1]), Memory(Path(sys.argv[2]))))
"""


def test_of_the_hub_it_is_asked_once(encoder: Make, tiny_backbone: Path, tmp_path: Path) -> None:
    repositories = {"some/one": ("1" * 40, encoder("mean_tokens")), "some/other": ("2" * 40, tiny_backbone)}
    with serve(repositories) as hub:
        environment = hub_environment(hub.url, tmp_path)
        for name, expected in (("some/one", "mean"), ("some/other", "None")):
            command = [sys.executable, "-c", ASK, name, str(tmp_path / "facts")]
            done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
            assert done.stdout.split() == [expected] * 2
            assert sum("1_Pooling" in one and name in one for one in hub.requests) <= 2, hub.requests
            assert any("1_Pooling" in one and name in one for one in hub.requests)
