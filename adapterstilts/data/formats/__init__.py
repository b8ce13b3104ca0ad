"""Readers for the files that data sets are released in: paths in, one (place, record) after the other out."""

from __future__ import annotations

from adapterstilts.data.formats import (
    aligned,
    arrow,
    entities,
    excel,
    lareqa,
    race,
    squad,
    tables,
    tatoeba,
    taxixnli,
    text,
    words,
    xml,
)
from adapterstilts.data.formats.files import check_unicode, read_json, read_lines, read_text
from adapterstilts.data.formats.registry import FORMATS, Format, Reader, Records

# Importing a module registers its readers.
READERS = (aligned, arrow, entities, excel, lareqa, race, squad, tables, tatoeba, taxixnli, text, words, xml)

__all__ = ["FORMATS", "Format", "Reader", "Records", "check_unicode", "read_json", "read_lines", "read_text"]
