"""Files of studies: those of the package, and what is refused about others."""

from __future__ import annotations

from pathlib import Path

import pytest

from adapterstilts.errors import UsageError
from adapterstilts.studies.definition import load_study, read_study, shipped_studies

MINIMAL = "title: T\nquestion: Q\naxes: {to: [mlqa]}\n"


@pytest.mark.parametrize("name", shipped_studies())
def test_study_of_the_package_has_both_sizes_and_what_it_claims(name: str) -> None:
    study = load_study(name)
    sizes = {"real-small": {"slices", "quick"}}.get(name, {"paper", "mini"})
    assert sizes <= set(study.sizes) and study.question.endswith("?")
    for size in study.sizes:
        chosen = study.of_size(size)
        assert chosen.claims and chosen.axes["to"], size
    assert study.of_size(None) == study.of_size(next(iter(study.sizes)))


@pytest.mark.parametrize("name", shipped_studies())
def test_a_sentence_says_no_more_than_what_is_measured_for_it(name: str) -> None:
    """A mean above that of others makes none of them the best; within a margin, "no better" and "worse" are two."""
    study = load_study(name)
    for claim in (*study.claims, *(one for size in study.sizes.values() for one in size.claims or ())):
        if claim.mean is not None:
            assert "are the best" not in claim.text and "are largest" not in claim.text, claim.text
        if claim.expect == "absent":
            assert "no better" not in claim.text, claim.text
        if claim.expect == "any":  # which a loss supports as well as a gain
            assert "differently" in claim.text or "changes" in claim.text, claim.text


def test_the_five_questions_are_there() -> None:
    assert {"model-size", "architecture", "data-size", "syntax-semantics", "languages"} <= set(shipped_studies())
    assert {"paper-main", "paper-ablations", "methods", "compositions"} <= set(shipped_studies())


def test_a_size_replaces_axes_and_adds_options() -> None:
    text = MINIMAL + "options: {seeds: 2}\nsizes: {a: {axes: {to: [xnli]}, options: {profile: mini}}, b: {}}\n"
    study = read_study(text, name="s", where="s.yaml")
    assert study.of_size("a").axes == {"to": ("xnli",)} and study.of_size("b").axes == {"to": ("mlqa",)}
    assert study.of_size("a").options == {"seeds": 2, "profile": "mini"}
    with pytest.raises(UsageError, match="Unknown size of s 'c'"):
        study.of_size("c")


def test_arms_are_crossed_with_every_other_axis() -> None:
    text = MINIMAL.replace("{to: [mlqa]}", "{to: [mlqa], seed: [1, 2]}")
    text += "arms: [{method: full, composition: continue}, {method: seq_bn, seed: 7}]\n"
    found = list(read_study(text, name="s", where="s").combinations())
    assert found == [
        {"seed": 1, "method": "full", "composition": "continue"},
        {"seed": 2, "method": "full", "composition": "continue"},
        {"method": "seq_bn", "seed": 7},
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "describes no study"),
        ("- a", "describes no study"),
        ("title: [", "is no YAML"),
        (MINIMAL + "axis: {}", "Unknown key 'axis'. Did you mean 'axes'"),
        ("title: T\naxes: {}", "question: Field required"),
        ("[" * 3000, "is no YAML"),
    ],
)
def test_what_is_no_study_is_refused(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "own.yaml"
    path.write_text(text)
    with pytest.raises(UsageError, match=message.replace("[", r"\[")):
        load_study(str(path))


def test_a_name_that_no_study_has(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="Did you mean 'paper-main'"):
        load_study("paper-mian")
    with pytest.raises(UsageError, match="cannot be read .No such file"):
        load_study(str(tmp_path / "none.yaml"))
