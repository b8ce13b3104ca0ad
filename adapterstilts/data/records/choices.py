"""Multiple choice: endings, answers and causes."""

from __future__ import annotations

import re
from collections.abc import Sequence

from adapterstilts.data.records.fields import RECORDS, Record, Row, columns_of, index_of, is_hidden, text_of
from adapterstilts.parsed import as_object, get_list, get_texts

_QUESTIONS = ("cause", "effect")
_MARKER = re.compile(r"\[[a-z]+\]")


def choice_row(context: str, question: str, choices: Sequence[str], label: int) -> Row:
    """The canonical row of a choice: a wrong one may be empty, as releases have some; -1 stands for a hidden label."""
    if len(choices) < 2:
        raise ValueError(f"there are {len(choices)} choices, and a choice needs at least 2")
    if label >= len(choices):
        raise ValueError(f"the label is choice {label}, and there are {len(choices)}")
    if label >= 0 and not choices[label].strip():
        raise ValueError("the right choice is empty")
    return {"context": context, "question": question, "choices": list(choices), "label": label}


@RECORDS.register("hellaswag")
def hellaswag(record: Record, language: str) -> Row:
    """HellaSwag's JSON lines or Rowan/hellaswag: a context is continued by one of `endings`.

    The Hub has the context in two parts, of which the second, `ctx_b`, goes in front of each ending, as in jiant; the
    authors' files have it whole, as `ctx`. WikiHow's layout markers are taken out as most users of the data do:
    ` [title]` becomes a full stop, `[header]`, `[step]` and `[substeps]` vanish.
    """
    endings = get_texts(record, "endings", "'endings' is missing or not a list of texts")
    parts = "ctx_a" in record and "ctx_b" in record
    begun = text_of(record, "ctx_b", may_be_empty=True) if parts else ""
    context = text_of(record, "ctx_a" if parts else "ctx")
    shown = [_without_markers(text_of({"endings": one}, "endings", may_be_empty=True)) for one in endings]
    choices = [f"{begun} {ending}".strip() if ending else "" for ending in shown]
    return choice_row(_without_markers(context), "", choices, index_of(record.get("label"), len(endings)))


def _without_markers(text: str) -> str:
    return re.sub(" {2,}", " ", _MARKER.sub("", text.strip().replace(" [title]", ". "))).strip()


@RECORDS.register("cosmosqa")
def cosmosqa(record: Record, language: str) -> Row:
    """Cosmos QA's CSV or allenai/cosmos_qa."""
    choices = [text_of(record, f"answer{number}", may_be_empty=True) for number in range(4)]
    label = index_of(record.get("label"), len(choices))
    return choice_row(text_of(record, "context"), text_of(record, "question"), choices, label)


@RECORDS.register("commonsenseqa")
def commonsenseqa(record: Record, language: str) -> Row:
    """CommonsenseQA's JSON lines, of any version, or tau/commonsense_qa; choices are in the release's order."""
    inner = record.get("question")
    if isinstance(inner, dict):
        question = text_of(inner, "stem")
        given = [as_object(one, "a choice is not an object") for one in get_list(inner, "choices")]
        letters, texts = [one.get("label") for one in given], [one.get("text") for one in given]
    else:
        question = text_of(record, "question")
        letters, texts = columns_of(record, "choices", label="labels", text="texts")
    if len(set(map(str, letters))) < len(letters):
        raise ValueError(f"two choices have the same label among {', '.join(map(str, letters))}")
    choices = [text_of({"text": text}, "text", may_be_empty=True) for text in texts]
    key = record.get("answerKey")
    if not is_hidden(key) and key not in letters:
        raise ValueError(f"the label {key!r} is not one of {', '.join(map(str, letters))}")
    return choice_row("", question, choices, -1 if is_hidden(key) else letters.index(key))


@RECORDS.register("siqa")
def siqa(record: Record, language: str) -> Row:
    """SocialIQA's JSON lines (`correct`: A, B, C; or labels 1, 2, 3 in a second file) or allenai/social_i_qa."""
    choices = [text_of(record, f"answer{letter}", may_be_empty=True) for letter in "ABC"]
    if not is_hidden(record.get("correct")):
        value = record["correct"]
        if value not in ("A", "B", "C"):
            raise ValueError(f"the label {value!r} is not one of A, B, C")
        label = "ABC".index(value)
    else:
        label = index_of(record.get("label"), len(choices), first=1)
    return choice_row(text_of(record, "context"), text_of(record, "question"), choices, label)


@RECORDS.register("xcopa")
def xcopa(record: Record, language: str) -> Row:
    """XCOPA's JSON lines or cambridgeltl/xcopa; the question is the word `cause` or `effect`."""
    return _alternatives(record)


@RECORDS.register("copa")
def copa(record: Record, language: str) -> Row:
    """COPA as SuperGLUE's JSON lines, its first release's XML, aps/super_glue or pkavumba/balanced-copa have it."""
    return _alternatives(record)


def _alternatives(record: Record) -> Row:
    question = text_of(record, "question")
    if question not in _QUESTIONS:
        raise ValueError(f"the question {question!r} is neither 'cause' nor 'effect'")
    choices = [text_of(record, name) for name in ("choice1", "choice2")]
    return choice_row(text_of(record, "premise"), question, choices, index_of(record.get("label"), len(choices)))
