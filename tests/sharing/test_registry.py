"""Registries in folders, in memory and in a bucket: complete packages alone, from any number of processes."""

from __future__ import annotations

import json
import multiprocessing
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from adapterstilts.errors import SharingError, UsageError
from adapterstilts.runs.run import Run
from adapterstilts.runs.specs import key
from adapterstilts.sharing import registry as registry_module
from adapterstilts.sharing.export import Export
from adapterstilts.sharing.incoming import outgoing, silent
from adapterstilts.sharing.registry import Registry
from adapterstilts.sharing.registry_entries import Entry, EntryFile, describe, package_digest
from tests.runs.test_specs import SQUAD, train_spec
from tests.sharing.conftest import package, read, write


def entry_of(folder: Path, *, name: str = "squad-lora", **facts: Any) -> Entry:
    return describe(
        outgoing(folder, silent), name=name,
        **{"task": "squad", "stage": "train-intermediate", "backbone": "mini", "fingerprint": "sha256:0",
           "method": "lora", "languages": ["en"], "score": 81.2, **facts},
    )  # fmt: skip


def test_a_package_goes_there_once_and_comes_back(place: str, folder: Path, tmp_path: Path) -> None:
    registry = Registry(place)
    assert registry.entries() == []
    entry = entry_of(folder)
    address = f"{place}/packages/squad-lora/{entry.digest[:12]}"
    assert registry.push(folder, entry) == (address, True)
    assert registry.push(folder, entry) == (address, False)
    # What was pushed first is what is there.
    assert Registry(place).push(folder, entry_of(folder, score=99.0)) == (address, False)
    assert Registry(place).entries() == [entry]
    registry.download(entry, tmp_path / "into")
    assert read(tmp_path / "into") == package()
    with pytest.raises(SharingError, match=r"into is there already"):
        registry.download(entry, tmp_path / "into")


def test_versions_stand_beside_each_other(place: str, folder: Path, tmp_path: Path) -> None:
    registry = Registry(place)
    entries = [entry_of(folder)]
    registry.push(folder, entries[0])
    write(folder, package(seed=1))
    entries += [entry_of(folder), entry_of(folder, name="other", task="mnli", languages=["de", "ru"])]
    for entry in entries[1:]:
        registry.push(folder, entry)
    assert sorted(registry.entries(), key=lambda entry: entry.key) == sorted(entries, key=lambda entry: entry.key)
    for number, entry in enumerate(entries):
        registry.download(entry, tmp_path / str(number))
    assert read(tmp_path / "0") == package() and read(tmp_path / "1") == read(tmp_path / "2") == package(seed=1)


def test_a_model_of_many_tasks_has_a_name_that_a_registry_takes(folder: Path, tmp_path: Path) -> None:
    """As that of the nine tasks that were trained together in the paper."""
    names = ("anli_plus", "mnli", "qqp", "squad", "squad_v2", "hellaswag", "ccg", "cosmosqa", "commonsenseqa")
    data = (SQUAD.data.model_copy(update={"task": name}) for name in names)
    spec = train_spec(tasks=tuple(SQUAD.model_copy(update={"data": one}) for one in data))
    export = Export(Run(tmp_path), spec, (), (), (), (spec,))
    assert len(export.name) <= 96 and export.name.endswith(f"-and-more-seq_bn-{key(spec)[:12]}")
    assert Registry(str(tmp_path / "registry")).push(folder, entry_of(folder, name=export.name))[1]
    alone = Export(Run(tmp_path), train_spec(), (), (), (), ())
    assert alone.name == f"squad-seq_bn-{key(alone.spec)[:12]}"


def test_a_folder_that_is_not_what_its_entry_says_is_not_pushed(folder: Path, tmp_path: Path) -> None:
    registry = Registry(str(tmp_path / "registry"))
    entry = entry_of(folder)
    (folder / "README.md").write_text("Changed meanwhile.", encoding="utf-8")
    with pytest.raises(SharingError, match=r"README\.md of .* is not what the entry squad-lora-.* says\. Describe the"):
        registry.push(folder, entry)
    assert registry.entries() == [] and not (tmp_path / "registry").exists()


@pytest.mark.parametrize("copied", [0, 2, 5])
def test_a_killed_push_is_not_seen_and_is_completed_by_the_next(copied: int, folder: Path, tmp_path: Path) -> None:
    code = (
        "import os, shutil, sys\nfrom pathlib import Path\nfrom adapterstilts.sharing.registry import Registry\n"
        "from adapterstilts.sharing.registry_entries import Entry\n"
        "copy, left = shutil.copyfile, [int(sys.argv[4])]\n"
        "def dying(source, target):\n"
        "    if left[0] == 0:\n"
        "        Path(target).write_bytes(Path(source).read_bytes()[:5])\n        os._exit(9)\n"
        "    left[0] -= 1\n    return copy(source, target)\n"
        "shutil.copyfile = dying\n"
        "Registry(sys.argv[1]).push(Path(sys.argv[2]), Entry.model_validate_json(sys.argv[3]))\n"
    )
    registry, entry = Registry(str(tmp_path / "registry")), entry_of(folder)
    words = [registry.url, str(folder), entry.model_dump_json(), str(copied)]
    assert subprocess.run([sys.executable, "-c", code, *words], check=False).returncode == 9
    assert registry.entries() == [] and list((tmp_path / "registry").rglob("*.part"))
    assert registry.push(folder, entry)[1] and registry.entries() == [entry]
    registry.download(entry, tmp_path / "into")
    assert read(tmp_path / "into") == package()


def push_one(url: str, folder: str, number: int) -> None:
    Registry(url).push(Path(folder), entry_of(Path(folder), name=f"squad-{number}"))
    # The same one from all of them.
    Registry(url).push(Path(folder), entry_of(Path(folder)))


def test_processes_push_at_the_same_time(folder: Path, tmp_path: Path) -> None:
    url = str(tmp_path / "registry")
    start = multiprocessing.get_context("forkserver" if os.name == "posix" else "spawn")
    if os.name == "posix":
        start.set_forkserver_preload([__name__])
    processes = [start.Process(target=push_one, args=(url, str(folder), number)) for number in range(16)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    assert [process.exitcode for process in processes] == [0] * 16
    entries = Registry(url).entries()
    assert {entry.name for entry in entries} == {"squad-lora", *(f"squad-{number}" for number in range(16))}
    assert not list((tmp_path / "registry").rglob("*.part"))
    for entry in entries:
        Registry(url).download(entry, tmp_path / "into" / entry.name)
        assert read(tmp_path / "into" / entry.name) == package()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda path: path.unlink(), r"FileNotFoundError: .*a package that lost a file can be pushed again"),
        (lambda path: path.write_bytes(b"short"), r"adapter\.safetensors from squad-lora-.* has 5 bytes instead of"),
        (lambda path: path.write_bytes(b"x" * 40_001), r"has more bytes instead of 40,000"),
        (lambda path: path.write_bytes(b"x" * 40_000), r"has SHA-256 .* instead of"),
    ],
)
def test_a_file_that_is_not_what_the_entry_says_is_not_kept(
    change: Callable[[Path], object], message: str, folder: Path, tmp_path: Path
) -> None:
    registry, entry = Registry(str(tmp_path / "registry")), entry_of(folder)
    registry.push(folder, entry)
    change(tmp_path / "registry" / entry.folder / "adapter.safetensors")
    with pytest.raises(SharingError, match=message):
        registry.download(entry, tmp_path / "into")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["folder", "registry"]


def test_a_package_that_lost_a_file_is_completed_by_a_push(folder: Path, tmp_path: Path) -> None:
    registry, entry = Registry(str(tmp_path / "registry")), entry_of(folder)
    registry.push(folder, entry)
    (tmp_path / "registry" / entry.folder / "README.md").unlink()
    assert registry.push(folder, entry)[1] and not registry.push(folder, entry)[1]


HOSTILE = [
    "../adapter.safetensors", "/etc/adapter.safetensors", "a/../../../adapter.safetensors", "..\\adapter.safetensors",
    "C:\\adapter.safetensors", "adapter.safetensors\n", "setup.py", "pytorch_adapter.bin", ".bashrc", "",
]  # fmt: skip


def entry_json(**changes: Any) -> dict[str, Any]:
    files = changes.pop("files", [{"name": "adapter.safetensors", "bytes": 3, "sha256": "0" * 64}])
    try:
        digest = package_digest(EntryFile.model_construct(**file) for file in files)
    except (AttributeError, TypeError):
        digest = "0" * 64
    facts = {"name": "squad", "digest": digest, "task": "squad", "backbone": "mini", "method": "lora", "files": files}
    return {"schema_version": 1, "languages": [], "score": None, **facts, **changes}


@pytest.mark.parametrize(
    "content",
    [
        *(entry_json(files=[{"name": name, "bytes": 3, "sha256": "0" * 64}]) for name in HOSTILE),
        *(entry_json(name=name) for name in ("..", "../squad", "a/b", "a\\b", "", ".squad", "squad\n", "x" * 200, 7)),
        entry_json(digest="../../..000"), entry_json(digest="1" * 64), entry_json(schema_version=2),
        entry_json(run="rm -rf"), entry_json(**{"\x1b[2J": 1}), entry_json(task="\x1b[2J"), entry_json(task=None),
        entry_json(languages="en"), entry_json(files=[]), entry_json(files=None), entry_json(files=[{}]),
        entry_json(files=[{"name": "adapter.safetensors", "bytes": -1, "sha256": "0" * 64}]),
        entry_json(files=[{"name": "adapter.safetensors", "bytes": 3, "sha256": "0" * 64}] * 2),
        entry_json(files=[{"name": f"{i}/adapter.safetensors", "bytes": 3, "sha256": "0" * 64} for i in range(2_000)]),
        [], None, "text", 7,
    ],
)  # fmt: skip
def test_a_damaged_or_hostile_entry_is_said_and_left_out(content: Any, folder: Path, tmp_path: Path) -> None:
    notes: list[str] = []
    registry, entry = Registry(str(tmp_path / "registry"), notes.append), entry_of(folder)
    registry.push(folder, entry)
    key = f"squad-{content['digest'][:12]}" if type(content) is dict and content["name"] == "squad" else "squad-0"
    place = tmp_path / "registry/index" / f"{key.replace('/', '')}.json"
    place.write_text(json.dumps(content), encoding="utf-8")
    assert registry.entries() == [entry]
    assert len(notes) == 1 and notes[0].startswith(f"leaves the entry {place.name!r} of {registry.url} out: ")
    assert "\x1b" not in notes[0] and "\n" not in notes[0]


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe", b"[" * 100_000, b" " * (5 << 20)])
def test_an_entry_that_is_no_json_is_said_and_left_out(content: bytes, tmp_path: Path) -> None:
    notes: list[str] = []
    write(tmp_path, {"index/squad-0.json": content})
    assert Registry(str(tmp_path), notes.append).entries() == [] and len(notes) == 1 and len(notes[0]) < 500


@pytest.mark.skipif(os.name != "posix", reason="pipes are of POSIX")
def test_what_is_no_file_is_not_opened(folder: Path, tmp_path: Path) -> None:
    registry, entry = Registry(str(tmp_path / "registry")), entry_of(folder)
    registry.push(folder, entry)
    (tmp_path / "registry/index/folder-000000000000.json").mkdir()
    os.mkfifo(tmp_path / "registry/index/pipe-000000000000.json")
    assert registry.entries() == [entry]
    weights = tmp_path / "registry" / entry.folder / "adapter.safetensors"
    weights.unlink()
    os.mkfifo(weights)
    with pytest.raises(SharingError, match=r"FileNotFoundError: no file packages/squad-lora/"):
        registry.download(entry, tmp_path / "into")


def test_a_cached_url_is_no_folder(folder: Path, tmp_path: Path) -> None:
    """Drivers that keep files of others here are called `...file` or `...cache`, too."""
    registry, entry = Registry(f"simplecache::memory://{tmp_path.name}"), entry_of(folder)
    assert registry.push(folder, entry)[1] and Registry(f"memory://{tmp_path.name}").entries() == [entry]
    registry.download(entry, tmp_path / "into")
    assert read(tmp_path / "into") == package()


def test_an_entry_under_the_name_of_another_is_left_out(folder: Path, tmp_path: Path) -> None:
    notes: list[str] = []
    registry, entry = Registry(str(tmp_path / "registry"), notes.append), entry_of(folder)
    registry.push(folder, entry)
    index = tmp_path / "registry/index"
    (index / f"{entry.key}.json").rename(index / "other-000000000000.json")
    assert registry.entries() == [] and f"it is of {entry.key}" in notes[0]


def test_an_index_without_end_is_not_read_to_its_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry_module, "MOST_ENTRIES", 3)
    notes: list[str] = []
    write(tmp_path, {f"index/squad-{number}.json": b"{}" for number in range(5)})
    Registry(str(tmp_path), notes.append).entries()
    assert notes[0] == f"reads 3 of the 5 entries of {tmp_path}" and len(notes) == 4


def test_entries_cannot_be_made_of_what_may_not_be_shared(folder: Path) -> None:
    write(folder, {"setup.py": b"", ".env": b"", "pytorch_adapter.bin": b""})
    assert {file.name for file in entry_of(folder).files} == set(package())
    with pytest.raises(UsageError, match=r"the entry of a registry: name: .*given: '\.\./squad'"):
        entry_of(folder, name="../squad")
    with pytest.raises(SharingError, match="has no weights"):
        facts = dict.fromkeys(("name", "task", "stage", "backbone", "fingerprint", "method"), "a")
        Registry("memory://none").push(folder, describe({"astilts.json": folder / "astilts.json"}, **facts))


@pytest.mark.parametrize(
    ("url", "message"),
    [("nowhere://bucket/folder", r"nowhere://bucket/folder is no place of a registry: .*Give a folder, or a URL such"),
     ("abfs://container/x", r"abfs://container/x needs a package that is not installed: .*adlfs.*Install it with pip")],
)  # fmt: skip
def test_places_that_cannot_be_opened(url: str, message: str) -> None:
    with pytest.raises(SharingError, match=message):
        Registry(url).entries()


def test_a_bucket_without_its_driver() -> None:
    code = (
        "import sys\nsys.modules['s3fs'] = None\nfrom adapterstilts.sharing.registry import Registry\n"
        "Registry('s3://bucket').entries()\n"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False).stderr
    assert "s3://bucket needs a package that is not installed: Install s3fs to access S3." in said
    assert "Run `pip install 'adapterstilts[s3]'`." in said and "During handling" not in said


def test_a_place_that_cannot_be_read_is_explained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import fsspec

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError("hf_" + "SecretSecret" * 3 + " may not; ftp://me:password@host/?signature=abc")

    monkeypatch.setattr(fsspec.filesystem("memory"), "isdir", refuse)
    with pytest.raises(SharingError, match=r"Could not read memory://x: .*rights and credentials") as caught:
        Registry("memory://x").entries()
    assert not any(secret in str(caught.value) for secret in ("Secret", "password", "abc"))
    assert caught.value.__context__ is None


def test_a_bucket_that_is_not_there(bucket: str, folder: Path) -> None:
    with pytest.raises(SharingError, match=r"Could not push squad-lora-.* to s3://absent/x: .*bucket"):
        Registry("s3://absent/x").push(folder, entry_of(folder))
