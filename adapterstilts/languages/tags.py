"""How languages are written: BCP 47 tags, and pairs of them.

A tag is a language of two or three small letters, and where they are needed a script of four letters (`zh-Hant`), a
region of two capital letters or three digits (`pt-BR`, `es-419`), and a private part after `x` (`gsw-x-bern`). Any
other part begins a second language: `de-en` is a context in German with questions in English, `en-zh-Hant` one in
English with questions in Chinese of the traditional script.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

ENGLISH = "en"
"""The language that models are trained and selected in."""

_SCRIPT = re.compile(r"[A-Za-z]{4}")
_REGION = re.compile(r"[A-Z]{2}|[0-9]{3}")
_LATIN = "Latn"
# Scripts that are part of how a language is written, by the code for the whole of it.
_WRITTEN = {"Kore": ("Kore", "Hang"), "Jpan": ("Jpan", "Hira", "Kana")}
# Codes that ISO 639-1 had until 1989.
_WITHDRAWN = {"iw": "he", "in": "id", "ji": "yi", "jw": "jv"}


def context_language(name: str) -> str:
    """The language of what is read: of `de-en` (context German, question English) or `de`, German."""
    return languages_of(name)[0]


def question_language(name: str) -> str:
    """The language of what is asked: of `de-en` English, of `de` German."""
    return languages_of(name)[-1]


def primary_language(tag: str) -> str:
    """The code of a language in two or three letters, without script and region, which alone the Hub knows as one."""
    return tag.partition("-")[0]


def is_english(name: str) -> bool:
    """Whether a name is that of English, of any region, which a model trained in English has seen."""
    return primary_language(name) == ENGLISH and len(languages_of(name)) == 1


def zero_shot_languages(names: Iterable[str]) -> list[str]:
    """Those of `names` that are not English and have context and question in one language."""
    return [name for name in names if not is_english(name) and context_language(name) == question_language(name)]


@lru_cache(maxsize=4096)
def languages_of(name: str) -> tuple[str, ...]:
    """The tags in a name: that of a language, or those of context and question."""
    tags: list[list[str]] = []
    for part in name.split("-"):
        if tags and _goes_on(tags[-1], part):
            tags[-1].append(part)
        else:
            tags.append([part])
    return tuple("-".join(parts) for parts in tags)


def _goes_on(tag: list[str], part: str) -> bool:
    """Whether a part belongs to the tag before it."""
    if "x" in tag or part == "x":
        return tag[-1] == "x" or part == "x"
    if _SCRIPT.fullmatch(part):
        return len(tag) == 1
    return _REGION.fullmatch(part) is not None and not _REGION.fullmatch(tag[-1])


@lru_cache(maxsize=4096)
def canonical(name: str) -> str:
    """The one way in which a language or pair is written here, whichever way a data set has it.

    Parts are joined by `-` (`arb_Latn` is `arb-Latn`), a code of ISO 639-3 is that of ISO 639-1 where there is one
    (`deu` is `de`), and the script in which a language is usually written is left out (`deu_Latn` is `de`,
    `zho_Hans` is `zh`). A language that ISO 639-1 knows by its macrolanguage only is that, where nothing more is said:
    `arb_Arab` is `ar`, and `arb-Latn` stays. What is no tag comes back as it is.
    """
    return "-".join(_canonical(tag) for tag in languages_of(name.strip().replace("_", "-")))


def _canonical(tag: str) -> str:
    first, *others = tag.split("-")
    language = first.lower() if first.isalpha() and len(first) <= 3 else first
    if len(language) == 2 and not others:
        return _replaced(language)
    script = next((part.title() for part in others[:1] if _SCRIPT.fullmatch(part)), "")
    rest = others[1:] if script else others
    if script and script in _WRITTEN.get(usual_script(language), usual_script(language)):
        script = ""
    language = _shorter(language, alone=not script and not rest)
    return "-".join(part for part in (language, script, *rest) if part)


def _shorter(language: str, *, alone: bool) -> str:
    """The code of ISO 639-1 for one of three letters, if there is one."""
    from langcodes.data_dicts import NORMALIZED_MACROLANGUAGES

    same = _two_letters().get(language, language)
    whole = NORMALIZED_MACROLANGUAGES.get(same, same)
    return whole if alone and len(same) == 3 and len(whole) == 2 else same


def usual_script(language: str) -> str:
    """The script (ISO 15924) that a language is mostly written in, by CLDR; Latin where that says nothing.

    Of a language that CLDR does not have, it is that of its macrolanguage.
    """
    from langcodes.data_dicts import LIKELY_SUBTAGS, MACROLANGUAGES

    short = _two_letters().get(language, language)
    for one in (short, MACROLANGUAGES.get(short, "")):
        if found := LIKELY_SUBTAGS.get(one):
            return str(found.split("-")[1])
    return _LATIN


@lru_cache(maxsize=1)
def _two_letters() -> dict[str, str]:
    """Code of ISO 639-3 to that of ISO 639-1 for the same language."""
    from langcodes.data_dicts import LANGUAGE_ALPHA3

    return {long: _replaced(short) for short, long in LANGUAGE_ALPHA3.items() if len(short) == 2}


def _replaced(language: str) -> str:
    """The code that takes the place of one that was withdrawn: `he` for `iw`."""
    return _WITHDRAWN.get(language, language)


def codes_of(language: str) -> tuple[str, ...]:
    """The codes of ISO 639-3 that the first part of a tag stands for, the best first.

    A macrolanguage is also the language that is meant by it, as Standard Arabic by `ar`.
    """
    from langcodes.data_dicts import LANGUAGE_ALPHA3, NORMALIZED_MACROLANGUAGES

    meant = [one for one, whole in NORMALIZED_MACROLANGUAGES.items() if whole == language and len(one) == 3]
    return (LANGUAGE_ALPHA3.get(language, language), *meant)
