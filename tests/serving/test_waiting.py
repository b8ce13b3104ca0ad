"""Requests that wait: each gets its own answer, and no more wait than may, nor any once it stops."""

from __future__ import annotations

import asyncio
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from typing import Any

import pytest

from adapterstilts.errors import DataError
from adapterstilts.serving.messages import Question
from adapterstilts.serving.waiting import NoPlaceError, Waiting


def begin(*, most: int, links: int = 1) -> tuple[Waiting, list[Connection], list[bool]]:
    """What waits, the models' ends of its links, and what is filled once one of them is closed."""
    pairs = [Pipe() for _ in range(links)]
    lost: list[bool] = []
    waiting = Waiting([here for here, _ in pairs], most=most, lost=lambda: lost.append(True))
    waiting.start()
    return waiting, [there for _, there in pairs], lost


def ask(waiting: Waiting, *texts: str) -> asyncio.Task[dict[str, Any]]:
    return asyncio.ensure_future(waiting.ask(Question(inputs=list(texts))))


async def sent() -> None:
    """Once what was asked so far is on its way."""
    for _ in range(3):
        await asyncio.sleep(0)


def test_answers_find_their_requests() -> None:
    async def scene() -> None:
        waiting, (models,), _ = begin(most=20)
        asked = [ask(waiting, str(number)) for number in range(4)]
        await sent()
        came = models.recv()  # what comes at one time is one message
        assert [fields["inputs"] for _, fields in came] == [["0"], ["1"], ["2"], ["3"]] and waiting.count == 4
        asked[2].cancel()  # whoever asked is gone
        numbers = [number for number, _ in came]
        models.send((0.1, [(numbers[1], {"b": 1}), (numbers[0], {"a": 0})]))
        models.send((0.1, [(numbers[2], {"c": 2}), (numbers[3], DataError("wrong"))]))
        found = await asyncio.gather(*asked, return_exceptions=True)
        assert found[:2] == [{"a": 0}, {"b": 1}] and [type(one) for one in found[2:]] == [
            asyncio.CancelledError,
            DataError,
        ]
        assert waiting.count == 0

    asyncio.run(scene())


def test_requests_go_where_the_fewest_texts_wait() -> None:
    async def scene() -> None:
        waiting, models, _ = begin(most=20, links=2)
        asked = [ask(waiting, *["a"] * size) for size in (5, 1, 1, 1, 1, 1, 1)]
        await sent()
        sizes = []
        for link in models:
            came = link.recv()
            sizes.append([len(fields["inputs"]) for _, fields in came])
            link.send((0.1, [(number, {}) for number, _ in came]))
        assert sizes == [[5, 1], [1, 1, 1, 1, 1]]
        assert len(await asyncio.gather(*asked)) == 7

    asyncio.run(scene())


def test_no_more_wait_than_may_and_none_once_it_stops() -> None:
    async def scene() -> None:
        waiting, (models,), _ = begin(most=2)
        asked = [ask(waiting, "a"), ask(waiting, "b")]
        await sent()
        with pytest.raises(NoPlaceError) as full:
            await waiting.ask(Question(inputs=["c"]))
        assert full.value.seconds >= 1 and not full.value.stopping
        waiting.refuse()
        with pytest.raises(NoPlaceError) as late:
            await waiting.ask(Question(inputs=["c"]))
        assert late.value.stopping
        models.send((0.1, [(number, {}) for number, _ in models.recv()]))
        assert len(await asyncio.gather(*asked)) == 2

    asyncio.run(scene())


def test_where_models_are_lost_nobody_waits_for_them() -> None:
    async def scene() -> None:
        waiting, models, lost = begin(most=2, links=2)
        asked = [ask(waiting, "a"), ask(waiting, "b")]
        await sent()
        models[1].close()
        found = await asyncio.gather(*asked, return_exceptions=True)
        assert [type(one) for one in found] == [NoPlaceError] * 2 and lost == [True] and waiting.stopping

    asyncio.run(scene())


def test_who_asks_where_nobody_answers_any_more_is_told() -> None:
    async def scene() -> None:
        faults: list[Any] = []
        asyncio.get_running_loop().set_exception_handler(lambda loop, told: faults.append(told))
        waiting, (models,), _ = begin(most=2)
        models.close()
        with pytest.raises(NoPlaceError) as error:
            await waiting.ask(Question(inputs=["a"]))
        assert error.value.stopping and waiting.count == 0 and faults == []

    asyncio.run(scene())
