"""What a person writes to mean a model."""

from __future__ import annotations

from pathlib import Path

import pytest

from adapterstilts.errors import SharingError, UsageError
from adapterstilts.sharing.places import Places
from adapterstilts.sharing.references import (
    FolderReference,
    HubReference,
    RegistryReference,
    TaskReference,
    is_reference,
    parse_reference,
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("squad", TaskReference("squad")),
        ("squad@6f0c1d", TaskReference("squad", "6f0c1d")),
        ("squad+mnli", TaskReference("squad+mnli")),
        ("./adapter", FolderReference(Path("adapter"))),
        ("../a/b", FolderReference(Path("../a/b"))),
        ("/data/a", FolderReference(Path("/data/a"))),
        ("file:///data/a", FolderReference(Path("/data/a"))),
        (".", FolderReference(Path())),
        ("~/a", FolderReference(Path.home() / "a")),
        ("me/squad", HubReference("me/squad")),
        ("hf://me/squad@main", HubReference("me/squad", "main")),
        ("me/squad@refs/pr/1", HubReference("me/squad", "refs/pr/1")),
        ("./adapters#squad-1", RegistryReference("./adapters", "squad-1")),
        ("s3://bucket/adapters#squad-1", RegistryReference("s3://bucket/adapters", "squad-1")),
    ],
)
def test_what_is_written_says_what_is_meant(text: str, expected: object) -> None:
    assert parse_reference(text) == expected
    assert is_reference(text) == (type(expected) is not TaskReference)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is empty"),
        ("squad@", "has no key"),
        ("a/b/c", "no name of a repository on the Hub"),
        ("me/../x", "no name of a repository on the Hub"),
        ("me/x@../y", "is no revision"),
        ("me/x@", "is no revision"),
        ("hf://squad", "Write USER/NAME"),
        ("s3://bucket/adapters", "write URL#NAME"),
        ("#squad", "no model of a registry"),
    ],
)
def test_what_means_nothing_is_refused_with_what_to_write(text: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        parse_reference(text, flag="--from")


def test_what_no_folder_can_be_called_is_no_folder(tmp_path: Path) -> None:
    """A home of nobody, and a name that is longer than a file system allows."""
    for text in ("~nobody-of-this-name/model", f"./{'x' * 300}"):
        reference = parse_reference(text)
        assert isinstance(reference, FolderReference)
        with pytest.raises(SharingError, match="is not a folder"):
            Places(tmp_path).fetch(reference)
    assert parse_reference("x" * 300) == TaskReference("x" * 300)
    with pytest.raises(UsageError, match="no name of a repository"):
        parse_reference(f"me/{'x' * 300}")


def test_a_folder_that_looks_like_a_repository_is_offered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a/b/c").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match=r"The folder of this name is \./a/b/c"):
        parse_reference("a/b/c")


def test_a_folder_is_written_so_that_it_is_read_as_one() -> None:
    for text in ("./a/b", "../a", "/a"):
        assert str(parse_reference(text)) == text


@pytest.mark.parametrize("text", ["data/tickets.csv", "tickets.csv", "./tickets.csv"])
def test_a_file_of_data_is_no_model(text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("data").mkdir()
    for path in ("data/tickets.csv", "tickets.csv"):
        Path(path).write_text("text\n")
    with pytest.raises(UsageError, match=r"is a file and no model\. The model comes first: `astilts predict MODEL"):
        parse_reference(text)
