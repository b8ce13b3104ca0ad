"""Names: suggestions, no silent replacement, and who brought what."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from adapterstilts.errors import UsageError
from adapterstilts.registry import Entries, Origin, Registry

MINE = Origin("folder", "./mine")
THEIRS = Origin("entry point", "astilts-extra")


@pytest.fixture
def numbers() -> Registry[int]:
    registry: Registry[int] = Registry("number")
    registry.add("seven", 7)
    return registry


def test_names_are_suggested(numbers: Registry[int]) -> None:
    assert numbers.get("seven") == 7 and "seven" in numbers and list(numbers) == [7] and len(numbers) == 1
    with pytest.raises(UsageError, match="Unknown number 'sevn'. Did you mean 'seven'"):
        numbers.get("sevn")


def test_the_package_registers_a_name_once(numbers: Registry[int]) -> None:
    with pytest.raises(ValueError, match="number 'seven' is registered twice"):
        numbers.add("seven", 8)


def test_entries_from_outside_are_known_while_they_are_in_use(numbers: Registry[int]) -> None:
    mine, theirs = Entries(), Entries()
    mine.adding("number", MINE).register("eight")(8)
    theirs.adding("number", THEIRS).add("eight", 88)
    theirs.adding("letter", THEIRS).add("nine", "i")
    with mine.in_use():
        assert numbers.get("eight") == 8 and list(numbers) == [8, 7] and numbers.names() == ["eight", "seven"]
        with theirs.in_use():
            assert numbers.get("eight") == 88 and "nine" not in numbers
        assert numbers.get("eight") == 8
    assert "eight" not in numbers and len(numbers) == 1
    with mine.in_use(), pytest.raises(KeyError):
        raise KeyError
    with pytest.raises(UsageError, match="Unknown number 'eight'"):
        numbers.get("eight")


def test_another_thread_has_entries_of_its_own(numbers: Registry[int]) -> None:
    mine = Entries()
    mine.adding("number", MINE).add("eight", 8)
    with mine.in_use(), ThreadPoolExecutor() as pool:
        assert pool.submit(numbers.names).result() == ["seven"]


def test_an_origin_adds_a_name_once() -> None:
    added = Entries().adding("number", MINE)
    added.add("ten", 10)
    with pytest.raises(ValueError, match="number 'ten' is registered twice"):
        added.add("ten", 11)


def test_a_name_of_another_origin_is_refused(numbers: Registry[int]) -> None:
    mine, theirs = Entries(), Entries()
    mine.adding("number", MINE).add("seven", 8)
    with mine.in_use(), pytest.raises(UsageError, match=r"number 'seven' of \./mine is already .* by the package\."):
        numbers.get("six")
    theirs.adding("number", THEIRS).add("seven", 9)
    with pytest.raises(UsageError, match=r"'seven' of package astilts-extra is already registered by \./mine\."):
        Entries(mine, theirs)
    assert Entries(mine, mine).of("number") == {"seven": (8, MINE)}


@pytest.mark.slow
@pytest.mark.parametrize("place", ["tasks.kind:KINDS", "modeling.head:HEADS"])
def test_whoever_looks_first_finds_the_packages_entries(place: str) -> None:
    """Of what is registered by modules that nothing else may have imported."""
    module, name = place.split(":")
    code = f"from adapterstilts.{module} import {name}; print(len({name}.names()))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert int(found.stdout) >= 6
