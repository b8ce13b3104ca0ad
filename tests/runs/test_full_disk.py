"""A full disk is told by the system, whatever a library calls it."""

from __future__ import annotations

import errno
import resource
import signal
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from adapterstilts.runs.full_disk import DiskFullError, can_hold, explain_full_disk, size


def test_an_error_in_any_words_is_that_of_the_disk_if_that_is_full(small_disk: Path) -> None:
    (small_disk / "most").write_bytes(bytes(3_900_000))
    told = pytest.raises(DiskFullError, match=r"No space left .*kB are free .iostream error.*untouched")
    with told, explain_full_disk(small_disk):
        raise RuntimeError("iostream error")
    with pytest.raises(RuntimeError, match="^a loss$"), explain_full_disk(small_disk.parent):
        raise RuntimeError("a loss")
    for error in (KeyError("x"), TypeError("x")):  # errors in programming, whatever the disk is
        with pytest.raises(type(error)), explain_full_disk(small_disk):
            raise error


@pytest.mark.parametrize("free", [20_000, 300_000, 1_500_000])
def test_weights_that_do_not_fit_are_a_full_disk_at_any_size(small_disk: Path, free: int) -> None:
    """Also where the library has given back what it had taken, and it looks as if there were space."""
    (small_disk / "most").write_bytes(bytes(4_100_000 - free))
    work = small_disk / "work"
    work.mkdir()
    with pytest.raises(DiskFullError, match="finished runs are untouched"), explain_full_disk(small_disk, work=work):
        save_file({"x": np.zeros(500_000, dtype=np.float32)}, work / "weights.safetensors")


def test_an_error_is_its_own_where_another_file_has_room_and_all_of_them_have_not(small_disk: Path) -> None:
    """As on a GPU, after two checkpoints of a large model."""
    for number in range(5):
        (small_disk / f"work/checkpoint-{number}").mkdir(parents=True)
        (small_disk / f"work/checkpoint-{number}/optimizer.safetensors").write_bytes(bytes(400_000))
    with pytest.raises(RuntimeError, match="^CUDA error$"), explain_full_disk(small_disk, work=small_disk / "work"):
        raise RuntimeError("CUDA error")


def test_the_number_of_an_error_counts_wherever_it_is(tmp_path: Path) -> None:
    def fails() -> None:
        try:
            raise OSError(errno.EDQUOT, "Disk quota exceeded")
        except OSError as error:
            raise RuntimeError("could not be saved") from error

    with pytest.raises(DiskFullError, match="could not be saved"), explain_full_disk(tmp_path):
        fails()


def test_what_can_be_held_is_tried(small_disk: Path, tmp_path: Path) -> None:
    assert can_hold(small_disk / "not/there/yet", 1_000_000) and not can_hold(small_disk, 5_000_000)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (4000, hard))
        assert not can_hold(tmp_path, 5000) and can_hold(tmp_path, 3000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, before)
    assert [path.name for path in small_disk.iterdir()] == []


def test_sizes_in_words() -> None:
    assert [size(count) for count in (900, 2_500_000, 3e9, 4.2e12)] == ["1 kB", "2.5 MB", "3.0 GB", "4.2 TB"]
