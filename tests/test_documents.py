"""YAML that people write: what is wrong with a file is said of it, whatever it is, and nothing of it takes long."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import pytest
import yaml

from adapterstilts.documents import parse_yaml, parse_yaml_documents, read_document
from adapterstilts.errors import DataError, UsageError

LOADERS = [yaml.SafeLoader, getattr(yaml, "CSafeLoader", yaml.SafeLoader), yaml.BaseLoader]
# Each line refers to the one before it ten times: a thousand million values in a few hundred bytes.
BOMB = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 10)
)
WRONG = {
    "brackets": ("[" * 100_000, "nested more than 500 deep"),
    "closed brackets": ("[" * 100_000 + "]" * 100_000, "nested more than 500 deep"),
    "braces": ("{a: " * 100_000, "nested more than 500 deep"),
    "dashes": ("- " * 100_000 + "x", "nested more than 500 deep"),
    "deep": ("[" * 300 + "]" * 300, "nested more than 100 deep"),
    "itself": ("a: &a [*a]", "nested more than 100 deep|recursive"),
    "bomb": (BOMB, "more than 1,000,000 values"),
    "open": ("name: [", "line [12], column"),
    "tab": ("a:\n\t- b", "line 2, column 1"),
    "key": ("? [a, b]\n: c", "unhashable|line 1"),
    "twice": ("a: 1\nb: {c: 1, c: 2}\n", "line 2, column 11: 'c' is there twice"),
    "tag": ("!!python/object/apply:os.system [ls]", "could not determine a constructor"),
}
TYPED = {
    "infinity": ("epochs: .inf", "inf is not a finite number"),
    "nothing": ("epochs: .nan", "nan is not a finite number"),
    "digits": (f"epochs: {'9' * 5000}", "digits"),
    "date": ("day: 2024-13-45", "month must be in"),
    "named date": ("!!timestamp x", "no YAML that can be used"),
    "named bool": ("!!bool x", "no YAML that can be used"),
    "named int": ("!!int ''", "no YAML that can be used"),
}


@pytest.mark.parametrize("loader", LOADERS, ids=lambda one: one.__name__)
@pytest.mark.parametrize("name", WRONG)
def test_what_is_no_yaml_is_said(name: str, loader: Any) -> None:
    text, says = WRONG[name]
    if loader is yaml.BaseLoader and name in ("tag", "key"):
        pytest.skip("it takes every value as text")
    begun = time.monotonic()
    with pytest.raises(UsageError, match=rf"x\.yaml is no YAML.*({says})") as raised:
        parse_yaml(text, where="x.yaml", error=UsageError, loader=loader)
    assert len(str(raised.value)) < 400 and time.monotonic() - begun < 20


@pytest.mark.parametrize("loader", LOADERS[:2], ids=lambda one: one.__name__)
@pytest.mark.parametrize("name", TYPED)
def test_values_that_mean_nothing_are_said(name: str, loader: Any) -> None:
    text, says = TYPED[name]
    with pytest.raises(DataError, match=says):
        parse_yaml(text, where="x.yaml", loader=loader)


def test_what_is_yaml_is_read() -> None:
    assert parse_yaml("a: [1, {b: 2.5}]\n", where="x") == {"a": [1, {"b": 2.5}]}
    assert parse_yaml_documents("a: 1\n---\nb: 2\n", where="x") == [{"a": 1}, {"b": 2}]
    assert parse_yaml('{"a": "[[[[ ]"}', where="x") == {"a": "[[[[ ]"}


def test_a_mapping_may_say_otherwise_than_what_is_merged_into_it() -> None:
    text = "x:\n  usual: &usual {size: 1, seed: 2}\n  own: &own {<<: *usual, seed: 3}\nlast: {<<: *own, size: 4}\n"
    found = parse_yaml(text, where="x")
    assert found["x"]["own"] == {"size": 1, "seed": 3} and found["last"] == {"size": 4, "seed": 3}
    assert parse_yaml("{1: a, '1': b}", where="x") == {1: "a", "1": "b"}


def test_a_file_is_read_with_its_mark(tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    path.write_bytes(b"\xef\xbb\xbfa: \xc3\xa4\n")
    assert read_document(path) == "a: ä\n"


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"a: b\nc: \xe4\n", r"x\.yaml, line 2: byte 0xe4 is not UTF-8\. Save the file as UTF-8"),
        ("a: b".encode("utf-16"), "is not UTF-8"),
        ("a: b".encode("utf-16-le"), "line 1: it has zero bytes, as a file in UTF-16"),
        (b"a: b\0", "zero bytes"),
    ],
)
def test_other_encodings_are_said(tmp_path: Path, content: bytes, says: str) -> None:
    path = tmp_path / "x.yaml"
    path.write_bytes(content)
    with pytest.raises(DataError, match=says):
        read_document(path)


def test_what_is_no_file_is_said_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "loop").symlink_to("loop")
    for name, says in {
        "": "is a folder, and a file is due",
        "pipe": r"pipe is a pipe, and a file is due\. Write what comes out",
        "loop": r"Too many levels.*leads back to itself",
        "absent": r"No such file.*Give one",
        "x" * 300: r"File name too long.*shorter",
    }.items():
        with pytest.raises(DataError, match=says):
            read_document(tmp_path / name, remedy="Give one.")
    with pytest.raises(DataError, match="is a device"):
        read_document(Path("/dev/zero"))
