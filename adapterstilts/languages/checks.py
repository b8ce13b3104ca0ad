"""Whether languages that are asked for are known and offered."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from adapterstilts.errors import UsageError, unknown
from adapterstilts.languages.groups import GROUP, in_group
from adapterstilts.languages.names import LANGUAGES
from adapterstilts.languages.tags import ENGLISH, canonical, languages_of

_SHOWN = 60


def check_languages(codes: Iterable[str], *, available: Collection[str], owner: str) -> tuple[str, ...]:
    """Returns `codes` as canonical names, groups as their members, once each is known and offered by `owner`.

    Raises:
        UsageError: A code or group is unknown, given twice, or not among `available`.
    """
    chosen: list[str] = []
    for code in named_languages(codes, available):
        if code not in available:
            spoken = " with ".join(LANGUAGES[part] for part in languages_of(code))
            raise UsageError(f"{owner} has no {spoken} ({code}).", remedy=f"Its languages are: {shown(available)}.")
        if code in chosen:
            raise UsageError(f"Language {code!r} is given twice.", remedy="Give each language once.")
        chosen.append(code)
    return tuple(chosen)


def named_languages(codes: Iterable[str], available: Collection[str]) -> list[str]:
    """Canonical names of languages and pairs, and in the place of each `group:NAME` its members among `available`.

    Raises:
        UsageError: A language or group is unknown, or none of `available` is in the group.
    """
    found: list[str] = []
    for given in codes:
        if given.startswith(GROUP):
            group = given.removeprefix(GROUP)
            if not (members := in_group(group, available)):
                raise UsageError(
                    f"None of the languages here is in the group {group!r}.", remedy=f"They are: {shown(available)}."
                )
            found += [one for one in members if one not in found]
        else:
            found.append(known_language(given))
    return found


def known_language(given: str) -> str:
    """The canonical name of a language or pair.

    Raises:
        UsageError: There is no such language; near codes are suggested.
    """
    name = canonical(given)
    for part in languages_of(name):
        if part not in LANGUAGES:
            raise unknown("language", part, LANGUAGES)
    return name


def shown(codes: Collection[str]) -> str:
    """Codes as a list of a length that can be read."""
    first = list(codes)[:_SHOWN]
    more = len(codes) - len(first)
    return ", ".join(first) + (f" and {more} more" if more > 0 else "")


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
