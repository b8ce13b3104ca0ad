"""Weighted sums of language adapters as they are written: `0.6*de+0.4*KEY` (Klimaszewski et al. 2024)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from typing import Annotated

from pydantic import AfterValidator

from adapterstilts.commands.options.values import LanguageFiles
from adapterstilts.languages import LANGUAGES, canonical
from adapterstilts.sharing.references import is_reference

# Weights that anybody means are far smaller, and floats go on for 300 digits.
_MOST = 1000
_SHOWN = 60
# Nothing but a product is written with it, whatever runs and languages are called.
_TIMES = "*"
_WEIGHT = r"\d+/[1-9]\d*|\d+(?:\.\d*)?|\.\d+"
_TERM = re.compile(rf"(?P<sign>[+-]?)\s*(?P<weight>{_WEIGHT})\s*\*(?P<adapter>[^*]+)")
_BETWEEN = re.compile(rf"(?<=[^\s+-])\s*(?=[+-]\s*(?:{_WEIGHT})\s*\*)")


@dataclass(frozen=True)
class Term:
    """One of the language adapters of a sum.

    Attributes:
        adapter: A language, the first digits of a run's key, or where a shared one is.
    """

    weight: float
    adapter: str

    @property
    def language(self) -> str | None:
        """The language whose own adapter is meant; None where it is a certain one."""
        return code if (code := canonical(self.adapter)) in LANGUAGES else None


def read_sum(text: str) -> tuple[Term, ...]:
    """The terms of a weighted sum; nothing where a text is not one, but a single adapter.

    Raises:
        ValueError: It is malformed or has one term alone, a weight is zero or very large, or an adapter is there twice.
    """
    shown = repr(text[:_SHOWN])
    if _TIMES not in text:
        languages = [canonical(part.strip()) in LANGUAGES for part in text.split("+")]
        if len(languages) == 1 or not all(languages):
            return ()
    matches = [_TERM.fullmatch(part) for part in _BETWEEN.split(text.strip())]
    terms = [term for match in matches if match and (term := _term(match))]
    if len(terms) < max(2, len(matches)):
        raise ValueError(f"{shown} is not of the form WEIGHT*ADAPTER+WEIGHT*ADAPTER, such as 0.6*de+0.4*en")
    adapters = [term.language or term.adapter for term in terms]
    if twice := next((one for one in adapters if adapters.count(one) > 1), None):
        raise ValueError(f"{shown} has {twice[:_SHOWN]} twice")
    if large := next((term for term in terms if abs(term.weight) > _MOST), None):
        raise ValueError(f"{shown} has {large.adapter[:_SHOWN]} with a weight above {_MOST:,}")
    if nothing := next((term.adapter for term in terms if not term.weight), None):
        raise ValueError(f"{shown} has {nothing[:_SHOWN]} with the weight 0: leave it out")
    return tuple(terms)


def written(weights: list[tuple[float, str]]) -> str:
    """A sum as results have it."""
    return "".join(f"{weight:+g}*{name}" for weight, name in weights).removeprefix("+")


def _term(match: re.Match[str]) -> Term | None:
    adapter = match["adapter"].strip()
    # A `+` that is left has no weight behind it, unless it is in a path.
    if not adapter or ("+" in adapter and not is_reference(adapter)):
        return None
    weight = float(min(Fraction(match["weight"]), Fraction(_MOST + 1)))
    return Term(-weight if match["sign"] == "-" else weight, adapter)


def _checked(given: dict[str, str]) -> dict[str, str]:
    for text in given.values():
        read_sum(text)
    return given


AdapterAssignments = Annotated[LanguageFiles, AfterValidator(_checked)]
"""Languages with a language adapter each, or a weighted sum of several."""


def _fallback(given: str) -> str:
    return given if read_sum(given) else canonical(given)


LanguageFallback = Annotated[str, AfterValidator(_fallback)]
"""A language, or a weighted sum of language adapters."""
