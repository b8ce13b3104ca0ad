"""Requests that wait for the models, which are at the other end of a link."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from threading import Thread
from typing import Any

from adapterstilts.serving.messages import Question


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
    texts: int
    answer: asyncio.Future[dict[str, Any]]


class Waiting:
    """The requests that wait.

    Args:
        links: One to each process that has the models; see `Turns`.
        most: Requests that may wait, those that are being answered among them.
        lost: Called, in the thread of the requests, once nobody is at the other end of one.
    """

    def __init__(self, links: Sequence[Connection], *, most: int, lost: Callable[[], None]) -> None:
        self._links = links
        self._texts = [0] * len(links)
        self._unsent: list[list[tuple[int, dict[str, Any]]]] = [[] for _ in links]
        self._most = most
        self._lost = lost
        self._requests: dict[int, _Request] = {}
        self._asked = 0
        self._pace = 0.0
        self._stopping = False

    def start(self) -> None:
        """Begins to listen for answers; to be called where requests are."""
        loop = asyncio.get_running_loop()
        for link in self._links:
            Thread(target=self._listen, args=(loop, link), name="answers", daemon=True).start()

    def refuse(self) -> None:
        """Takes no request any more."""
        self._stopping = True

    @property
    def stopping(self) -> bool:
        """Whether no request is taken any more."""
        return self._stopping

    @property
    def count(self) -> int:
        """Requests that have not been answered yet."""
        return len(self._requests)

    async def ask(self, question: Question) -> dict[str, Any]:
        """The fields of the `Answer` to a question, once it is its turn.

        Raises:
            NoPlaceError: Too many wait, or the server is about to end.
        """
        if self._stopping:
            raise NoPlaceError(1, stopping=True)
        if self.count >= self._most:
            raise NoPlaceError(self._seconds(), stopping=False)
        self._asked += 1
        number = self._asked
        place = self._texts.index(min(self._texts))
        request = _Request(len(question.inputs), asyncio.get_running_loop().create_future())
        self._requests[number] = request
        self._texts[place] += request.texts
        if not self._unsent[place]:
            asyncio.get_running_loop().call_soon(self._send, place)
        self._unsent[place].append((number, dict(question)))
        try:
            return await request.answer
        finally:
            self._texts[place] -= request.texts
            del self._requests[number]

    def _send(self, place: int) -> None:
        """Sends what came at one time as one message."""
        questions, self._unsent[place] = self._unsent[place], []
        try:
            self._links[place].send(questions)
        except OSError:  # nobody is at the other end
            for number, _ in questions:
                self._fail(number, NoPlaceError(1, stopping=True))

    def _seconds(self) -> int:
        """How long what waits is going to take, by how long the last ones took."""
        return max(1, min(60, math.ceil(self._pace * max(self._texts))))

    def _listen(self, loop: asyncio.AbstractEventLoop, link: Connection) -> None:
        try:
            while True:
                loop.call_soon_threadsafe(self._give, *link.recv())
        except (EOFError, OSError):
            with suppress(RuntimeError):  # the loop has ended
                loop.call_soon_threadsafe(self._end)
        except RuntimeError:  # the loop has ended
            pass

    def _give(self, pace: float, answers: Sequence[tuple[int, Any]]) -> None:
        self._pace = pace
        for number, answer in answers:
            if isinstance(answer, Exception):
                self._fail(number, answer)
            elif request := self._asking(number):
                request.answer.set_result(answer)

    def _asking(self, number: int) -> _Request | None:
        """The request of a number; None where whoever asked is gone."""
        request = self._requests.get(number)
        return request if request and not request.answer.done() else None

    def _fail(self, number: int, error: Exception) -> None:
        if request := self._asking(number):
            request.answer.set_exception(error)

    def _end(self) -> None:
        self.refuse()
        for number in self._requests:
            self._fail(number, NoPlaceError(1, stopping=True))
        self._lost()
