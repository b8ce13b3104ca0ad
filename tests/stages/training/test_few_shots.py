"""Specs of few-shot stages: from which split rows are drawn, what stays as in the target phase, what is refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from adapterstilts.data.bad_rows import BadRows
from adapterstilts.data.sources.rows_file import RowsFile
from adapterstilts.errors import DataError, UsageError
from adapterstilts.runs.specs import Choice
from adapterstilts.stages.graph import Training, made_by
from adapterstilts.stages.training.few_shots import EPOCHS, ShotPool, plan_few_shots
from adapterstilts.stages.training_spec import Start, plan_training
from adapterstilts.tasks.sources import FilesSource
from tests.stages.conftest import World


def pool_of(world: World, task: str, scored: str = "test", language: str = "de") -> ShotPool:
    return ShotPool.of(world.planner, world.recipe(task), language, scored=scored)


def planned(
    world: World, task: str, *, settings: dict[str, Any] | None = None, **start: Any
) -> tuple[Training, Training]:
    """A target phase in English, and what goes on from it with five German rows."""
    recipe = world.recipe(task)
    target = plan_training(world.planner, [recipe], "train-target", start=Start(**start))
    pool = pool_of(world, task)
    fingerprint, shots = pool.fingerprint, pool.draw(5, 2)
    return target, plan_few_shots(
        world.planner, recipe, target, shots, fingerprint=fingerprint, settings=settings or {}
    )


@pytest.mark.parametrize(
    ("task", "scored", "split", "of"),
    [("mlqa", "test", "train", 200), ("mlqa", "train", "validation", 100), ("xcopa", "test", "validation", 100)],
)
def test_rows_are_those_of_training_or_else_of_validation(
    world: World, task: str, scored: str, split: str, of: int
) -> None:
    language = "zh" if task == "xcopa" else "de"
    pool = pool_of(world, task, scored, language)
    shots = pool.draw(7, 1)
    assert (shots.split, shots.of + shots.left_out, shots.count, shots.draw) == (split, of, 7, 1)
    assert shots.left_out == (7 if task == "xcopa" else 0)  # some of the suite's causes are in both splits
    source, recipe = world.planner.setup.source, world.recipe(task)
    assert shots.apart_from == {scored: source.fingerprint(recipe, scored, language)}
    assert pool.where == f"the {split} split of {task}"


def test_all_rows_are_drawn_once(world: World) -> None:
    pool = pool_of(world, "mlqa")
    assert pool.draw(200, 3) == pool.draw(None, 1) and pool.draw(None, 1).every
    assert pool.draw(199, 3).draw == 3


def test_rows_that_are_not_there_are_refused(world: World) -> None:
    with pytest.raises(DataError, match=r"de=201: the train split of mlqa has 200 labelled German rows to draw from"):
        pool_of(world, "mlqa").draw(201, 1)
    with pytest.raises(
        UsageError,
        match=r"xcopa has no labelled Chinese rows in the mini source beside those of its validation split, which are "
        r"scored\. Give a file of others with --train-more zh=FILE",
    ):
        pool_of(world, "xcopa", "validation", "zh")


def test_a_file_takes_the_place_of_the_tasks_rows_and_must_not_have_scored_ones(world: World, tmp_path: Path) -> None:
    recipe, setup = world.recipe("mlqa"), world.planner.setup
    test, train = (setup.source.load(recipe, split, "de", BadRows(skip=False)) for split in ("test", "train"))
    path = tmp_path / "more.jsonl"
    file = RowsFile(path, FilesSource(format="jsonl", splits={}))
    planner = replace(world.planner, setup=replace(setup, shot_files={"de": file}))
    train.select(range(12)).to_json(path)
    pool = ShotPool.of(planner, recipe, "de", scored="test")
    assert pool.where == str(path) and pool.draw(None, 1).split == "file" and pool.draw(None, 1).count == 12
    assert pool.draw(5, 1).of == 12
    with path.open("a") as lines:
        test.select([0]).to_json(lines_path := tmp_path / "one.jsonl")
        lines.write(lines_path.read_text())
    with pytest.raises(DataError, match=r"1 of the 13 rows of .*more.jsonl share a text with rows of the test split"):
        ShotPool.of(planner, recipe, "de", scored="test").draw(None, 1)


def test_the_stage_goes_on_with_everything_as_it_was(world: World) -> None:
    target, few = planned(world, "mlqa", composition=Choice(name="stack"), inputs=(world.squad,))
    before, after = made_by(target), made_by(few)
    assert few.needs == (target,) and after.inputs == (target.key,)
    assert (after.stage, after.composition.name, after.head) == ("few-shot", "continue", "reuse")
    assert after.label == "mlqa-de-5-draw2" and after.only.data.languages == ("de",) and not after.only.data.selects
    same = ("backbone", "precision", "method", "method_config", "seed", "quantization")
    assert all(getattr(before, name) == getattr(after, name) for name in same)
    assert after.only.encoding == before.only.encoding
    assert after.settings.epochs == EPOCHS and after.settings.learning_rate == before.settings.learning_rate
    assert (after.settings.batch_size, after.settings.max_steps) == (before.settings.batch_size, None)


def test_what_only_selects_checkpoints_is_not_in_the_key(world: World) -> None:
    _, few = planned(world, "mlqa")
    target = plan_training(
        replace(world.planner, settings={**world.planner.settings, "max_steps": 7, "patience": 3}),
        [world.recipe("mlqa")],
        "train-target",
    )
    pool = pool_of(world, "mlqa")
    other = plan_few_shots(
        world.planner, world.recipe("mlqa"), target, pool.draw(5, 2), fingerprint=pool.fingerprint, settings={}
    )
    assert made_by(other).settings == made_by(few).settings


def test_settings_that_are_given_win(world: World) -> None:
    _, few = planned(world, "mlqa", settings={"epochs": 3, "learning_rate": 0.1})
    assert (made_by(few).settings.epochs, made_by(few).settings.learning_rate) == (3, 0.1)
    with pytest.raises(UsageError, match="settings of the few-shot phase: epochs: Input should be greater than 0"):
        planned(world, "mlqa", settings={"epochs": 0})
