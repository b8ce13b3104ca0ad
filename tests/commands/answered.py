"""Questions of a user's own, and the options with which a copy of the trained store answers them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from adapterstilts.mini.generators.span_qa import span_qa


def questions(count: int, language: str = "de") -> list[dict[str, Any]]:
    """Records with columns of the user's own, and without gold answers."""
    rows = span_qa(split="test", language=language, size=count)
    return [{"nr": number, "story": row["context"], "query": row["question"]} for number, row in enumerate(rows)]


def write_records(path: Path, records: Sequence[dict[str, Any]]) -> Path:
    path.write_text("".join(f"{json.dumps(one, ensure_ascii=False)}\n" for one in records), encoding="utf-8")
    return path


def read_records(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
