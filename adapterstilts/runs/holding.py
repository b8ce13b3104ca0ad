"""Who works on a stage: one process at a time, told apart from those that have ended.

The lock is the operating system's, which ends with its process. Beside it the holder keeps a record of itself whose
number it raises every few seconds. It is what counts where the file system has no locks, and it tells whether somebody
still works whose lock's file was deleted: of a process on this machine by its number, of one on another by watching for
so long whether the record changes. Only this machine's own clock is asked for that, and no time of day, since clocks of
machines and file servers differ (`filelock`'s leases compare a file's time with the time here).
"""

from __future__ import annotations

import errno
import json
import os
import platform
import time
import uuid
from contextlib import suppress
from pathlib import Path
from threading import Event, Lock, Thread

from filelock import lock_descriptor

from adapterstilts.errors import StoreError
from adapterstilts.files import read_file
from adapterstilts.runs.records import read_record
from adapterstilts.settings import Strict

LOCKS, HOLDERS = ".locks", ".holders"
BEAT_SECONDS = 10.0
"""How often a record changes."""
EXPIRES_SECONDS = 90.0
"""How long one of another machine may stay as it is before its process counts as gone."""
# What a file system says that has no locks.
NO_LOCKS = (errno.ENOLCK, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS)
# By how much the same time is told differently after a clock was set.
_SAME_SECONDS = 5.0
# Record to its content and when this process first saw it so.
_SEEN: dict[str, tuple[bytes, float]] = {}


class Holder(Strict):
    """A process that holds a stage.

    Attributes:
        begun: When the process began, by its machine.
        token: Of this hold and no other.
        beat: How often the record was renewed.
        lock: Number of the lock's file; None where the file system has no locks.
    """

    host: str
    pid: int
    begun: float
    token: str
    beat: int = 0
    lock: int | None = None


class Hold:
    """The right to work on one stage.

    Args:
        root: The store's folder.
        name: What the stage's folder is called.
    """

    def __init__(self, root: Path, name: str) -> None:
        self.path = root / LOCKS / f"{name}.lock"
        self.record = root / HOLDERS / f"{name}.json"
        self._token = uuid.uuid4().hex
        self._descriptor: int | None = None
        self._me: Holder | None = None
        self._out_of_date: bytes | None = None
        self._ended = Event()
        self._writing = Lock()
        self._beating: Thread | None = None

    def take(self) -> bool:
        """Takes it, unless another process has it; says whether it is ours.

        Raises:
            OSError: The store cannot be written.
        """
        for folder in (self.path.parent, self.record.parent):
            folder.mkdir(parents=True, exist_ok=True)
        locked = self._lock(create=True)
        if locked is False:
            return False
        number = None if self._descriptor is None else os.fstat(self._descriptor).st_ino
        me = Holder(
            host=platform.node(), pid=os.getpid(), begun=_begun(os.getpid()) or 0.0, token=self._token, lock=number
        )
        if self._somebody(number) or not self._write_down(me, alone=number is not None):
            self._unlock()
            return False
        self._me = me
        self._beating = Thread(target=self._beat, name=f"holder of {self.record.stem}", daemon=True)
        self._beating.start()
        return True

    def release(self) -> None:
        """Gives it back."""
        self._ended.set()
        with self._writing:
            if self._me is not None and self._recorded() in (None, self._token):
                with suppress(OSError):
                    self.record.unlink(missing_ok=True)
            self._me = None
        self._unlock()

    def discard(self) -> None:
        """Gives it back with the lock's file, for a name that nobody will use again."""
        with suppress(OSError):  # Windows deletes no open file
            self.path.unlink(missing_ok=True)
        self.release()

    def taken(self) -> bool:
        """Whether a living process has it, this one included."""
        try:
            locked = self._lock(create=False)
        except OSError:
            locked = None
        number = None if self._descriptor is None else os.fstat(self._descriptor).st_ino
        self._unlock()
        return locked is False or self._somebody(number)

    def check(self) -> None:
        """Makes sure that it is still ours.

        Raises:
            StoreError: Another process has taken it, because this one was not heard of for so long.
        """
        if self._recorded() not in (None, self._token):
            raise StoreError(
                f"{self.record.stem}: another process works on this stage by now, because this one has not been heard "
                f"of for {EXPIRES_SECONDS:g} seconds; its work is not published.",
                remedy="Repeat the command: it takes the other's result.",
            )

    def _lock(self, *, create: bool) -> bool | None:
        """Locks the file: whether that worked, None where there is none or the file system cannot."""
        while True:
            descriptor = _open(self.path, create=create)
            if descriptor is None:
                return None
            try:
                locked = lock_descriptor(descriptor, blocking=False)
            except OSError as error:
                os.close(descriptor)
                # Over NFS only a file that can be written can be locked, and that of another user may not be.
                if error.errno in (*NO_LOCKS, errno.EBADF):
                    return None
                raise
            if locked and _same(self.path, descriptor):
                self._descriptor = descriptor
                return True
            os.close(descriptor)
            if not locked:
                return False

    def _unlock(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def _somebody(self, number: int | None) -> bool:
        """Whether the record is that of a process which still works.

        Args:
            number: Of the lock's file, if it is ours: whoever locked the same one has ended.
        """
        try:
            self._out_of_date = content = read_file(self.record)
        except OSError:
            self._out_of_date = None
            return False
        try:
            holder = Holder.model_validate_json(content)
        except ValueError:
            return number is None and not _unchanged(self.record, content)
        if number is not None and holder.lock == number:
            return False
        if holder.host == platform.node():
            return _lives(holder)
        return not _unchanged(self.record, content)

    def _recorded(self) -> str | None:
        """The token of the record, None where there is none."""
        with suppress(StoreError):
            return read_record(self.record, Holder).token
        return None

    def _write_down(self, me: Holder, *, alone: bool) -> bool:
        """Writes the record, of a process that has ended over it; False if another process was faster.

        Args:
            alone: Whether a lock makes sure that none is.
        """
        if alone:
            self._replace(me)
            return True
        aside = self.record.with_name(f"{self.record.name}.{self._token}.part")
        try:
            if self._out_of_date is not None:
                with suppress(FileNotFoundError):  # of several that find it so, one moves it away
                    self.record.rename(aside)
                    if aside.read_bytes() != self._out_of_date:  # it is that of one that was faster
                        _link(aside, self.record, aside.read_bytes())
                        return False
            aside.write_bytes(_json(me))
            return _link(aside, self.record, _json(me))
        finally:
            aside.unlink(missing_ok=True)

    def _replace(self, me: Holder) -> None:
        scratch = self.record.with_name(f"{self.record.name}.{self._token}.part")
        try:
            scratch.write_bytes(_json(me))
            scratch.replace(self.record)
        finally:
            scratch.unlink(missing_ok=True)

    def _beat(self) -> None:
        while not self._ended.wait(BEAT_SECONDS):
            with self._writing:
                if self._me is None or self._recorded() not in (None, self._token):
                    return
                self._me = self._me.model_copy(update={"beat": self._me.beat + 1})
                with suppress(OSError):  # a full disk, a server that is away: the next one may be written
                    self._replace(self._me)


def _open(path: Path, *, create: bool) -> int | None:
    """Opens a lock's file, that of another user for reading; None if it is not there and not to be made."""
    flags = os.O_CREAT if create else 0
    for way in (os.O_RDWR | flags, os.O_RDONLY):
        try:
            return os.open(path, way, 0o666)
        except PermissionError:
            if way == os.O_RDONLY:
                raise
        except FileNotFoundError:
            if create and path.parent.is_dir() is False:
                raise
            return None
    return None


def _same(path: Path, descriptor: int) -> bool:
    """Whether a name is still that of an open file: it may have been deleted, and made anew, before it was locked."""
    try:
        return os.path.samestat(path.stat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False


def _begun(process: int) -> float | None:
    """When a process of this machine began, None if none of this number can be seen."""
    import psutil

    try:
        return float(psutil.Process(process).create_time())
    except psutil.Error:
        return None


def _lives(holder: Holder) -> bool:
    """Whether a process of this machine still runs, and not a later one with its number."""
    begun = _begun(holder.pid)
    if begun is not None:
        return abs(begun - holder.begun) < _SAME_SECONDS
    if os.name == "nt":  # where this would end it
        return False
    try:
        os.kill(holder.pid, 0)
    except PermissionError:  # one of another user, of which no more is shown
        return True
    except OSError:
        return False
    return True


def _unchanged(record: Path, content: bytes) -> bool:
    """Whether a record has been as it is for so long that its process counts as gone."""
    now = time.monotonic()
    seen, since = _SEEN.get(str(record), (None, now))
    if seen != content:
        _SEEN[str(record)] = (content, now)
        return False
    return now - since > EXPIRES_SECONDS


def _link(source: Path, name: Path, content: bytes) -> bool:
    """Gives a file a name that no other one has; False if one has it."""
    try:
        os.link(source, name)
    except FileExistsError:
        return False
    except OSError:  # a file system without links
        try:
            with name.open("xb") as file:
                file.write(content)
        except FileExistsError:
            return False
    return True


def _json(me: Holder) -> bytes:
    return json.dumps(me.model_dump(mode="json")).encode()
