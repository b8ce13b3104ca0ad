"""What a translation gave, as text for a terminal."""

from __future__ import annotations

from adapterstilts.commands.translate import TranslationResult
from adapterstilts.languages import LANGUAGES


def translation_summary(result: TranslationResult) -> str:
    """One direction, in a few lines."""
    source, target = LANGUAGES[result.source_language], LANGUAGES[result.target_language]
    dropped = [f"  dropped      {count:,}: {reason}" for reason, count in result.dropped.items()]
    share = 100 * result.cut_short / max(result.texts, 1)
    cut = f", {result.cut_short:,} ({share:.0f}%) cut short" if result.cut_short else ""
    return "\n".join(
        [
            f"{result.title}, {result.split} split, {source} to {target} with {result.model}: {result.rows:,} rows",
            *dropped,
            f"  texts        {result.texts:,} translated once, {result.repeated_texts:,} repetitions{cut}",
            f"  file         {result.path}",
        ]
    )
