"""Tokenised data that are kept are read as they were written, or made again."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from datasets import Dataset

from adapterstilts.data.features import encode, features_damage
from adapterstilts.mini.generators.span_qa import span_qa
from adapterstilts.mini.tokenizer import build_tokenizer
from adapterstilts.settings import Encoding
from adapterstilts.tasks.kind import KINDS
from tests.runs.published import change


@pytest.fixture
def make(tmp_path: Path) -> Any:
    """Encodes some rows with a cache of the test's own."""
    kind, tokenizer = KINDS.get("span_qa")({}), build_tokenizer()
    rows = Dataset.from_list(span_qa(split="train", language="en", size=6))
    encoding = Encoding(max_length=96, stride=16, max_query_length=32)

    def made() -> Dataset:
        return encode(
            rows, identity="x", kind=kind, tokenizer=tokenizer, encoding=encoding, labels=True, cache=tmp_path / "kept"
        )

    return made


def folders(tmp_path: Path) -> list[Path]:
    return [path for path in (tmp_path / "kept").iterdir() if not path.name.startswith(".")]


def test_other_token_ids_are_not_trained_on(make: Any, tmp_path: Path) -> None:
    first = make().to_list()
    (folder,) = folders(tmp_path)
    before = (folder / "content.json").stat().st_mtime_ns
    assert make().to_list() == first and (folder / "content.json").stat().st_mtime_ns == before
    assert [problem for _, problem, _ in features_damage(tmp_path / "kept")] == [None]
    (arrow,) = folder.glob("*.arrow")
    content = bytearray(arrow.read_bytes())
    ids = first[0]["input_ids"]
    at = content.index(b"".join(one.to_bytes(4, "little") for one in ids[:4]))
    content[at : at + 4] = (ids[0] + 1).to_bytes(4, "little")
    arrow.write_bytes(content)
    ((_, problem, _),) = features_damage(tmp_path / "kept")
    assert problem and "has another content" in problem
    assert make().to_list() == first
    assert len(list((tmp_path / "kept/.damaged").iterdir())) == 1


@pytest.mark.parametrize("name", ["state.json", "dataset_info.json", "content.json"])
@pytest.mark.parametrize("content", ["null", "{", None])
def test_any_misshapen_file_is_made_again(make: Any, tmp_path: Path, name: str, content: str | None) -> None:
    first = make().to_list()
    (folder,) = folders(tmp_path)
    (folder / name).unlink()
    if content is not None:
        (folder / name).write_text(content)
    assert make().to_list() == first
    assert [problem for _, problem, _ in features_damage(tmp_path / "kept")] == [None]


def test_the_last_byte_counts(make: Any, tmp_path: Path) -> None:
    first = make().to_list()
    (arrow,) = folders(tmp_path)[0].glob("*.arrow")
    change(arrow)
    assert make().to_list() == first


def test_threads_share_a_tokenizer(tmp_path: Path) -> None:
    """Each call sets how it truncates: the features of one are not those of another."""
    kind, tokenizer = KINDS.get("span_qa")({}), build_tokenizer()
    rows = Dataset.from_list(span_qa(split="train", language="en", size=200))

    def encoded(length: int, folder: str) -> list[Any]:
        encoding = Encoding(max_length=length, stride=8, max_query_length=24)
        given = {"kind": kind, "tokenizer": tokenizer, "encoding": encoding, "labels": True, "identity": "x"}
        return encode(rows, cache=tmp_path / folder, **given).to_list()

    lengths = (48, 64, 96, 128)
    alone = [encoded(length, "alone") for length in lengths]
    with ThreadPoolExecutor(len(lengths)) as threads:
        assert list(threads.map(lambda length: encoded(length, "together"), lengths)) == alone


def test_a_tokenizer_that_has_grown_is_another(tmp_path: Path) -> None:
    kind, tokenizer = KINDS.get("span_qa")({}), build_tokenizer()
    rows = Dataset.from_list(span_qa(split="train", language="en", size=6))
    encoding = Encoding(max_length=96, stride=16, max_query_length=24)
    given = {"kind": kind, "tokenizer": tokenizer, "encoding": encoding, "labels": True, "identity": "x"}
    before = encode(rows, cache=tmp_path, **given)
    tokenizer.add_tokens(" ".join(rows[0]["question"].split()[:2]))
    after = encode(rows, cache=tmp_path, **given)
    assert before["input_ids"][0] != after["input_ids"][0] and len(list(tmp_path.iterdir())) == 2
