"""From one record of a data set, as its release or the Hub has it, to canonical rows.

A function in `RECORDS` takes the record and the language that is wanted, and returns a row without `language`, and
without `id` where the caller's is to be used; or a list of rows, empty if the record belongs to another language. It
raises ValueError with a reason for a record that breaks its format, and `Omitted` for one that is left out by design.

Benchmarks keep the gold of some test files to themselves. Where such a file lacks it, rows have an empty label or empty
tags; whether that can be is for the caller to say, who sees all rows.
"""

from __future__ import annotations

from adapterstilts.data.records import choices, pairs, reading, retrieval, spans, tags
from adapterstilts.data.records.fields import RECORDS, Record, Row

# Importing a module registers its functions.
CONVERTERS = (choices, pairs, reading, retrieval, spans, tags)

__all__ = ["RECORDS", "Record", "Row"]
