"""How families of translation models are told which languages to translate between."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from adapterstilts.data.translation.layout import Direction
from adapterstilts.errors import CompatibilityError, UsageError
from adapterstilts.languages import LANGUAGES, canonical
from adapterstilts.languages.tags import codes_of, usual_script

NLLB = MappingProxyType({
    "af": "afr_Latn", "ar": "arb_Arab", "az": "azj_Latn", "bg": "bul_Cyrl", "bn": "ben_Beng", "de": "deu_Latn",
    "el": "ell_Grek", "en": "eng_Latn", "es": "spa_Latn", "et": "est_Latn", "eu": "eus_Latn", "fa": "pes_Arab",
    "fi": "fin_Latn", "fr": "fra_Latn", "gu": "guj_Gujr", "he": "heb_Hebr", "hi": "hin_Deva", "ht": "hat_Latn",
    "hu": "hun_Latn", "id": "ind_Latn", "it": "ita_Latn", "ja": "jpn_Jpan", "jv": "jav_Latn", "ka": "kat_Geor",
    "kk": "kaz_Cyrl", "ko": "kor_Hang", "lt": "lit_Latn", "ml": "mal_Mlym", "mr": "mar_Deva", "ms": "zsm_Latn",
    "my": "mya_Mymr", "nl": "nld_Latn", "pa": "pan_Guru", "pl": "pol_Latn", "pt": "por_Latn", "qu": "quy_Latn",
    "ro": "ron_Latn", "ru": "rus_Cyrl", "sw": "swh_Latn", "ta": "tam_Taml", "te": "tel_Telu", "th": "tha_Thai",
    "tl": "tgl_Latn", "tr": "tur_Latn", "uk": "ukr_Cyrl", "ur": "urd_Arab", "vi": "vie_Latn", "wo": "wol_Latn",
    "yo": "yor_Latn", "zh": "zho_Hans",
})  # fmt: skip
"""Code of XTREME's languages to that of FLORES-200, which NLLB uses (NLLB Team 2022); it has others besides."""

# Codes of three letters, and of two that differ from ours, in the target tokens and settings of OPUS-MT's models.
_OPUS = {code: (code, name[:3]) for code, name in NLLB.items()} | {
    "ar": ("ar", "ara"), "et": ("et", "est", "ekk"), "fa": ("fa", "fas", "pes"), "ms": ("ms", "msa", "zsm", "zsm_Latn"),
    "pt": ("pt", "por", "pt_br", "pt_BR"), "qu": ("qu", "que", "quy"), "sw": ("sw", "swa", "swh"),
    "zh": ("zh", "zho", "cmn", "cmn_Hans", "zh_CN", "zh_cn"), "az": ("az", "aze", "azj", "aze_Latn"),
    "kk": ("kk", "kaz", "kaz_Cyrl"), "jv": ("jv", "jav"), "tl": ("tl", "tgl", "tgl_Latn"), "he": ("he", "heb", "iw"),
}  # fmt: skip

_MADLAD = {"nb": "no", "tl": "fil"}
"""Codes of MADLAD-400's tokens that differ from ours."""


@dataclass(frozen=True)
class Speaking:
    """What a model has to be told to translate in one direction.

    Attributes:
        prefix: What is written before every text.
        source: The tokenizer's name of the language that it reads, where it needs one.
        forced: Id of the token with which every translation begins, where there is one.
        codes: What the model calls the two languages, for the record.
    """

    family: str
    prefix: str = ""
    source: str | None = None
    forced: int | None = None
    codes: dict[str, str] = field(default_factory=dict)


def speak(tokenizer: Any, direction: Direction, *, name: str) -> Speaking:
    """What to tell a model.

    Args:
        name: What the user called the model.

    Raises:
        UsageError: The model does not have one of the languages; the message lists those that it has.
        CompatibilityError: It is of a family that is not known here.
    """
    family = type(tokenizer).__name__.removesuffix("Fast")
    if family not in _FAMILIES:
        known = ", ".join(one.removesuffix("Tokenizer") for one in sorted(_FAMILIES))
        raise CompatibilityError(
            f"--model {name} has the tokenizer {type(tokenizer).__name__}, and how its languages are named is not "
            "known.",
            remedy=f"Use a model of the families {known}.",
        )
    return _FAMILIES[family](tokenizer, direction, name)


def _marian(tokenizer: Any, direction: Direction, name: str) -> Speaking:
    """One pair of languages, or several targets of which one is written before the text as `>>deu<<`."""
    there = {"source": tokenizer.source_lang, "target": tokenizer.target_lang}
    targets = [code[2:-2] for code in tokenizer.supported_language_codes]
    if targets:
        code = next((one for one in _opus(direction.target) if one in targets), None)
        if code is None:
            raise _lacks(name, direction.target, _ours(targets))
        return Speaking("Marian", prefix=f">>{code}<< ", codes={"target": code})
    for side, language in (("source", direction.source), ("target", direction.target)):
        if there[side] and there[side] not in _opus(language):
            raise UsageError(
                f"--model {name} translates from {there['source']} to {there['target']}, not from "
                f"{LANGUAGES[direction.source]} to {LANGUAGES[direction.target]}.",
                remedy="Choose a model for these languages.",
            )
    return Speaking("Marian", codes={side: code for side, code in there.items() if code})


def _opus(language: str) -> tuple[str, ...]:
    """What OPUS-MT may call a language; where its tag has a script, with that alone."""
    if known := _OPUS.get(language):
        return known
    first, _, script = language.partition("-")
    codes = tuple(dict.fromkeys((first, *codes_of(first))))
    written = tuple(f"{code}_{script or usual_script(first)}" for code in codes)
    return written if script else (*codes, *written)


def _by_code(family: str, codes: Callable[[Any], Mapping[str, tuple[str, int]]]) -> Callable[..., Speaking]:
    """A family whose tokenizer is told the source language and whose decoder begins with the target language.

    Args:
        codes: Tokenizer to (its name of a language, id of the token for it) by our code.
    """

    def find(tokenizer: Any, direction: Direction, name: str) -> Speaking:
        there = codes(tokenizer)
        for language in (direction.source, direction.target):
            if language not in there:
                raise _lacks(name, language, sorted(there))
        (source, _), (target, forced) = there[direction.source], there[direction.target]
        return Speaking(family, source=source, forced=forced, codes={"source": source, "target": target})

    return find


def _nllb_codes(tokenizer: Any) -> dict[str, tuple[str, int]]:
    others = [code for code in tokenizer.get_added_vocab() if re.fullmatch(r"[a-z]{3}_[A-Z][a-z]{3}", code)]
    codes = {canonical(code): code for code in others} | dict(NLLB)
    found = {ours: (code, tokenizer.convert_tokens_to_ids(code)) for ours, code in codes.items()}
    return {ours: (code, id_) for ours, (code, id_) in found.items() if id_ not in (None, tokenizer.unk_token_id)}


def _m2m_codes(tokenizer: Any) -> dict[str, tuple[str, int]]:
    return {code: (code, id_) for code, id_ in tokenizer.lang_code_to_id.items() if code in LANGUAGES}


def _mbart_codes(tokenizer: Any) -> dict[str, tuple[str, int]]:
    return {code[:2]: (code, id_) for code, id_ in tokenizer.lang_code_to_id.items() if code[:2] in LANGUAGES}


def _t5(tokenizer: Any, direction: Direction, name: str) -> Speaking:
    """MADLAD-400 (Kudugunta et al. 2023): the target is a token before the text, as `<2de>`."""
    found = [one[2:-1] for one in tokenizer.get_vocab() if re.fullmatch(r"<2[a-z]{2,3}(_\w+)?>", one)]
    there = {canonical(code): code for code in found} | {code: code for code in found}
    there |= {ours: theirs for ours, theirs in _MADLAD.items() if theirs in found}
    if not there:
        raise CompatibilityError(
            f"--model {name} has no tokens for languages, such as <2de>.", remedy="Use a model that translates."
        )
    if direction.target not in there:
        raise _lacks(name, direction.target, sorted(set(there) & set(LANGUAGES)))
    code = there[direction.target]
    return Speaking("T5", prefix=f"<2{code}> ", codes={"target": code})


def _ours(codes: list[str]) -> list[str]:
    """Our codes for theirs, and theirs where we have none."""
    names = {theirs: ours for ours, every in _OPUS.items() for theirs in every}
    return sorted({names.get(code, canonical(code)) for code in codes})


def _lacks(name: str, language: str, there: list[str]) -> UsageError:
    return UsageError(
        f"--model {name} has no {LANGUAGES[language]} ({language}).", remedy=f"Its languages are: {', '.join(there)}."
    )


_FAMILIES: dict[str, Callable[[Any, Direction, str], Speaking]] = {
    "MarianTokenizer": _marian,
    "NllbTokenizer": _by_code("NLLB", _nllb_codes),
    "M2M100Tokenizer": _by_code("M2M100", _m2m_codes),
    "MBart50Tokenizer": _by_code("mBART-50", _mbart_codes),
    "T5Tokenizer": _t5,
}
