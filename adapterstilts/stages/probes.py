"""A few rows in many languages, to try models on where there are no rows of their task."""

from __future__ import annotations

from typing import Any

_CONTEXT = (
    "Ada Lovelace was born in London in 1815. She wrote the first program for a machine that was never built, and "
    "died in 1852."
)
_PAIRS = (
    ("The train arrived late in Berlin.", "Nobody was on time."),
    ("Der Zug kam zu spät in Berlin an.", "Niemand war pünktlich."),
    ("El tren llegó tarde a Berlín.", "Nadie llegó a tiempo."),
    ("火车晚点到达柏林。", "没有人准时。"),
    ("Поезд опоздал в Берлин.", "Никто не пришёл вовремя."),
    ("Treni ilichelewa kufika Berlin.", "Hakuna aliyefika kwa wakati."),
)


def probe_rows(columns: list[str]) -> list[dict[str, Any]]:
    """Rows with some canonical columns.

    Args:
        columns: Those that the kind reads.
    """
    rows = []
    for number, (first, second) in enumerate(_PAIRS):
        texts = {
            "text_a": first,
            "text_b": second,
            "context": _CONTEXT if number % 2 else f"{first} {second}",
            "question": second,
            "tokens": first.split(),
            "choices": [second, first],
        }
        rows.append({"id": str(number), "language": "en", **{name: texts.get(name, first) for name in columns}})
    return rows
