"""Whether languages that are asked for are known and offered."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from adapterstilts.errors import UsageError, unknown
from adapterstilts.languages.groups import EVERY, GROUP, WITHOUT, in_group, is_several
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


def named_languages(names: Iterable[str], available: Collection[str]) -> list[str]:
    """Canonical names of languages and pairs, with `all` and each `group:NAME` replaced by its members.

    Args:
        names: Those that begin with `-` are left out of the others, or of all that are available.
        available: What `all` and groups are about.

    Raises:
        UsageError: A language or group is unknown, or none of `available` is in the group.
    """
    given = list(names)
    left_out = {known_language(name.removeprefix(WITHOUT)) for name in given if name.startswith(WITHOUT)}
    found: list[str] = []
    for name in [name for name in given if not name.startswith(WITHOUT)] or ([EVERY] if left_out else []):
        found += [one for one in _members(name, available) if one not in found or not is_several(name)]
    return [one for one in found if one not in left_out]


def _members(name: str, available: Collection[str]) -> Collection[str]:
    if not is_several(name):
        return [known_language(name)]
    members = available if name == EVERY else in_group(name.removeprefix(GROUP), available)
    if not members:
        raise UsageError(
            f"None of the languages here is in the group {name.removeprefix(GROUP)!r}.",
            remedy=f"They are: {shown(available)}.",
        )
    return members


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
