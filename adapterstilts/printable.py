"""Text of others as a terminal may have it: signs that would move its cursor or change its colours are shown."""

from __future__ import annotations

import re

_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
_LONG = re.compile(r"(\S{200})\S{200,}")


def printable(text: str) -> str:
    r"""The text with control characters as `\u001b`, which JSON has as the same characters; tabs and line ends stay."""
    return _CONTROL.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def printable_message(text: str) -> str:
    """The same of a message, in which words of many hundred letters are cut."""
    return _LONG.sub(r"\1…", printable(text))


def counted(count: int, what: str) -> str:
    """So many of something, as `1 example` or `2 examples`."""
    return f"{count:,} {what}{'' if count == 1 else 's'}"
