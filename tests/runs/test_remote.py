"""Run stores in folders, in memory and in a bucket: whole runs alone, from any number of machines."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import fsspec
import pytest

from adapterstilts.errors import SharingError, StoreError
from adapterstilts.runs import remote as remote_module
from adapterstilts.runs.remote import RemoteStore
from adapterstilts.runs.run import Run
from adapterstilts.runs.store import RunStore
from tests.runs.published import LARGE, publish
from tests.runs.test_specs import evaluate_spec, train_spec


@pytest.fixture(autouse=True)
def nothing_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is there is looked at each time, as by processes of which each is a minute later."""
    monkeypatch.setattr(remote_module, "_KNOWN_SECONDS", -1.0)


@pytest.fixture
def line(tmp_path: Path) -> list[Run]:
    """A run, one made from it, and an evaluation of that."""
    store = RunStore(tmp_path / "from")
    first = publish(store, train_spec(), large=LARGE)
    above = publish(store, train_spec(seed=1, inputs=(first.key,)))
    return [first, above, publish(store, evaluate_spec(inputs=(above.key,)))]


def copied(runs: list[Run], place: str, folder: Path) -> RunStore:
    """Another store, after runs were copied to a place that it reads."""
    there = RemoteStore.of(place, folder / "cache")
    assert [there.put(run) for run in runs] == [True] * len(runs)
    url = place if "://" in place else f"file://{place}"
    return RunStore.open(folder / "own", [url])


def brought(store: RunStore) -> set[str]:
    """Names of the runs that are on the disk as a whole."""
    return {path.parent.name for path in store.root.rglob("predictions")}


def test_runs_go_there_once_and_are_brought_when_they_are_looked_for(
    place: str, line: list[Run], tmp_path: Path
) -> None:
    store = copied(line, place, tmp_path)
    assert [RemoteStore.of(place, tmp_path).put(run) for run in line] == [False] * 3
    assert [run.key for run in store.runs()] == [run.key for run in sorted(line, key=lambda run: run.name)]
    listed = [(run.spec, run.metrics, run.bytes, run.known) for run in store.runs()]
    assert listed == [(run.spec, run.metrics, run.bytes, True) for run in sorted(line, key=lambda run: run.name)]
    assert str(line[0].name) in repr(store.runs()) and store.here() == store.every() == [] and brought(store) == set()
    assert {run.place for run in store.runs()} == {f"{store.remotes[0].url}/{run.name}" for run in line}
    found = store.find(line[0].spec, whole=True)
    assert found is not None and found.folder != line[0].folder and found.entries == line[0].entries
    for name in ("weights.safetensors", "manifest.json"):
        assert (found.folder / name).read_bytes() == (line[0].folder / name).read_bytes()
    assert store.need(line[1].key).spec == line[1].spec
    assert store.resolve(f"{line[2].spec.task}@{line[2].short_key[:8]}").metrics == line[2].metrics
    assert brought(store) == {run.name for run in line[:2]}  # of an evaluation, its metrics were enough
    (evaluated,) = [run for run in store.runs() if run.spec.stage == "evaluate"]
    assert evaluated.file("predictions/test-en.json").read_text() == "x" and evaluated.check() is evaluated
    assert {run.key for run in store.here()} == {run.key for run in line}
    assert store.find(train_spec(seed=7)) is None and store.of_key("0" * 64) is None
    assert not store.root.exists() or {one.name for one in store.root.iterdir()} == {".cache"}


def test_a_run_is_not_there_before_its_manifest_is(line: list[Run], tmp_path: Path) -> None:
    """What a killed process has copied of it is completed by the next one."""
    place, run = tmp_path / "place", line[0]
    store = copied(line, str(place), tmp_path)
    (place / run.name / "manifest.json").unlink()
    assert store.find(run.spec) is None and RemoteStore.of(str(place), tmp_path).put(run)
    (place / run.name / "weights.safetensors").unlink()  # a copy that was interrupted otherwise
    assert RemoteStore.of(str(place), tmp_path).put(run)
    found = store.find(run.spec, whole=True)
    assert found is not None and found.verify()


def test_files_of_two_machines_are_not_mixed(line: list[Run], tmp_path: Path) -> None:
    """Both have made the same run; one was interrupted while the other copied."""
    run, place = line[0], tmp_path / "place"
    other = publish(RunStore(tmp_path / "other"), train_spec(), large=LARGE, finished="2026-02-02")
    store = copied([run], str(place), tmp_path)
    mixed = place / run.name / "provenance.json"
    mixed.write_bytes((other.folder / "provenance.json").read_bytes())
    with pytest.raises(StoreError, match=r"provenance.json has another content than when it was written"):
        store.find(run.spec)
    assert RemoteStore.of(str(place), tmp_path).put(other)
    found = store.find(run.spec, whole=True)
    assert found is not None and found.provenance["finished"] == "2026-02-02"


def _rename(folder: Path) -> None:
    folder.rename(folder.with_name(f"{folder.name[:-12]}{'0' * 12}"))


def _manifest(folder: Path, **more: Any) -> None:
    path = folder / "manifest.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **more}))


_NO_ENTRY = {"bytes": 1, "sha256": "0" * 64}


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda folder: (folder / "weights.safetensors").write_bytes(b"x" * LARGE), "another content than when"),
        (lambda folder: (folder / "weights.safetensors").write_bytes(b"x" * (2 * LARGE)), "3,145,729 bytes instead of"),
        (lambda folder: (folder / "metrics.json").write_text("null"), "metrics.json has 4 bytes instead of"),
        (lambda folder: (folder / "manifest.json").write_text("[]"), "is damaged: manifest.json"),
        (lambda folder: _manifest(folder, **{"../../../evil": _NO_ENTRY}), "is no name of a file of a run"),
        (lambda folder: _manifest(folder, **{"/tmp/evil": _NO_ENTRY}), "is no name of a file of a run"),
        (lambda folder: (folder / "metrics.json").unlink(), "metrics.json is missing"),
        (_rename, "it is the run "),
    ],
)
def test_what_is_damaged_there_is_not_taken(damage: Any, said: str, line: list[Run], tmp_path: Path) -> None:
    place = tmp_path / "place"
    store = copied(line[:1], str(place), tmp_path)
    damage(place / line[0].name)
    (name,) = store.remotes[0].names()
    with pytest.raises((StoreError, SharingError), match=said):
        store.remotes[0].find(name, whole=True)
    assert store.here() == [] and not [path for path in tmp_path.rglob("*") if "evil" in path.name]
    assert not [path for path in store.root.rglob("*") if path.is_file()]


def test_a_damaged_run_hides_no_other(line: list[Run], tmp_path: Path) -> None:
    place = tmp_path / "place"
    store = copied(line, str(place), tmp_path)
    (place / line[0].name / "metrics.json").unlink()
    assert {run.key for run in store.runs()} == {run.key for run in line[1:]}
    (problem,) = store.unreadable()
    assert "metrics.json is missing" in problem.message and line[0].name in problem.message


def test_what_was_damaged_after_it_came_comes_again(line: list[Run], tmp_path: Path) -> None:
    store = copied(line, str(tmp_path / "place"), tmp_path)
    assert len(store.runs()) == 3
    head = next(path for path in store.root.rglob("metrics.json") if line[0].name in str(path))
    head.write_text("null")
    assert len(store.runs()) == 2 and not head.exists()
    assert len(store.runs()) == 3
    folder = store.need(line[0].key).folder
    (folder / "weights.safetensors").write_bytes(b"x" * LARGE)
    assert store.need(line[0].key).verify().folder == folder
    (folder / "provenance.json").write_text("{}")
    assert store.find(line[0].spec) is not None and len(store.runs()) == 3


def test_what_has_come_needs_nobody(line: list[Run], tmp_path: Path) -> None:
    """Neither does a run of the store itself."""
    place = tmp_path / "place"
    store = copied(line[:1], str(place), tmp_path)
    (run,) = store.runs()
    own = publish(store, train_spec(seed=9))
    assert run.folder.is_dir()
    store.remotes[0].place.driver.mv(str(place), str(tmp_path / "gone"), recursive=True)
    assert run.check().folder.is_dir() and store.find(line[0].spec, whole=True) is not None
    unreachable = RunStore.open(store.root, ["nowhere://x"])
    assert unreachable.resolve(own.short_key) == own
    with pytest.raises(SharingError, match="is no place of a run store"):
        unreachable.resolve("0123456789ab")


def test_a_cache_that_cannot_be_written_is_no_fault_of_the_place(line: list[Run], tmp_path: Path) -> None:
    store = copied(line, str(tmp_path / "place"), tmp_path)
    store.root.mkdir()
    (store.root / ".cache").write_text("in the way")
    with pytest.raises(SharingError, match=r"cannot be written \(.*\), where runs from elsewhere are put"):
        store.need(line[0].key)


def test_a_place_that_is_not_there_is_no_empty_one(tmp_path: Path) -> None:
    """An address with a typo would have everything made again."""
    store = RunStore.open(tmp_path / "own", [f"file://{tmp_path}/plce"])
    for look in (store.runs, lambda: store.find(train_spec())):
        with pytest.raises(SharingError, match=r"There is no run store at file://.*/plce\. Check the address"):
            look()


def test_a_place_that_cannot_be_read_is_said(tmp_path: Path, line: list[Run]) -> None:
    place = tmp_path / "place"
    store = copied(line, str(place), tmp_path)
    with pytest.raises(SharingError, match=r"Could not read .*gone"):
        RunStore.open(tmp_path / "own", ["reference://gone"]).find(line[0].spec)
    with pytest.raises(SharingError, match=r"nowhere://x is no place of a run store"):
        RunStore.open(tmp_path / "own", ["nowhere://x"]).find(line[0].spec)
    (place / line[0].name / "weights.safetensors").unlink()
    with pytest.raises(StoreError, match=r"squad-\w+ in file://.* is damaged: weights.safetensors is missing\."):
        store.need(line[0].key)


def test_a_list_of_what_is_there_is_asked_for_once(
    line: list[Run], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remote_module, "_KNOWN_SECONDS", 60.0)
    store = copied(line, f"memory://{tmp_path.name}", tmp_path)
    assert len(store.runs()) == 3
    fsspec.filesystem("memory").rm(f"/{tmp_path.name}/{line[0].name}", recursive=True)
    assert len(store.remotes[0].names()) == 3  # of a minute ago
    with pytest.raises(SharingError, match=r"is not in memory://.* any more"):  # which only its folder tells
        _ = store.find(line[0].spec).folder
    assert store.find(line[1].spec, whole=True) is not None
