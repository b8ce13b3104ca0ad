"""Requests that wait for the models, which one thread uses: whatever has come in while it was busy is answered next."""

from __future__ import annotations

import asyncio
import math
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from threading import Condition, Thread
from typing import Any

from adapterstilts.serving.messages import Answer, Question

Answering = Callable[[Sequence[Question]], Sequence[Answer | Exception]]

# After several requests were answered at once: the share of that time for which more are waited for, and its bound in
# seconds.
_PAUSE, _LONGEST_PAUSE = 0.15, 0.02


class NoPlaceError(Exception):
    """No request is taken now.

    Attributes:
        seconds: After which it can be tried again.
        stopping: Whether the server is about to end.
    """

    def __init__(self, seconds: int, *, stopping: bool) -> None:
        super().__init__(seconds)
        self.seconds = seconds
        self.stopping = stopping


@dataclass(frozen=True)
class _Request:
    question: Question
    answer: asyncio.Future[Answer]

    @property
    def texts(self) -> int:
        return len(self.question.inputs)


class Waiting:
    """The requests that wait.

    Args:
        answering: Answers several at once; it is called in one thread.
        most: Requests that may wait, those that are being answered among them.
        together: Texts that are answered at a time, unless one request has more.
    """

    def __init__(self, answering: Answering, *, most: int, together: int) -> None:
        self._answering = answering
        self._most = most
        self._together = together
        self._waiting: deque[_Request] = deque()
        self._changed = Condition()
        self._stopping = False
        self._pace = 0.0
        self._pause = 0.0
        self.count = 0
        self._thread = Thread(target=self._run, name="models")

    def start(self) -> None:
        """Begins to answer."""
        self._thread.start()

    def refuse(self) -> None:
        """Takes no request any more."""
        self._stopping = True

    def stop(self) -> None:
        """Waits until all have been answered; none is taken any more."""
        self.refuse()
        with self._changed:
            self._changed.notify()
        self._thread.join()

    @property
    def stopping(self) -> bool:
        """Whether no request is taken any more."""
        return self._stopping

    async def ask(self, question: Question) -> Answer:
        """The answer to a question, once it is its turn.

        Raises:
            NoPlaceError: Too many wait, or the server is about to end.
        """
        if self._stopping:
            raise NoPlaceError(1, stopping=True)
        if self.count >= self._most:
            raise NoPlaceError(self._seconds(), stopping=False)
        request = _Request(question, asyncio.get_running_loop().create_future())
        self.count += 1
        try:
            with self._changed:
                self._waiting.append(request)
                self._changed.notify()
            return await request.answer
        finally:
            self.count -= 1

    def _seconds(self) -> int:
        """How long what waits is going to take, by how long the last ones took."""
        with self._changed:
            texts = sum(one.texts for one in self._waiting)
        return max(1, min(60, math.ceil(self._pace * texts)))

    def _run(self) -> None:
        while taken := self._take():
            begun = time.monotonic()
            answers = self._answers([one.question for one in taken])
            texts = sum(one.texts for one in taken)
            self._pause = 0.0 if len(taken) == 1 else min(_LONGEST_PAUSE, (time.monotonic() - begun) * _PAUSE)
            if texts:
                self._pace = (self._pace + (time.monotonic() - begun) / texts) / 2
            loop = taken[0].answer.get_loop()
            loop.call_soon_threadsafe(_give, taken, answers)

    def _take(self) -> list[_Request]:
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._stopping)
            if self._pause:  # those that were just answered ask again: with them, the batch is twice as large
                self._changed.wait_for(lambda: self._stopping, timeout=self._pause)
            taken: list[_Request] = []
            texts = 0
            while self._waiting and (not taken or texts + self._waiting[0].texts <= self._together):
                taken.append(self._waiting.popleft())
                texts += taken[-1].texts
            return taken

    def _answers(self, questions: Sequence[Question]) -> Sequence[Answer | Exception]:
        """What is said to each; what fails together is tried one by one, so that it fails for its cause alone."""
        try:
            return self._answering(questions)
        except Exception as error:
            if len(questions) == 1:
                return [error]
            return [one for question in questions for one in self._answers([question])]


def _give(requests: Sequence[_Request], answers: Sequence[Any]) -> None:
    for request, answer in zip(requests, answers, strict=True):
        if request.answer.done():  # whoever asked is gone
            continue
        if isinstance(answer, Exception):
            request.answer.set_exception(answer)
        else:
            request.answer.set_result(answer)
