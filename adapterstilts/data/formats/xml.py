"""COPA's XML."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

from adapterstilts.data.bad_rows import BadRows
from adapterstilts.data.formats.files import check_unicode, read_text
from adapterstilts.data.formats.registry import Records, register
from adapterstilts.errors import DataError

_TEXTS = {"p": "premise", "a1": "choice1", "a2": "choice2"}
_LABELS = {"1": 0, "2": 1}


@register("copa_xml", "copa-dev.xml or copa-test.xml")
def read_copa_xml(paths: tuple[Path, ...], language: str, bad: BadRows) -> Records:
    """COPA as first released; gives {premise, choice1, choice2, question, label}, the columns that XCOPA has too."""
    try:
        check_unicode(text := read_text(paths[0]))
        root = ElementTree.fromstring(text)
    except ValueError as error:
        raise DataError(f"{paths[0]}: {error}.", remedy="Download it again.") from None
    except ElementTree.ParseError as error:
        line, column = error.position
        raise DataError(
            f"{paths[0]}: line {line}, column {column + 1}: not XML ({error.msg.partition(':')[0]}).",
            remedy="The file may be cut off: download it again.",
        ) from None
    for number, item in enumerate(root.iter("item")):
        where = f"item {item.get('id', number)!r}"
        try:
            record = {ours: (item.findtext(theirs) or "").strip() for theirs, ours in _TEXTS.items()}
            if missing := [theirs for theirs, ours in _TEXTS.items() if not record[ours]]:
                raise ValueError(f"<{missing[0]}> is missing or empty")
            label = item.get("most-plausible-alternative")
            if label and label not in _LABELS:
                raise ValueError(f"the most plausible alternative is {label!r} instead of 1 or 2")
        except ValueError as error:
            bad.report(paths[0], where, str(error))
            continue
        yield where, {**record, "question": item.get("asks-for"), "label": _LABELS[label] if label else None}
