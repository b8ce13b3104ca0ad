"""From annotated tokens to running text, and back to the characters a token covers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from adapterstilts.mini.frames import Token
from adapterstilts.mini.world import Question


@dataclass(frozen=True)
class Text:
    """Running text, its tokens by sentence, and the first character of each token."""

    text: str
    sentences: tuple[tuple[Token, ...], ...]
    starts: tuple[tuple[int, ...], ...]

    def answer(self, question: Question) -> tuple[str, int]:
        """The words that answer a question about the sentence that tells its fact, and where they begin."""
        spans = [
            (start, start + len(token.form))
            for token, start in zip(self.sentences[question.fact], self.starts[question.fact], strict=True)
            if _answers(token, question.asked)
        ]
        begin, end = spans[0][0], spans[-1][1]
        return self.text[begin:end], begin


def join(sentences: Sequence[Sequence[Token]]) -> Text:
    """Write sentences one after the other, with the spaces their tokens ask for."""
    text, starts = "", []
    for sentence in sentences:
        if text and not text.endswith(("。", "？")):
            text += " "
        positions = []
        for token in sentence:
            positions.append(len(text))
            text += token.form + (" " if token.space_after else "")
        text = text.rstrip(" ")
        starts.append(tuple(positions))
    return Text(text, tuple(map(tuple, sentences)), tuple(starts))


def _answers(token: Token, asked: str) -> bool:
    if asked == "count":
        return token.role == "theme" and token.upos == "NUM"
    return token.role == asked and token.core
