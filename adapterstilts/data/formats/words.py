"""One word per line with its tag: the formats of tagging."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path

from adapterstilts.data.bad_rows import BadRows
from adapterstilts.data.formats.blocks import UTF8
from adapterstilts.data.formats.files import check_unicode, read_lines
from adapterstilts.data.formats.registry import Records, register

_PREFIX = re.compile(r"[a-z]{2,3}(?:-[a-z]+)*:")
_DOCUMENT = "-DOCSTART-"
_TAB, _SPACES = re.compile("\t"), re.compile(" +")
_ID, _FORM, _UPOS, _COLUMNS = 0, 1, 3, 10
# Of a file that may be text, so many lines are looked at; tagged ones have no more columns, as those of CoNLL-2003.
_LOOKED_AT, _MOST_COLUMNS = 200, 4

Line = tuple[int, str]


@register("conll", "word and tag per line")
def read_conll(
    paths: tuple[Path, ...], language: str, bad: BadRows, *, token: int = 0, tag: int = -1, encoding: str = UTF8
) -> Records:
    """A word and its tag per line, a blank line between sentences; gives {tokens, tags}.

    Columns are separated by tabs, or by spaces in a file without tabs. Where each word of the file has WikiANN's
    language prefix (`en:word`), it is removed. `-DOCSTART-` lines are left out. A sentence with a bad line is bad.

    XTREME's download takes the tags out of its test files. Where no line has a tag, every tag is empty; where only some
    lack one, these are bad. In a file without tabs most lines decide: if half of them have no space, those with one are
    words too, such as `10 000`.

    Args:
        token: Position of the word among the columns; negative ones count from the end.
        tag: Position of the tag.
        encoding: Python's name of the file's encoding.
    """
    layout = _Layout.of(read_lines(paths[0], encoding))
    separator, tagged, prefixed = layout.separator, layout.tagged, layout.prefixed
    hidden = tagged is None and token == 0
    for where, block in _sentences(read_lines(paths[0], encoding)):
        tokens, tags = [], []
        try:
            for number, line in block:
                if _is_document(line):
                    continue
                columns = separator.split(line.strip(" "))
                word, name = (columns[0], "") if hidden else _word_and_tag(number, columns, token, tag, tagged)
                word = _PREFIX.sub("", word, count=1) if prefixed else word
                _check_word(number, word, encoding)
                if not hidden:
                    _check_tag(number, name, encoding)
                tokens.append(word)
                tags.append(name)
        except ValueError as error:
            bad.report(paths[0], where, str(error))
            continue
        if tokens:
            yield where, {"tokens": tokens, "tags": tags}


def looks_like_text(path: Path, *, encoding: str = UTF8, **_: int) -> bool:
    """Whether a file's first lines are sentences: words between spaces, in each as many as it happens to have."""
    lines = [line for _, line in islice(read_lines(path, encoding), _LOOKED_AT) if not _is_blank(line)]
    widths = {len(line.split()) for line in lines if not _is_document(line)}
    return not any("\t" in line for line in lines) and (len(widths) > 1 or max(widths, default=0) > _MOST_COLUMNS)


@register("conllu", "CoNLL-U")
def read_conllu(paths: tuple[Path, ...], language: str, bad: BadRows) -> Records:
    """Words and universal part-of-speech tags of a Universal Dependencies treebank; gives {tokens, tags}.

    Comments, multiword tokens (`1-2`) and empty nodes (`1.1`) are left out: the words that they stand for are tagged.
    Treebanks whose texts may not be published have `_` for every word; such sentences are omitted. A `_` in the place
    of a tag is none.
    """
    for where, block in _sentences(read_lines(paths[0])):
        tokens: list[str] = []
        tags: list[str] = []
        try:
            for number, line in block:
                if line.startswith("#"):
                    continue
                columns = line.split("\t")
                if len(columns) != _COLUMNS:
                    raise ValueError(f"line {number} has {len(columns)} columns instead of {_COLUMNS}")
                if "-" in columns[_ID] or "." in columns[_ID]:
                    continue
                if columns[_ID] != str(len(tokens) + 1):
                    raise ValueError(f"line {number} has the id {columns[_ID]!r} instead of {len(tokens) + 1}")
                tokens.append(columns[_FORM].strip(" "))
                tag = columns[_UPOS].strip()
                tags.append("" if tag == "_" else tag)
                _check_word(number, tokens[-1])
                _check_tag(number, tag)
        except ValueError as error:
            bad.report(paths[0], where, str(error))
            continue
        if tokens and set(tokens) == {"_"}:
            bad.omit("the treebank comes without its words")
        elif tokens:
            yield where, {"tokens": tokens, "tags": tags}


def _sentences(lines: Iterable[Line]) -> Iterator[tuple[str, list[Line]]]:
    """(where, lines) of every run of lines that are not blank."""
    block: list[Line] = []
    count = 0
    for number, line in chain(lines, [(0, "")]):
        if not _is_blank(line):
            block.append((number, line))
        elif block:
            yield f"sentence {count} (from line {block[0][0]})", block
            block, count = [], count + 1


def _is_blank(line: str) -> bool:
    """Words can consist of other white space, so only spaces and tabs make a blank line."""
    return not line.strip(" \t")


def _is_document(line: str) -> bool:
    return re.split("[ \t]", line.strip(" "), maxsplit=1)[0] == _DOCUMENT


@dataclass(frozen=True)
class _Layout:
    """How the lines of a file have words and tags.

    Attributes:
        separator: What separates columns: words can have other white space inside, and spaces too unless these
            separate.
        tagged: Number of the first line that has more than a word.
        prefixed: Whether each word has a language before it.
    """

    separator: re.Pattern[str]
    tagged: int | None
    prefixed: bool

    @classmethod
    def of(cls, lines: Iterable[Line]) -> _Layout:
        """That of a file's lines."""
        words, alone, prefixed = 0, 0, True
        first: dict[str, int] = {}  # a tab or space to the first line that has one
        for number, line in lines:
            if _is_blank(line):
                continue
            prefixed = prefixed and _PREFIX.match(line) is not None
            if _is_document(line):
                continue
            word = line.strip(" ")
            words += 1
            alone += " " not in word
            for space in "\t ":
                if space in word:
                    first.setdefault(space, number)
        tabs = "\t" in first or 2 * alone >= words
        return cls(_TAB if tabs else _SPACES, first.get("\t" if tabs else " "), prefixed)


def _word_and_tag(number: int, columns: list[str], token: int, tag: int, tagged: int | None) -> tuple[str, str]:
    if len(columns) < 2:
        unlike = "" if tagged is None else f" (line {tagged} has more)"
        raise ValueError(f"line {number} has one column, so that word or tag is missing{unlike}")
    try:
        return columns[token].strip(" "), columns[tag].strip()
    except IndexError:
        raise ValueError(f"line {number} has {len(columns)} columns, too few for columns {token} and {tag}") from None


def _check_word(number: int, word: str, encoding: str = UTF8) -> None:
    check_unicode(word, encoding=encoding)
    if not word:
        raise ValueError(f"the word on line {number} is empty")


def _check_tag(number: int, tag: str, encoding: str = UTF8) -> None:
    check_unicode(tag, encoding=encoding)
    if not tag:
        raise ValueError(f"the tag on line {number} is empty")
