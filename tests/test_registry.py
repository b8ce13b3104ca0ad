"""Names: suggestions, no silent replacement, and who brought what."""

from __future__ import annotations

import pytest

from adapterstilts.errors import UsageError
from adapterstilts.registry import PACKAGE, Additions, Origin, Registry, shared_registry

MINE = Origin("folder", "./mine")
THEIRS = Origin("entry point", "astilts-extra")


@pytest.fixture
def numbers() -> Registry[int]:
    registry: Registry[int] = Registry("number")
    registry.add("seven", 7)
    return registry


def test_names_are_suggested(numbers: Registry[int]) -> None:
    assert numbers.get("seven") == 7 and "seven" in numbers and list(numbers) == [7] and len(numbers) == 1
    for ask in (numbers.get, numbers.origin):
        with pytest.raises(UsageError, match="Unknown number 'sevn'. Did you mean 'seven'"):
            ask("sevn")


def test_the_package_registers_a_name_once(numbers: Registry[int]) -> None:
    with pytest.raises(ValueError, match="number 'seven' is registered twice"):
        numbers.add("seven", 8)


def test_what_is_added_from_outside_has_an_origin_and_can_be_added_again(numbers: Registry[int]) -> None:
    for value in (8, 9):
        Additions(numbers, MINE).add("eight", value)
    assert numbers.get("eight") == 9
    assert (numbers.origin("seven"), numbers.origin("eight")) == (PACKAGE, MINE)
    added = Additions(numbers, MINE)
    added.register("ten")(10)
    with pytest.raises(ValueError, match="number 'ten' is registered twice"):
        added.add("ten", 11)


def test_a_name_of_another_origin_is_refused(numbers: Registry[int]) -> None:
    with pytest.raises(UsageError, match=r"number 'seven' of \./mine is already registered by the package\."):
        Additions(numbers, MINE).add("seven", 8)
    Additions(numbers, MINE).add("eight", 8)
    with pytest.raises(UsageError, match=r"'eight' of package astilts-extra is already registered by \./mine\."):
        Additions(numbers, THEIRS).add("eight", 8)
    assert numbers.get("seven") == 7 and numbers.get("eight") == 8


def test_the_package_can_come_second_and_is_named_first(numbers: Registry[int]) -> None:
    """Its entries are registered when their module is imported, which an extension need not wait for."""
    Additions(numbers, MINE).add("eight", 8)
    with pytest.raises(UsageError, match=r"number 'eight' of \./mine is already registered by the package\."):
        numbers.add("eight", 9)


def test_a_shared_registry_is_the_same_for_all() -> None:
    from adapterstilts.tasks.kind import KINDS

    assert shared_registry("task kind") is KINDS
