"""A submission from runs: what is copied, what is missing, what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

import adapterstilts
from adapterstilts.cli.main import astilts
from adapterstilts.commands.export import export_runs
from adapterstilts.commands.score import score_folders
from adapterstilts.errors import DataError, UsageError
from adapterstilts.files import write_json
from adapterstilts.metrics import METRICS
from adapterstilts.runs.store import Run, RunStore
from tests.package_tasks import recipe
from tests.runs.published import EVALUATED, PROVENANCE
from tests.runs.test_specs import evaluate_spec


@pytest.fixture
def evaluated(quick: dict[str, Any]) -> dict[str, Any]:
    """Options of a store with evaluations of xquad (test split) and mlqa (validation split)."""
    adapterstilts.transfer("none", "xquad", languages=("en", "de", "zh"), seeds=1, **quick)
    adapterstilts.transfer("none", "mlqa", languages=("en", "de"), seeds=1, **quick)
    return quick


def runs_of(options: dict[str, Any], task: str) -> list[Run]:
    runs = RunStore(options["store"]).runs()
    return [run for run in runs if run.spec.stage == "evaluate" and run.spec.task == task]


def test_files_are_those_of_the_runs_and_what_is_missing_is_said(evaluated: dict[str, Any], tmp_path: Path) -> None:
    (run,) = runs_of(evaluated, "xquad")
    with pytest.raises(DataError, match=r"A submission to xtreme lacks .*xquad: ar, el, es, hi, ru, th, tr, vi"):
        export_runs([run], tmp_path / "out", benchmark="xtreme", partial=False)
    assert not (tmp_path / "out").exists()
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(UsageError, match=r"--out .*file/out cannot be written \("):
        export_runs([run], tmp_path / "file" / "out", benchmark="xtreme", partial=True)
    result = export_runs([run], tmp_path / "out", benchmark="xtreme", partial=True)
    assert result.files == {"xquad": ("en", "de", "zh")} and "tydiqa" in result.missing
    written = sorted(path.relative_to(tmp_path / "out").as_posix() for path in (tmp_path / "out").rglob("*.json"))
    assert written == ["xquad/test-de.json", "xquad/test-en.json", "xquad/test-zh.json"]
    for name in written:
        assert (tmp_path / "out" / name).read_bytes() == (run.folder / "predictions" / name).read_bytes()
    (task,) = score_folders(tmp_path / "out", run.folder / "labels").tasks
    assert task.languages["zh"]["f1"] == pytest.approx(run.metrics["languages"]["zh"]["f1"])
    with pytest.raises(DataError, match="is there already and is not empty"):
        export_runs([run], tmp_path / "out", benchmark="xtreme", partial=True)


def test_what_does_not_belong_into_a_submission_is_refused(evaluated: dict[str, Any], tmp_path: Path) -> None:
    export = {"benchmark": "xtreme", "partial": True}
    (xquad,), (mlqa,) = runs_of(evaluated, "xquad"), runs_of(evaluated, "mlqa")
    with pytest.raises(UsageError, match="has predictions for the validation split"):
        export_runs([mlqa], tmp_path / "out", **export)
    (trained,) = [run for run in RunStore(evaluated["store"]).runs() if run.spec.stage == "train-target"]
    with pytest.raises(UsageError, match="is not an evaluation"):
        export_runs([trained], tmp_path / "out", **export)
    adapterstilts.transfer("none", "xquad", languages=("de",), max_eval_examples=5, seeds=1, **evaluated)
    fewer = next(run for run in runs_of(evaluated, "xquad") if run.key != xquad.key)
    with pytest.raises(UsageError, match="has predictions for 5 examples per language only"):
        export_runs([fewer], tmp_path / "out", **export)
    adapterstilts.transfer("none", "xquad", languages=("de",), seeds=1, **evaluated)
    other = next(run for run in runs_of(evaluated, "xquad") if run.key not in (xquad.key, fewer.key))
    with pytest.raises(UsageError, match="both have xquad in 'de'"):
        export_runs([xquad, other], tmp_path / "out", **export)
    assert not (tmp_path / "out").exists()


def test_command(evaluated: dict[str, Any], tmp_path: Path) -> None:
    (run,) = runs_of(evaluated, "xquad")
    words = ["export", run.short_key, "--store", str(evaluated["store"]), "--out", str(tmp_path / "out"), "--partial"]
    result = CliRunner().invoke(astilts, words)
    assert result.exit_code == 0, result.output
    assert "xquad: 3 languages (en, de, zh)" in result.output and "missing: tydiqa en, ar" in result.output
    assert f"wrote {tmp_path / 'out'}" in result.output


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"source": "hub"}, "not the benchmark's rows: the sentences to be ranked are XQuAD's"),
        ({"source": "files", "translate_test": {"en": "f"}}, "English translations were answered"),
        ({"source": "files"}, ""),
    ],
)
def test_rows_of_something_else_are_said(changes: dict[str, Any], said: str, tmp_path: Path) -> None:
    notes = export_runs([answered(tmp_path, **changes)], tmp_path / "out", benchmark="xtreme-r", partial=True).notes
    assert [said in note for note in notes] == ([True] if said else [])


def test_an_empty_folder_that_is_there_is_filled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Such as the working directory, and one that a link leads to."""
    run = answered(tmp_path, source="files")
    (tmp_path / "here").mkdir()
    (tmp_path / "link").symlink_to("there")
    (tmp_path / "there").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    for out, folder in ((Path(), tmp_path / "here"), (tmp_path / "link", tmp_path / "there")):
        export_runs([run], out, benchmark="xtreme-r", partial=True)
        assert [path.name for path in folder.iterdir()] == ["lareqa"] and len(list(folder.rglob("test-en*"))) == 1
    assert (tmp_path / "link").is_symlink()


def answered(tmp_path: Path, **changes: Any) -> Run:
    """An evaluation of a task of XTREME-R."""
    task, store = recipe("lareqa"), RunStore(tmp_path / "store")
    told = {"task": "lareqa", "kind": task.kind, "options": task.options, "metric": task.metric}
    spec = evaluate_spec(**told, fingerprints={"en": "a"}, inputs=(), **changes)
    place = f"predictions/lareqa/test-en{METRICS.get(task.metric).suffix}"
    with store.claim(spec, on_wait=print) as work:
        (work / place).parent.mkdir(parents=True)
        (work / place).write_text("{}", encoding="ascii")
        write_json(work / "metrics.json", EVALUATED)
        write_json(work / "provenance.json", PROVENANCE)
        return store.publish(spec, work)
