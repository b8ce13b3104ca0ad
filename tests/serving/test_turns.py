"""Turns: what arrives together is answered together, in order, and failures are those of their own request."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from threading import Event, Thread
from typing import Any

from adapterstilts.errors import DataError
from adapterstilts.serving.messages import Answer, Question
from adapterstilts.serving.turns import Turns


class UnsendableError(Exception):
    """Cannot be made again from its arguments."""

    def __init__(self, one: str, other: str) -> None:
        super().__init__(one)


class Models:
    """Answers once it may, and keeps how many questions came at a time."""

    def __init__(self) -> None:
        self.may = Event()
        self.begun = Event()
        self.sizes: list[int] = []

    def answer(self, questions: Sequence[Question]) -> list[Answer | Exception]:
        self.begun.set()
        self.may.wait()
        self.sizes.append(len(questions))
        if any(one.inputs == ["bad"] for one in questions):
            raise UnsendableError("bad", "other")
        return [
            DataError("wrong", remedy="mend it") if one.inputs == ["wrong"] else
            Answer(model="m", task="t", language="en", results=[{"answer": text} for text in one.inputs],
                   cut=[], unspaced=[])
            for one in questions
        ]  # fmt: skip


@contextmanager
def answering(models: Models, *, together: int, share: float = 1.0) -> Iterator[Connection]:
    here, there = Pipe()
    thread = Thread(target=Turns(models.answer, there, together=together, share=share).run)
    thread.start()
    with here:
        yield here
    models.may.set()
    thread.join()
    there.close()


def ask(link: Connection, *requests: list[str]) -> None:
    for number, texts in enumerate(requests):
        link.send([(number, dict(Question(inputs=texts)))])


def answers(link: Connection, count: int) -> dict[int, Any]:
    found: dict[int, Any] = {}
    while len(found) < count:
        pace, said = link.recv()
        assert pace > 0
        found |= dict(said)
    return found


def test_what_comes_while_others_are_answered_is_answered_together() -> None:
    models = Models()
    requests = [["first"], *([str(number)] for number in range(6)), ["a"] * 9, ["last"]]
    with answering(models, together=4) as link:
        ask(link, ["before"])
        models.begun.wait()  # it is being answered by now
        ask(link, *requests)
        while link.poll(0.2):  # nothing comes, and all have arrived
            raise AssertionError
        models.may.set()
        assert answers(link, 1).keys() == {0}
        found = answers(link, len(requests))
    assert [[one["answer"] for one in found[number]["results"]] for number in range(len(requests))] == requests
    assert models.sizes == [1, 4, 3, 1, 1]  # as many texts as are answered at a time, or a request that has more


def test_a_part_of_many_is_a_turn_so_that_the_rest_can_be_read_meanwhile() -> None:
    models = Models()
    with answering(models, together=100, share=0.5) as link:
        ask(link, ["before"])
        models.begun.wait()
        ask(link, *[["a"]] * 40)
        assert not link.poll(0.2)
        models.may.set()
        answers(link, 1)
        answers(link, 40)
    assert models.sizes == [1, 20, 20]


def test_a_failure_is_that_of_its_own_request() -> None:
    models = Models()
    with answering(models, together=10) as link:
        ask(link, ["good"], ["wrong"], ["bad"], ["good"])
        models.may.set()
        found = answers(link, 4)
    assert [type(found[number]) for number in range(4)] == [dict, DataError, RuntimeError, dict]
    assert found[1].remedy == "mend it" and str(found[2]) == "UnsendableError: bad"


def test_it_ends_with_the_link() -> None:
    models = Models()
    with answering(models, together=10) as link:
        ask(link, ["a"], ["b"])
        models.begun.wait()
    assert len(models.sizes) <= 1  # of whoever is gone nothing more is answered
