"""Answers as a table has them, which are found in their contexts."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from adapterstilts.parsed import as_offset, as_text, from_json

_CONTEXTS, _ANSWERS = ("context", "passage", "paragraph"), ("answer", "answers", "answertext")
# So many different values can be labels.
_LABELS = 3


def located(value: Any, context: str, *, starts: bool) -> Mapping[str, Any]:
    """The answers of a question with the characters of the context that they begin at.

    Args:
        value: A text, several, or what a JSON object has; empty where there is no answer. Each is where the context
            has it first.
        starts: Whether the value is a text and where it begins, from two columns.

    Raises:
        ValueError: An answer is not in the context.
    """
    if isinstance(value, str) and value.strip()[:1] == "{":
        try:
            found = from_json(value)
        except ValueError:
            found = None
        if isinstance(found, dict):
            return found
    if starts:
        text, start = value if isinstance(value, list) and len(value) == 2 else (value, None)
        text = as_text(text or "", "its answer is no text")
        return {"text": [text], "answer_start": [as_offset(start)]} if text else {"text": [], "answer_start": []}
    given = [] if value is None else value if isinstance(value, list) else [value]
    texts = [text for one in given if (text := as_text(one, f"its answer is not text but {one!r:.40}").strip())]
    for text in texts:
        if text not in context:
            raise ValueError(f"its answer {text!r:.60} is not in its context")
    return {"text": texts, "answer_start": [context.index(text) for text in texts]}


def are_of_contexts(records: Sequence[Mapping[str, Any]]) -> bool:
    """Whether records have a question, a context, and an answer that is a part of it in most.

    Answers of few values, such as `yes` and `no`, are labels, although most contexts have these words in them.
    """
    within, different = 0, set[str]()
    for record in records:
        plain = {re.sub("[^a-z0-9]", "", str(name).lower()): value for name, value in record.items()}
        context, answer = (
            next((plain[name] for name in names if name in plain), None) for names in (_CONTEXTS, _ANSWERS)
        )
        if "question" not in plain or not isinstance(context, str) or not isinstance(answer, str | None):
            return False
        text = (answer or "").strip()
        within += bool(text) and text in context
        different.add(text)
    return 2 * within > len(records) and len(different) > max(_LABELS, len(records) // 2)
