"""`astilts runs`: verifying, cleaning, removing, and carrying runs to another store."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

import adapterstilts
from adapterstilts.cli.main import main
from adapterstilts.runs.store import RunStore
from tests.runs.published import change


@pytest.fixture(scope="module")
def made(trained: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with an intermediate run, a target run on it, and its evaluation."""
    store = tmp_path_factory.mktemp("made") / "store"
    shutil.copytree(trained["store"], store)
    options = {**trained, "store": store, "languages": ("en", "de"), "max_eval_examples": 4}
    adapterstilts.transfer("squad", "mlqa", seeds=1, baseline=False, **options)
    return store


@pytest.fixture
def store(made: Path, tmp_path: Path) -> RunStore:
    """A copy of it, which may be changed."""
    shutil.copytree(made, tmp_path / "store")
    return RunStore(tmp_path / "store")


def said(capsys: pytest.CaptureFixture[str], store: RunStore, *words: str, code: int = 0) -> Any:
    """What a command prints: as JSON where that is asked for, and its error where it fails."""
    try:
        main(["runs", *words, "--store", str(store.root)])
    except SystemExit as ended:
        assert ended.code == code, capsys.readouterr().err
    else:
        assert code == 0
    out, err = capsys.readouterr()
    assert "Traceback" not in err and "unexpected" not in err
    return json.loads(out) if "--json" in words else out or err


def key_of(store: RunStore, stage: str) -> str:
    return next(run.short_key for run in store.runs() if run.spec.stage == stage)


def test_what_is_whole_is_verified(store: RunStore, capsys: pytest.CaptureFixture[str]) -> None:
    found = said(capsys, store, "verify", "--all", "--json")
    assert {one["state"] for one in found} == {"whole"} and len(found) > 3
    assert {one["name"].partition("-")[0] for one in found} >= {"train", "evaluate"}
    assert any(one["name"].startswith("cache ") for one in found)
    assert "whole" in said(capsys, store, "verify", key_of(store, "evaluate"))
    assert "Which runs are verified is not said" in said(capsys, store, "verify", code=2)
    assert "No run 'zzz'" in said(capsys, store, "verify", "zzz", code=2)


@pytest.mark.parametrize("name", ["weights.safetensors", "spec.json", "log.jsonl", "manifest.json"])
def test_what_is_damaged_is_named(store: RunStore, capsys: pytest.CaptureFixture[str], name: str) -> None:
    run = next(run for run in store.runs() if run.spec.stage == "train-intermediate")
    change(run.folder / name, at=20)
    found = said(capsys, store, "verify", "--all", "--json", code=1)
    (damaged,) = (one for one in found if one["state"] == "damaged")
    assert damaged["name"] == run.folder.name and any(name in problem for problem in damaged["problems"])
    assert name in said(capsys, store, "verify", run.folder.name[-12:], code=1)


@pytest.mark.parametrize("name", ["provenance.json", "metrics.json", "spec.json", "manifest.json"])
@pytest.mark.parametrize("content", ["null", '{"finished": []}'])
def test_one_misshapen_file_hides_one_run(
    store: RunStore, capsys: pytest.CaptureFixture[str], name: str, content: str
) -> None:
    run = next(run for run in store.runs() if run.spec.stage == "evaluate")
    (run.folder / name).write_text(content)
    main(["runs", "--store", str(store.root)])
    out, err = capsys.readouterr()
    assert "squad@" in out and "train-target" in out and "evaluate" not in out
    assert f"Left out: {run.folder / name}" in err
    assert name in said(capsys, store, "show", run.folder.name, code=2)


def test_sizes_are_shown(store: RunStore, capsys: pytest.CaptureFixture[str]) -> None:
    listed = said(capsys, store, "list", "--json")
    for one in listed:
        files = [path for path in Path(one["folder"]).rglob("*") if path.is_file() and path.name != "manifest.json"]
        assert one["bytes"] == sum(path.stat().st_size for path in files) > 0
    assert " size " in said(capsys, store, "list")


def test_cleaning_says_what_it_deletes(store: RunStore, capsys: pytest.CaptureFixture[str]) -> None:
    assert "Nothing is left over." in said(capsys, store, "clean")
    work = store.root / ".work/failed/checkpoints"
    work.mkdir(parents=True)
    (work / "error.log").write_text("x" * 5000)
    told = said(capsys, store, "clean", "--unfinished", "--cache", "--dry-run")
    assert "unfinished" in told and "failed" in told and "would be deleted" in told and work.is_dir()
    result = said(capsys, store, "clean", "--unfinished", "--cache", "--json")
    assert result["deleted"] and result["bytes"] > 5000
    assert not work.exists() and list(store.cache.iterdir()) == []
    assert len(store.runs()) == 3


def test_a_run_that_others_are_made_from_stays(store: RunStore, capsys: pytest.CaptureFixture[str]) -> None:
    key, before = key_of(store, "train-intermediate"), len(store.runs())
    told = said(capsys, store, "remove", key, code=2)
    assert "2 runs are made from" in told and "evaluate-mlqa" in told and "--with-dependents" in told
    assert len(store.runs()) == before
    result = said(capsys, store, "remove", key, "--with-dependents", "--json")
    assert [name.partition("-mlqa")[0] for name in result["runs"][:2]] == ["evaluate", "train-target"]
    assert store.runs() == [] and result["bytes"] > 0


def test_a_damaged_run_can_be_removed(store: RunStore, capsys: pytest.CaptureFixture[str]) -> None:
    run = next(run for run in store.runs() if run.spec.stage == "train-target")
    (run.folder / "provenance.json").write_text("null")
    assert "1 run is made from" in said(capsys, store, "remove", run.folder.name, code=2)
    assert "removed" in said(capsys, store, "remove", run.folder.name[-12:], "--with-dependents")
    assert len(store.every()) == 1


def test_a_run_is_carried_to_another_store(
    store: RunStore, tmp_path: Path, trained: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    file, other = tmp_path / "run.tar", RunStore(tmp_path / "other")
    told = said(capsys, store, "export", key_of(store, "train-target"), "--to", str(file))
    assert "wrote" in told and "2 runs" in told
    result = said(capsys, other, "import", str(file), "--json")
    assert len(result["runs"]) == 2 and result["there"] == []
    assert [run.spec.stage for run in other.runs()] == ["train-intermediate", "train-target"]
    options = {**trained, "store": other.root, "languages": ("en", "de"), "max_eval_examples": 4}
    adapterstilts.transfer("squad", "mlqa", seeds=1, baseline=False, **options)  # trains nothing
    assert len(other.runs()) == 3
    assert "is not a file" in said(capsys, other, "import", str(tmp_path / "none.tar"), code=2)
    assert "is there already" in said(capsys, store, "export", key_of(store, "evaluate"), "--to", str(file), code=2)


def test_a_command_takes_runs_from_stores_to_read(made: Path, tmp_path: Path, trained: dict[str, Any]) -> None:
    """Also where they may not be written, and what is made from them goes into the command's own store."""
    before = sorted(made.rglob("*"))
    options = {**trained, "store": tmp_path / "own", "read_store": made, "languages": ("en", "de")}
    row = adapterstilts.transfer("squad", "mlqa", seeds=1, baseline=False, max_eval_examples=4, **options).rows[0]
    assert row.folder.parent == made and RunStore(tmp_path / "own").runs() == []
    row = adapterstilts.transfer("squad", "mlqa", seeds=1, baseline=False, max_eval_examples=3, **options).rows[0]
    (run,) = RunStore(tmp_path / "own").runs()
    assert row.folder == run.folder and sorted(made.rglob("*")) == before


@pytest.mark.slow
@pytest.mark.parametrize("jobs", [1, 2])
def test_runs_are_published_for_other_machines(
    made: Path, tmp_path: Path, trained: dict[str, Any], capsys: pytest.CaptureFixture[str], jobs: int
) -> None:
    """What a stage starts from is brought, whether the command or a process of its own makes it."""
    place = f"file://{tmp_path}/place"
    assert "2 runs copied to file://" in said(capsys, RunStore(made), "publish", key_of(RunStore(made), "train-target"),
                                             "--to", place)  # fmt: skip
    told = said(capsys, RunStore(made), "publish", "--all", "--to", place, "--json")
    assert len(told["runs"]) == 3 and len(told["there"]) == 2
    options = {**trained, "store": tmp_path / "own", "read_store": place, "languages": ("en",), "max_eval_examples": 3}
    adapterstilts.transfer("squad", "mlqa", seeds=1, baseline=False, jobs=jobs, **options)  # trains nothing
    assert [run.spec.stage for run in RunStore(tmp_path / "own").runs()] == ["evaluate"]
    main(["runs", "--store", str(tmp_path / "own"), "--read-store", place])
    listed = capsys.readouterr()
    assert listed.out.count("train-intermediate") == 1 and listed.out.count("train-target") == 1
    assert "not said" in said(capsys, RunStore(made), "publish", "--to", place, code=2)
    assert "--to" in said(capsys, RunStore(made), "publish", "--all", "--to", "", code=2)
