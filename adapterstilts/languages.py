"""The languages of XTREME and XTREME-R, by ISO 639-1 code."""

from __future__ import annotations

from collections.abc import Iterable

from adapterstilts.errors import UsageError, unknown

ENGLISH = "en"
"""The language that models are trained and selected in."""

LANGUAGES: dict[str, str] = {
    "af": "Afrikaans", "ar": "Arabic", "az": "Azerbaijani", "bg": "Bulgarian", "bn": "Bengali",
    "de": "German", "el": "Greek", "en": "English", "es": "Spanish", "et": "Estonian",
    "eu": "Basque", "fa": "Persian", "fi": "Finnish", "fr": "French", "gu": "Gujarati",
    "he": "Hebrew", "hi": "Hindi", "ht": "Haitian Creole", "hu": "Hungarian", "id": "Indonesian",
    "it": "Italian", "ja": "Japanese", "jv": "Javanese", "ka": "Georgian", "kk": "Kazakh",
    "ko": "Korean", "lt": "Lithuanian", "ml": "Malayalam", "mr": "Marathi", "ms": "Malay",
    "my": "Burmese", "nl": "Dutch", "pa": "Punjabi", "pl": "Polish", "pt": "Portuguese",
    "qu": "Quechua", "ro": "Romanian", "ru": "Russian", "sw": "Swahili", "ta": "Tamil",
    "te": "Telugu", "th": "Thai", "tl": "Tagalog", "tr": "Turkish", "uk": "Ukrainian",
    "ur": "Urdu", "vi": "Vietnamese", "wo": "Wolof", "yo": "Yoruba", "zh": "Chinese",
}  # fmt: skip


def context_language(name: str) -> str:
    """The language of what is read: of `de-en` (context German, question English) or `de`, German."""
    return name.partition("-")[0]


def question_language(name: str) -> str:
    """The language of what is asked: of `de-en` English, of `de` German."""
    context, dash, question = name.partition("-")
    return question if dash else context


def zero_shot_languages(names: Iterable[str]) -> list[str]:
    """Those of `names` that are not English and have context and question in one language."""
    return [name for name in names if name != "en" and context_language(name) == question_language(name)]


def check_languages(codes: Iterable[str], *, available: Iterable[str], owner: str) -> tuple[str, ...]:
    """Returns `codes` as a tuple once each of them is known and offered by `owner`.

    Raises:
        UsageError: A code is unknown, given twice, or not among `available`.
    """
    offered = list(available)
    chosen: list[str] = []
    for code in codes:
        for part in code.split("-"):
            if part not in LANGUAGES:
                raise unknown("language", part, LANGUAGES)
        if code not in offered:
            raise UsageError(
                f"{owner} has no {' with '.join(LANGUAGES[part] for part in code.split('-'))} ({code}).",
                remedy=f"Its languages are: {', '.join(offered)}.",
            )
        if code in chosen:
            raise UsageError(f"Language {code!r} is given twice.", remedy="Give each language once.")
        chosen.append(code)
    return tuple(chosen)


def check_training_languages(names: Iterable[str] | None, translations: object, *, flag: str) -> tuple[str, ...]:
    """The languages to train in; English where none are given.

    Args:
        translations: Where translations come from, if that is given.
        flag: The option that names the languages.

    Raises:
        UsageError: A language is unknown or given twice, or there are translations and no language for them.
    """
    chosen = check_languages(names or (ENGLISH,), available=LANGUAGES, owner=flag)
    if translations is not None and chosen == (ENGLISH,):
        raise UsageError(
            f"--translations {translations} has no meaning for training in English alone.",
            remedy=f"Name the languages to train in with {flag}, or leave it out.",
        )
    return chosen
