"""Runs with further seeds: which they are, and whether they can be made."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import adapterstilts
from adapterstilts.commands.options import TransferOptions, read_options
from adapterstilts.commands.setup import make_planner
from adapterstilts.commands.table.repetitions import check_repeatable, originals, repetition
from adapterstilts.errors import UsageError
from adapterstilts.runs.store import Run, RunStore
from adapterstilts.stages.graph import finished


def test_a_repetition_differs_in_its_seed_alone(suite: dict[str, Any]) -> None:
    run = Run(adapterstilts.train_intermediate("squad", seed=5, **suite).folder)
    stage = finished(run)
    assert repetition(stage, 0) is stage
    later = repetition(stage, 2)
    assert later.run is None and later.spec == stage.spec.model_copy(update={"seed": 7})
    assert adapterstilts.train_intermediate("squad", seed=7, **suite).key == later.key


@pytest.mark.slow
def test_the_first_of_a_row_of_seeds_is_no_repetition(suite: dict[str, Any]) -> None:
    keys = {seed: adapterstilts.train_intermediate("squad", seed=seed, **suite).key for seed in (3, 4, 6)}
    other = adapterstilts.train_intermediate("squad", **{**suite, "seed": 7, "epochs": 2}).key
    runs = RunStore(suite["store"]).runs()
    assert {run.key for run in originals(runs)} == {keys[3], keys[6], other}
    last = [run for run in runs if run.key == keys[4]]
    assert originals(last) == last and originals(last, beside=runs) == []


def test_what_is_missing_needs_the_data_of_the_first(suite: dict[str, Any], releases: Path) -> None:
    stage = finished(Run(adapterstilts.train_intermediate("squad", **suite).folder))
    planner = make_planner(read_options(TransferOptions, suite))
    other = make_planner(read_options(TransferOptions, {**suite, "data_dir": releases}))
    check_repeatable(planner, [stage], 3)
    check_repeatable(other, [stage], 1)
    with pytest.raises(UsageError, match=r"has to be trained with seed 43 and 44 too, and the data of squad are not"):
        check_repeatable(other, [stage], 3)
    adapterstilts.train_intermediate("squad", **{**suite, "seed": 43})
    check_repeatable(other, [stage], 2)  # it is there


def test_translations_are_data_too(suite: dict[str, Any]) -> None:
    stage = finished(Run(adapterstilts.train_intermediate("squad", languages=("en", "de"), **suite).folder))
    check_repeatable(make_planner(read_options(TransferOptions, suite)), [stage], 2)  # the suite's own
