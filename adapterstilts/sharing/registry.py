"""Registries of shared folders without the Hub: a folder, or any place that fsspec can reach.

    ROOT/packages/NAME/DIGEST/...     the files of one package
    ROOT/index/NAME-DIGEST.json       what it is; never changed, and written last

A package is there when its entry is. Each has an entry of its own, so that any number of processes can push at the same
time; what a killed push has left is not seen, and a push of the same package completes it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from adapterstilts.errors import SharingError
from adapterstilts.files import file_digest
from adapterstilts.remote_files import RemoteFiles, reason_of
from adapterstilts.scrubbing import scrub
from adapterstilts.sharing.contents import MOST_JSON_BYTES, chosen
from adapterstilts.sharing.incoming import Note, incoming, outgoing, silent, take
from adapterstilts.sharing.registry_entries import Entry

MOST_ENTRIES = 10_000
_READERS = 8
_INDEX = "index"


@dataclass(frozen=True)
class Registry:
    """A place with shared folders and an index of them.

    Args:
        url: A folder, or a URL that fsspec knows: `file://`, `memory://`, `s3://`, ...
        note: Hears of entries that cannot be read.
    """

    url: str
    note: Note = silent

    @property
    def name(self) -> str:
        """What it is called where others read it."""
        return self._place.name

    def push(self, folder: Path, entry: Entry) -> tuple[str, bool]:
        """Puts a folder there, all of it or, to everybody who looks, nothing.

        Where the same files are there with another card, which says where they were pushed to, these stay.

        Args:
            entry: What `registry_entries.describe` says of the folder.

        Returns:
            Where it is, and whether it was not there before.

        Raises:
            SharingError: The folder is not what the entry says, or the place cannot be written to.
        """
        files = outgoing(folder, self.note)
        for file in chosen(entry.listing, where=str(folder)):
            if file.name not in files or file_digest(files[file.name]) != file.sha256:
                raise SharingError(
                    f"{file.name} of {folder} is not what the entry {entry.key} says.",
                    remedy="Describe the folder as it is now, then push it.",
                )
        there, changed = self._place.explained(f"push {entry.key} to", lambda: self._pushed(files, entry))
        return f"{self.name.rstrip('/')}/{there.folder}", changed

    def entries(self) -> list[Entry]:
        """The packages that are complete, by name; damaged entries are said and left out.

        Raises:
            SharingError: The place cannot be read.
        """
        return self._place.explained("read", self._listed)

    def find(self, name: str) -> Entry:
        """The package of a name, or the only one whose name and digest begin so.

        Raises:
            SharingError: There is none, or there are several.
        """
        entries = self.entries()
        fitting = [one for one in entries if one.name == name] or [one for one in entries if one.key.startswith(name)]
        if len(fitting) == 1:
            return fitting[0]
        if fitting:
            keys = ", ".join(one.key for one in fitting)
            raise SharingError(f"{self.name} has {len(fitting)} models {name!r}: {keys}.", remedy="Name one of them.")
        there = ", ".join(one.key for one in entries[:10]) or "it is empty"
        raise SharingError(f"{self.name} has no model {name!r} ({there}).", remedy="`astilts search` lists them.")

    def download(self, entry: Entry, into: Path) -> None:
        """Puts the files of a package into a folder, all of them or none.

        Args:
            into: A folder that does not exist yet, or is empty.

        Raises:
            SharingError: A file is missing or is not what the entry says, or `into` has something in it.
        """
        where = f"{entry.key} of {self.name}"
        files = chosen(entry.listing, where=where)

        def load() -> None:
            with incoming(into, files) as scratch:
                for file in files:
                    place = self._place.at(f"{entry.folder}/{file.name}")
                    # A pipe could be waited for without end.
                    if not self._files.isfile(place):
                        raise FileNotFoundError(f"no file {entry.folder}/{file.name}")
                    with self._files.open(place, "rb") as source:
                        take(source, file, scratch / file.name, where)

        self._place.explained(f"get {entry.key} from", load)

    @cached_property
    def _place(self) -> RemoteFiles:
        return RemoteFiles(self.url, "a registry")

    @property
    def _files(self) -> Any:
        return self._place.driver

    def reference(self, entry: Entry, entries: Iterable[Entry]) -> str:
        """What commands take for a package among all that are there: of one with several versions its digest, too."""
        versions = [one for one in entries if one.name == entry.name]
        return f"{self.name}#{entry.name if len(versions) < 2 else entry.key}"

    def _pushed(self, files: Mapping[str, Path], entry: Entry) -> tuple[Entry, bool]:
        """Puts a package there; the one that is there then, and whether it was not before."""
        if there := next(filter(self._has, (entry, *self._equal(entry))), None):
            return there, False
        for file in entry.listing:
            self._place.put(files[file.name], f"{entry.folder}/{file.name}")
        with TemporaryDirectory() as scratch:
            described = Path(scratch) / "entry.json"
            described.write_text(f"{entry.model_dump_json(indent=1)}\n", encoding="utf-8")
            self._place.put(described, f"{_INDEX}/{entry.key}.json")
        return entry, True

    def _equal(self, entry: Entry) -> Iterator[Entry]:
        """The packages of the same name and files, the card aside."""
        named = (one for one in self._places() if one["name"].rpartition("/")[2].startswith(f"{entry.name}-"))
        for there in map(self._entry, named):
            if there and there.name == entry.name and there.content == entry.content:
                yield there

    def _places(self) -> list[dict[str, Any]]:
        """Where the entries of the index are."""
        self._files.invalidate_cache()
        if not self._files.isdir(self._place.at(_INDEX)):
            return []
        listed = sorted(self._files.ls(self._place.at(_INDEX), detail=True), key=lambda one: one["name"])
        return [one for one in listed if one["name"].endswith(".json") and one["type"] == "file"]

    def _listed(self) -> list[Entry]:
        places = self._places()
        if not places:
            self.note(f"{self.name} has no models: it is empty, or no registry")
        if len(places) > MOST_ENTRIES:
            self.note(f"reads {MOST_ENTRIES:,} of the {len(places):,} entries of {self.name}")
        # Those of a network are read side by side, where the driver can do it.
        with ThreadPoolExecutor(_READERS if self._files.async_impl else 1) as pool:
            return [entry for entry in pool.map(self._entry, places[:MOST_ENTRIES]) if entry is not None]

    def _has(self, entry: Entry) -> bool:
        """Whether a package is there, its entry and its files in their sizes."""
        self._files.invalidate_cache()
        place = self._place.at(f"{_INDEX}/{entry.key}.json")
        if not self._files.isfile(place):
            return False
        there = self._entry(self._files.info(place))
        return (
            there is not None
            and there.digest == entry.digest
            and all(
                self._files.isfile(own := self._place.at(f"{entry.folder}/{file.name}"))
                and self._files.size(own) == file.bytes
                for file in entry.files
            )
        )

    def _entry(self, listed: dict[str, Any]) -> Entry | None:
        """An entry of the index, or None where it is none."""
        place = str(listed["name"])
        own = place.rpartition("/")[2]
        try:
            if listed["size"] > MOST_JSON_BYTES:
                raise ValueError(f"{listed['size']:,} bytes, where {MOST_JSON_BYTES:,} are the most")
            entry = Entry.model_validate_json(self._files.cat_file(place))
            if own != f"{entry.key}.json":
                raise ValueError(f"it is of {entry.key}")
        except (ValueError, FileNotFoundError, PermissionError) as error:
            self.note(f"leaves the entry {own!r} of {self.name} out: {scrub(reason_of(error))}")
            return None
        return entry
