"""Values of axes: everything that is unknown is named at once."""

from __future__ import annotations

import pytest

from adapterstilts.errors import UsageError
from adapterstilts.studies.axes import check_values, text_of
from adapterstilts.studies.definition import Study, read_study
from adapterstilts.tasks.catalogue import Catalogue


def study(axes: str, more: str = "") -> Study:
    return read_study(f"title: T\nquestion: Q\naxes: {axes}\n{more}", name="own", where="own")


def refused(one: Study) -> str:
    with pytest.raises(UsageError) as caught:
        check_values(one, Catalogue())
    return str(caught.value)


def test_every_unknown_value_is_named() -> None:
    axes = "{from: [squat, squad], to: [mlqq, mlqa], method: [seq_bm], composition: [stacked], baseline: [mlmm]}"
    said = refused(study(axes, "intermediate: {epoch: 2}"))
    for part in ("6 faults", "'squat'", "'mlqq'", "'seq_bm'", "'stacked'", "'mlmm'", "'epoch'"):
        assert part in said, part
    assert "'squad'" in said  # what squat may be meant to be


@pytest.mark.parametrize(
    ("axes", "more", "message"),
    [
        ("{from: [squad]}", "", "The axis 'to' has no target"),
        ("{to: [mlqa], colour: [red]}", "", "Unknown axis 'colour'"),
        ("{to: [mlqa]}", "options: {sead: 3}", "Unknown option 'sead'. Did you mean 'seed'"),
        ("{to: [mlqa]}", "options: {store: x}", "Unknown option 'store'"),
        ("{to: [mlqa]}", "claims: [{text: T}]", "claim 1 has to have one of"),
        ("{to: [mlqa]}", "claims: [{text: T, mean: {}, best: {}}]", "claim 1 has to have one of"),
        ("{to: [mlqa]}", "claims: [{text: T, each: {}, expect: absent}]", "each group to be 'absent'"),
        ("{to: [mlqa]}", "claims: [{text: T, each: {}, expect: any}]", "each group to be 'any'"),
        ("{to: [mlqa], from: [squad]}", "claims: [{text: T, mean: {from: mnli}}]", "value of from in claim 1 'mnli'"),
        ("{to: [mlqa]}", "claims: [{text: T, mean: {method: full}}]", "about method, which is no axis"),
        (
            "{to: [mlqa], method: [full]}",
            "claims: [{text: T, slope: {axis: method, by: size}}]",
            "A slope is by 'size' of method, which full has none of",
        ),
    ],
)
def test_what_cannot_be_meant_is_refused(axes: str, more: str, message: str) -> None:
    assert message in refused(study(axes, more))


def test_values_as_text() -> None:
    assert text_of(["squad", "mnli"]) == "squad+mnli" and text_of(3) == "3" and text_of({"de": 10}) == "de=10"


def test_synonyms_and_benchmarks_are_known() -> None:
    check_values(study("{to: [xtreme], from: [all, [squad, mnli]], baseline: [translate-train, none]}"), Catalogue())
