"""Reading from a loopback Hub with the Hub's own client: commits, listings, files, searches, faults, and no secrets."""

from __future__ import annotations

import subprocess
import sys
import traceback
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import adapterstilts
from adapterstilts.errors import AstiltsError, HubError, SharingError
from adapterstilts.sharing import hub_calls
from adapterstilts.sharing.contents import chosen
from adapterstilts.sharing.hub import download, find, listing, package_tags, publish, resolve
from tests.hub_repositories import Repository
from tests.hub_server import hub_environment
from tests.sharing.conftest import OTHER, REPOSITORY, TOKEN, package, read
from tests.writable_hub import Fault, WritableHub


def share(hub: WritableHub, files: dict[str, bytes] | None = None, *, name: str = REPOSITORY) -> Repository:
    """A repository of somebody."""
    repository = hub.add(name)
    repository.put(package() if files is None else files)
    return repository


def get(into: Path, **options: Any) -> list[str]:
    """Everything from the revision to the files, and what was noted."""
    notes: list[str] = []
    commit = resolve(REPOSITORY)
    download(REPOSITORY, commit, chosen(listing(REPOSITORY, commit), where=REPOSITORY), into, notes.append, **options)
    return notes


def test_the_chosen_files_come_as_plain_files_and_once(hub: WritableHub, tmp_path: Path) -> None:
    share(hub, package() | {"notes.txt": b"not taken", "setup.py": b"not taken"})
    assert get(tmp_path / "one") == [] and read(tmp_path / "one") == package()
    hub.asked.clear()
    (tmp_path / "two").mkdir()
    get(tmp_path / "two")
    assert read(tmp_path / "two") == package() and hub.lines("resolve|_cdn") == []
    with pytest.raises(SharingError, match=r"two is there already\. Name a folder that is new or empty\."):
        get(tmp_path / "two")


def test_folders_that_the_server_has_as_repositories_are_read_too(
    hub: WritableHub, folder: Path, tmp_path: Path
) -> None:
    hub.repositories[REPOSITORY] = ("b" * 40, folder)
    get(tmp_path / "into")
    assert read(tmp_path / "into") == package()


def test_the_token_does_not_go_to_the_host_of_the_files(hub: WritableHub, tmp_path: Path) -> None:
    share(hub).private = True
    get(tmp_path / "into")
    asked = [one for one in hub.asked if "/_cdn/" in one.line]
    assert len(asked) == 2 and all("Authorization" not in one.headers for one in asked)


def test_a_listing_is_one_of_a_commit_and_goes_over_pages(hub: WritableHub) -> None:
    repository = share(hub)
    hub.page = 2
    old = resolve(REPOSITORY)
    repository.put({"adapter.safetensors": b"new"})
    files = {file.name: file for file in listing(REPOSITORY, old)}
    assert set(files) == {*package(), ".gitattributes"} and len(hub.lines("cursor=")) == 3
    assert files["adapter.safetensors"].bytes == 40_000 and len(files["adapter.safetensors"].sha256 or "") == 64
    assert files["README.md"].sha256 is None
    assert resolve(REPOSITORY, old) == old != resolve(REPOSITORY, "main")


@pytest.mark.parametrize("names", ["file-{}.txt", "parts/{}/adapter.safetensors"])
def test_a_repository_of_too_many_files_is_not_listed_to_its_end(names: str, hub: WritableHub) -> None:
    hub.page = 500
    share(hub, {names.format(number): b"" for number in range(10_000)})
    with pytest.raises(SharingError, match=r"more than (1,000 files|4,000 files and folders)"):
        chosen(listing(REPOSITORY, resolve(REPOSITORY)), where=REPOSITORY)
    assert len(hub.lines("/tree/")) <= 9


ENTRY = {"type": "file", "path": "adapter.safetensors", "oid": "0" * 40, "size": 3}


@pytest.mark.parametrize(
    "path",
    ["../adapter.safetensors", "/adapter.safetensors", "a/../../adapter.safetensors", "..\\adapter.safetensors",
     "C:\\adapter.safetensors", "a\\adapter.safetensors", "./adapter.safetensors", "a//adapter.safetensors",
     ".ssh/adapter.safetensors", "adapter.safetensors\n", "a/b/c/d/adapter.safetensors", "~/adapter.safetensors"],
)  # fmt: skip
def test_names_that_lead_elsewhere_are_not_taken(path: str, hub: WritableHub, tmp_path: Path) -> None:
    share(hub)
    hub.listings[REPOSITORY] = [ENTRY | {"path": path}]
    files = listing(REPOSITORY, resolve(REPOSITORY))
    with pytest.raises(SharingError, match="has no weights"):
        chosen(files, where=REPOSITORY)
    # Even if somebody did not ask `chosen`.
    with pytest.raises(SharingError, match="is no name of a file of a shared folder"):
        download(REPOSITORY, resolve(REPOSITORY), files, tmp_path / "into/here")
    assert list(tmp_path.rglob("*adapter.safetensors*")) == [] and not (tmp_path / "into/here").exists()


@pytest.mark.parametrize(
    ("entry", "message"),
    [({"path": "astilts.json", "size": 10**15}, "has 1,000,000,000,000,000 bytes, where"),
     ({"size": None}, "has no weights"), ({"path": None}, "has no weights"), ({"path": 7}, "has no weights"),
     ({"size": "3"}, "has no weights"), ({"lfs": {"size": 3}}, "its answer has not the form that is due"),
     ({"type": None}, "has no weights|the form that is due")],
)  # fmt: skip
def test_listings_of_another_form_are_refused(entry: dict[str, Any], message: str, hub: WritableHub) -> None:
    share(hub)
    hub.listings[REPOSITORY] = [ENTRY | entry]
    with pytest.raises(AstiltsError, match=message):
        chosen(listing(REPOSITORY, resolve(REPOSITORY)), where=REPOSITORY)


@pytest.mark.parametrize("listed", [[{}], ["text"], [None], [[]]])
def test_listings_that_are_none_are_refused(listed: list[Any], hub: WritableHub) -> None:
    share(hub)
    hub.listings[REPOSITORY] = listed
    with pytest.raises(HubError, match=r"its answer has not the form that is due\. Check HF_ENDPOINT"):
        listing(REPOSITORY, resolve(REPOSITORY))


def test_a_file_that_is_not_what_was_listed_is_not_kept(hub: WritableHub, tmp_path: Path) -> None:
    share(hub)
    commit = resolve(REPOSITORY)
    files = [file for file in listing(REPOSITORY, commit) if file.name == "adapter.safetensors"]
    wrong = [replace(files[0], bytes=39_999), replace(files[0], bytes=10**12), replace(files[0], sha256="0" * 64)]
    for file in wrong:
        with pytest.raises(SharingError, match=r"adapter\.safetensors from anna/squad-adapter at .* has .* instead of"):
            download(REPOSITORY, commit, [file], tmp_path / "into")
        assert sorted(path.name for path in tmp_path.iterdir()) == ["hf"]


def test_a_damaged_file_in_the_cache_is_loaded_anew(hub: WritableHub, tmp_path: Path) -> None:
    share(hub)
    get(tmp_path / "one")
    cached = next((tmp_path / "hf/hub").rglob("snapshots/*/adapter.safetensors"))
    cached.resolve().write_bytes(b"damaged")
    notes = get(tmp_path / "two")
    assert read(tmp_path / "two") == package()
    assert len(notes) == 1 and "gets adapter.safetensors once more" in notes[0] and "has 7 bytes instead of" in notes[0]


def test_a_damaged_rest_of_a_broken_download_is_loaded_anew(hub: WritableHub, tmp_path: Path) -> None:
    share(hub)
    get(tmp_path / "one")
    blob = next((tmp_path / "hf/hub").rglob("snapshots/*/adapter.safetensors")).resolve()
    next((tmp_path / "hf/hub").rglob("snapshots/*/adapter.safetensors")).unlink()
    for rest in (b"x" * 40_000, b"x" * 50_000, b"x" * 100):
        blob.unlink()
        blob.with_name(f"{blob.name}.incomplete").write_bytes(rest)
        get(tmp_path / f"rest-{len(rest)}")
        assert read(tmp_path / f"rest-{len(rest)}") == package()
        next((tmp_path / "hf/hub").rglob("snapshots/*/adapter.safetensors")).unlink()


@pytest.mark.parametrize("attempts", [1, 5])
def test_a_broken_download_goes_on_where_it_stopped(
    attempts: int, hub: WritableHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub_calls, "ATTEMPTS", attempts)
    share(hub)
    hub.faults.append(Fault("GET /_cdn/", drop="body"))
    if attempts == 1:
        with pytest.raises(HubError, match=r"the connection broke .*what was transferred is used again"):
            get(tmp_path / "into")
        assert sorted(path.name for path in tmp_path.iterdir()) == ["hf"]
    get(tmp_path / "into")
    assert read(tmp_path / "into") == package()
    ranges = [one.headers.get("Range") for one in hub.asked if one.line.startswith("GET /_cdn/")]
    assert ranges == [None, "bytes=20000-", None]


@pytest.mark.parametrize(
    ("status", "pattern"),
    [*((503, pattern) for pattern in ["/revision/", "/tree/", "HEAD .*/resolve/", "GET /_cdn/"]),
     *((status, "HEAD .*/resolve/") for status in (409, 429, 500, 502, 504))],
)  # fmt: skip
def test_what_passes_is_waited_for(status: int, pattern: str, hub: WritableHub, tmp_path: Path) -> None:
    share(hub)
    hub.faults.append(Fault(pattern, status=status, times=2))
    notes: list[str] = []
    commit = resolve(REPOSITORY, note=notes.append)
    files = chosen(listing(REPOSITORY, commit, note=notes.append), where=REPOSITORY)
    download(REPOSITORY, commit, files, tmp_path / "into", notes.append)
    assert read(tmp_path / "into") == package()
    # Of the files themselves, the client repeats some requests on its own, and says so.
    assert any(note.startswith("waits 0 s for the Hub: ") and f" {status} " in note for note in notes) or (
        f"HTTP Error {status} thrown" in notes[0] and notes[1] == "Retrying in 1s [Retry 1/5]."
    )
    assert "Signature" not in " ".join(notes)


@pytest.mark.parametrize(
    ("status", "remedy"),
    [(401, "Log in with `hf auth login`, or set HF_TOKEN"), (403, "or ask its owner for access"),
     (404, "Check the names of"), (429, "the limit is higher"), (500, "The Hub has trouble")],
)  # fmt: skip
@pytest.mark.parametrize("pattern", ["/revision/", "/tree/", "HEAD .*/resolve/", "GET /_cdn/"])
def test_what_does_not_pass_ends_with_a_remedy(
    status: int, remedy: str, pattern: str, hub: WritableHub, tmp_path: Path
) -> None:
    share(hub)
    hub.faults.append(Fault(pattern, status=status, times=1_000))
    with pytest.raises(HubError, match=remedy) as caught:
        get(tmp_path / "into")
    assert f": {status} " in caught.value.message and caught.value.__context__ is None
    assert sorted(path.name for path in tmp_path.iterdir() if path.name != "hf") == []
    assert len(hub.asked) < 60


def test_the_wait_that_the_hub_asks_for_is_kept(hub: WritableHub, monkeypatch: pytest.MonkeyPatch) -> None:
    share(hub)
    waited: list[float] = []
    monkeypatch.setattr(hub_calls, "FIRST_WAIT", 2.0)
    monkeypatch.setattr(hub_calls, "time", SimpleNamespace(sleep=waited.append))
    hub.faults += [
        Fault("/revision/", status=429, headers={"Retry-After": "7"}),
        Fault("/revision/", status=503, headers={"Retry-After": "Thu, 01 Jan 1970 00:00:00 GMT"}),
        Fault("/revision/", status=503, headers={"Retry-After": "soon"}),
        Fault("/revision/", status=503, headers={"Retry-After": "Thu, 01 Jan 1970 00:00:00 -0000"}),
    ]
    resolve(REPOSITORY)
    assert waited == [7.0, 0.0, 8.0, 0.0]
    hub.faults.append(Fault("/revision/", status=429, headers={"Retry-After": "3600"}))
    with pytest.raises(HubError, match=r"429 .*Repeat it when the Hub's limit allows"):
        resolve(REPOSITORY)
    assert len(waited) == 4


@pytest.mark.parametrize("commit", ["main", "a" * 39, "../../main", ""])
def test_what_is_no_commit_is_resolved_first(commit: str, hub: WritableHub, tmp_path: Path) -> None:
    share(hub)
    for action in (partial(listing, REPOSITORY, commit), partial(download, REPOSITORY, commit, [], tmp_path / "into")):
        with pytest.raises(HubError, match=r"is no full commit\. Resolve the revision first\."):
            action()
    assert hub.asked == []


def test_a_repository_that_is_not_there(hub: WritableHub) -> None:
    with pytest.raises(HubError, match=r"Could not find main of anna/none: 404 .*Check the names .*\(anna/none\)"):
        resolve("anna/none")
    with pytest.raises(HubError, match=r"Could not list the files of anna/none at aaaaaaaaaaaa"):
        listing("anna/none", "a" * 40)


def test_repositories_are_found_by_what_their_cards_say(hub: WritableHub, folder: Path) -> None:
    publish(folder, REPOSITORY, message="Share it")
    publish(folder, "anna/hidden", message="Share it", private=True)
    share(hub, {"README.md": b"---\ntags: [adapterstilts, 'task:mnli']\n---\n"}, name="bert/mnli-adapter")
    share(hub, {"README.md": b"---\ntags: ['task:squad']\n---\n"}, name="bert/not-ours")
    assert {one.repository for one in find()} == {REPOSITORY, "anna/hidden", "bert/mnli-adapter"}
    assert len(find(limit=2)) == 2
    found = find(task="squad", backbone="FacebookAI/xlm-roberta-base", method="lora", language="de")
    assert [one.repository for one in found] == [REPOSITORY, "anna/hidden"]
    assert found[0].commit == hub.own[REPOSITORY].branches["main"] and found[1].private
    assert found[0].downloads == 18 and found[0].likes == 1 and found[0].last_modified is not None
    assert set(package_tags(["squad"], "lora")) <= set(found[0].tags)
    assert find(task="squad", language="ru") == []
    share(hub, {"README.md": b"---\nlanguage: [en, quy, zh]\ntags: [adapterstilts, tf]\n---\n"}, name="bert/scripts")
    (one,) = adapterstilts.search(language="zh-Hant")
    assert one.reference == "bert/scripts" and one.languages == ["en", "quy", "zh"]


OFFLINE = f"""
import sys
from pathlib import Path
from adapterstilts.errors import HubError
from adapterstilts.sharing.hub import download, listing, resolve
from adapterstilts.sharing.contents import chosen
for revision in sys.argv[2:]:
    try:
        commit = resolve("{REPOSITORY}", revision)
        files = chosen(listing("{REPOSITORY}", commit), where="it")
        download("{REPOSITORY}", commit, files, Path(sys.argv[1]) / revision, print)
        print("all of it")
    except HubError as error:
        print(error)
"""


def ask(
    hub: WritableHub, tmp_path: Path, code: str, *words: str, **environment: str
) -> subprocess.CompletedProcess[str]:
    """A process of its own, which reads the Hub's settings from its environment."""
    settings = hub_environment(hub.url, tmp_path) | environment
    return subprocess.run(
        [sys.executable, "-c", code, *words], capture_output=True, text=True, check=False, env=settings
    )


def test_without_the_hub_a_commit_is_what_the_cache_has_of_it(hub: WritableHub, tmp_path: Path) -> None:
    repository = share(hub)
    whole = resolve(REPOSITORY)
    part = repository.put({"adapter.safetensors": b"new"})
    get(tmp_path / "part")
    download(REPOSITORY, whole, chosen(listing(REPOSITORY, whole), where="it"), tmp_path / "whole")
    next((tmp_path / "hf/hub").rglob(f"snapshots/{part}/adapter.safetensors")).unlink()
    asked = len(hub.asked)
    result = ask(hub, tmp_path, OFFLINE, str(tmp_path), whole, part, "c" * 40, "main", HF_HUB_OFFLINE="1")
    assert result.returncode == 0 and len(hub.asked) == asked, result.stderr
    lines = result.stdout.splitlines()
    offline = "HF_HUB_OFFLINE is set, and the cache has it not. Unset HF_HUB_OFFLINE, or give the full commit"
    assert lines[0] == "all of it" and read(tmp_path / whole) == package()
    assert lines[1].startswith(f"Could not get adapter.safetensors of {REPOSITORY}: {offline}")
    assert lines[2].startswith(f"Could not find {'c' * 40} of {REPOSITORY}: {offline}")
    assert lines[3].startswith(f"Could not find main of {REPOSITORY}: {offline}") and not (tmp_path / part).exists()


def test_a_hub_that_does_not_answer_in_time_is_asked_again(hub: WritableHub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("adapterstilts.sharing.hub.ANSWER_SECONDS", 0.1)
    commit = share(hub).branches["main"]
    hub.faults.append(Fault("/revision/", seconds=0.3))
    notes: list[str] = []
    assert resolve(REPOSITORY, note=notes.append) == commit
    assert notes == [
        f"waits 0 s for the Hub: the connection broke (ReadTimeout); attempt 2 of 5 to find main of {REPOSITORY}"
    ]


def test_a_hub_that_is_not_there(hub: WritableHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    notes: list[str] = []
    with pytest.raises(
        HubError, match=r"after 5 attempts: the connection broke .Connection refused.\. Check the connection, a proxy"
    ):
        resolve(REPOSITORY, note=notes.append)
    assert len(notes) == 4


@pytest.mark.parametrize("pattern", ["/revision/", "/tree/", "HEAD .*/resolve/", "/preupload/", "PUT ", "/commit/"])
def test_no_token_is_in_anything_that_is_said(
    pattern: str, hub: WritableHub, folder: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    """Not even where the Hub itself repeats them."""
    echo = f"token {TOKEN} of anna, {OTHER} of bert; Authorization: Bearer {TOKEN}"
    said: list[str] = []
    (folder / "adapter.safetensors").write_bytes(b"new")
    hub.faults.append(Fault(pattern, status=503, times=1, message=echo))
    hub.faults.append(Fault(pattern, status=400, times=1_000, message=echo))
    share(hub)
    for action in (
        partial(get, tmp_path / "into"), partial(publish, folder, "anna/new", message="Share it", note=said.append),
    ):  # fmt: skip
        try:
            action()
        except AstiltsError as error:
            said += [repr(error), *traceback.format_exception(error)]
    out, err = capfd.readouterr()
    everything = "\n".join([*said, out, err, caplog.text])
    assert "of anna, *** of bert" in everything
    for secret in (TOKEN, OTHER, "Signature=secret"):
        assert secret not in "\n".join([*said, out, err])
        assert secret == "Signature=secret" or secret not in caplog.text
        assert not any(secret.encode() in data for data in plain(tmp_path))


def plain(folder: Path) -> list[bytes]:
    return [path.read_bytes() for path in folder.rglob("*") if path.is_file()]


def test_neither_the_client_nor_a_driver_is_imported_before_it_is_needed() -> None:
    code = (
        "import sys, adapterstilts.sharing.hub, adapterstilts.sharing.registry\n"
        "print(sorted({'huggingface_hub', 'fsspec', 'requests', 'torch'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True).stdout == "[]\n"


UNCAUGHT = """
import logging
from adapterstilts.sharing.hub import resolve
logging.basicConfig(level=logging.DEBUG)
resolve("anna/squad-adapter", note=print)
"""


def test_no_token_is_in_the_traceback_of_a_program(hub: WritableHub, tmp_path: Path) -> None:
    share(hub)
    hub.faults.append(Fault("/revision/", status=400, times=2, message=f"no right with {TOKEN}"))
    result = ask(hub, tmp_path, UNCAUGHT, HF_TOKEN=TOKEN, HF_DEBUG="1")
    assert result.returncode == 1 and "no right with ***" in result.stderr
    assert TOKEN not in result.stdout + result.stderr and "During handling" not in result.stderr
