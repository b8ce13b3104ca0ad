"""Pushes to a loopback Hub with the Hub's own client: one commit each or none, and all of it or nothing."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import pytest

from adapterstilts.errors import AstiltsError, HubError, SharingError
from adapterstilts.sharing import hub_calls
from adapterstilts.sharing.contents import chosen
from adapterstilts.sharing.hub import Published, listing, publish, resolve
from tests.sharing.conftest import OTHER, REPOSITORY, package, write
from tests.writable_hub import Fault, WritableHub


def push(folder: Path, repository: str = REPOSITORY, **options: Any) -> Published:
    return publish(folder, repository, **{"message": "Share it", **options})


def shared(hub: WritableHub, repository: str = REPOSITORY, revision: str = "main") -> dict[str, bytes]:
    """What a repository has, without what the Hub puts there itself."""
    files = hub.own[repository].files(revision)
    return {name: data for name, data in files.items() if name != ".gitattributes"}


def test_a_folder_is_one_commit_and_the_same_folder_none(hub: WritableHub, folder: Path) -> None:
    first = push(folder)
    assert shared(hub) == package() and hub.own[REPOSITORY].messages == ["Share it"]
    assert first == Published(f"{hub.url}/{REPOSITORY}", hub.own[REPOSITORY].branches["main"], True, None)
    hub.asked.clear()
    assert push(folder) == Published(first.url, first.commit, changed=False)
    assert hub.lines("POST|PUT") == []


def test_what_has_changed_is_sent_alone(hub: WritableHub, folder: Path) -> None:
    push(folder)
    hub.asked.clear()
    changed = b"other bytes " * 1000
    (folder / "adapter.safetensors").write_bytes(changed)
    assert push(folder).changed
    assert shared(hub) == package() | {"adapter.safetensors": changed}
    assert len(hub.lines("POST .*/commit/")) == 1 and len(hub.lines("PUT ")) == 1
    # A small file of the same size, too.
    card = (folder / "README.md").read_bytes().replace(b"number 0", b"number 1")
    (folder / "README.md").write_bytes(card)
    assert push(folder).changed and shared(hub)["README.md"] == card


def test_files_of_an_earlier_layout_go_and_those_of_others_stay(hub: WritableHub, folder: Path) -> None:
    push(folder)
    theirs = {"notes.txt": b"ours", "pytorch_adapter.bin": b"theirs", "parts/squad/plot.png": b"theirs"}
    hub.own[REPOSITORY].put(theirs)
    (folder / "parts/squad/adapter.safetensors").unlink()
    before = len(hub.own[REPOSITORY].messages)
    assert push(folder).changed and len(hub.own[REPOSITORY].messages) == before + 1
    kept = {name: data for name, data in package().items() if not name.startswith("parts/")}
    assert shared(hub) == kept | theirs
    assert not push(folder).changed


def test_nothing_is_deleted_where_adapterstilts_has_not_pushed_before(hub: WritableHub, folder: Path) -> None:
    theirs = {"model.safetensors": b"theirs", "config.json": b"{}"}
    hub.add(REPOSITORY).put(theirs)
    push(folder)
    assert shared(hub) == package() | theirs


def test_what_is_no_part_of_a_shared_model_stays_here(hub: WritableHub, folder: Path, tmp_path: Path) -> None:
    write(folder, {".env": b"HF_TOKEN=x", "optimizer.pt": b"pickle", "pytorch_adapter.bin": b"pickle"})
    (folder / "config.json").symlink_to(write(tmp_path, {"elsewhere.json": b"{}"}) / "elsewhere.json")
    notes: list[str] = []
    push(folder, note=notes.append)
    assert shared(hub) == package()
    assert notes == ["leaves .env, optimizer.pt, pytorch_adapter.bin out: not a part of a shared model"]
    (tmp_path / "empty").mkdir()
    with pytest.raises(SharingError, match=r"has no file of a shared model"):
        push(tmp_path / "empty")


def test_private_is_private(hub: WritableHub, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    push(folder, private=True)
    assert hub.own[REPOSITORY].private
    assert not push(folder, private=False).changed and hub.own[REPOSITORY].private
    monkeypatch.setenv("HF_TOKEN", OTHER)
    with pytest.raises(HubError, match=r"404.*Check the names .*hf auth login.*HF_TOKEN"):
        resolve(REPOSITORY)


def test_private_files_do_not_go_where_everybody_sees_them(hub: WritableHub, folder: Path) -> None:
    hub.add(REPOSITORY)
    with pytest.raises(HubError, match=r"everybody can see it; nothing was sent\. Make it private on "):
        push(folder, private=True)
    assert shared(hub) == {}


def test_a_branch_is_made_where_it_is_missing(hub: WritableHub, folder: Path) -> None:
    published = push(folder, revision="seed/1")
    assert shared(hub) == {} and shared(hub, revision="seed/1") == package()
    assert resolve(REPOSITORY, "seed/1") == published.commit
    assert not push(folder, revision="seed/1").changed
    assert len(hub.lines("POST .*/branch/")) == 1
    for revision in ("v1", published.commit[:12]):
        with pytest.raises(HubError, match=rf"has no revision '{revision}'\. There are: main, seed/1\."):
            resolve(REPOSITORY, revision)
    with pytest.raises(HubError, match=r"is a commit, which nothing can be added to\. Name a branch\."):
        push(folder, revision=published.commit)


def test_a_proposal_leaves_the_branch_alone(hub: WritableHub, folder: Path) -> None:
    hub.add("bert/model").put({"README.md": b"Bert's."})
    published = push(folder, "bert/model", create_pr=True)
    assert published.pull_request == f"{hub.url}/bert/model/discussions/1"
    assert shared(hub, "bert/model") == {"README.md": b"Bert's."}
    assert shared(hub, "bert/model", "refs/pr/1") == package()
    with pytest.raises(HubError, match=r"Could not push to bert/model: 403 .*Log in with `hf auth login`"):
        push(folder, "bert/model")


@pytest.mark.parametrize(("token", "status"), [("", 401), ("hf_" + "NobodyHasThis" * 2, 401), (OTHER, 403)])
def test_who_has_no_right_is_told_how_to_get_it(
    hub: WritableHub, folder: Path, token: str, status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", token)
    with pytest.raises(HubError, match=rf"open {REPOSITORY}: {status} .*`hf auth login`, or set HF_TOKEN") as caught:
        push(folder)
    assert not token or token not in str(caught.value)
    assert hub.own == {}


@pytest.mark.parametrize("name", ["squad", "a/b/c", "anna/squad adapter", "../squad", "anna/..", "anna/a--b"])
def test_names_that_no_repository_has(hub: WritableHub, folder: Path, name: str) -> None:
    with pytest.raises(HubError):
        push(folder, name)
    assert hub.asked == []


def test_somebody_elses_push_in_between_is_not_overwritten(hub: WritableHub, folder: Path) -> None:
    repository = hub.add(REPOSITORY)
    meanwhile = partial(repository.put, {"README.md": b"Theirs."})
    hub.faults.append(Fault("POST .*/preupload/", meanwhile=meanwhile))
    with pytest.raises(HubError, match=rf"Somebody changed main of {REPOSITORY} meanwhile; nothing of this push"):
        push(folder)
    assert shared(hub) == {"README.md": b"Theirs."}
    hub.faults.clear()
    assert push(folder).changed and shared(hub) == package()


def test_an_answer_that_is_lost_is_no_second_commit(hub: WritableHub, folder: Path) -> None:
    hub.faults.append(Fault("POST .*/commit/", drop="answer"))
    notes: list[str] = []
    published = push(folder, note=notes.append)
    assert published.changed and published.commit == hub.own[REPOSITORY].branches["main"]
    assert hub.own[REPOSITORY].messages == ["Share it"] and shared(hub) == package()
    assert notes == [
        f"waits 0 s for the Hub: the connection broke (ConnectionError); attempt 2 of 5 to push to {REPOSITORY}"
    ]


def test_somebody_elses_push_after_a_lost_attempt_is_not_overwritten(hub: WritableHub, folder: Path) -> None:
    repository = hub.add(REPOSITORY)
    meanwhile = partial(repository.put, {"README.md": b"Theirs."})
    hub.faults.append(Fault("POST .*/commit/", drop="request", meanwhile=meanwhile))
    with pytest.raises(HubError, match=r"Somebody changed main"):
        push(folder)
    assert shared(hub) == {"README.md": b"Theirs."}


def test_a_proposal_whose_answer_is_lost_is_not_made_twice(hub: WritableHub, folder: Path) -> None:
    hub.add(REPOSITORY)
    hub.faults.append(Fault("POST .*/commit/", drop="answer"))
    with pytest.raises(HubError, match=r"See http.*/discussions whether it was opened, and repeat it if not\."):
        push(folder, create_pr=True)
    assert len(hub.own[REPOSITORY].pulls) == 1


@pytest.mark.parametrize("drop", ["request", "answer"])
def test_a_push_that_dies_anywhere_leaves_all_or_nothing(
    drop: str, hub: WritableHub, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub_calls, "ATTEMPTS", 1)
    push(folder, "anna/counted")
    requests = len(hub.asked)
    assert requests == 13
    for served in range(requests):
        name = f"anna/dies-after-{served}"
        hub.objects.clear()
        hub.faults = [Fault("", skip=served, times=1_000, drop=drop)]
        with pytest.raises(HubError):
            push(folder, name)
        hub.faults.clear()
        if name in hub.own:
            files = listing(name, resolve(name))
            if shared(hub, name):
                assert {file.name for file in chosen(files, where=name)} == set(package())
            else:
                with pytest.raises(SharingError, match="has no weights"):
                    chosen(files, where=name)
        push(folder, name)
        assert shared(hub, name) == package() and len(hub.own[name].messages) == 1


@pytest.mark.parametrize(
    ("status", "pattern"),
    [*((503, pattern) for pattern in ["GET /api/models/", "/tree/", "/preupload/", "/objects/batch", "/commit/"]),
     *((status, "/commit/") for status in (409, 429, 500, 502, 504))],
)  # fmt: skip
def test_what_passes_is_waited_for(status: int, pattern: str, hub: WritableHub, folder: Path) -> None:
    hub.add(REPOSITORY)
    hub.faults.append(Fault(pattern, status=status, times=2))
    notes: list[str] = []
    assert push(folder, note=notes.append).changed and shared(hub) == package()
    assert [note.partition(":")[0] for note in notes] == ["waits 0 s for the Hub"] * 2
    assert f": {status} " in notes[0] and "attempt 2 of 5" in notes[0] and "attempt 3 of 5" in notes[1]


@pytest.mark.parametrize(
    ("status", "remedy"),
    [(400, "Mend what the Hub names"), (404, "Check the names of"), (412, "Somebody changed main"),
     (409, "Something else is being done"), (429, "the limit is higher"), (503, "The Hub has trouble")],
)  # fmt: skip
def test_what_does_not_pass_ends_with_a_remedy(status: int, remedy: str, hub: WritableHub, folder: Path) -> None:
    hub.add(REPOSITORY)
    hub.faults.append(Fault("/commit/", status=status, times=1_000))
    with pytest.raises(AstiltsError, match=remedy):
        push(folder)
    assert len(hub.lines("/commit/")) == (hub_calls.ATTEMPTS if status in (409, 429, 503) else 1)
    assert shared(hub) == {}
