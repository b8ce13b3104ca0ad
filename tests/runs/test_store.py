from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from adapterstilts.commands.options.runs import CheckedRuns, RemoveOptions
from adapterstilts.commands.runs import remove_run, verify_runs
from adapterstilts.errors import StoreError, UsageError
from adapterstilts.files import write_json
from adapterstilts.runs.exchange import exchange
from adapterstilts.runs.specs import key
from adapterstilts.runs.store import Run, RunStore
from tests.network import Remembered
from tests.runs.published import LARGE, change, publish
from tests.runs.test_specs import evaluate_spec, train_spec


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


def test_who_gets_a_stage_sees_what_another_machine_has_just_published(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Otherwise it would be made a second time, for hours: NFS tells late that a name has come."""
    store, spec = RunStore(tmp_path / "here"), train_spec()
    made = publish(RunStore(tmp_path / "elsewhere"), spec)
    store.root.mkdir()
    Remembered(store.root, monkeypatch)
    assert store.find(spec) is None
    made.folder.rename(store.folder(spec))
    assert store.find(spec) is None  # the file system's fault
    with store.claim(spec, on_wait=lambda message: None):
        assert store.find(spec) is not None


@pytest.mark.parametrize("content", ["{", "null", "[]", '"x"', "{}", "[" * 100_000, '{"finished": 3}'])
@pytest.mark.parametrize("name", ["spec.json", "provenance.json", "metrics.json", "manifest.json"])
def test_one_damaged_run_does_not_hide_the_others(tmp_path: Path, name: str, content: str) -> None:
    store = RunStore(tmp_path)
    damaged, whole = publish(store, train_spec()), publish(store, train_spec(seed=1))
    (damaged.folder / name).write_text(content)
    assert [run.key for run in store.runs()] == [whole.key]
    (problem,) = store.unreadable()
    assert name in str(problem)
    assert store.find(train_spec()) is None and store.of_key(damaged.folder.name[-12:]) is None
    with pytest.raises(StoreError, match=name):
        Run(damaged.folder).check()
    with pytest.raises(UsageError, match=f"No run '{damaged.folder.name}'.*{name}"):
        store.resolve(damaged.folder.name)


@pytest.mark.parametrize("name", ["the-best", "train-intermediate-squad-0123456789ab"])
def test_a_run_that_was_renamed_is_said_with_its_name(tmp_path: Path, name: str) -> None:
    store = RunStore(tmp_path)
    run = publish(store, train_spec())
    called, digits = run.folder.name, run.short_key
    run.folder.rename(tmp_path / name)
    (tmp_path / "notes").mkdir()
    assert store.runs() == [] and store.find(train_spec()) is None
    (problem,) = store.unreadable()
    assert name in str(problem) and f"call it {called}" in str(problem)
    (read,) = verify_runs(store, CheckedRuns(all_=True))
    assert (read.name, read.state) == (name, "damaged") and digits in str(read.problems)
    (tmp_path / name).rename(tmp_path / called)
    assert [one.key for one in store.runs()] == [run.key] and store.unreadable() == []


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


def test_damage_is_named_with_the_remedy(tmp_path: Path) -> None:
    store = RunStore(tmp_path)
    run = publish(store, train_spec())
    for content, said in (("cut off and different", "has 21 bytes instead of 1"), ("y", "has another content")):
        (run.folder / "predictions/test-en.json").write_text(content)
        assert store.find(train_spec()) is None
        with pytest.raises(StoreError, match=rf"test-en.json {said}.*the run is damaged.*--force"):
            Run(run.folder).check()


def test_weights_are_read_where_something_starts_from_them(tmp_path: Path) -> None:
    """A change of one byte of a large file is found when it is read, and from then on."""
    store, spec = RunStore(tmp_path), train_spec()
    run = publish(store, spec, large=LARGE)
    assert store.need(key(spec)).folder == run.folder
    change(run.folder / "weights.safetensors", at=LARGE // 2)
    assert store.find(spec) is not None  # its size is what it was
    assert store.find(spec, whole=True) is None
    assert store.find(spec) is None
    with pytest.raises(StoreError, match=r"weights.safetensors has another content.*a stage starts from it"):
        store.need(key(spec))


def test_a_run_under_the_name_of_another_is_none(tmp_path: Path) -> None:
    store = RunStore(tmp_path)
    one, other = publish(store, train_spec()), publish(store, train_spec(seed=1))
    aside = tmp_path / "aside"
    one.folder.rename(aside)
    other.folder.rename(one.folder)
    aside.rename(other.folder)
    for spec in (train_spec(), train_spec(seed=1)):
        assert store.find(spec) is None
        with pytest.raises(StoreError, match="is the spec of"):
            store.need(key(spec))
    assert store.runs() == [] and len(store.unreadable()) == 2


def test_a_spec_that_was_changed_by_hand_is_found(tmp_path: Path) -> None:
    """Also where its digest was changed with it: the key is that of the spec."""
    store, spec = RunStore(tmp_path), train_spec()
    run = publish(store, spec)
    path = run.folder / "spec.json"
    path.write_text(path.read_text().replace('"seed":42', '"seed":43'))
    manifest = json.loads((run.folder / "manifest.json").read_text())
    manifest["spec.json"]["sha256"] = hashlib.sha256(path.read_bytes()).hexdigest()
    write_json(run.folder / "manifest.json", manifest)
    assert store.find(spec) is None and store.runs() == []


@pytest.mark.parametrize("name", ["../elsewhere", "/etc/passwd", "", "a//b"])
def test_a_manifest_names_files_of_the_run_alone(tmp_path: Path, name: str) -> None:
    store, spec = RunStore(tmp_path), train_spec()
    run = publish(store, spec)
    manifest = json.loads((run.folder / "manifest.json").read_text())
    write_json(run.folder / "manifest.json", {**manifest, name: {"bytes": 0, "sha256": "0" * 64}})
    assert "is no name of a file below" in str(Run(run.folder).problem())


def test_what_is_damaged_is_set_aside_and_can_be_made_again(tmp_path: Path) -> None:
    store, spec = RunStore(tmp_path), train_spec()
    run = publish(store, spec)
    change(run.folder / "predictions/test-en.json")
    with store.claim(spec, on_wait=print):
        aside = store.set_aside(spec)
        assert store.set_aside(spec) is None
    assert aside is not None and "test-en.json has another content" in str(aside)
    assert aside.folder.parent == tmp_path / ".damaged" and aside.folder.name.startswith(run.folder.name)
    assert (aside.folder / "metrics.json").is_file() and not run.folder.exists()
    assert publish(store, spec).problem(whole=True) is None


def in_two_steps(one: Path, other: Path) -> bool:
    """A file system that exchanges nothing."""
    return False


@pytest.mark.parametrize("published", [True, False])
def test_a_kill_between_two_renames_loses_no_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, published: bool
) -> None:
    """The old run, or the new one if it was complete, is put in its place by whoever looks for it."""
    store, spec = RunStore(tmp_path), train_spec()
    old = publish(store, spec, content="old")
    monkeypatch.setattr("adapterstilts.runs.store.exchange", in_two_steps)
    killed = Path.replace

    def until(self: Path, target: Path) -> Path:
        if self.parent.name == ".work" and Path(target) == old.folder:
            raise KeyboardInterrupt
        return killed(self, target)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(Path, "replace", until)
        publish(store, spec, content="new")
    assert not old.folder.exists()
    if not published:
        (tmp_path / ".work" / old.folder.name / "manifest.json").unlink()
    found = store.find(spec)
    assert found is not None
    assert (found.folder / "predictions/test-en.json").read_text() == ("new" if published else "old")
    left = [path.name for path in (tmp_path / ".work").iterdir()]
    assert left == ([] if published else [old.folder.name])  # which can be gone on with


def test_there_is_a_run_at_every_moment_while_it_is_replaced(tmp_path: Path) -> None:
    """Another process looks as fast as it can."""
    store, spec = RunStore(tmp_path), train_spec()
    folder = publish(store, spec).folder
    if not exchange(folder, publish(RunStore(tmp_path / "other"), spec).folder):
        pytest.skip("this file system exchanges nothing")
    code = (
        "import os, sys\nlacking = looked = 0\nprint('ready', flush=True)\n"
        "while not os.path.exists(sys.argv[2]):\n    looked += 1\n    lacking += not os.path.exists(sys.argv[1])\n"
        "print(looked > 100, lacking)"
    )
    words = [sys.executable, "-c", code, str(folder / "manifest.json"), str(tmp_path / "end")]
    other = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
    assert other.stdout and other.stdout.readline() == "ready\n"
    for number in range(25):
        publish(store, spec, content=str(number))
    (tmp_path / "end").touch()
    assert other.communicate()[0] == "True 0\n"


@pytest.mark.parametrize("what", ["checkpoints", "replaced", "removed"])
def test_what_publishing_left_is_swept_away(tmp_path: Path, what: str) -> None:
    store, spec = RunStore(tmp_path), train_spec()
    run = publish(store, spec)
    left = tmp_path / ".work" / f"{run.folder.name}.{what}"
    for sweep in (lambda: store.find(spec), lambda: publish(store, spec)):
        (left / "checkpoint-5").mkdir(parents=True)
        sweep()
        assert not left.exists()
    (left / "checkpoint-5").mkdir(parents=True)
    with store.claim(spec, on_wait=print):  # while another one works on it, it stays
        (left / "again").mkdir(parents=True)
        assert store.find(spec) and left.exists()


def test_who_waited_leaves_nothing(tmp_path: Path) -> None:
    store, spec = RunStore(tmp_path), train_spec()
    with store.claim(spec, on_wait=print):
        pass
    assert list((tmp_path / ".work").iterdir()) == [] and list((tmp_path / ".holders").iterdir()) == []


def test_runs_of_another_store_are_found_and_nothing_is_written_there(tmp_path: Path) -> None:
    theirs, spec = RunStore(tmp_path / "theirs"), train_spec()
    run = publish(theirs, spec)
    before = sorted(path.relative_to(theirs.root) for path in theirs.root.rglob("*"))
    store = RunStore.open(tmp_path / "mine", (theirs.root,))
    found = store.find(spec)
    assert found is not None and found.folder == run.folder and store.need(key(spec)).folder == run.folder
    publish(store, train_spec(seed=1))
    assert {one.key for one in store.runs()} == {key(spec), key(train_spec(seed=1))}
    assert store.resolve(run.short_key).folder == run.folder
    assert sorted(path.relative_to(theirs.root) for path in theirs.root.rglob("*")) == before
    change(run.folder / "predictions/test-en.json")  # what is damaged there is made here
    assert store.find(spec) is None and publish(store, spec).folder.parent == store.root
    assert store.find(spec) is not None and run.folder.is_dir()
    with pytest.raises(UsageError, match=r"--read-store .*nowhere cannot be read \(No such file"):
        RunStore.open(tmp_path / "mine", (tmp_path / "nowhere",))


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


def test_a_folder_of_another_store_is_not_the_run_of_this_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same stage was made in both: what is asked of a folder is not done to the other."""
    mine, theirs = (RunStore(tmp_path / name) for name in ("mine", "theirs"))
    for store in (mine, theirs):
        publish(store, train_spec())
    (run,), (other,) = mine.runs(), theirs.runs()
    with pytest.raises(UsageError, match=rf"No run '.*theirs/.*' in .*mine.*--store {re.escape(str(theirs.root))}\."):
        mine.resolve(str(other.folder))
    monkeypatch.chdir(tmp_path)
    for text in (f"mine/{run.name}", f"./mine/{run.name}/", f"theirs/../mine/{run.name}", run.name):
        assert mine.resolve(text).folder == run.folder
    with pytest.raises(UsageError, match="No run"):
        remove_run(mine, f"theirs/{run.name}", RemoveOptions())
    assert run.folder.is_dir() and other.folder.is_dir()


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


def test_a_stage_that_another_process_makes_is_not_taken_for_a_full_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is raised instead of waiting has nothing to do with writing, however little space there is."""
    store, spec = RunStore(tmp_path), train_spec()
    monkeypatch.setattr("adapterstilts.runs.full_disk.can_hold", lambda folder, count: False)
    told = pytest.raises(RuntimeError, match="another process works on this stage")
    with store.claim(spec, on_wait=print), told, store.claim(spec, on_wait=_refuse):
        pass


def _refuse(message: str) -> None:
    raise RuntimeError(message)


@pytest.mark.parametrize("name", ["spec.json", "manifest.json", "metrics.json", "predictions/test-en.json"])
@pytest.mark.parametrize("what", ["pipe", "device", "loop", "folder"])
def test_what_is_no_file_is_not_waited_for(tmp_path: Path, name: str, what: str) -> None:
    store = RunStore(tmp_path)
    path = publish(store, train_spec()).folder / name
    path.unlink()
    if what == "pipe":
        os.mkfifo(path)
    elif what == "folder":
        path.mkdir()
    else:
        path.symlink_to("/dev/zero" if what == "device" else path.name)
    assert store.find(train_spec()) is None
    (run,) = store.every()
    with pytest.raises(StoreError, match=path.name):
        run.check()
    assert publish(RunStore(tmp_path / "other"), train_spec()).problem(whole=True) is None
