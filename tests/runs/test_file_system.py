"""What a store needs of a file system, tried on real ones."""

from __future__ import annotations

import errno
import fcntl
from pathlib import Path

import pytest

from adapterstilts.runs.file_system import try_file_system


def abilities(folder: Path) -> dict[str, bool]:
    return {one.name: one.able for one in try_file_system(folder).abilities}


def test_a_usual_file_system_can_do_all(tmp_path: Path) -> None:
    found = try_file_system(tmp_path / "store/below")
    assert found.usable and found.folder == tmp_path and found.free > 0
    able = abilities(tmp_path)
    assert all(able[name] for name in ("writing", "renaming", "exchange", "locks", "records", "names", "clock"))
    assert list(tmp_path.iterdir()) == []


def test_without_locks_records_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def unsupported(*args: object) -> None:
        raise OSError(errno.ENOTSUP, "Operation not supported")

    monkeypatch.setattr(fcntl, "flock", unsupported)
    found = try_file_system(tmp_path)
    (locks,) = (one for one in found.abilities if one.name == "locks")
    assert found.usable and not locks.able and "vanished with its machine" in locks.text


def test_where_nothing_can_be_written_there_is_no_store() -> None:
    found = try_file_system(Path("/proc/self/store"))
    assert not found.usable and found.readable
    assert "finished runs can be read with --read-store" in found.abilities[0].text
