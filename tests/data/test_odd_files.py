"""What lies where a file of data should, read as every format: an error names it and says what to do, at once."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from adapterstilts.data.bad_rows import BadRows
from adapterstilts.data.formats import FORMATS
from adapterstilts.data.formats.guessing import guess_format
from adapterstilts.data.formats.packed import checked_digest
from adapterstilts.data.input_files import InputFile
from adapterstilts.data.sources.files import FileRows
from adapterstilts.errors import AstiltsError, DataError
from adapterstilts.metrics import submission
from tests.package_tasks import recipe

POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a2146\nsize 12345\n"
PAGE = b"<!DOCTYPE html>\n<html><head><title>Log in</title></head></html>\n"
WIDE = "id\ttext_a\ttext_b\tlabel\n1\tab\tcd\tentailment\n" * 40


def _written(content: bytes) -> Callable[[Path], None]:
    return lambda path: path.write_bytes(content) and None  # type: ignore[return-value]


ODD: dict[str, tuple[Callable[[Path], None], str]] = {
    "folder": (Path.mkdir, "is a folder, and a file is due"),
    "pipe": (lambda path: os.mkfifo(path), "is a pipe, and a file is due"),
    "loop": (lambda path: path.symlink_to(path.name), "Too many levels.*leads back to itself"),
    "device": (lambda path: path.symlink_to("/dev/zero"), "is a device, and a file is due"),
    "absent": (lambda path: path.symlink_to("nothing"), "No such file"),
    "pointer": (_written(POINTER), "is a pointer of Git LFS.*git lfs pull"),
    "page": (_written(PAGE), "is an HTML page and no file of data.*download the file itself"),
    "xhtml": (_written(b'\xef\xbb\xbf<?xml version="1.0"?>\n<!-- x -->\n<html lang="en">\n'), "is an HTML page"),
}


@pytest.mark.parametrize("odd", ODD)
def test_what_is_no_file_of_data_is_named_whatever_its_format(odd: str, tmp_path: Path) -> None:
    make, says = ODD[odd]
    path = tmp_path / "data"
    make(path)
    assert len(FORMATS) > 20
    for one in FORMATS:
        paths = tuple(path for _ in range(max(1, one.required)))
        with pytest.raises(DataError, match=rf"data.*({says})") as raised:
            list(one(paths, "de", BadRows(skip=True)))
        assert raised.value.remedy, one.name
    with pytest.raises(DataError, match=says):
        checked_digest(path)
    with pytest.raises(AstiltsError, match="data"):
        InputFile.of(path, ())
    with pytest.raises(AstiltsError, match="data"):
        guess_format(path, ())


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_rights_is_named(tmp_path: Path) -> None:
    path = tmp_path / "data"
    path.write_text("text")
    path.chmod(0)
    for one in FORMATS:
        with pytest.raises(DataError, match=r"data cannot be read \(Permission denied\).*chmod u\+r"):
            list(one(tuple(path for _ in range(max(1, one.required))), "de", BadRows(skip=True)))


def test_rights_are_those_that_the_system_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As a user who is not root sees it."""
    path = tmp_path / "data"
    path.write_text("text")
    monkeypatch.setattr(os, "access", lambda *given: False)
    with pytest.raises(DataError, match=r"data cannot be read \(Permission denied\).*chmod u\+r"):
        checked_digest(path)


TEXTS: dict[str, tuple[bytes, str]] = {
    "utf-16": (WIDE.encode("utf-16"), "is in UTF-16, and UTF-8 is due.*iconv"),
    "utf-16 without a mark": (WIDE.encode("utf-16-le"), "is in UTF-16-LE without a byte order mark.*iconv"),
    "zeros": (b"\0" * 4096, "is no text: 512 of its first 512 bytes are zero"),
    "old line ends": (WIDE.replace("\n", "\r").encode(), "has the line ends of old Macs.*tr "),
}


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("name", ["tsv", "csv", "text", "jsonl"])
def test_text_that_is_no_utf8_is_named(text: str, name: str, tmp_path: Path) -> None:
    content, says = TEXTS[text]
    path = tmp_path / "data"
    path.write_bytes(content)
    with pytest.raises(DataError, match=rf"data {says}") as raised:
        list(FORMATS.get(name)((path,), "en", BadRows(skip=True)))
    assert raised.value.remedy


def test_a_carriage_return_alone_is_no_old_line_end(tmp_path: Path) -> None:
    path = tmp_path / "data"
    path.write_bytes(b"one\r")
    assert [one["text"] for _, one in FORMATS.get("text")((path,), "en", BadRows(skip=False))] == ["one"]
    path.write_bytes(b"one\rtwo\nthree\n")
    assert len(list(FORMATS.get("text")((path,), "en", BadRows(skip=False)))) == 2


HOSTILE_JSON = {"digits": "9" * 5000, "deep": "[" * 100_000, "deep and closed": "[" * 100_000 + "]" * 100_000}


@pytest.mark.parametrize("value", HOSTILE_JSON)
def test_hostile_json_is_an_error_with_its_place(value: str, tmp_path: Path) -> None:
    says = "5,000 digits" if value == "digits" else "nested too deeply|longer than 64 MiB|not JSON"
    path = tmp_path / "data"
    for name, text in {
        "jsonl": f'{{"a": {HOSTILE_JSON[value]}}}\n',
        "json": f'[{{"a": 1}}, {{"a": {HOSTILE_JSON[value]}}}]',
        "squad_json": f'{{"data": {HOSTILE_JSON[value]}}}',
    }.items():
        path.write_text(text)
        with pytest.raises(DataError, match=says) as raised:
            list(FORMATS.get(name)((path,), "en", BadRows(skip=False)))
        assert str(path) in str(raised.value) and len(str(raised.value)) < 600
    path.write_text(f'{{"a": {HOSTILE_JSON[value]}}}')
    for read in (submission.read_answers, submission.read_rankings, submission.read_gold_answers):
        with pytest.raises(DataError, match=says):
            read(path)


@pytest.mark.parametrize("odd", ["folder", "pipe", "loop", "device", "absent"])
def test_submissions_that_are_no_files_are_named(odd: str, tmp_path: Path) -> None:
    make, says = ODD[odd]
    path = tmp_path / "data"
    make(path)
    for read in (submission.read_lines, submission.read_answers, submission.read_pairs):
        with pytest.raises(DataError, match=says):
            read(path)


def test_old_line_ends_in_submissions_are_named(tmp_path: Path) -> None:
    path = tmp_path / "test-de.tsv"
    path.write_bytes(b"a\rb\rc\r")
    with pytest.raises(DataError, match="old Macs"):
        submission.read_lines(path)


@pytest.mark.parametrize("odd", ["folder", "pipe", "loop", "device", "pointer", "page"])
def test_planning_refuses_them_before_anything_is_read(odd: str, tmp_path: Path) -> None:
    make, says = ODD[odd]
    path = tmp_path / "squad" / "train-v1.1.json"
    path.parent.mkdir()
    make(path)
    with pytest.raises(DataError, match=rf"train-v1\.1\.json.*({says})"):
        FileRows(tmp_path).fingerprint(recipe("squad"), "train", "en")


def test_a_pattern_with_an_unknown_place_is_refused(tmp_path: Path) -> None:
    from adapterstilts.errors import UsageError
    from adapterstilts.tasks.catalogue import read_recipe

    values = json.loads(recipe("squad").model_dump_json(exclude_defaults=True))
    for pattern, says in {
        "squad/{nope}.json": r"\{nope\}, for which nothing stands; there are \{language\}",
        "squad/{language.__class__}.json": "for which nothing stands",
        "squad/{language": "is no pattern",
        "squad/}": "is no pattern",
    }.items():
        values["sources"]["files"]["splits"]["train"] = pattern
        with pytest.raises(UsageError, match=rf"tasks/mine\.yaml: sources.*({says})"):
            read_recipe(values, where="tasks/mine.yaml")
