"""What the rows of a transfer have to do with translations, in words."""

from __future__ import annotations

from collections.abc import Sequence

from adapterstilts.commands.results import TransferRow
from adapterstilts.languages import ENGLISH, LANGUAGES


def translation_suffix(row: TransferRow) -> str:
    """What is added to the name of a row that was trained on translations or scored in translation."""
    trained = f", translate-train {'+'.join(row.train_languages)}" if _foreign(row.train_languages) else ""
    return trained + (", translate-test" if row.translate_test else "")


def mean_name(rows: Sequence[TransferRow]) -> str:
    """What the mean over languages other than English is called: zero-shot only where it is that in every row."""
    plain = all(not translation_suffix(row) and not row.source_languages for row in rows)
    return "zero-shot mean" if plain else "mean without en"


def translation_notes(rows: Sequence[TransferRow]) -> list[str]:
    """How translations entered the rows of a table."""
    found: list[str] = []
    for row in rows:
        for source, languages in row.source_languages.items():
            found.append(f"{source}: trained {_training(languages)}.")
        if _foreign(row.train_languages):
            found.append(
                f"translate-train: target phase trained {_training(row.train_languages)}; checkpoints selected on "
                "English validation data."
            )
        if row.translate_test:
            found.append("translate-test: English translations of each language's rows were scored; en is as it is.")
    return list(dict.fromkeys(found))


def _training(languages: Sequence[str]) -> str:
    own = "in English and " if ENGLISH in languages else ""
    return f"{own}on translations of its English rows into {_named(_foreign(languages))}"


def _foreign(languages: Sequence[str]) -> list[str]:
    return [code for code in languages if code != ENGLISH]


def _named(codes: Sequence[str]) -> str:
    return ", ".join(LANGUAGES[code] for code in codes)
