"""Pretraining examples: deterministic, with words to predict."""

from __future__ import annotations

from itertools import islice

from adapterstilts.mini.pretraining_text import examples


def read(number, **options):
    return list(islice(examples(0, **({"facts": (3,), "most_masked": 8} | options)), number))


def test_examples_are_deterministic_and_parts_differ():
    assert read(20) == read(20)
    assert read(20, part=1) != read(20)


def test_masks_hide_words_only():
    rows = read(300)
    assert sum(bool(row.masked) for row in rows) > 250
    for row in rows:
        assert len(row.masked) <= 8
        hidden = {row.pieces[position] for position in row.masked}
        assert not hidden & {"<s>", "</s>", "▁", ".", "。", "?", ","}
