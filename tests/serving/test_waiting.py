"""Requests that wait: what arrives together is answered together, nothing is lost, and no more wait than may."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from threading import Event

import pytest

from adapterstilts.errors import DataError
from adapterstilts.serving.messages import Answer, Question
from adapterstilts.serving.waiting import NoPlaceError, Waiting


class Models:
    """Answers once it may, and keeps how many questions came at a time."""

    def __init__(self) -> None:
        self.may = Event()
        self.sizes: list[int] = []

    def answer(self, questions: Sequence[Question]) -> list[Answer | Exception]:
        self.may.wait()
        self.sizes.append(len(questions))
        if any(one.inputs == ["bad"] for one in questions):
            raise ValueError("bad")
        return [
            DataError("wrong") if one.inputs == ["wrong"] else
            Answer(model="m", task="t", language="en", results=[{"answer": text} for text in one.inputs], cut=[])
            for one in questions
        ]  # fmt: skip


def ask(waiting: Waiting, *texts: str) -> asyncio.Task[Answer]:
    return asyncio.ensure_future(waiting.ask(Question(inputs=list(texts))))


def test_what_comes_while_others_are_answered_is_answered_together() -> None:
    async def scene() -> list[Answer | BaseException]:
        asked = [ask(waiting, "first")]
        await asyncio.sleep(0.2)  # it is being answered by now
        asked += [ask(waiting, str(number)) for number in range(6)]
        asked += [ask(waiting, *["a"] * 9), ask(waiting, "last")]
        await asyncio.sleep(0)
        assert waiting.count == 9
        models.may.set()
        return await asyncio.gather(*asked, return_exceptions=True)

    models = Models()
    waiting = Waiting(models.answer, most=20, together=4)
    waiting.start()
    answers = asyncio.run(scene())
    waiting.stop()
    texts = ["first", *map(str, range(6)), "a", "last"]
    assert [one.results[0]["answer"] for one in answers if isinstance(one, Answer)] == texts
    assert models.sizes == [1, 4, 2, 1, 1] and waiting.count == 0


def test_a_failure_is_that_of_its_own_request() -> None:
    async def scene() -> list[Answer | BaseException]:
        asked = [ask(waiting, one) for one in ("good", "wrong", "bad", "good")]
        await asyncio.sleep(0)
        models.may.set()
        return await asyncio.gather(*asked, return_exceptions=True)

    models = Models()
    waiting = Waiting(models.answer, most=20, together=10)
    waiting.start()
    answers = asyncio.run(scene())
    waiting.stop()
    assert [type(one) for one in answers] == [Answer, DataError, ValueError, Answer]


def test_no_more_wait_than_may_and_none_once_it_stops() -> None:
    async def scene() -> None:
        asked = [ask(waiting, "a"), ask(waiting, "b")]
        await asyncio.sleep(0)
        with pytest.raises(NoPlaceError) as full:
            await waiting.ask(Question(inputs=["c"]))
        assert full.value.seconds >= 1 and not full.value.stopping
        waiting.refuse()
        with pytest.raises(NoPlaceError) as late:
            await waiting.ask(Question(inputs=["c"]))
        assert late.value.stopping
        models.may.set()
        assert len(await asyncio.gather(*asked)) == 2

    models = Models()
    waiting = Waiting(models.answer, most=2, together=10)
    waiting.start()
    asyncio.run(scene())
    waiting.stop()
