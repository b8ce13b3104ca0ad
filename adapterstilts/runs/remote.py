"""Run stores at a place that fsspec can reach, from which finished runs are brought, and to which they are copied.

The layout is that of a store on a disk, so that a copy of one, made by any program, is such a store too. A run is there
when its manifest is, which is written last. What is brought is compared with it, byte by byte, before anything sees it.
"""

from __future__ import annotations

import hashlib
import shutil
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from adapterstilts.errors import SharingError, StoreError
from adapterstilts.files import is_folder, sync
from adapterstilts.remote_files import RemoteFiles
from adapterstilts.runs.content import SMALL, entry_of_content, first_damage, is_below
from adapterstilts.runs.full_disk import DiskFullError, explain_full_disk, is_full_disk
from adapterstilts.runs.records import Entries, FileEntry
from adapterstilts.runs.run import LISTED, MANIFEST, RUN_NAME, Run

_BLOCK = 1 << 20
# For so many seconds a list of what is there is taken to be true; runs are looked for again and again.
_KNOWN_SECONDS = 60.0
_MOST_MANIFEST_BYTES = 1 << 24
_TRIES = 3
_READERS = 8
_listed: dict[str, tuple[float, frozenset[str]]] = {}


class RunElsewhere(Run):
    """A run of a store elsewhere, whose files come when something asks for its folder.

    Args:
        name: Of its folder there.
    """

    def __init__(self, store: RemoteStore, name: str) -> None:
        self.__dict__.update(_store=store, _name=name)

    @property
    def folder(self) -> Path:
        """Where it is, once it was brought.

        Raises:
            SharingError: It cannot be read, or is gone.
            StoreError: It is damaged, or the disk is full.
        """
        store: RemoteStore = self.__dict__["_store"]
        if run := store.find(self.name, whole=True):
            return run.folder
        raise SharingError(f"{self.name} is not in {store.place.name} any more.", remedy="Repeat the command.")

    @property
    def name(self) -> str:
        return str(self.__dict__["_name"])

    @property
    def listed(self) -> Path:
        store: RemoteStore = self.__dict__["_store"]
        return store.heads / self.name

    @property
    def is_whole(self) -> bool:
        return True  # what is listed is, and the rest is compared when it comes

    @property
    def place(self) -> str:
        store: RemoteStore = self.__dict__["_store"]
        return f"{store.place.name.rstrip('/')}/{self.name}"

    def __repr__(self) -> str:
        return f"RunElsewhere({self.place!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, RunElsewhere) and self.listed == other.listed

    def __hash__(self) -> int:
        return hash(self.listed)


@dataclass(frozen=True)
class RemoteStore:
    """A run store elsewhere.

    Attributes:
        url: A folder, or a URL that fsspec knows: `file://`, `memory://`, `s3://`, ...
        mirror: Folder for the runs that were brought from it.
    """

    url: str
    mirror: Path

    @classmethod
    def of(cls, url: str, cache: Path) -> RemoteStore:
        """A store elsewhere, whose runs are brought to a folder of a cache."""
        return cls(url, cache / "stores" / hashlib.sha256(url.encode()).hexdigest()[:12])

    def __reduce__(self) -> Any:
        # A driver, with the keys that it has found, does not go to workers.
        return RemoteStore, (self.url, self.mirror)

    @cached_property
    def place(self) -> RemoteFiles:
        """Where it is."""
        return RemoteFiles(self.url, "a run store")

    def names(self) -> frozenset[str]:
        """The folders there that have the name of a run, as they were a minute ago or later.

        Raises:
            SharingError: It is not there, or cannot be read.
        """
        known = _listed.get(self.url)
        if known is None or time.monotonic() - known[0] > _KNOWN_SECONDS:
            found = self.place.explained("read", self._names)
            known = _listed[self.url] = (time.monotonic(), found)
        return known[1]

    def look(self) -> tuple[list[Run], list[StoreError]]:
        """All runs there, and what is wrong with those that are damaged.

        What is listed of them is here then; all else comes when something asks for a folder.

        Raises:
            SharingError: It cannot be read.
        """
        names = sorted(self.names())
        lacking = [one for one in names if not is_folder(self.mirror / one) and not is_folder(self.heads / one)]
        # Those of a network are read side by side, where the driver can do it.
        with ThreadPoolExecutor(_READERS if self.place.driver.async_impl else 1) as pool:
            problems = [error for error in pool.map(self._fetch_head, lacking) if error]
        found: list[Run] = []
        for one in names:
            run = Run(self.mirror / one) if is_folder(self.mirror / one) else RunElsewhere(self, one)
            if not is_folder(run.listed):
                continue
            try:
                run.read()
            except StoreError as error:  # it was damaged here, and comes again the next time
                problems.append(error)
                shutil.rmtree(run.listed, ignore_errors=True)
            else:
                found.append(run)
        return found, problems

    @property
    def heads(self) -> Path:
        """Folder for what is listed of runs that were not brought."""
        return self.mirror / ".heads"

    def find(self, name: str, *, whole: bool = False) -> Run | None:
        """The run of a folder there, None where there is none; what is listed of it is here then.

        Args:
            whole: Whether all of its files are to be here, and what they were.

        Raises:
            SharingError: It cannot be read.
            StoreError: It is damaged, or the disk is full.
        """
        brought = Run(self.mirror / name)
        if is_folder(brought.folder):
            if brought.problem(whole=whole) is None:
                return brought
            shutil.rmtree(brought.folder)  # it is only a copy
        if name not in self.names():
            return None
        target = self.mirror / name if whole else self.heads / name
        if not is_folder(target):
            self.place.explained(f"get {name} from", lambda: self._fetch(name, target, whole=whole))
        if not is_folder(target):
            return None
        return Run(target) if whole else RunElsewhere(self, name)

    def put(self, run: Run) -> bool:
        """Copies a run there, which others see when all of it is; whether it was not there before.

        Raises:
            SharingError: The place cannot be written to.
            StoreError: The run is damaged.
        """
        run.verify()
        return self.place.explained(f"copy {run.name} to", lambda: self._put(run))

    def _names(self) -> frozenset[str]:
        driver = self.place.driver
        driver.invalidate_cache()
        root = self.place.at("").rstrip("/")
        if not driver.isdir(root):
            raise SharingError(
                f"There is no run store at {self.place.name}.",
                remedy="Check the address; `astilts runs publish` makes one there.",
            )
        folders = (one["name"].rstrip("/").rpartition("/")[2] for one in driver.ls(root, detail=True))
        return frozenset(one for one in folders if RUN_NAME.fullmatch(one) and not one.startswith("."))

    def _fetch_head(self, name: str) -> StoreError | None:
        """Brings what is listed of a run, or returns what is wrong with it."""
        target = self.heads / name
        try:
            self.place.explained(f"list {name} of", lambda: self._fetch(name, target, whole=False))
        except DiskFullError:
            raise
        except StoreError as error:
            return error
        return None

    def _fetch(self, name: str, target: Path, *, whole: bool) -> None:
        """Brings a run's files, or those that are listed, to a folder; nothing where somebody is about to copy it."""
        scratch = target.with_name(f".{name}.{uuid.uuid4().hex}.part")
        with explain_full_disk(self.mirror, work=scratch):
            try:
                _make(scratch)
                if not self.place.driver.isfile(self.place.at(f"{name}/{MANIFEST}")):
                    return
                self._load(name, MANIFEST, scratch, _MOST_MANIFEST_BYTES)
                brought = Run(scratch)
                entries = {file: one for file, one in brought.entries.items() if whole or file in LISTED}
                for file, entry in entries.items():
                    if not is_below(file):
                        raise StoreError(f"{file[:200]!r} is no name of a file of a run.")
                    self._load(name, file, scratch, entry.bytes)
                problem = first_damage(scratch, entries, whole=True)
                if problem is None and not name.endswith(f"-{brought.short_key}"):
                    problem = f"it is the run {brought.short_key}"
                if problem:
                    raise StoreError(f"{problem}.")
                brought.read()
                try:
                    scratch.rename(target)
                except OSError:
                    if not is_folder(target):  # which another process has brought meanwhile
                        raise
            except DiskFullError:
                raise
            except StoreError as error:
                told = error.message.replace(f"{scratch}/", "").rstrip(".")
                raise StoreError(
                    f"{name} in {self.place.name} is damaged: {told}.",
                    remedy="Nothing of it was kept. Delete it there, and copy it again.",
                ) from None
            finally:
                shutil.rmtree(scratch, ignore_errors=True)

    def _load(self, name: str, file: str, scratch: Path, most: int) -> None:
        """Copies a file from there, no more of it than there should be and a byte."""
        place, target, left = self.place.at(f"{name}/{file}"), scratch / file, most + 1
        if not self.place.driver.isfile(place):  # a pipe could be waited for without end
            raise StoreError(f"{file} is missing.")
        target.parent.mkdir(parents=True, exist_ok=True)
        with self.place.driver.open(place, "rb") as source, target.open("wb") as copy:
            while left and (block := source.read(min(_BLOCK, left))):
                copy.write(block)
                left -= len(block)
        sync(target)

    def _put(self, run: Run) -> bool:
        name = run.name
        for tries in range(_TRIES):
            if self._has(name):
                return tries > 0
            for file in (*run.entries, MANIFEST):
                self.place.put(run.folder / file, f"{name}/{file}")
            _listed.pop(self.url, None)
        raise StoreError(f"Others keep copying {name} to {self.place.name}.", remedy="Try again when they are done.")

    def _has(self, name: str) -> bool:
        """Whether the files there are what the manifest there says, of large ones their sizes.

        They are not where two machines that have made the same run copy it at the same time.
        """
        driver: Any = self.place.driver
        driver.invalidate_cache()
        place = self.place.at(f"{name}/{MANIFEST}")
        if not driver.isfile(place) or driver.size(place) > _MOST_MANIFEST_BYTES:
            return False
        try:
            entries = Entries.model_validate_json(driver.cat_file(place)).root
        except ValidationError:
            return False
        return all(self._is(f"{name}/{file}", entry) for file, entry in entries.items())

    def _is(self, name: str, entry: FileEntry) -> bool:
        driver, place = self.place.driver, self.place.at(name)
        if not driver.isfile(place) or driver.size(place) != entry.bytes:
            return False
        return entry.bytes > SMALL or entry_of_content(driver.cat_file(place)) == entry


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True)
    except OSError as error:
        if is_full_disk(error):
            raise
        raise SharingError(
            f"{folder.parent} cannot be written ({error.strerror}), where runs from elsewhere are put.",
            remedy="Choose another --store.",
        ) from None
