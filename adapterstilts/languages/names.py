"""What languages are called in English."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from adapterstilts.languages.tags import languages_of

_XTREME = {
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
# Private parts of tags, which no registry has.
_PRIVATE = {"gsw-x-bern": "Swiss German (Bern)", "gsw-x-zurich": "Swiss German (Zurich)"}


class Languages(Mapping[str, str]):
    """Tag to English name of every language that BCP 47 and CLDR know, in one of its scripts or regions.

    Those of XTREME and XTREME-R come first where it is walked through, and are all that it then gives: they are what
    a misspelt code is compared with.
    """

    def __getitem__(self, tag: str) -> str:
        if found := _XTREME.get(tag) or _PRIVATE.get(tag) or _registered(tag):
            return found
        raise KeyError(tag)

    def __iter__(self) -> Iterator[str]:
        return iter(_XTREME)

    def __len__(self) -> int:
        return len(_XTREME)


LANGUAGES: Mapping[str, str] = Languages()
"""Tag to English name."""


def _registered(tag: str) -> str | None:
    """The name of a tag in CLDR; None if it is no tag of one language."""
    import langcodes

    if languages_of(tag) != (tag,) or not langcodes.tag_is_valid(tag):
        return None
    found = str(langcodes.Language.get(tag, normalize=False).display_name())
    return None if found.startswith(("Unknown", "Unknown language")) else found
