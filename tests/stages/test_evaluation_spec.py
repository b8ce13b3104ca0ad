"""Specs of evaluations: their languages, and the options of what is compared by vectors."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from adapterstilts.errors import UsageError
from adapterstilts.stages.evaluation_spec import NO_LANGUAGE_ADAPTER, Scored, plan_evaluation
from adapterstilts.stages.graph import Evaluation, Training
from tests.stages.conftest import World


def plan(world: World, task: str, model: Training | None = None, **scored: Any) -> Evaluation:
    return plan_evaluation(world.planner, world.recipe(task), model, Scored(**scored))


def test_the_order_of_the_languages_is_that_of_the_report_and_not_in_the_key(world: World) -> None:
    one, other = (plan(world, "mlqa", world.squad, languages=codes) for codes in (("de", "en"), ("en", "de")))
    assert one.key == other.key and one.spec.languages == ("de", "en") and other.spec.languages == ("en", "de")


@pytest.mark.parametrize(
    ("task", "given", "decides"),
    [
        ("tatoeba", {"margin": "distance"}, False),
        ("bucc2018", {"margin": "distance"}, True),
        ("tatoeba", {"layer": 1}, True),
        ("tatoeba", {"layer": "1/2"}, True),
        ("tatoeba", {"preset": "jiant"}, False),
        ("bucc2018", {"preset": "xtreme"}, True),
    ],
)
def test_an_option_about_vectors_is_in_the_key_where_it_decides(
    world: World, task: str, given: dict[str, Any], decides: bool
) -> None:
    plain, changed = (plan(world, task, languages=("de",), **one) for one in ({}, given))
    if given == {"layer": "1/2"}:  # of two layers; by default it is 14/24 of them, the first one too
        assert changed.spec.options["layer"] == "1/2"
    assert (plain.key != changed.key) == decides


def test_an_answer_is_windowed_as_its_model_was_trained(world: World) -> None:
    planner = replace(world.planner, settings={**world.planner.settings, "max_length": 64})
    spec = plan_evaluation(planner, world.recipe("mlqa"), world.squad, Scored(languages=("en",))).spec
    assert spec.encoding == world.squad.spec.only.encoding and spec.inputs == (world.squad.key,)


def test_pairs_of_languages(world: World) -> None:
    crossed = plan(world, "mlqa", world.squad, languages=("en", "de"), cross_pairs=True).spec.languages
    assert crossed == ("en", "en-de", "de-en", "de")
    with pytest.raises(UsageError, match="xquad has no pairs of languages"):
        plan(world, "xquad", world.squad, cross_pairs=True)


def test_decoding_is_calibrated_on_validation_data_where_nothing_is_trained(world: World) -> None:
    assert set(plan(world, "bucc2018", languages=("de",)).spec.calibration) == {"de"}
    assert plan(world, "bucc2018", languages=("de",), split="validation").spec.calibration == {}
    assert plan(world, "mlqa", world.squad, languages=("de",)).spec.calibration == {}


def test_language_adapters_are_among_what_it_needs(world: World) -> None:
    adapters = {"en": world.ccg, "de": None}
    stage = plan_evaluation(
        world.planner, world.recipe("mlqa"), world.squad, Scored(languages=("en", "de")), language_adapters=adapters
    )
    assert stage.spec.language_adapters == {"en": world.ccg.key, "de": NO_LANGUAGE_ADAPTER}
    assert stage.needs == (world.squad, world.ccg)


@pytest.mark.parametrize(
    ("task", "scored", "message"),
    [
        ("mlqa", {"languages": ("fr",)}, "mlqa in the mini source has no French"),
        ("mlqa", {"benchmark": "xtreme", "languages": ("en", "en")}, "given twice"),
        ("squad", {"benchmark": "xtreme"}, "squad is not a task of xtreme"),
        ("tatoeba", {"preset": "xtrem"}, "Did you mean 'xtreme'"),
        ("tatoeba", {"layer": 3}, "--layer: layer 3 is not one of the 2 layers"),
    ],
)
def test_what_cannot_be_scored_is_refused(world: World, task: str, scored: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        plan(world, task, **scored)
