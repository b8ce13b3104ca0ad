"""Which models are candidates: where they are from, and what is left out and said."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

import adapterstilts
from adapterstilts.commands.models.candidates import Candidates
from adapterstilts.commands.models.shared import SharedModels
from adapterstilts.commands.options import RecommendOptions, read_options
from adapterstilts.commands.setup import make_planner
from adapterstilts.errors import UsageError


def candidates(options: dict[str, Any]) -> Candidates:
    read = read_options(RecommendOptions, options)
    planner = make_planner(read)
    return Candidates(planner, SharedModels.of(planner, read), [])


def names(found: Any) -> list[str]:
    return [one.name.partition("@")[0] for one in found]


def test_all_are_those_of_the_store_on_this_backbone_with_this_method(
    mini: dict[str, Any], other_backbone: Path
) -> None:
    found = candidates(mini)
    assert names(found.named(["all"], "mlqa")) == ["squad", "ccg"] and found.left_out == []
    assert {one.place for one in found.named(["all"], "mlqa")} == {"the store"}
    elsewhere = candidates({**mini, "backbone": str(other_backbone)})
    with pytest.raises(UsageError, match=r"no candidate for mlqa.*2 runs of the store on another backbone than"):
        elsewhere.named(["all"], "mlqa")
    other = candidates({**mini, "method": "lora"})
    with pytest.raises(UsageError, match=r"no intermediate run with method lora.*--method 'seq_bn\[.*\]' ranks them"):
        other.named(["all"], "mlqa")


def test_the_target_itself_is_left_out_unless_it_is_named(mini: dict[str, Any]) -> None:
    found = candidates(mini)
    assert names(found.named(["all"], "squad")) == ["ccg"]
    assert found.left_out == ["runs of squad itself (--from squad ranks them)"]
    assert names(candidates(mini).named(["squad", "all"], "squad")) == ["squad", "ccg"]


def test_repetitions_with_further_seeds_are_one_candidate(suite: dict[str, Any]) -> None:
    first = adapterstilts.train_intermediate("panx", seed=7, **suite)
    adapterstilts.train_intermediate("panx", seed=8, **suite)
    (found,) = candidates(suite).named(["all"], "mlqa")
    assert found.run.key == first.key


def test_the_packages_own_are_candidates_for_its_backbone(tmp_path: Path) -> None:
    options = {"profile": "mini", "store": tmp_path}
    found = candidates(options).named(["all"], "panx")
    assert len(found) == 13 and all(one.place.startswith("the package") for one in found)
    again = candidates(options)  # they are in the store by now
    assert {one.name for one in again.named(["all"], "panx")} == {one.name for one in found}
    assert names(again.named(["mnli", found[0].name], "panx")) == ["mnli", names(found)[0]]


def test_registries_are_asked_and_what_does_not_fit_is_said(
    trained: dict[str, Any], other_backbone: Path, tmp_path: Path
) -> None:
    registry = str(tmp_path / "registry")
    adapterstilts.push("squad", to=registry, store=trained["store"])
    options = {**trained, "store": tmp_path / "empty", "registry": registry}
    (found,) = candidates(options).named(["all"], "mlqa")
    assert found.place.startswith(f"{registry}#squad-") and found.name.startswith("squad@")
    (weights,) = (tmp_path / "registry/packages").rglob("*dapter*.safetensors")
    kept = weights.read_bytes()
    weights.write_bytes(kept[:-9])
    with pytest.raises(UsageError, match=r"no candidate for mlqa.*Left out: .*#squad-"):
        candidates({**options, "store": tmp_path / "other"}).named(["all"], "mlqa")
    weights.write_bytes(kept)
    # Where it was made, it is the run of the store.
    store = shutil.copytree(trained["store"], tmp_path / "store")
    (own,) = candidates({**options, "store": store}).named(["all"], "mlqa")
    assert own.place == "the store"
    for change, said in (
        ({"backbone": str(other_backbone)}, "another backbone"),
        ({"method": "lora"}, "another method"),
    ):
        other = candidates({**options, **change})
        with pytest.raises(UsageError, match=f"#squad-.*, which is for {said}"):
            other.named(["all"], "mlqa")


def test_names_are_those_of_transfer(mini: dict[str, Any]) -> None:
    found = candidates(mini)
    for wrong, message in (
        (["none"], "--from none is no candidate"),
        (["sqad"], "Did you mean 'squad'"),
        (["mnli"], "Train it first"),
    ):
        with pytest.raises(UsageError, match=message):
            found.named(wrong, "mlqa")
