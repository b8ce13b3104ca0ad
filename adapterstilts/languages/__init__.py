"""Languages as BCP 47 tags: how they are written, what they are called, and which groups they belong to."""

from __future__ import annotations

from adapterstilts.languages.checks import (
    check_languages,
    check_training_languages,
    known_language,
    named_languages,
    shown,
)
from adapterstilts.languages.groups import GROUP, WITHOUT, Origin, in_group, is_several, origin_of, script_of
from adapterstilts.languages.names import LANGUAGES
from adapterstilts.languages.tags import (
    ENGLISH,
    canonical,
    context_language,
    is_english,
    languages_of,
    primary_language,
    question_language,
    zero_shot_languages,
)

__all__ = [
    "ENGLISH",
    "GROUP",
    "LANGUAGES",
    "WITHOUT",
    "Origin",
    "canonical",
    "check_languages",
    "check_training_languages",
    "context_language",
    "in_group",
    "is_english",
    "is_several",
    "known_language",
    "languages_of",
    "named_languages",
    "origin_of",
    "primary_language",
    "question_language",
    "script_of",
    "shown",
    "zero_shot_languages",
]
