"""Options of a transfer that would have no effect, or exclude each other."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

import adapterstilts
from adapterstilts.commands.options import TransferOptions
from adapterstilts.commands.table.repetitions import Seeds
from adapterstilts.commands.table.transfer_options import chosen_seeds
from adapterstilts.errors import UsageError
from adapterstilts.profiles import load_profile
from tests.conftest import without_training

NOTHING_TRAINED = "nothing is trained here"
WITHOUT_EFFECT: dict[str, tuple[str, str, dict[str, Any], str]] = {
    "epochs": ("none", "tatoeba", {"epochs": 7}, f"--epochs has no meaning for tatoeba: {NOTHING_TRAINED}"),
    "head": ("none", "tatoeba", {"head": "reuse"}, f"--head reuse has no meaning for tatoeba: {NOTHING_TRAINED}"),
    "composition": ("none", "tatoeba", {"composition": "fuse"}, "--composition fuse has no meaning for tatoeba"),
    "seed": ("mnli", "bucc2018", {"seed": 3}, "--seed 3 has no meaning for bucc2018"),
    "match": ("mnli", "tatoeba", {"match": "steps"}, f"--match steps has no meaning for tatoeba: {NOTHING_TRAINED}"),
    "validation": ("mnli", "tatoeba", {"validation_from": "none"}, "--validation-from none has no meaning for tatoeba"),
    "rows": ("mnli", "tatoeba", {"max_train_examples": 3}, "--max-train-examples 3 has no meaning for tatoeba"),
    "method": ("none", "tatoeba", {"method": "full"}, "--method full has no meaning for tatoeba"),
    "margin": ("none", "tatoeba", {"margin": "distance"}, "--margin has no meaning for tatoeba. It is for bucc2018"),
    "layer": ("none", "xnli", {"layer": 1}, "--layer has no meaning for xnli. It is for bucc2018 and tatoeba"),
    "head alone": ("none", "xnli", {"head": "reuse"}, "--head reuse has no meaning with --from none"),
    "composition alone": ("none", "xnli", {"composition": "stack"}, "--composition stack has no meaning with --from"),
    "stride": ("none", "xnli,pawsx", {"stride": 8}, "--stride has no meaning for xnli, pawsx, whose inputs do not"),
    "pooling": ("none", "xquad", {"pooling": "mean"}, "--pooling has no meaning for xquad"),
}


@pytest.mark.parametrize("name", WITHOUT_EFFECT)
def test_an_option_without_effect_is_refused(suite: dict[str, Any], name: str) -> None:
    source, target, changes, message = WITHOUT_EFFECT[name]
    with pytest.raises(UsageError, match=message):
        adapterstilts.transfer(source, target.split(","), **{**without_training(suite), **changes})
    assert not suite["store"].exists() or not list(suite["store"].glob("[!.]*"))


def test_an_option_that_one_of_the_targets_reads_is_used(suite: dict[str, Any]) -> None:
    plan = adapterstilts.plan(adapterstilts.transfer, "none", ["xnli", "xquad"], stride=8, **suite)
    assert plan.to_train == 2


def test_options_that_no_target_reads_are_refused(suite: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="--layer has no meaning for xnli, lareqa"):
        adapterstilts.transfer("none", ["xnli", "lareqa"], layer=1, **suite)


def test_seeds_of_both_phases_are_one_number_or_the_intermediate_ones_one() -> None:
    one = ((),)
    some: tuple[Any, ...] = (SimpleNamespace(run=None),)
    for given, usual, rows, expected in (
        ({}, 3, (some,), (3, 3)),
        ({}, 1, (some,), (1, 1)),
        ({}, 3, one, (3, 1)),
        ({"seeds": 5}, 3, (some,), (5, 5)),
        ({"seeds": 5, "intermediate_seeds": 1}, 3, (some,), (5, 1)),
        ({"intermediate_seeds": 1}, 3, (some,), (3, 1)),
        ({"intermediate_seeds": 4}, 3, (some,), (4, 4)),
        ({"average_seeds": True}, 3, (some,), (3, 1)),  # models that begin alike have a mean
    ):
        assert chosen_seeds(TransferOptions(**given), usual, rows) == Seeds(*expected), given
    with pytest.raises(UsageError, match="--intermediate-seeds 4 with --seeds 3: .* Give 3, or 1 for one"):
        chosen_seeds(TransferOptions(seeds=3, intermediate_seeds=4), 3, (some,))
    with pytest.raises(UsageError, match="--average-seeds and --intermediate-seeds 2 do not go together"):
        chosen_seeds(TransferOptions(seeds=2, intermediate_seeds=2, average_seeds=True), 3, (some,))


def test_profiles_say_how_many_seeds_there_are_where_nobody_does() -> None:
    assert (load_profile("paper").seeds, load_profile("mini").seeds) == (3, 1)
