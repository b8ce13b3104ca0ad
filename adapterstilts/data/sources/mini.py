"""Rows of the embedded suite."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from adapterstilts.data.bad_rows import BadRows
from adapterstilts.data.sources.rows import Source, canonical_rows, prefixed, some, with_split
from adapterstilts.languages import context_language, question_language
from adapterstilts.runs.memory import Memory
from adapterstilts.tasks.recipe import Recipe
from adapterstilts.tasks.sources import MiniSource

if TYPE_CHECKING:
    from datasets import Dataset


class MiniRows:
    """Rows of the embedded suite, generated when asked for."""

    name = "mini"

    def of(self, task: Recipe) -> Source:
        return self

    def languages(self, task: Recipe, benchmark: str | None) -> tuple[str, ...]:
        from adapterstilts import mini

        own = task.source("mini").languages
        if own and benchmark is None:
            return own
        return tuple(language for language in task.languages_of(benchmark) if language in mini.LANGUAGES)

    def missing(self, task: Recipe, split: str, language: str) -> str | None:
        from adapterstilts import mini

        # English is the language to train in, even of tasks that are not evaluated in it.
        part = task.source("mini")
        offered = {"en", *task.all_languages, *part.languages} & set(mini.LANGUAGES)
        has = part.has(split) and {context_language(language), question_language(language)} <= offered
        return None if has else f"{split} rows of {task.name} in {language!r}"

    def fingerprint(self, task: Recipe, split: str, language: str) -> str:
        from adapterstilts import mini

        def name(part: MiniSource) -> str:
            options = ",".join(f"{name}={value}" for name, value in sorted(part.options.items()))
            return f"{part.generator}({options}):{part.splits[split]}{':turned' * part.turned}"

        parts = "+".join(name(part) for part in with_split(task.source("mini"), split))
        return f"mini:{mini.fingerprint()}:{parts}:{split}:{language}"

    def look(self, task: Recipe, split: str, language: str, size: int, bad: BadRows) -> tuple[int, Dataset] | None:
        parts = with_split(task.source("mini"), split)
        if task.kind == "retrieval":  # sizes are those of what its rows are made of
            return some(self.load(task, split, language, bad), size)
        count = sum(part.splits[split] for part in parts)
        fewer = [{split: max(1, round(part.splits[split] * min(1, size / count)))} for part in parts]
        few = [part.model_copy(update={"splits": told}) for part, told in zip(parts, fewer, strict=True)]
        rows = _rows(few, split, context_language(language))
        where = f"the {split} split of {task.name} in the embedded suite"
        return count, canonical_rows(task, ((where, row) for row in rows), where, bad)

    def load(self, task: Recipe, split: str, language: str, bad: BadRows) -> Dataset:
        rows = _generated(task, split, context_language(language))
        if context_language(language) != question_language(language):
            # The suite's rows are parallel: the same ids in all languages.
            asked = {row["id"]: row["question"] for row in _generated(task, split, question_language(language))}
            rows = [{**row, "question": asked[row["id"]]} for row in rows]
        where = f"the {split} split of {task.name} ({language}) in the embedded suite"
        return canonical_rows(task, ((where, row) for row in rows), where, bad)


def _generated(task: Recipe, split: str, language: str) -> list[dict[str, Any]]:
    return _rows(with_split(task.source("mini"), split), split, language)


def _rows(parts: list[MiniSource], split: str, language: str) -> list[dict[str, Any]]:
    rows = []
    for number, part in enumerate(parts):
        told = _told(part.generator, split, language, part.splits[split], json.dumps(part.options, sort_keys=True))
        rows += [prefixed(row, number, parts) for row in (_turned(told) if part.turned else told)]
    return rows


def _turned(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Candidates as queries, whose gold are the queries that they were the gold of."""
    asked = {row["id"]: row for row in rows if row["side"] == "query"}
    gold: dict[str, list[str]] = {}
    for id_, row in asked.items():
        for answer in row["gold"]:
            gold.setdefault(answer, []).append(id_)
    pool = [row for row in rows if row["side"] == "candidate"]
    queries = [{**row, "side": "query", "gold": gold.get(row["id"], [])} for row in pool]
    return queries + [{**row, "side": "candidate", "gold": []} for row in asked.values()]


@lru_cache(maxsize=32)
def _told(name: str, split: str, language: str, size: int, options: str) -> list[dict[str, Any]]:
    """Rows of one generator, kept because a comparison asks for the same ones again and again, and so do commands."""
    from adapterstilts import mini
    from adapterstilts.mini.generators import generator

    def tell() -> list[dict[str, Any]]:
        return generator(name)(split=split, language=language, size=size, **json.loads(options))

    what = (f"rows of the embedded suite: {mini.fingerprint()}", name, split, language, str(size), options)
    return Memory.of_user().recall(*what, find=tell)
