"""What a kind needs in order to say its rows in another language."""

from __future__ import annotations

from typing import Protocol


class Lost(Exception):  # noqa: N818 (nothing of ours went wrong)
    """A translation that cannot be used; the message says why, in the same words for the same cause."""


class Into(Protocol):
    """Another language."""

    def text(self, text: str) -> str:
        """A whole text; an empty one stays empty.

        Raises:
            Lost: There is no translation.
        """

    def with_span(self, text: str, start: int, end: int) -> tuple[str, int, int]:
        """A text, and where the characters from `start` to `end` are in its translation.

        Raises:
            Lost: There is no translation, or it does not have them.
        """
