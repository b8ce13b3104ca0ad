"""Groups of languages: a family, a part of the world, or a script."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

from adapterstilts.errors import unknown
from adapterstilts.languages.tags import codes_of, context_language, usual_script

GROUP = "group:"
"""What stands before the name of a group where languages can be named one by one."""

EVERY = "all"
"""What stands for all languages there."""

WITHOUT = "-"
"""What stands before a language there that is left out of a group or of all."""


def is_several(name: str) -> bool:
    """Whether it stands for any number of languages, or for all but one."""
    return name == EVERY or name.startswith((GROUP, WITHOUT))


@dataclass(frozen=True)
class Origin:
    """Where a language comes from, by Glottolog.

    Attributes:
        family: The whole family, such as `Indo-European`, or `isolate`; empty where it is not known.
        region: Africa, Americas, Asia, Europe or Oceania: where most of the countries are that it is at home in.
    """

    family: str = ""
    region: str = ""


def origin_of(name: str) -> Origin:
    """Family and part of the world of a language, or of a pair's context language."""
    language = context_language(name).partition("-")[0]
    return next((_origins()[code] for code in codes_of(language) if code in _origins()), Origin())


def script_of(name: str) -> str:
    """The script (ISO 15924) of a language as its tag says, or the one that it is mostly written in."""
    language, *rest = context_language(name).split("-")
    said = rest[0] if rest and len(rest[0]) == 4 else ""
    return said or usual_script(language)


def in_group(group: str, names: Iterable[str]) -> list[str]:
    """Those languages that belong to a family, part of the world, or script, given without `group:`.

    `africa`, `indo-european` and `cyrl` are groups; capital letters do not count, and spaces are `-`.

    Raises:
        UsageError: There is no such group; near names are suggested.
    """
    wanted = _plain(group)
    given = list(names)
    found = [name for name in given if wanted in _groups_of(name)]
    if not found and wanted not in _all_groups() | {one for name in given for one in _groups_of(name)}:
        offered = {one for name in given for one in _groups_of(name)} or _all_groups()
        raise unknown("group of languages", group, sorted(offered))
    return found


def _groups_of(name: str) -> set[str]:
    origin = origin_of(name)
    return {_plain(one) for one in (origin.family, origin.region, script_of(name)) if one}


def _all_groups() -> set[str]:
    return {_plain(one) for origin in set(_origins().values()) for one in (origin.family, origin.region) if one}


def _plain(group: str) -> str:
    return group.strip().lower().replace(" ", "-").replace("_", "-")


@lru_cache(maxsize=1)
def _origins() -> dict[str, Origin]:
    """Code of ISO 639-3 to origin, from `scripts/build_languages`."""
    content = json.loads((files(__package__) / "glottolog.json").read_text(encoding="utf-8"))
    return {
        code: Origin(family, region)
        for family, regions in content["families"].items()
        for region, codes in regions.items()
        for code in codes.split()
    }
