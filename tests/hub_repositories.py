"""Repositories of a Hub in memory: branches of commits, each commit name to blob."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass, field
from typing import Any

import yaml

LFS = (".safetensors", ".bin", ".model")


class RefusalError(Exception):
    """What a client is answered in place of what it asked for."""

    def __init__(self, status: int, code: str = "", message: str = "") -> None:
        self.status, self.code, self.message = status, code, message


@dataclass(frozen=True)
class Blob:
    data: bytes
    lfs: bool = False

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.data).hexdigest()

    @property
    def pointer(self) -> bytes:
        return f"version https://git-lfs.github.com/spec/v1\noid sha256:{self.sha256}\nsize {len(self.data)}\n".encode()

    @property
    def oid(self) -> str:
        data = self.pointer if self.lfs else self.data
        return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()

    def entry(self, path: str) -> dict[str, Any]:
        """As a tree lists it."""
        entry: dict[str, Any] = {"type": "file", "path": path, "oid": self.oid, "size": len(self.data)}
        if self.lfs:
            entry["lfs"] = {"oid": self.sha256, "size": len(self.data), "pointerSize": len(self.pointer)}
        return entry


Tree = dict[str, Blob]


@dataclass
class Repository:
    name: str
    private: bool = False
    commits: dict[str, Tree] = field(default_factory=dict)
    branches: dict[str, str] = field(default_factory=dict)
    pulls: list[str] = field(default_factory=list)
    messages: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.branches["main"] = self.add({".gitattributes": Blob(b"*.safetensors filter=lfs\n")}, "")

    def add(self, tree: Tree, parent: str) -> str:
        words = "".join(f"{path} {blob.oid}\n" for path, blob in sorted(tree.items()))
        commit = hashlib.sha1(f"{self.name} {parent} {words}".encode()).hexdigest()
        self.commits[commit] = tree
        return commit

    def commit_of(self, revision: str) -> str:
        commit = self.branches.get(revision, revision)
        if commit not in self.commits:
            raise RefusalError(404, "RevisionNotFound", f"Invalid rev id: {revision}")
        return commit

    def files(self, revision: str = "main") -> dict[str, bytes]:
        """Name to content, for tests."""
        return {path: blob.data for path, blob in self.commits[self.commit_of(revision)].items()}

    def put(self, files: dict[str, bytes], revision: str = "main") -> str:
        """Somebody else's commit on top of a branch."""
        tree = dict(self.commits[self.branches[revision]])
        tree |= {path: Blob(data, path.endswith(LFS)) for path, data in files.items()}
        self.branches[revision] = self.add(tree, self.branches[revision])
        return self.branches[revision]

    def branch(self, name: str, start: str) -> None:
        if name in self.branches:
            raise RefusalError(409, "", "Reference already exists")
        self.branches[name] = self.commit_of(start)

    def apply(self, lines: list[dict[str, Any]], revision: str, pull: bool, objects: dict[str, bytes]) -> str:
        """A commit of the lines that a client sent, on top of its parent."""
        header = lines[0]["value"]
        head = self.commit_of(revision)
        parent = header.get("parentCommit", head)
        if parent != head and not pull:
            raise RefusalError(412, "", "A commit has happened since. Please refresh and try again.")
        tree = dict(self.commits[self.commit_of(parent)])
        for line in lines[1:]:
            _change(tree, line["key"], line["value"], objects)
        commit = self.add(tree, parent)
        self.messages.append(header["summary"])
        if pull:
            self.pulls.append(commit)
            self.branches[f"refs/pr/{len(self.pulls)}"] = commit
        else:
            self.branches[revision] = commit
        return commit

    @property
    def card(self) -> dict[str, Any]:
        """The metadata of the card on the main branch."""
        card = self.files().get("README.md", b"").decode()
        return yaml.safe_load(card.split("---\n")[1]) if card.startswith("---\n") else {}

    def info(self, revision: str = "main") -> dict[str, Any]:
        commit = self.commit_of(revision)
        card = self.card
        languages = card.get("language", [])
        tags = [*card.get("tags", []), *([languages] if languages is str(languages) else languages)]
        if base := card.get("base_model"):
            tags.append(f"base_model:{base}")
        return {
            "id": self.name, "sha": commit, "private": self.private, "tags": tags, "downloads": len(self.name),
            "likes": 1, "lastModified": "2025-01-02T03:04:05.000Z",
            "siblings": [{"rfilename": path} for path in self.commits[commit]],
        }  # fmt: skip


def _change(tree: Tree, key: str, value: dict[str, Any], objects: dict[str, bytes]) -> None:
    path = value["path"]
    if key == "file":
        tree[path] = Blob(base64.b64decode(value["content"]))
    elif key == "lfsFile":
        if value["oid"] not in objects:
            raise RefusalError(400, "", f"LFS pointer of {path} points to an object that is not there")
        tree[path] = Blob(objects[value["oid"]], lfs=True)
    elif key == "deletedFile":
        if path not in tree:
            raise RefusalError(404, "EntryNotFound", "A file with this name doesn't exist")
        del tree[path]
    else:
        raise RefusalError(400, "", f"unknown operation {key}")
