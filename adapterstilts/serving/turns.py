"""The models' side: questions come over a link and are answered several at a time."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Sequence
from multiprocessing.connection import Connection
from threading import Condition, Thread
from typing import Any

from adapterstilts.errors import sendable
from adapterstilts.serving.messages import Answer, Question

Answering = Callable[[Sequence[Question]], Sequence[Answer | Exception]]

# Requests that are one turn whatever the share, since a turn of fewer is hardly shorter.
_FEWEST = 16
# After a turn of several, as many are waited for as the largest of the last ones had: the share of its time for which
# they are, its bound in seconds, and what is left of that number after each turn. They are most often there before.
_PAUSE, _LONGEST_PAUSE, _KEPT = 0.6, 0.02, 0.8


class Turns:
    """Answers what comes, turn by turn: first what came first, until nobody is left at the other end.

    Args:
        answering: Answers several at once.
        link: Gives `[(number, question)]`, the latter as the fields of a `Question`, and takes
            `(seconds a text, [(number, answer)])`, an answer being the fields of an `Answer`, or an exception.
        together: Texts that are answered at a time, unless one request has more.
        share: Of the requests there are, how many are a turn: with half of them, the others can be read and written
            meanwhile, where there is a core for that.
    """

    def __init__(self, answering: Answering, link: Connection, *, together: int, share: float = 1.0) -> None:
        self._answering = answering
        self._link = link
        self._together = together
        self._share = share
        self._waiting: deque[tuple[int, Question]] = deque()
        self._changed = Condition()
        self._ended = False
        self._last = 0
        self._expected = 0
        self._seconds = 0.0
        self._pace = 0.0

    def run(self) -> None:
        """Answers until the link ends."""
        Thread(target=self._read, name="questions", daemon=True).start()
        try:
            while taken := self._take():
                self._turn(taken)
        except BrokenPipeError:  # whoever asked is gone
            pass

    def _read(self) -> None:
        try:
            while True:
                came = [(number, Question.model_construct(**fields)) for number, fields in self._link.recv()]
                with self._changed:
                    self._waiting += came
                    self._changed.notify()
        except (EOFError, OSError):
            with self._changed:
                self._ended = True
                self._changed.notify()

    def _take(self) -> list[tuple[int, Question]]:
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._ended)
            if self._last > 1:  # those that were just answered ask again
                pause = min(_LONGEST_PAUSE, self._seconds * _PAUSE)
                self._changed.wait_for(lambda: len(self._waiting) >= self._expected or self._ended, timeout=pause)
            taken: list[tuple[int, Question]] = []
            if self._ended:
                return taken
            there = len(self._waiting) + (self._last if self._last > 1 else 0)
            most = max(_FEWEST, int(there * self._share))
            texts = 0
            while self._waiting and len(taken) < most:
                texts += len(self._waiting[0][1].inputs)
                if taken and texts > self._together:
                    break
                taken.append(self._waiting.popleft())
            return taken

    def _turn(self, taken: Sequence[tuple[int, Question]]) -> None:
        begun = time.monotonic()
        answers = self._answers([question for _, question in taken])
        self._last, self._seconds = len(taken), time.monotonic() - begun
        self._expected = max(self._last, int(self._expected * _KEPT))
        if texts := sum(len(question.inputs) for _, question in taken):
            self._pace = (self._pace + self._seconds / texts) / 2
        said = [(number, _sendable(answer)) for (number, _), answer in zip(taken, answers, strict=True)]
        self._link.send((self._pace, said))

    def _answers(self, questions: Sequence[Question]) -> Sequence[Answer | Exception]:
        """What is said to each; what fails together is tried one by one, so that it fails for its cause alone."""
        try:
            return self._answering(questions)
        except Exception as error:
            if len(questions) == 1:
                return [error]
            return [one for question in questions for one in self._answers([question])]


def _sendable(answer: Answer | Exception) -> Any:
    """The fields of an answer, or the exception."""
    return dict(answer) if isinstance(answer, Answer) else sendable(answer)
