from __future__ import annotations

import pytest

from adapterstilts.commands.options.shared import ProfileOptions
from adapterstilts.errors import UsageError
from adapterstilts.languages import LANGUAGES, check_languages
from adapterstilts.modeling.methods import METHODS, parse_method
from adapterstilts.profiles import load_profile, profile_names


def test_languages_are_checked_in_order() -> None:
    assert check_languages(["de", "en"], available=["en", "de"], owner="x") == ("de", "en")
    for codes, message in (
        (["gr"], "Unknown language 'gr'"),
        (["fi"], r"x has no Finnish .fi.. Its languages are: en, de"),
        (["en", "en"], "given twice"),
    ):
        with pytest.raises(UsageError, match=message):
            check_languages(codes, available=["en", "de"], owner="x")
    assert len(LANGUAGES) == 50  # the languages of XTREME-R


@pytest.mark.parametrize(
    ("text", "options"),
    [
        ("seq_bn", {}),
        ("seq_bn[reduction_factor=8]", {"reduction_factor": 8}),
        ("seq_bn[reduction_factor=2, non_linearity=gelu,ln_after=true]",
         {"reduction_factor": 2, "non_linearity": "gelu", "ln_after": True}),
    ],
)  # fmt: skip
def test_method_text(text: str, options: dict) -> None:
    spec = parse_method(text)
    assert (spec.name, spec.options) == ("seq_bn", options)
    assert parse_method(str(spec)) == spec


@pytest.mark.parametrize("text", ["seq_bn[", "seq_bn[]", "seq_bn[reduction_factor]", "seq_bn[=2]"])
def test_malformed_method_text(text: str) -> None:
    with pytest.raises(UsageError, match="cannot be read"):
        parse_method(text)


def test_method_options_are_checked_by_the_library() -> None:
    with pytest.raises(UsageError, match="Did you mean 'reduction_factor'"):
        METHODS.get("seq_bn").resolve({"reduction_facto": 2})
    with pytest.raises(UsageError, match="has no options"):
        METHODS.get("full").resolve({"rank": 2})


def test_profiles() -> None:
    assert profile_names() == ["laptop", "mini", "paper", "xtreme"]
    for name in profile_names():
        profile = load_profile(name)
        METHODS.get(parse_method(profile.method).name)
        assert name in (ProfileOptions.model_fields["profile"].description or "")
    assert load_profile("paper").revision is not None  # a Hub backbone is pinned
    with pytest.raises(UsageError, match="Did you mean 'mini'"):
        load_profile("mimi")
