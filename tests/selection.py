"""Which tests a run has, and in which order.

`pytest` alone leaves out what is marked `slow`, so that it ends in minutes; `pytest --slow` has everything, and so has
whoever names files or tests. Of the cases of a parametrised test, `slow(but=4)` leaves four in every run.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

import pytest

# Files of half a minute and more: first, so that no process of several is left alone with one at the end.
LONG = (
    "test_readme.py", "test_soaking.py", "test_interrupted.py", "test_targets.py", "test_catalogue.py",
    "test_backbones.py", "test_methods.py", "test_baselines.py", "test_real_data.py", "test_examples.py",
    "test_train_intermediate.py", "test_masked_lm.py", "test_notebooks.py", "test_real_text.py", "test_hub.py",
    "test_commands.py", "test_translation_interrupted.py",
)  # fmt: skip


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--slow", action="store_true", help="also the tests that are marked as slow")


def pytest_configure(config: pytest.Config) -> None:
    files = config.args_source is pytest.Config.ArgsSource.ARGS and config.args != config.getini("testpaths")
    config.option.slow = bool(config.option.slow or files or config.option.keyword)


def pytest_report_header(config: pytest.Config) -> str:
    return f"slow tests: {'included' if config.option.slow else 'left out (--slow, or naming them, includes them)'}"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if not config.option.slow:
        left = set(slow(items))
        config.hook.pytest_deselected(items=list(left))
        items[:] = [item for item in items if item not in left]
    items.sort(key=lambda item: LONG.index(item.path.name) if item.path.name in LONG else len(LONG))


def slow(items: Iterable[pytest.Item]) -> Iterable[pytest.Item]:
    """The slow ones of some tests, without the cases that are in every run, which lie evenly among all cases."""
    cases = defaultdict(list)
    for item in items:
        if item.get_closest_marker("slow"):
            cases[item.nodeid.partition("[")[0]].append(item)
    for same in cases.values():
        mark = same[0].get_closest_marker("slow")
        but = min(mark.kwargs.get("but", 0), len(same)) if mark else 0
        kept = {index * len(same) // but for index in range(but)}
        yield from (item for index, item in enumerate(same) if index not in kept)
