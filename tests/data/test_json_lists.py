"""JSON lists read in blocks: what reading the whole gives."""

from __future__ import annotations

import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from adapterstilts.data.formats import blocks
from adapterstilts.data.formats.json_lists import json_list
from adapterstilts.errors import DataError

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.sampled_from([1.5e30, -0.1, 'a"\n]', "ü\\中", "\ud800"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "b,", "]"]), inner, max_size=2),
    max_leaves=5,
)


def outcome(path: Path, size: int) -> tuple[list[Any] | None, str | None]:
    try:
        return list(json_list(path, size=size)), None
    except DataError as error:
        return None, str(error)


def expected(path: Path) -> tuple[list[Any] | None, str | None]:
    text = path.read_bytes().decode("utf-8-sig")
    if not text.strip():
        return None, f"{path} is empty. Fill it, or download it again."
    try:
        found = json.loads(text)
    except json.JSONDecodeError as error:
        place = f"{path}: line {error.lineno}, column {error.colno}: not JSON ({error.msg})."
        return None, f"{place} The file may be cut off: download it again."
    if not isinstance(found, list):
        return None, f"{path} is not a JSON list. Name its format, or write one object per line."
    return found, None


@settings(max_examples=300, deadline=None)
@example([], None, 1, "\ufeff", 0, True)
@given(
    st.lists(VALUES, max_size=4),
    st.sampled_from([None, 1]),
    st.integers(1, 9),
    st.sampled_from(["", "]", "[", ",", "x", '"', "}", "1e", " \n", "\ufeff"]),
    st.integers(0, 200),
    st.booleans(),
)
def test_blocks_change_nothing(
    values: list[Any], indent: int | None, size: int, added: str, at: int, cut: bool
) -> None:
    text = json.dumps(values, indent=indent)
    text = text[:at] + added + ("" if cut else text[at:])
    with TemporaryDirectory() as folder:
        path = Path(folder) / "x.json"
        path.write_text(text, encoding="utf-8", newline="")
        assert outcome(path, size) == expected(path)


def test_places_are_those_of_the_file(tmp_path: Path) -> None:
    text = "[\n" + '{"a": "ü"},\n' * 1000 + '{"a": x}]'
    (tmp_path / "x.json").write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match=r"x.json: line 1002, column 7: not JSON \(Expecting value\)"):
        list(json_list(tmp_path / "x.json", size=100))


def test_what_is_too_large_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocks, "LONGEST", 1000)
    for text, message in (
        ('[1, {"a": "' + "x" * 10_000, "object 1: what begins here is longer than"),
        ('{"a": "' + "x" * 10_000, "is not a JSON list"),
        ("[1, x" + "1" * 10_000, "line 1, column 5: not JSON"),
    ):
        (tmp_path / "x.json").write_text(text)
        with pytest.raises(DataError, match=message):
            list(json_list(tmp_path / "x.json", size=100))


def test_deep_values_are_an_error(tmp_path: Path) -> None:
    (tmp_path / "x.json").write_text("[1, " + "[" * 100_000)
    with pytest.raises(DataError, match="x.json: object 1: it is nested too deeply"):
        list(json_list(tmp_path / "x.json"))
