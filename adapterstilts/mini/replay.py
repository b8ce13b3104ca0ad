"""What is drawn once and told in every language."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache, wraps
from itertools import count
from typing import ParamSpec, TypeVar

_Given = ParamSpec("_Given")
_Drawn = TypeVar("_Drawn")


def replayed(draw: Callable[_Given, Iterator[_Drawn]]) -> Callable[_Given, Iterator[_Drawn]]:
    """Makes an endless source, which its arguments decide, remember what it gave, so that nothing is drawn again."""

    @lru_cache(maxsize=4, typed=True)  # 0 and 0.0 name other seeds
    def source(*args: _Given.args, **kwargs: _Given.kwargs) -> tuple[list[_Drawn], Iterator[_Drawn]]:
        return [], draw(*args, **kwargs)

    @wraps(draw)
    def replay(*args: _Given.args, **kwargs: _Given.kwargs) -> Iterator[_Drawn]:
        drawn, rest = source(*args, **kwargs)  # type: ignore[arg-type]
        return (_item(number, drawn, rest) for number in count())

    return replay


def _item(number: int, drawn: list[_Drawn], rest: Iterator[_Drawn]) -> _Drawn:
    if number == len(drawn):
        drawn.append(next(rest))
    return drawn[number]
