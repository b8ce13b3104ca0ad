"""A file system of a network, as far as it tells late what other machines do."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import pytest


class Remembered:
    """Has this process see names below a folder as an NFS client does: one that was not there is not there until the
    folder that it is in has been opened (nfs(5), "directory entry caching").

    Args:
        root: The folder.
    """

    def __init__(self, root: Path, patch: pytest.MonkeyPatch) -> None:
        self._root = root
        self._absent: set[Path] = set()
        for name in ("stat", "lstat"):
            patch.setattr(os, name, self._looking(getattr(os, name)))
        for name in ("open", "scandir", "listdir"):
            patch.setattr(os, name, self._opening(getattr(os, name)))

    def _looking(self, real: Any) -> Any:
        def look(path: Any, *args: Any, **options: Any) -> Any:
            below = not isinstance(path, int) and self._root in Path(os.fsdecode(path)).parents
            if below and Path(os.fsdecode(path)) in self._absent:
                raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path)
            try:
                return real(path, *args, **options)
            except FileNotFoundError:
                if below:
                    self._absent.add(Path(os.fsdecode(path)))
                raise

        return look

    def _opening(self, real: Any) -> Any:
        def enter(path: Any = ".", *args: Any, **options: Any) -> Any:
            if not isinstance(path, int):
                self._absent = {one for one in self._absent if one.parent != Path(os.fsdecode(path))}
                self._absent.discard(Path(os.fsdecode(path)))
            return real(path, *args, **options)

        return enter


def rename_what_is_read(patch: pytest.MonkeyPatch) -> None:
    """Has files that this process has in its memory deleted as an NFS client does: they get another name instead, and
    the folder that they are in stays.
    """
    real = os.unlink

    def unlink(path: Any, *, dir_fd: int | None = None) -> None:
        folder = Path(path).parent if dir_fd is None else Path(f"/proc/self/fd/{dir_fd}").readlink()
        if str(folder / Path(path).name) in Path("/proc/self/maps").read_text():
            os.rename(path, Path(path).with_name(f".nfs{Path(path).name}"), src_dir_fd=dir_fd, dst_dir_fd=dir_fd)
        else:
            real(path, dir_fd=dir_fd)

    patch.setattr(os, "unlink", unlink)
