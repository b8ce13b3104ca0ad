"""A folder into a repository of the Hub, as one commit, or none where nothing differs."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from adapterstilts.errors import HubError
from adapterstilts.files import file_digest
from adapterstilts.sharing.contents import OWN, is_known
from adapterstilts.sharing.hub_calls import ANSWER_SECONDS, COMMIT, RefusedError, call, client
from adapterstilts.sharing.incoming import Note, outgoing, silent

if TYPE_CHECKING:
    from huggingface_hub import CommitInfo, ModelInfo
    from huggingface_hub.hf_api import RepoFile


@dataclass(frozen=True)
class Published:
    """Where a folder is now.

    Attributes:
        commit: The one that has it: a new one, or the one that had all of it before.
        pull_request: Where it waits to be taken in, if it was sent as a proposal.
    """

    url: str
    commit: str
    changed: bool
    pull_request: str | None = None


@dataclass(frozen=True)
class _State:
    """A branch as it is on the Hub: its head, and name to file."""

    commit: str
    files: Mapping[str, RepoFile]


def publish(
    folder: Path,
    repository: str,
    *,
    private: bool = False,
    revision: str | None = None,
    create_pr: bool = False,
    message: str,
    note: Note = silent,
) -> Published:
    """Makes a repository hold the files of a folder, by one commit.

    A repository or branch that is missing is created. Files of a shared model that an earlier push left there and that
    the folder has no longer are deleted by the same commit; all others are left alone.

    Args:
        repository: OWNER/NAME.
        private: Whether only its owner may see it, if it is created; one that everybody sees is then refused.
        revision: The branch, by default the main one.
        create_pr: Whether to propose the commit as a pull request instead.
        message: Of the commit.

    Raises:
        HubError: There is no right to it, the branch was changed meanwhile, or the Hub cannot be reached.
        SharingError: The folder has nothing that is shared.
    """
    _check_names(repository, revision)
    local = outgoing(folder, note)
    push = _Push(local, repository, revision or "main", create_pr, message, note)
    push.prepare(private=private)
    return push.make()


@dataclass(frozen=True)
class _Push:
    local: Mapping[str, Path]
    repository: str
    branch: str
    create_pr: bool
    message: str
    note: Note

    @property
    def url(self) -> str:
        return f"{client().endpoint}/{self.repository}"

    def prepare(self, *, private: bool) -> None:
        """Creates what is missing: the repository, then the branch."""
        info = call(
            f"open {self.repository}", lambda _: self._opened(private), repository=self.repository, note=self.note
        )
        if private and not info.private:
            raise HubError(
                f"{self.repository} is there and everybody can see it; nothing was sent.",
                remedy=f"Make it private on {self.url}/settings, push to another name, or leave --private out.",
            )
        if self.branch != "main":
            what = f"open the branch {self.branch} of {self.repository}"
            call(what, lambda _: self._branched(), repository=self.repository, note=self.note)

    def make(self) -> Published:
        """The commit, or none."""
        before = call(f"list {self.repository}", lambda _: self._state(), repository=self.repository, note=self.note)
        differing = self._differing(before)
        if not differing and not self._outdated(before):
            return Published(self.url, before.commit, changed=False)
        additions = [self._addition(name) for name in differing]

        def commit(attempt: int) -> Published:
            if attempt > 1 and (now := self._state()).commit != before.commit:
                # The answer to the attempt before can be all that was lost.
                if self._differing(now) or self._outdated(now):
                    raise self._changed_meanwhile()
                return Published(self.url, now.commit, changed=True)
            return self._published(self._committed(additions, before))

        try:
            return call(
                f"push to {self.repository}", commit,
                repository=self.repository, note=self.note, again_if_lost=not self.create_pr,
            )  # fmt: skip
        except RefusedError as error:
            if error.status == 412:
                raise self._changed_meanwhile() from None
            if error.lost and self.create_pr:
                raise HubError(
                    error.message, remedy=f"See {self.url}/discussions whether it was opened, and repeat it if not."
                ) from None
            raise

    def _opened(self, private: bool) -> ModelInfo:
        from huggingface_hub.errors import GatedRepoError, RepositoryNotFoundError

        api = client()
        try:
            return api.model_info(self.repository, timeout=ANSWER_SECONDS)
        except GatedRepoError:
            raise
        except RepositoryNotFoundError:
            api.create_repo(self.repository, private=private, exist_ok=True)
            return api.model_info(self.repository, timeout=ANSWER_SECONDS)

    def _branched(self) -> None:
        from huggingface_hub.errors import RevisionNotFoundError

        try:
            client().model_info(self.repository, revision=self.branch, timeout=ANSWER_SECONDS)
        except RevisionNotFoundError:
            client().create_branch(self.repository, branch=self.branch, exist_ok=True)

    def _state(self) -> _State:
        from huggingface_hub.hf_api import RepoFile

        commit = client().model_info(self.repository, revision=self.branch, timeout=ANSWER_SECONDS).sha or ""
        entries = client().list_repo_tree(self.repository, revision=commit, recursive=True)
        return _State(commit, {entry.path: entry for entry in entries if type(entry) is RepoFile})

    def _differing(self, state: _State) -> list[str]:
        """The names of files that the branch has not, or has otherwise."""
        return [name for name, path in self.local.items() if not _equal(path, state.files.get(name))]

    def _outdated(self, state: _State) -> list[str]:
        """The names of files that an earlier push left there."""
        if OWN not in state.files:
            return []
        return [name for name in state.files if name not in self.local and is_known(name, pickles=False)]

    def _addition(self, name: str) -> object:
        from huggingface_hub import CommitOperationAdd

        return CommitOperationAdd(name, self.local[name])

    def _committed(self, additions: list[object], before: _State) -> CommitInfo:
        from huggingface_hub import CommitOperationDelete

        deletions = [CommitOperationDelete(name, is_folder=False) for name in self._outdated(before)]
        return client().create_commit(
            self.repository,
            [*additions, *deletions],  # type: ignore[list-item]
            commit_message=self.message,
            revision=self.branch,
            create_pr=self.create_pr,
            parent_commit=before.commit or None,
        )

    def _published(self, info: CommitInfo) -> Published:
        return Published(self.url, info.oid, changed=True, pull_request=info.pr_url)

    def _changed_meanwhile(self) -> HubError:
        return HubError(
            f"Somebody changed {self.branch} of {self.repository} meanwhile; nothing of this push is in it.",
            remedy="Look at what is there now, then repeat the push.",
        )


def _check_names(repository: str, revision: str | None) -> None:
    if repository.count("/") != 1:
        raise HubError(f"{repository!r} is no name of a repository.", remedy="Give OWNER/NAME.")
    if revision is not None and COMMIT.fullmatch(revision):
        raise HubError(f"{revision} is a commit, which nothing can be added to.", remedy="Name a branch.")


def _equal(path: Path, remote: RepoFile | None) -> bool:
    """Whether a file on the Hub has the same bytes."""
    if remote is None or remote.size != path.stat().st_size:
        return False
    if remote.lfs:
        return remote.lfs.sha256 == file_digest(path)
    blob = hashlib.sha1(b"blob %d\0" % remote.size, usedforsecurity=False)
    blob.update(path.read_bytes())
    return blob.hexdigest() == remote.blob_id
