"""Shared models as folders, and what they are said to be."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import adapterstilts
from adapterstilts.commands.push import entry_of
from adapterstilts.errors import SharingError, UsageError
from adapterstilts.reporting.sharing import shared_text
from adapterstilts.runs.leftovers import Wanted, clean, leftovers
from adapterstilts.runs.store import RunStore
from adapterstilts.sharing.manifest import read_manifest
from adapterstilts.sharing.registry import Registry


def test_a_run_of_the_store_becomes_a_folder_and_is_the_first_that_is_meant(
    trained: dict[str, Any], tmp_path: Path
) -> None:
    pulled = adapterstilts.pull("squad", tmp_path / "squad", store=trained["store"])
    assert "train-intermediate-squad-" in pulled.place and pulled.made
    assert pulled.made["metrics"]["train_examples"] == 24
    package = adapterstilts.pull("squad", tmp_path / "mini", store=tmp_path / "store")
    assert "task_adapters/squad/mini" in package.place and package.made
    assert package.made["metrics"]["train_examples"] == 8_000
    # A pulled folder is a place again.
    again = adapterstilts.pull(str(tmp_path / "squad"), tmp_path / "again", store=tmp_path / "store")
    assert again.files.keys() == pulled.files.keys()


def test_a_folder_that_has_something_in_it_is_left_alone(shared_folder: Path, tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    (tmp_path / "there/mine.txt").write_text("mine")
    with pytest.raises(UsageError, match="is there already and not empty"):
        adapterstilts.pull(str(shared_folder), tmp_path / "there", store=tmp_path / "store")
    assert [path.name for path in (tmp_path / "there").iterdir()] == ["mine.txt"]


def test_a_place_that_cannot_be_written_is_named(shared_folder: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(UsageError, match=r"file/below cannot be written \(.*Give a place of yours"):
        adapterstilts.pull(str(shared_folder), tmp_path / "file" / "below", store=tmp_path / "store")


def test_what_cannot_be_taken_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for reference, message in (("./nowhere", "is not a folder"), (str(tmp_path / "empty"), "it is empty")):
        with pytest.raises(SharingError, match=message):
            adapterstilts.pull(reference, tmp_path / "out", store=tmp_path / "store")
    with pytest.raises(UsageError, match="No run 'xnli'"):
        adapterstilts.info("xnli", store=tmp_path / "store")
    assert [path.name for path in tmp_path.iterdir() if path.name != "store"] == ["empty"]


def test_what_a_model_is_fits_a_terminal() -> None:
    text = shared_text(adapterstilts.info("squad"))
    assert "scores on squad, test:" in text and "    sw    exact_match" in text
    assert max(map(len, text.splitlines())) <= 80


def test_a_card_that_is_missing_or_no_text_is_no_obstacle(shared_folder: Path, tmp_path: Path) -> None:
    for number, card in enumerate((None, b"\xff\xfe", b"put <folder> at <address>")):
        source = tmp_path / f"source{number}"
        shutil.copytree(shared_folder, source)
        (source / "README.md").unlink()
        if card:
            (source / "README.md").write_bytes(card)
        pulled = adapterstilts.pull(str(source), tmp_path / f"out{number}", store=tmp_path / "store")
        assert ("README.md" in pulled.files) == bool(card)
        assert not card or (tmp_path / f"out{number}/README.md").read_bytes() == card  # somebody else's words


def test_what_is_said_of_a_run_names_no_folder_that_is_gone(trained: dict[str, Any], shared_folder: Path) -> None:
    assert adapterstilts.info("squad", store=trained["store"]).folder is None
    assert adapterstilts.info(str(shared_folder), store=trained["store"]).folder == shared_folder
    with pytest.raises(UsageError, match="is empty"):
        adapterstilts.info(" ", store=trained["store"])
    with pytest.raises(UsageError, match="is empty"):
        adapterstilts.push("", to="./registry", store=trained["store"])


def test_the_backbone_of_a_run_can_be_named_where_it_has_moved(
    suite: dict[str, Any], shared_folder: Path, tmp_path: Path
) -> None:
    moved = tmp_path / "backbone"
    shutil.copytree(suite["backbone"], moved)
    adapterstilts.train_intermediate("squad", **{**suite, "backbone": str(moved)})
    away = moved.rename(tmp_path / "elsewhere")
    for ask in (adapterstilts.info, adapterstilts.verify):
        with pytest.raises(UsageError, match="Say where it is with --backbone"):
            ask("squad", store=suite["store"])
    assert adapterstilts.info("squad", store=suite["store"], backbone=away).made
    assert adapterstilts.verify("squad", store=suite["store"], backbone=str(away)).agrees
    adapterstilts.pull("squad", tmp_path / "pulled", store=suite["store"], backbone=str(away))
    assert (tmp_path / "pulled/astilts.json").is_file()
    with pytest.raises(UsageError, match=r"--backbone has no meaning for .*, which is no run of"):
        adapterstilts.info(str(shared_folder), store=suite["store"], backbone=str(away))


@pytest.mark.skipif(os.name != "posix", reason="signals are of POSIX")
def test_what_a_killed_push_has_left_is_cleaned_and_a_living_one_is_left_alone(
    trained: dict[str, Any], tmp_path: Path
) -> None:
    store = RunStore(tmp_path / "store")
    code = (
        "import sys, time\nfrom pathlib import Path\nfrom adapterstilts.runs.leftovers import scratch_folder\n"
        "from adapterstilts.runs.store import RunStore\n"
        "with scratch_folder(RunStore(Path(sys.argv[1]))) as folder:\n"
        "    (folder / 'model.safetensors').write_bytes(bytes(5000))\n    print(flush=True)\n    time.sleep(60)\n"
    )
    with subprocess.Popen([sys.executable, "-c", code, str(store.root)], stdout=subprocess.PIPE) as process:
        assert process.stdout and process.stdout.readline()
        assert leftovers(store, Wanted()) == []
        with pytest.raises(UsageError, match="1 process works in .* may read its cache"):
            leftovers(store, Wanted(cache=True))
        process.kill()
    found = leftovers(store, Wanted())
    assert {one.sort for one in found} == {"unfinished cache", "ended process"} and sum(
        one.bytes for one in found
    ) > 5000
    clean(store, found)
    assert list(store.cache.iterdir()) == [] == list((store.root / ".holders").iterdir())
    adapterstilts.pull("squad", tmp_path / "pulled", store=tmp_path / "other", read_store=trained["store"])
    left = [path for path in (tmp_path / "other").rglob("*") if path.is_file()]
    assert left == []  # no lock of a name that nobody will use again


def test_an_empty_folder_that_is_there_is_filled(
    shared_folder: Path, trained: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Such as the working directory, in which a shell stays, and one that a link leads to."""
    for name in ("here", "there"):
        (tmp_path / name).mkdir()
    (tmp_path / "link").symlink_to("there")
    monkeypatch.chdir(tmp_path / "here")
    for folder in (".", str(tmp_path / "link")):
        before = Path(folder).stat().st_ino
        pulled = adapterstilts.pull(str(shared_folder), folder, store=tmp_path / "store")
        assert {path.name for path in Path(folder).iterdir()} == pulled.files.keys()
        assert Path(folder).stat().st_ino == before
    (tmp_path / "model").mkdir()
    monkeypatch.chdir(tmp_path / "model")
    adapterstilts.export_model("squad", to=".", store=trained["store"])
    assert Path("load.py").is_file()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["here", "link", "model", "there"]


def test_of_several_models_of_a_task_none_is_taken_at_random(shared_folder: Path, tmp_path: Path) -> None:
    registry, manifest = Registry(str(tmp_path / "registry")), read_manifest(shared_folder, where="it")
    for number, name in enumerate(("squad-b", "squad-a")):
        entry = entry_of(name, shared_folder, manifest).model_copy(update={"task": "xquad"})
        registry.push(shared_folder, entry)
        if not number:
            assert adapterstilts.info("xquad", registry=registry.url, store=tmp_path / "store").made
    place = registry.url
    with pytest.raises(UsageError, match=rf"has 2 models of xquad\. Choose one: {place}#squad-a, {place}#squad-b\."):
        adapterstilts.info("xquad", registry=place, store=tmp_path / "store")
