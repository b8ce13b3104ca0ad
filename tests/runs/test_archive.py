"""Runs as one file: whole, from anyone, and never outside of the store."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import pytest

from adapterstilts.errors import StoreError, UsageError
from adapterstilts.runs.archive import read_archive, with_ancestors, write_archive
from adapterstilts.runs.run import Run
from adapterstilts.runs.specs import key
from adapterstilts.runs.store import RunStore
from tests.runs.published import LARGE, change, publish
from tests.runs.test_specs import evaluate_spec, train_spec


@pytest.fixture
def line(tmp_path: Path) -> tuple[RunStore, list[Run]]:
    """A store with a run, one made from it, and an evaluation of that."""
    store = RunStore(tmp_path / "from")
    first = publish(store, train_spec(), large=LARGE)
    above = publish(store, train_spec(seed=1, inputs=(first.key,)))
    return store, [first, above, publish(store, evaluate_spec(inputs=(above.key,)))]


def test_a_run_goes_to_another_store_with_all_it_was_made_from(
    line: tuple[RunStore, list[Run]], tmp_path: Path
) -> None:
    store, runs = line
    every = with_ancestors(store, runs[-1])
    assert [run.key for run in every] == [run.key for run in runs]
    file = tmp_path / "runs.tar"
    written = write_archive(every, file)
    other = RunStore(tmp_path / "to")
    read = read_archive(file, other)
    assert read.runs == written.runs == [run.folder.name for run in runs] and read.there == []
    for run in runs:
        found = other.find(run.spec, whole=True)
        assert found is not None and found.provenance == run.provenance
    assert list((other.root / ".work").iterdir()) == []
    assert read_archive(file, other).there == read.runs  # what is there stays
    assert {path.stem for path in (other.root / ".locks").iterdir()} == set(read.runs)  # and nothing else is left
    write_archive(every, tmp_path / "again.tar")
    assert (tmp_path / "again.tar").read_bytes() == file.read_bytes()
    with pytest.raises(UsageError, match="is there already"):
        write_archive(every, file)


def test_a_damaged_run_is_not_written_and_is_replaced_by_a_whole_one(
    line: tuple[RunStore, list[Run]], tmp_path: Path
) -> None:
    store, runs = line
    file = tmp_path / "runs.tar"
    write_archive(with_ancestors(store, runs[-1]), file)
    change(runs[0].folder / "weights.safetensors")
    with pytest.raises(StoreError, match="weights.safetensors has another content"):
        with_ancestors(store, runs[-1])
    assert len(read_archive(file, store).there) == 2  # the damaged one is set aside
    assert store.find(runs[0].spec, whole=True) is not None
    assert len(list((store.root / ".damaged").iterdir())) == 1


@pytest.mark.parametrize("cut", [100, 60_000])
def test_a_file_that_is_cut_off_or_changed_brings_nothing(
    line: tuple[RunStore, list[Run]], tmp_path: Path, cut: int
) -> None:
    store, runs = line
    file, other = tmp_path / "runs.tar", RunStore(tmp_path / "to")
    write_archive(with_ancestors(store, runs[-1]), file)
    content = file.read_bytes()
    file.write_bytes(content[:cut])
    with pytest.raises(StoreError):
        read_archive(file, other)
    file.write_bytes(content)
    change(file, at=content.index(bytes(1000)) + 500)  # in the weights
    with pytest.raises(StoreError, match=r"is damaged \(weights.safetensors has another content"):
        read_archive(file, other)
    assert other.runs() == [] and list((other.root / ".work").iterdir()) == []
    (tmp_path / "no.tar").write_text("nothing of the sort")
    with pytest.raises(StoreError, match="not a whole archive of runs"):
        read_archive(tmp_path / "no.tar", other)


@pytest.mark.parametrize("name", ["../../outside", "/outside", "run/../../outside", ".work/x", "alone"])
@pytest.mark.parametrize("form", [tarfile.REGTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE])
def test_nothing_is_written_outside(tmp_path: Path, name: str, form: bytes) -> None:
    file = tmp_path / "runs.tar"
    with tarfile.open(file, "w") as archive:
        member = tarfile.TarInfo(name if form == tarfile.REGTYPE else "run/link")
        member.type, member.linkname, member.size = form, "/etc/passwd", 4 if form == tarfile.REGTYPE else 0
        archive.addfile(member, io.BytesIO(b"evil"))
    before = set(tmp_path.rglob("*"))
    with pytest.raises(StoreError, match="which is no file of a run"):
        read_archive(file, RunStore(tmp_path / "to"))
    new = {path.relative_to(tmp_path).parts[0] for path in set(tmp_path.rglob("*")) - before}
    assert new <= {"to"} and RunStore(tmp_path / "to").runs() == []


def test_what_a_run_was_made_from_has_to_come_along_or_be_there(
    line: tuple[RunStore, list[Run]], tmp_path: Path
) -> None:
    _, runs = line
    file, other = tmp_path / "runs.tar", RunStore(tmp_path / "to")
    write_archive(runs[1:2], file)
    with pytest.raises(StoreError, match=f"no run with the key {runs[0].key[:12]}"):
        read_archive(file, other)
    publish(other, runs[0].spec)
    assert read_archive(file, other).runs == [runs[1].folder.name]
    assert other.need(key(runs[1].spec)).problem(whole=True) is None


def test_a_file_with_more_than_the_manifest_names_is_refused(line: tuple[RunStore, list[Run]], tmp_path: Path) -> None:
    _, runs = line
    file = tmp_path / "runs.tar"
    write_archive(runs[:1], file)
    with tarfile.open(file, "a") as archive:
        member = tarfile.TarInfo(f"{runs[0].folder.name}/more.py")
        member.size = 4
        archive.addfile(member, io.BytesIO(b"evil"))
    with pytest.raises(StoreError, match="more.py is not among its files"):
        read_archive(file, RunStore(tmp_path / "to"))
