"""How gains in English go with others: how often the interval is right, and which cells it is of."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from adapterstilts.studies.cells import Measured
from adapterstilts.studies.correlation import english_and_others
from tests.studies.cells_made import cell

TASKS, TARGETS, SIMULATIONS = 6, 6, 60


def grid(random: np.random.Generator) -> list[Measured]:
    """Gains that have nothing to do with each other, and most of whose variance all cells of a target share."""
    of_target = random.normal(0, 3, size=(2, TARGETS))
    of_cell = random.normal(0, 1, size=(2, TASKS, TARGETS))
    english, others = of_target[:, None] + of_cell
    return [
        cell(np.full(2, others[task, target]), english=english[task, target], from_=f"task{task}", to=f"target{target}")
        for task in range(TASKS)
        for target in range(TARGETS)
    ]


@pytest.mark.slow
def test_the_interval_holds_no_correlation_where_cells_of_a_target_are_alike() -> None:
    random = np.random.default_rng(0)
    held = 0
    for _ in range(SIMULATIONS):
        found = english_and_others(grid(random))
        assert found and found.low is not None and found.high is not None and found.low <= found.rho <= found.high
        held += found.low <= 0 <= found.high
    assert held >= 0.88 * SIMULATIONS


def test_what_several_arms_share_is_one_cell() -> None:
    """Retrieval, which no composition changes anything of, beside questions."""
    gains = {"a": (1.0, 4.0), "b": (2.0, 1.0), "c": (3.0, 3.0), "d": (4.0, 5.0)}
    cells = [
        cell(np.full(2, other), english=english, key=name, from_=name, to="tatoeba", composition=composition)
        for composition in ("stack", "continue")
        for name, (english, other) in gains.items()
    ]
    found = english_and_others(cells)
    assert found and found.cells == 4
    assert found.rho == pytest.approx(stats.spearmanr(*zip(*gains.values(), strict=True)).statistic)


def test_gains_that_are_all_the_same_go_with_nothing() -> None:
    cells = [cell(np.full(2, other), english=0.0, from_=task) for task, other in zip("abcd", (1, 2, 3, 4), strict=True)]
    assert english_and_others(cells) is None


def test_two_tasks_and_two_targets_have_no_interval() -> None:
    random = np.random.default_rng(1)
    cells = [cell(random.normal(size=2), english=random.normal(), from_=task, to=to) for task in "ab" for to in "cd"]
    found = english_and_others(cells)
    assert found and found.cells == 4 and (found.low, found.high) == (None, None)
    assert english_and_others(cells[:3]) is None
