"""Mewsli-X: mentions of entities in news, and the descriptions of entities that they are to be linked with."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from adapterstilts.data.bad_rows import BadRows
from adapterstilts.data.formats.aligned import side
from adapterstilts.data.formats.files import check_unicode, json_object, read_lines
from adapterstilts.data.formats.registry import Records, register
from adapterstilts.parsed import get_list, get_object, get_text, get_whole_number

_BRACES = re.compile(r"\{(.*?)\}")


@register("mewslix", "wikinews_mentions-*.jsonl", "candidate_set_entities.jsonl")
def read_mewslix(paths: tuple[Path, ...], language: str, bad: BadRows) -> Records:
    """Mewsli-X: an article with its mentions per line, and an entity per line of the other file; retrieval rows.

    Queries are the mentions in articles of `language`; candidates all entities, described in whichever language the
    release chose, which their row says. Ids are the release's. Articles have text only once the release's own script
    has put it there (`get-mewsli-x.sh`). A mention reads as in XTREME-R's baseline (`preprocess_mention` in
    `third_party/utils_mewslix.py`): `Smith: The verdict came back for { Smith } .`, its sentence after it.
    """
    seen: set[str] = set()
    for number, line in read_lines(paths[0]):
        where = f"line {number}"
        try:
            article = json_object(line)
            context, mentions = get_object(article, "context"), get_list(article, "mentions")
            if get_text(context, "language") != language:
                continue
            if not get_text(context, "text").strip():
                raise ValueError("the article has no text: the release's script get-mewsli-x.sh puts it there")
        except ValueError as error:
            bad.report(paths[0], where, str(error))
            continue
        for position, mention in enumerate(mentions):
            place = f"mention {position} of {where}"
            try:
                # XTREME's download empties the ids of its test files.
                entity_id = get_text(mention, "entity_id")
                gold = [entity_id] if entity_id else []
                row = side(_own(mention, "example_id", seen), mark_mention(context, mention), gold=gold)
            except ValueError as error:
                bad.report(paths[0], place, str(error))
                continue
            seen.add(row["id"])
            yield place, row
    seen = set()
    for number, line in read_lines(paths[1]):
        try:
            entity = json_object(line)
            row = side(_own(entity, "entity_id", seen), describe(entity), context=get_text(entity, "title"))
            row["language"] = get_text(entity, "description_language")
        except ValueError as error:
            bad.report(paths[1], f"line {number}", str(error))
            continue
        seen.add(row["id"])
        yield f"line {number} of {paths[1].name}", row


@register("mewslix_pairs", "wikipedia_pairs-*.jsonl")
def read_mewslix_pairs(paths: tuple[Path, ...], language: str, bad: BadRows) -> Records:
    """Mewsli-X's English training pairs: a mention in its Wikipedia paragraph and the entity's description per line."""
    seen: set[str] = set()
    for number, line in read_lines(paths[0]):
        try:
            pair = json_object(line)
            contextual, entity = get_object(pair, "contextual_mention"), get_object(pair, "entity")
            context, mention = get_object(contextual, "context"), get_object(contextual, "mention")
            row = {
                **side(_own(mention, "example_id", seen), mark_mention(context, mention), gold=[]),
                "positive": describe(entity),
                "positive_context": get_text(entity, "title"),
            }
        except ValueError as error:
            bad.report(paths[0], f"line {number}", str(error))
            continue
        seen.add(row["id"])
        yield f"line {number}", row


def mark_mention(context: dict[str, Any], mention: Any) -> str:
    """The mention, and the sentence (or sentences) that it stands in with braces around it.

    Raises:
        ValueError: The mention is not where its offsets say.
    """
    text, span = get_text(context, "text"), get_object(mention, "mention_span")
    start, end, name = get_whole_number(span, "start"), get_whole_number(span, "end"), get_text(span, "text")
    if not 0 <= start < end or text[start:end] != name:
        raise ValueError(f"the mention {name!r} is not at offset {start}, where the text has {text[start:end]!r}")
    check_unicode(text)
    spans = get_list(context, "sentence_spans")
    sentences = [(get_whole_number(one, "start"), get_whole_number(one, "end")) for one in spans]
    # A mention that crosses a sentence's end keeps all of its sentences.
    first = max((begin for begin, _ in sentences if begin <= start), default=0)
    last = min((stop for _, stop in sentences if stop >= end), default=len(text))
    before, after = (_BRACES.sub(r"(\1)", part) for part in (text[first:start], text[end:last]))
    return " ".join(f"{name}: {before} {{ {name} }} {after}".split())


def describe(entity: dict[str, Any]) -> str:
    """The entity's description on one line; ValueError if it has none."""
    text = get_text(entity, "description")
    check_unicode(text)
    if not text.strip():
        raise ValueError("the description is empty")
    return " ".join(text.split())


def _own(record: Any, name: str, seen: set[str]) -> str:
    """The record's id, which no other may have."""
    id_ = get_text(record, name)
    if id_ in seen:
        raise ValueError(f"the id {id_!r} is used twice")
    return id_
