from __future__ import annotations

import errno
import fcntl
import json
import subprocess
import sys
from pathlib import Path

import pytest

from adapterstilts.errors import StoreError, UsageError
from adapterstilts.files import write_json
from adapterstilts.runs.specs import key
from adapterstilts.runs.store import Run, RunStore
from tests.runs.test_specs import evaluate_spec, train_spec


def publish(store: RunStore, spec, *, finished: str = "2026-01-01", content: str = "x") -> Run:
    with store.claim(spec, on_wait=lambda message: None) as work:
        (work / "predictions").mkdir()
        (work / "predictions" / "test-en.json").write_text(content)
        write_json(work / "metrics.json", {"best_score": 1.0})
        write_json(work / "provenance.json", {"finished": finished})
        return store.publish(spec, work)


def test_published_run_is_found_by_its_spec(tmp_path: Path) -> None:
    store = RunStore(tmp_path)
    spec = train_spec()
    assert store.find(spec) is None
    run = publish(store, spec)
    found = store.find(spec)
    assert found is not None and found.folder == run.folder and found.key == key(spec)
    assert found.spec == spec
    assert store.find(train_spec(seed=1)) is None


def test_a_file_that_several_processes_write_is_always_whole(tmp_path: Path) -> None:
    """The check of a target's words is written by whatever job comes first, and jobs of an array come together."""
    code = "import sys; from adapterstilts.files import write_json\n" + (
        "from pathlib import Path\nfor n in range(60): write_json(Path(sys.argv[1]), {'share': n})"
    )
    words = [sys.executable, "-c", code, str(tmp_path / "share.json")]
    writers = [subprocess.Popen(words, stderr=subprocess.PIPE, text=True) for _ in range(3)]
    assert [writer.communicate()[1] for writer in writers] == ["", "", ""]
    assert json.loads((tmp_path / "share.json").read_text()) == {"share": 59}
    assert [path.name for path in tmp_path.iterdir()] == ["share.json"]


def test_what_a_killed_process_was_writing_is_not_published(tmp_path: Path) -> None:
    store, spec = RunStore(tmp_path), train_spec()
    with store.claim(spec, on_wait=lambda message: None) as work:
        (work / "metrics.json.0123.part").write_text('{"best')
    run = publish(store, spec)
    assert not list(run.folder.rglob("*.part")) and run.check()


def test_a_file_system_without_locks_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A lock that does not end with its process would keep a requeued job waiting for ever."""

    def unsupported(*args: object) -> None:
        raise OSError(errno.ENOSYS, "Function not implemented")

    monkeypatch.setattr(fcntl, "flock", unsupported)
    with pytest.raises(StoreError, match=r"cannot be locked \(Function not implemented\).*mounted with flock"):
        publish(RunStore(tmp_path), train_spec())


@pytest.mark.parametrize("name", ["spec.json", "provenance.json", "metrics.json"])
def test_one_damaged_run_does_not_hide_the_others(tmp_path: Path, name: str) -> None:
    store = RunStore(tmp_path)
    damaged, whole = publish(store, train_spec()), publish(store, train_spec(seed=1))
    (damaged.folder / name).write_text("{")
    assert [run.key for run in store.runs()] == [whole.key]
    (problem,) = store.unreadable()
    assert name in str(problem)


def test_unpublished_work_is_never_a_result(tmp_path: Path) -> None:
    store = RunStore(tmp_path)
    spec = train_spec()
    with pytest.raises(RuntimeError), store.claim(spec, on_wait=lambda message: None) as work:
        write_json(work / "metrics.json", {})
        raise RuntimeError("killed here")
    assert store.find(spec) is None and store.runs() == []
    with store.claim(spec, on_wait=lambda message: None) as again:
        assert (again / "metrics.json").is_file()  # what was there is found again


def test_publishing_again_replaces_the_run(tmp_path: Path) -> None:
    store = RunStore(tmp_path)
    publish(store, train_spec(), content="old")
    run = publish(store, train_spec(), content="new!")
    assert (run.folder / "predictions/test-en.json").read_text() == "new!"
    assert [path.name for path in (tmp_path / ".work").iterdir()] == []
    assert len(store.runs()) == 1


def test_manifest_has_the_digest_of_every_file(tmp_path: Path) -> None:
    run = publish(RunStore(tmp_path), train_spec())
    manifest = json.loads((run.folder / "manifest.json").read_text())
    files = {path.relative_to(run.folder).as_posix() for path in run.folder.rglob("*") if path.is_file()}
    assert set(manifest) == files - {"manifest.json"}
    # echo -n x | sha256sum
    expected = "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881"
    assert manifest["predictions/test-en.json"] == {"bytes": 1, "sha256": expected}


def test_damage_is_reported_with_the_remedy(tmp_path: Path) -> None:
    store = RunStore(tmp_path)
    run = publish(store, train_spec())
    (run.folder / "predictions/test-en.json").write_text("cut off and different")
    with pytest.raises(StoreError, match=r"test-en.json is missing or damaged.*--force"):
        store.find(train_spec())


def test_runs_are_listed_in_the_order_they_finished(tmp_path: Path) -> None:
    store = RunStore(tmp_path)
    publish(store, train_spec(seed=2), finished="2026-03-01")
    publish(store, train_spec(seed=1), finished="2026-02-01")
    publish(store, evaluate_spec(), finished="2026-01-01")
    assert [run.provenance["finished"][5:7] for run in store.runs()] == ["01", "02", "03"]


def test_resolve_by_key_prefix_name_and_folder(tmp_path: Path) -> None:
    store = RunStore(tmp_path)
    run = publish(store, train_spec())
    publish(store, train_spec(seed=1))
    for text in (run.short_key, run.key, run.folder.name, str(run.folder), f"{run.spec.task}@{run.short_key}"):
        assert store.resolve(text).key == run.key
    for text in ("", "@", f"{run.spec.task}@", f"@{run.short_key}"):
        with pytest.raises(UsageError, match=r"names no run.*TASK@KEY"):
            store.resolve(text)
    for task in (f"{run.spec.task}_v2", run.spec.task[:-1]):  # names that begin alike
        with pytest.raises(UsageError, match="No run"):
            store.resolve(f"{task}@{run.short_key}")
    with pytest.raises(UsageError, match=r"No run 'zzz'.*astilts runs"):
        store.resolve("zzz")


def test_a_second_process_waits_for_the_lock(tmp_path: Path) -> None:
    """The other process announces that it waits, and gets the work folder only after this one lets go."""
    store = RunStore(tmp_path)
    code = (
        "import sys; from pathlib import Path; from adapterstilts.runs.store import RunStore;"
        "from tests.runs.test_specs import train_spec\n"
        "store = RunStore(Path(sys.argv[1]))\n"
        "with store.claim(train_spec(), on_wait=lambda m: print('waiting', flush=True)) as work:\n"
        "    print((work / 'mark').read_text(), flush=True)"
    )
    with store.claim(train_spec(), on_wait=lambda message: None) as work:
        other = subprocess.Popen(
            [sys.executable, "-c", code, str(tmp_path)],
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parents[2],
        )
        assert other.stdout is not None
        assert other.stdout.readline() == "waiting\n"
        (work / "mark").write_text("written before release")
    assert other.stdout.readline() == "written before release\n"
    assert other.wait(timeout=30) == 0
