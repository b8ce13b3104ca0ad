"""The Hugging Face Hub as a place for shared folders, through the Hub's own client.

What is read is read at a commit, so that a listing and the files that are chosen from it belong together.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any

from adapterstilts.errors import HubError, SharingError
from adapterstilts.files import write_json
from adapterstilts.languages import context_language, primary_language
from adapterstilts.sharing.contents import MOST_FILES, File
from adapterstilts.sharing.hub_calls import ANSWER_SECONDS, COMMIT, RefusedError, call, client
from adapterstilts.sharing.hub_push import Published as Published
from adapterstilts.sharing.hub_push import publish as publish
from adapterstilts.sharing.incoming import Note, incoming, silent, take

TAG = "adapterstilts"
"""What a repository of adapterstilts is found by."""
STILTS_TAG = "stilts"
TASK_TAG = "task:"
METHOD_TAG = "method:"
BASE_MODEL_TAG = "base_model:"
"""The Hub makes these itself, of a card's `base_model`; a language's tag is its code, of a card's `language`."""

_MOST_ENTRIES = 4 * MOST_FILES
"""Files and folders of a repository that are looked at."""
_SHOWN = 10
_OF_ONE = "Give the repository of one model."
_EXPANDED: list[Any] = ["sha", "tags", "downloads", "likes", "lastModified", "private"]


@dataclass(frozen=True)
class Found:
    """A repository that a search has found.

    Attributes:
        commit: The head of its main branch.
    """

    repository: str
    commit: str | None
    tags: tuple[str, ...]
    downloads: int
    likes: int
    last_modified: datetime | None
    private: bool


def offline() -> bool:
    """Whether HF_HUB_OFFLINE is set."""
    from huggingface_hub import constants

    return constants.HF_HUB_OFFLINE


def package_tags(tasks: Sequence[str], method: str) -> list[str]:
    """The tags that a card has to have for `find` to find its repository, beside `base_model` and `language`."""
    return [TAG, STILTS_TAG, *(TASK_TAG + task for task in tasks), METHOD_TAG + method]


def resolve(repository: str, revision: str | None = None, *, note: Note = silent) -> str:
    """The commit that a branch, a tag or a commit stands for, as 40 hexadecimal digits.

    Without the Hub (HF_HUB_OFFLINE), a full commit of which the cache has something stands for itself.

    Args:
        revision: By default the main branch.

    Raises:
        HubError: There is no such repository or revision, or the Hub cannot be asked.
    """
    revision = revision or "main"
    if offline() and COMMIT.fullmatch(revision) and _snapshot(repository, revision).is_dir():
        return revision
    try:
        commit = call(
            f"find {revision} of {repository}",
            lambda _: client().model_info(repository, revision=revision, timeout=ANSWER_SECONDS).sha,
            repository=repository, note=note,
        )  # fmt: skip
    except RefusedError as error:
        if error.code == "RevisionNotFound":
            raise HubError(f"{repository} has no revision {revision!r}.", remedy=_branches(repository)) from None
        raise
    if not COMMIT.fullmatch(commit or ""):
        raise HubError(f"The Hub has no commit for {revision} of {repository}.", remedy="Check HF_ENDPOINT.")
    return commit or ""


def listing(repository: str, commit: str, *, note: Note = silent) -> list[File]:
    """The files of a repository at a commit, at most one more than a shared folder may have.

    Without the Hub (HF_HUB_OFFLINE), the listing of an earlier time, which a commit cannot change.

    Raises:
        HubError: The Hub cannot be asked, or was not asked before.
        SharingError: There are so many folders that it is none of one model.
    """
    _check_commit(commit)
    kept = _kept_listing(repository, commit)
    if offline() and (files := _read_listing(kept)):
        return files
    what = f"list the files of {repository} at {commit[:12]}"
    files = call(what, lambda _: _listed(repository, commit), repository=repository, note=note)
    if len(files) <= MOST_FILES:
        with suppress(OSError):
            kept.parent.mkdir(parents=True, exist_ok=True)
            write_json(kept, [[file.name, file.bytes, file.sha256] for file in files])
    return files


def download(repository: str, commit: str, files: Sequence[File], into: Path, note: Note = silent) -> None:
    """Puts exactly these files into a folder, as plain files, or nothing.

    They go through the Hub's cache on this machine, so that a broken download goes on where it stopped, and files that
    the cache has are not loaded again.

    Args:
        files: Those of its listing that `contents.chosen` took.
        into: A folder that does not exist yet, or is empty.

    Raises:
        HubError: A file cannot be had.
        SharingError: A file is not what the listing says, or `into` has something in it.
    """
    _check_commit(commit)
    with incoming(into, files) as scratch:
        for file in files:
            _fetch(repository, commit, file, scratch / file.name, note)


def find(
    *,
    task: str | None = None,
    backbone: str | None = None,
    method: str | None = None,
    language: str | None = None,
    limit: int = 20,
    note: Note = silent,
) -> list[Found]:
    """The repositories of adapterstilts with these properties, most loaded first.

    Args:
        task: Of which the adapter is, or several with `+` between them.
        backbone: Hugging Face id of the model that it belongs to.
        method: By its name, whatever options stand behind that.
        language: One that it was trained on or scored in; in any script, since the Hub tells none apart.
    """
    wanted = [(BASE_MODEL_TAG, backbone), (METHOD_TAG, method.partition("[")[0] if method else None)]
    wanted += [(TASK_TAG, one) for one in (task.split("+") if task else ())]
    wanted.append(("", primary_language(context_language(language)) if language else None))
    tags = [TAG, *(prefix + value for prefix, value in wanted if value)]

    def search(_: int) -> list[Found]:
        models = client().list_models(filter=tags, sort="downloads", direction=-1, limit=limit, expand=_EXPANDED)
        return [
            Found(model.id, model.sha, tuple(model.tags or ()), model.downloads or 0, model.likes or 0,
                  model.last_modified, bool(model.private))
            for model in islice(models, limit)
        ]  # fmt: skip

    return call(f"search for {', '.join(tags)}", search, repository="the Hub", note=note)


def _listed(repository: str, commit: str) -> list[File]:
    from huggingface_hub.hf_api import RepoFile

    files: list[File] = []
    for number, entry in enumerate(client().list_repo_tree(repository, revision=commit, recursive=True), start=1):
        if number > _MOST_ENTRIES:
            raise SharingError(f"{repository} has more than {_MOST_ENTRIES:,} files and folders.", remedy=_OF_ONE)
        match entry:
            case RepoFile(path=str(name), size=int(size), lfs=lfs):
                files.append(File(name, size, lfs.sha256 if lfs else None))
        if len(files) > MOST_FILES:
            break
    return files


def _check_commit(commit: str) -> None:
    if not COMMIT.fullmatch(commit):
        raise HubError(f"{commit!r} is no full commit.", remedy="Resolve the revision first.")


def _read_listing(path: Path) -> list[File]:
    """A kept listing, empty where there is none."""
    try:
        return [File(name, size, sha256) for name, size, sha256 in json.loads(path.read_text(encoding="utf-8"))]
    except (OSError, ValueError, TypeError):
        return []


def _kept_listing(repository: str, commit: str) -> Path:
    from huggingface_hub import constants

    folder = Path(constants.HF_ASSETS_CACHE) / "adapterstilts" / repository.replace("/", "--")
    return folder / f"{commit}.json"


def _snapshot(repository: str, commit: str) -> Path:
    """Where the cache has files of a repository at a commit."""
    from huggingface_hub import constants
    from huggingface_hub.file_download import repo_folder_name

    name = repo_folder_name(repo_id=repository, repo_type="model")
    return Path(constants.HF_HUB_CACHE) / name / "snapshots" / commit


def _fetch(repository: str, commit: str, file: File, target: Path, note: Note) -> None:
    """One file by way of the cache; a second time, past the cache, where it is not what it should be."""
    for anew in (False, True):
        try:
            with _cached(repository, commit, file.name, anew, note).open("rb") as source:
                return take(source, file, target, f"{repository} at {commit[:12]}")
        except (SharingError, RefusedError) as error:
            if anew or offline() or not getattr(error, "damaged", True):
                raise
            note(f"gets {file.name} once more: {error.message}")
    return None


def _cached(repository: str, commit: str, name: str, anew: bool, note: Note) -> Path:
    def load(_: int) -> Path:
        return Path(client().hf_hub_download(repository, name, revision=commit, force_download=anew))

    return call(f"get {name} of {repository}", load, repository=repository, note=note)


def _branches(repository: str) -> str:
    """A remedy that says which branches and tags there are."""
    try:
        refs = client().list_repo_refs(repository)
    except (OSError, ValueError, KeyError, TypeError):
        return "Check its name, or leave --revision out for the main branch."
    names = [ref.name for ref in (*refs.branches, *refs.tags)]
    more = ", …" if len(names) > _SHOWN else ""
    return f"There are: {', '.join(names[:_SHOWN])}{more}." if names else "It has no branches."
