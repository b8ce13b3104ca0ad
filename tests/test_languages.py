"""Languages: how tags are written and told apart, what they are called, and the groups that they belong to."""

from __future__ import annotations

import pytest

from adapterstilts.errors import UsageError
from adapterstilts.languages import (
    LANGUAGES,
    canonical,
    check_languages,
    context_language,
    in_group,
    is_english,
    languages_of,
    origin_of,
    question_language,
    script_of,
    zero_shot_languages,
)
from adapterstilts.stages.answering.evaluate import summarise
from adapterstilts.tasks.catalogue import Catalogue

# A tag as a data set has it, how it is written here, and its name.
TAGS = [
    ("de", "de", "German"),
    ("deu", "de", "German"),
    ("deu_Latn", "de", "German"),
    ("arb_Arab", "ar", "Arabic"),
    ("arb_Latn", "arb-Latn", "Standard Arabic (Latin)"),
    ("arb-Latn", "arb-Latn", "Standard Arabic (Latin)"),
    ("zho_Hans", "zh", "Chinese"),
    ("zho_Hant", "zh-Hant", "Chinese (Traditional)"),
    ("zh-hant", "zh-Hant", "Chinese (Traditional)"),
    ("swh_Latn", "sw", "Swahili"),
    ("quy_Latn", "quy", "Ayacucho Quechua"),
    ("pcm", "pcm", "Nigerian Pidgin"),
    ("srp_Cyrl", "sr", "Serbian"),
    ("srp_Latn", "sr-Latn", "Serbian (Latin)"),
    ("twi_Latn", "tw", "Twi"),
    ("aka_Latn", "ak", "Akan"),
    ("tgl_Latn", "tl", "Tagalog"),
    ("ajp_Arab", "ajp", "South Levantine Arabic"),
    ("apc_Arab", "apc", "North Levantine Arabic"),
    ("taq_Tfng", "taq-Tfng", "Tamasheq (Tifinagh)"),
    ("pt-BR", "pt-BR", "Portuguese (Brazil)"),
    ("es-419", "es-419", "Spanish (Latin America)"),
    ("gsw-x-bern", "gsw-x-bern", "Swiss German (Bern)"),
]


@pytest.mark.parametrize(("given", "written", "name"), TAGS, ids=[one[0] for one in TAGS])
def test_a_language_is_written_in_one_way(given: str, written: str, name: str) -> None:
    assert canonical(given) == written == canonical(written)
    assert languages_of(written) == (written,) and LANGUAGES[written] == name


def test_names_of_before_are_what_they_were() -> None:
    assert all(canonical(code) == code and languages_of(code) == (code,) for code in LANGUAGES)
    assert (context_language("de-en"), question_language("de-en")) == ("de", "en")
    assert (context_language("de"), question_language("de")) == ("de", "de")


@pytest.mark.parametrize(
    ("pair", "context", "question"),
    [
        ("zh-Hant-en", "zh-Hant", "en"),
        ("en-zh-Hant", "en", "zh-Hant"),
        ("pt-BR-en-GB", "pt-BR", "en-GB"),
        ("arb-Latn-arb-Latn", "arb-Latn", "arb-Latn"),
        ("gsw-x-bern-de", "gsw-x-bern", "de"),
        ("pt-br", "pt", "br"),
    ],
)
def test_pairs_are_told_from_scripts_and_regions(pair: str, context: str, question: str) -> None:
    assert languages_of(pair) == (context, question)
    assert (context_language(pair), question_language(pair)) == (context, question)


def test_a_pair_of_tags_of_a_data_set() -> None:
    assert canonical("deu_Latn-zho_Hant") == "de-zh-Hant"


@pytest.mark.parametrize("tag", ["xx", "gr", "deutsch", "en-xx", "de-en", "", "zh-Xxxx"])
def test_what_is_no_language_has_no_name(tag: str) -> None:
    assert tag not in LANGUAGES
    with pytest.raises(KeyError):
        LANGUAGES[tag]


@pytest.mark.parametrize(
    ("tag", "family", "region", "script"),
    [
        ("sw", "Atlantic-Congo", "Africa", "Latn"),
        ("pcm", "Indo-European", "Africa", "Latn"),
        ("am", "Afro-Asiatic", "Africa", "Ethi"),
        ("ar", "Afro-Asiatic", "Asia", "Arab"),
        ("zh-Hant", "Sino-Tibetan", "Asia", "Hant"),
        ("quy", "Quechuan", "Americas", "Latn"),
        ("nah", "Uto-Aztecan", "Americas", "Latn"),
        ("eu", "isolate", "Europe", "Latn"),
        ("mi", "Austronesian", "Oceania", "Latn"),
        ("de-ru", "Indo-European", "Europe", "Latn"),
        ("xx", "", "", "Latn"),
    ],
)
def test_where_a_language_comes_from(tag: str, family: str, region: str, script: str) -> None:
    found = origin_of(tag)
    assert (found.family, found.region, script_of(tag)) == (family, region, script)


def test_every_language_of_xtreme_has_an_origin() -> None:
    assert all(origin_of(code).family and origin_of(code).region for code in LANGUAGES)


def test_groups() -> None:
    offered = ["en", "de", "sw", "yo", "ru", "zh"]
    assert check_languages(["de", "group:africa"], available=offered, owner="x") == ("de", "sw", "yo")
    assert in_group("Indo-European", offered) == in_group("indo_european", offered) == ["en", "de", "ru"]
    assert in_group("cyrl", offered) == ["ru"]
    assert check_languages(["group:africa", "-yo"], available=offered, owner="x") == ("sw",)
    assert check_languages(["-yor_Latn", "-en"], available=offered, owner="x") == ("de", "sw", "ru", "zh")
    assert check_languages(["all", "-en"], available=offered, owner="x") == ("de", "sw", "yo", "ru", "zh")
    with pytest.raises(UsageError, match="Unknown group of languages 'afrika'. Did you mean 'africa'"):
        in_group("afrika", offered)
    with pytest.raises(UsageError, match="None of the languages here is in the group 'oceania'"):
        check_languages(["group:oceania"], available=offered, owner="x")


def test_languages_that_are_asked_for_can_be_written_as_data_sets_do() -> None:
    assert check_languages(["swh_Latn", "zho_Hant"], available=["zh-Hant", "sw"], owner="x") == ("sw", "zh-Hant")
    with pytest.raises(UsageError, match="x has no Chinese .Traditional. .zh-Hant.. Its languages are: sw"):
        check_languages(["zh-Hant"], available=["sw"], owner="x")
    with pytest.raises(UsageError, match="Language 'sw' is given twice"):
        check_languages(["sw", "swh_Latn"], available=["sw"], owner="x")


def test_english_of_any_region_is_no_language_that_a_model_has_not_seen() -> None:
    names = ["en", "en-GB", "de", "enm", "en-de", "de-en", "de-en-GB", "pcm"]
    assert [name for name in names if is_english(name)] == ["en", "en-GB"]
    assert zero_shot_languages(names) == ["de", "enm", "pcm"]
    summary = summarise(
        Catalogue().recipe("ntrex").build_kind(), {name: {"accuracy": 10.0 * n} for n, name in enumerate(names)}
    )
    assert summary["english"]["score"] == 5.0 and summary["zero_shot"]["score"] == (20 + 30 + 70) / 3
