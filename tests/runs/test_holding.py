"""One process works on a stage: with locks, without them, a lock's file deleted, a machine that vanished."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from adapterstilts.errors import StoreError
from adapterstilts.runs import holding
from adapterstilts.runs.holding import Hold
from adapterstilts.runs.store import RunStore
from tests.runs.published import LARGE, publish
from tests.runs.test_specs import train_spec

ROOT = Path(__file__).parents[2]
HOLDING = """
import errno, fcntl, sys, time
from pathlib import Path
from adapterstilts.runs import holding
if sys.argv[2] == "without":
    def unsupported(*args):
        raise OSError(errno.ENOLCK, "No locks available")
    fcntl.flock = unsupported
holding.BEAT_SECONDS = 0.05
hold = holding.Hold(Path(sys.argv[1]), "stage")
print(hold.take(), flush=True)
time.sleep(600)
"""


@contextmanager
def another(root: Path, how: str = "with") -> Iterator[subprocess.Popen[str]]:
    """A process that holds the stage, or was refused it."""
    words = [sys.executable, "-c", HOLDING, str(root), how]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def said(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


@pytest.fixture(params=["with", "without"])
def locks(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Whether the file system has locks."""
    if request.param == "without":
        monkeypatch.setattr(fcntl, "flock", _unsupported)
    return str(request.param)


def _unsupported(*args: object) -> None:
    raise OSError(errno.ENOLCK, "No locks available")


def test_one_of_two_processes_has_it_until_it_ends(tmp_path: Path, locks: str) -> None:
    with another(tmp_path, locks) as other:
        assert said(other) == "True"
        mine = Hold(tmp_path, "stage")
        assert not mine.take() and Hold(tmp_path, "stage").taken()
        os.kill(other.pid, signal.SIGKILL)
        other.wait()
        assert not Hold(tmp_path, "stage").taken() and mine.take()
        mine.check()
        mine.release()
    assert not Hold(tmp_path, "stage").taken() and not list((tmp_path / ".holders").iterdir())


def test_who_has_no_locks_and_who_has_them_respect_each_other(tmp_path: Path, locks: str) -> None:
    with another(tmp_path, "without" if locks == "with" else "with") as other:
        assert said(other) == "True"
        assert not Hold(tmp_path, "stage").take() and Hold(tmp_path, "stage").taken()


@pytest.mark.parametrize("deleted", ["the file", "the folder"])
def test_a_lock_whose_file_was_deleted_still_holds(tmp_path: Path, deleted: str) -> None:
    with another(tmp_path) as other:
        assert said(other) == "True"
        lock = tmp_path / ".locks/stage.lock"
        lock.unlink()
        if deleted == "the folder":
            lock.parent.rmdir()
        for _ in range(2):  # the second one finds a file of the first
            assert not Hold(tmp_path, "stage").take()
        assert Hold(tmp_path, "stage").taken()
    mine = Hold(tmp_path, "stage")
    assert mine.take()
    mine.release()


def elsewhere(root: Path, **changes: object) -> Path:
    """Makes the record of a holder that of another machine."""
    path = root / ".holders/stage.json"
    path.parent.mkdir(exist_ok=True)
    values = {"host": "vanished", "pid": 1, "begun": 1.0, "token": "t", "beat": 3, "lock": None, **changes}
    path.write_text(json.dumps(values))
    return path


def test_a_vanished_machine_is_waited_for_by_ones_own_clock(
    tmp_path: Path, locks: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever the times of files are, which may be those of another clock."""
    record = elsewhere(tmp_path)
    os.utime(record, (1, 1))
    monkeypatch.setattr(holding, "EXPIRES_SECONDS", 0.3)
    mine, begun = Hold(tmp_path, "stage"), time.monotonic()
    assert not mine.take() and Hold(tmp_path, "stage").taken()
    time.sleep(0.2)
    os.utime(elsewhere(tmp_path, beat=4), (2**31, 2**31))  # it lives
    while not mine.take():
        time.sleep(0.02)
    assert time.monotonic() - begun > 0.45
    mine.release()


def test_who_was_taken_for_gone_does_not_publish(tmp_path: Path) -> None:
    """For instance a process that was stopped, and goes on when another has taken its stage."""
    store, spec = RunStore(tmp_path), train_spec()
    record = tmp_path / ".holders" / f"{store.folder(spec).name}.json"
    theirs = json.dumps({"host": "other", "pid": 1, "begun": 1.0, "token": "theirs", "beat": 1, "lock": None})
    told = pytest.raises(StoreError, match=r"another process works on this stage by now.*is not published")
    with told, store.claim(spec, on_wait=print) as work:
        record.write_text(theirs)
        (work / "file").write_text("mine")
        store.publish(spec, work)
    assert store.find(spec) is None and record.read_text() == theirs


def test_a_record_that_is_none_blocks_nobody_for_ever(
    tmp_path: Path, locks: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(holding, "EXPIRES_SECONDS", 0.1)
    (tmp_path / ".holders").mkdir()
    (tmp_path / ".holders/stage.json").write_text("null")
    mine = Hold(tmp_path, "stage")
    while not mine.take():
        time.sleep(0.02)
    mine.release()


def test_the_record_is_renewed_and_a_store_can_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(holding, "BEAT_SECONDS", 0.02)
    mine = Hold(tmp_path, "stage")
    assert mine.take()
    while json.loads((tmp_path / ".holders/stage.json").read_text())["beat"] < 2:
        time.sleep(0.01)
    mine.check()
    mine.release()


OTHER_USER = """
import os, psutil, sys
from pathlib import Path
from tests.runs.published import publish
from tests.runs.test_specs import train_spec
from adapterstilts.runs.store import RunStore
from adapterstilts.errors import StoreError
os.setgroups([]); os.setgid(int(sys.argv[2])); os.setuid(int(sys.argv[3])); os.umask(int(sys.argv[4], 8))
try:
    print(publish(RunStore(Path(sys.argv[1])), train_spec(seed=int(sys.argv[5]))).folder.name)
except StoreError as error:
    print("refused", error)
"""


def as_user(root: Path, user: int, *, umask: str, seed: int) -> str:
    words = [sys.executable, "-c", OTHER_USER, str(root), "60001", str(user), umask, str(seed)]
    done = subprocess.run(words, capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.fixture
def common(tmp_path: Path) -> Path:
    """A folder of a group, which what is made in it belongs to as well."""
    if os.geteuid() != 0:
        pytest.skip("only root can be several users")
    folder = tmp_path / "common"
    folder.mkdir()
    os.chown(folder, 0, 60001)
    folder.chmod(0o2775)
    for above in folder.parents:
        if above.stat().st_uid == os.getuid() and above != Path("/"):
            above.chmod(above.stat().st_mode | 0o011)
    return folder


def test_users_of_a_group_share_a_store(common: Path) -> None:
    first, second = (as_user(common, user, umask="002", seed=1) for user in (60002, 60003))
    assert first == second and not first.startswith("refused")
    run = common / first
    assert run.stat().st_uid == 60003 and run.stat().st_gid == 60001
    assert oct((run / "metrics.json").stat().st_mode)[-3:] == "664"
    assert oct((common / ".locks" / f"{first}.lock").stat().st_mode)[-3:] == "664"


def test_without_the_umask_another_user_is_told_what_is_needed(common: Path) -> None:
    assert as_user(common, 60002, umask="077", seed=1).startswith("train-target")
    told = as_user(common, 60003, umask="077", seed=2)
    assert told.startswith("refused") and "Permission denied" in told and "Traceback" not in told


READER = """
import os, psutil, sys
from pathlib import Path
from tests.runs.test_specs import train_spec
from adapterstilts.runs.store import RunStore
from adapterstilts.errors import StoreError
os.setgroups([]); os.setgid(60001); os.setuid(60003)
store, spec = RunStore(Path(sys.argv[1])), train_spec()
def set_aside():
    with store.claim(spec, on_wait=print):
        store.set_aside(spec, whole=True)
for ask in (set_aside, lambda: store.need(store.runs()[0].key), lambda: store.runs()[0].verify()):
    try:
        print("done", ask())
    except StoreError as error:
        print(error)
"""


def test_what_another_user_may_not_read_is_not_damaged(common: Path) -> None:
    """It is that user's to make readable, and stays where it is."""
    run = publish(RunStore(common), train_spec(), large=LARGE)
    for path in common.rglob("*"):
        path.chmod(0o2775 if path.is_dir() else 0o664)
    (run.folder / "weights.safetensors").chmod(0o600)
    done = subprocess.run([sys.executable, "-c", READER, str(common)], capture_output=True, text=True, cwd=ROOT)
    path = run.folder / "weights.safetensors"
    said = f"{path} cannot be read (Permission denied). Ask its owner to let your group read it."
    assert done.stdout.splitlines() == [said] * 3, done.stderr
    assert run.folder.is_dir() and not list(common.glob(".damaged/*"))
