"""What is measured for a claim where a study does not have all cells."""

from __future__ import annotations

import numpy as np
import pytest

from adapterstilts.studies.cells import Measured
from adapterstilts.studies.claims import claims_of
from adapterstilts.studies.definition import read_study
from adapterstilts.studies.results import Claim
from tests.studies.cells_made import cell

AXES = "{from: [squad, mnli], to: [mlqa, tatoeba], method: [full, seq_bn], composition: [continue, stack, fuse]}"


def claim(told: str, cells: list[Measured], more: str = "") -> Claim:
    """The one claim of a study with `AXES`."""
    text = f"title: T\nquestion: Q\naxes: {AXES}\nclaims: [{{text: T, {told}}}]\n{more}"
    (found,) = claims_of(read_study(text, name="own", where="own"), cells)
    return found


def gains(mean: float) -> np.ndarray:
    return mean + np.tile([-1.0, 1.0], 50)


def test_a_target_that_one_side_lacks_is_left_out_of_the_other() -> None:
    """Retrieval, for which nothing can be fused, loses by each single task; on questions the two ways are level."""
    fused = cell(gains(5), to="mlqa", method="seq_bn", composition="fuse", from_="squad + mnli")
    stacked = [
        cell(gains(gain), to=target, method="seq_bn", composition="stack", from_=source)
        for target, gain in (("mlqa", 5), ("tatoeba", -30))
        for source in ("squad", "mnli")
    ]
    found = claim("mean: {composition: fuse}, minus: {composition: stack}", [fused, *stacked])
    assert found.value and found.value.mean == pytest.approx(0) and found.verdict == "no evidence"
    assert found.cells == 3 and found.measure.endswith("without 2 cells that others have none beside")
    whole = claim("mean: {composition: stack}", [fused, *stacked])
    assert whole.value and whole.value.mean == pytest.approx((5 - 30) / 2) and whole.cells == 4


def test_a_method_that_one_side_lacks_is_left_out_of_the_other() -> None:
    """Full fine-tuning, which nothing can be stacked on, gains more than adapters do either way."""
    cells = [
        cell(gains(gain), to="mlqa", method=method, composition=composition)
        for method, composition, gain in (("full", "continue", 40), ("seq_bn", "continue", 7), ("seq_bn", "stack", 10))
    ]
    told = "mean: {composition: stack}, minus: {composition: continue}"
    found = claim(told, cells)
    assert found.value and found.value.mean == pytest.approx(3) and found.verdict == "supported"
    # What belongs together in arms cannot be told apart.
    arms = "arms: [{method: full, composition: continue}, {method: seq_bn, composition: stack}]\n"
    tied = claim(told, cells, arms)
    assert tied.value and tied.value.mean == pytest.approx(10 - (40 + 7) / 2)


def test_slopes_that_are_compared_are_of_the_same_targets() -> None:
    cells = [
        cell(gains(size * slope), to=target, method=method, composition="stack", from_=source)
        for method, target, slope in (("full", "mlqa", 2), ("full", "tatoeba", 9), ("seq_bn", "mlqa", 2))
        for size, source in ((1, "squad"), (2, "mnli"))
    ]
    numbers = "properties: {from: {squad: {rows: 10}, mnli: {rows: 100}}}\n"
    told = "slope: {axis: from, by: rows, of: {method: full}, minus: {method: seq_bn}}"
    found = claim(told, cells, numbers)
    assert found.value and found.value.mean == pytest.approx(0) and found.cells == 4
    alone = claim("slope: {axis: from, by: rows, of: {method: full}}", cells, numbers)
    assert alone.value and alone.value.mean == pytest.approx((2 + 9) / 2)


def test_sides_without_anything_in_common_are_not_compared() -> None:
    cells = [
        cell(gains(1), to="mlqa", method="seq_bn", composition="fuse"),
        cell(gains(2), to="tatoeba", method="seq_bn", composition="stack"),
    ]
    found = claim("mean: {composition: fuse}, minus: {composition: stack}", cells)
    assert found.value is None and found.verdict == "no evidence" and "differ in nothing else" in found.why
    # Of targets that the claim itself tells apart, nothing has to be the same.
    cells += [cell(gains(3), to="mlqa", method="seq_bn", composition="stack")]
    between = claim("mean: {to: mlqa}, minus: {to: tatoeba}", cells)
    assert between.value and between.value.mean == pytest.approx(3 - 2)


def test_a_baseline_is_meant_by_the_name_that_the_field_has_too() -> None:
    """Cells have the package's own name of it."""
    cells = [cell(gains(3), from_="none", baseline="translate-target"), cell(gains(1))]
    for name in ("translate-train", "translate-target"):
        found = claim(f"mean: {{baseline: {name}}}", cells)
        assert found.value and found.value.mean == pytest.approx(3) and found.cells == 1
