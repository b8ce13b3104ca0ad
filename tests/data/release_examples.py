"""Small files in the formats of releases, for the tests of readers."""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path
from typing import Any

from adapterstilts.data.bad_rows import BadRows
from adapterstilts.data.formats import FORMATS

Content = str | bytes | dict | list

CONLLU = (
    "# text = zum Haus\n1-2\tzum\t_\t_\t_\t_\t_\t_\t_\t_\n"
    "1\tzu\tzu\tADP\t_\t_\t_\t_\t_\t_\n2\tdem\tder\tDET\t_\t_\t_\t_\t_\t_\n"
)
COPA = (
    '<copa-corpus version="1.0"><item id="7" asks-for="cause" most-plausible-alternative="2">'
    "<p>My body cast a shadow.</p><a1>The grass was cut.</a1><a2>The sun was rising.</a2></item></copa-corpus>"
)
SOURCE, ENGLISH, GOLD = "de-1\tJa.\nde-2\tNein.\n", "en-1\tNo.\nen-2\tMaybe.\n", "de-2\ten-1\n"
RACE = json.dumps(
    {"article": "It rained.", "questions": ["Why?"], "options": [["a", "b"]], "answers": ["B"], "id": "x"}
)
TAXI = "pairID\tpromptID\tsentence1\tsentence2\tgold_label\tnegation\tcausal\n"
CONTEXT = "Ann came. Bob left."
QUESTION: dict[str, Any] = {"id": "q", "question": "Who left?", "answers": [{"text": "Bob", "answer_start": 10}]}
ARTICLE: dict[str, Any] = {
    "context": {
        "language": "en",
        "text": "It rained. In Helsinki, the union is on strike. It ends.",
        "sentence_spans": [{"start": 0, "end": 10}, {"start": 11, "end": 47}, {"start": 48, "end": 56}],
    },
    "mentions": [
        {"example_id": "m1", "entity_id": "Q1757", "mention_span": {"start": 14, "end": 22, "text": "Helsinki"}}
    ],
}
ENTITY = {"entity_id": "Q1757", "title": "Helsinki", "description": "Stadt in\nFinnland.", "description_language": "de"}
PAIR = {
    "contextual_mention": {"context": ARTICLE["context"], "mention": ARTICLE["mentions"][0]},
    "entity": {**ENTITY, "description_language": "en"},
}

# Test files as XTREME's download leaves them, after `utils_preprocess.py` has taken out what is right.
XTREME_PAIRS = (
    "Nun, daran dachte ich nicht einmal.\tIch habe nicht wieder mit ihm gesprochen.\r\n"
    '"Er sagte: ""Ja"""\tWir hatten ein tolles Gespräch.\r\n'
)
XTREME_WORDS = "kun\nsais\ntän\n.\n\n10\u00a0000\neuroa\n"
XTREME_QUESTION: dict[str, Any] = {"answers": [{"answer_start": 0, "text": ""}], "question": "Who left?", "id": "q"}


def squad(*questions: Any, **paragraph: Any) -> dict:
    return {"data": [{"paragraphs": [{"context": CONTEXT, "qas": list(questions), **paragraph}]}]}


def xtreme_squad(*questions: Any) -> dict:
    """Each question in an article and a paragraph of its own."""
    articles = [{"paragraphs": [{"context": CONTEXT, "qas": [question]}]} for question in questions]
    return {"data": articles, "version": "1.1"}


def xquad_r(*questions: Any, breaks: Any = ((0, 9), (10, 19))) -> dict:
    return squad(*questions, sentence_breaks=breaks)


def archive(contents: dict[str, str]) -> bytes:
    """A tar.gz with these files."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w:gz") as tar:
        for name, text in contents.items():
            info = tarfile.TarInfo(name)
            info.size = len(text.encode())
            tar.addfile(info, io.BytesIO(text.encode()))
    return made.getvalue()


def lines(*records: Any) -> str:
    return "".join(json.dumps(record) + "\n" for record in records)


def changed(record: dict, **changes: Any) -> dict:
    """The mention's record with its innermost part changed."""
    found = json.loads(json.dumps(record))
    found["mentions"][0] = {**found["mentions"][0], **changes}
    return found


def retrieval(id_: str, text: str, gold: list[str] | None = None, **more: Any) -> dict:
    row = {"id": id_, "side": "candidate" if gold is None else "query", "text": text, "context": "", "gold": gold or []}
    return {**row, "positive": "", "positive_context": "", **more}


def write(folder: Path, contents: tuple[Content, ...]) -> tuple[Path, ...]:
    paths = []
    for number, content in enumerate(contents):
        content = json.dumps(content) if isinstance(content, dict | list) else content
        paths.append(folder / f"file{number}")
        paths[-1].write_bytes(content if isinstance(content, bytes) else content.encode())
    return tuple(paths)


def read(folder: Path, name: str, contents: tuple[Content, ...], bad: BadRows, **options: Any) -> list[dict]:
    language = options.pop("language", "en")
    return [row for _, row in FORMATS.get(name)(write(folder, contents), language, bad, **options)]
