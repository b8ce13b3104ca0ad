"""Carrying a stretch of text through a translation: marks around it before, and where it is afterwards."""

from __future__ import annotations

from adapterstilts.tasks.translation import Lost

# The first pair that a text does not have is taken. Square brackets come through best in the comparison of Chen et al.
# 2023, "Frustratingly Easy Label Projection for Cross-lingual Transfer".
_PAIRS = (("[", "]"), ("{", "}"), ("<", ">"), ("«", "»"), ("⟦", "⟧"))
# What models write for them in Chinese and Japanese text.
_WIDE = {"［": "[", "］": "]", "【": "[", "】": "]", "｛": "{", "｝": "}", "＜": "<", "＞": ">", "《": "«", "》": "»"}


def mark(text: str, start: int, end: int) -> tuple[str, tuple[str, str]]:
    """`text` with marks around the characters from `start` to `end`, and the two marks.

    Raises:
        Lost: The text has all of the marks itself.
    """
    own = {_WIDE.get(character, character) for character in text}
    for pair in _PAIRS:
        if not own & set(pair):
            return f"{text[:start]}{pair[0]}{text[start:end]}{pair[1]}{text[end:]}", pair
    raise Lost("the text around the answer has every mark itself")


def unmark(text: str, pair: tuple[str, str]) -> tuple[str, int, int]:
    """(text without the marks, start, end) of a translated text that `mark` had marked.

    White space inside of the marks is moved out of them, and none is doubled by taking them away.

    Raises:
        Lost: There is not exactly one mark of each sort, in this order and with something between them.
    """
    found = "".join(_WIDE[one] if _WIDE.get(one) in pair else one for one in text)
    opened, closed = (found.count(one) for one in pair)
    if not opened or not closed:
        raise Lost("the marks around the answer are lost")
    if opened > 1 or closed > 1:
        raise Lost("the marks around the answer are doubled")
    before, _, rest = found.partition(pair[0])
    inside, mark_found, after = rest.partition(pair[1])
    if not mark_found:
        raise Lost("the marks around the answer are in the wrong order")
    if not inside.strip():
        raise Lost("nothing stands between the marks around the answer")
    left = f"{before.rstrip()} " if before.strip() and _spaced(before[-1:], inside[:1]) else before.rstrip()
    spaced = _spaced(after[:1]) or (_spaced(inside[-1:]) and after[:1].isalnum())
    right = f" {after.lstrip()}" if after.strip() and spaced else after.strip()
    core = inside.strip()
    return f"{left}{core}{right}", len(left), len(left) + len(core)


def _spaced(*characters: str) -> bool:
    return any(one.isspace() for one in characters)
