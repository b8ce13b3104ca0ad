"""The words of a text that is to be tagged, as data sets of tagged words have them."""

from __future__ import annotations

import re

_LETTER = r"[\u3001-\u30ff\u3400-\u9fff\uf900-\ufaff\uff01-\uff60\U00020000-\U0003ffff]"  # Chinese and Japanese ones
_PIECE, _LETTERS = re.compile(r"\S+"), re.compile(rf"{_LETTER}|(?:(?!{_LETTER})\S)+")
# Where such letters have spaces between them, these stand between words, unless many have none.
_SPACED, _UNSPACED = re.compile(rf"{_LETTER}\s+{_LETTER}"), re.compile(_LETTER + "{12}")
# What stands before or after a word and is none of its letters; a run of one sign is one word.
_BEFORE = frozenset('([{<"“„‟«‹‘¿¡')
_AFTER = frozenset('.,;:!?…)]}>"”“»›،؛؟۔।॥։՝።፣፤፥፧၊။។៕')
_LONGEST = 12
_ABBREVIATION = re.compile(r"[^\W\d_]\.|(?:[^\W\d_]{1,3}\.){2,}")


def word_offsets(text: str) -> list[tuple[int, int]]:
    """(start, end) character offsets of the words of a text.

    They stand between white space; punctuation before and after them is apart, except the last full stop of `U.S.`,
    `z.B.` and `J.`. Each letter of Chinese and Japanese is a word, as in WikiANN, unless spaces are between words.
    """
    pieces = _PIECE if _SPACED.search(text) and not _UNSPACED.search(text) else _LETTERS
    return [part for piece in pieces.finditer(text) for part in _parts(piece.group(), piece.start())]


def _parts(piece: str, at: int) -> list[tuple[int, int]]:
    """The offsets of a piece without white space, and of the punctuation on both sides of it."""
    before: list[tuple[int, int]] = []
    after: list[tuple[int, int]] = []
    first, last = 0, len(piece)
    while piece[first] in _BEFORE and (end := _run(piece, first, 1)) < last:
        before.append((at + first, at + end))
        first = end
    while piece[last - 1] in _AFTER and (start := _run(piece, last - 1, -1) + 1) > first:
        short = piece[start:last] == "." and last - first <= _LONGEST
        if short and _ABBREVIATION.fullmatch(piece, first, last):
            break
        after.append((at + start, at + last))
        last = start
    return [*before, (at + first, at + last), *reversed(after)]


def _run(piece: str, place: int, step: int) -> int:
    """Where a run of the sign at a place has ended."""
    sign = piece[place]
    while 0 <= place < len(piece) and piece[place] == sign:
        place += step
    return place
