"""Measuring published scores again: equal, different, or not to be measured here."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

import adapterstilts
from adapterstilts.cli.main import main
from adapterstilts.errors import SharingError
from adapterstilts.reporting.sharing import verify_report
from adapterstilts.reporting.terminal import as_text
from tests.new_files import csv_task
from tests.sharing.shared_models import rewrite, tensors


def test_other_weights_do_not_have_the_published_scores(
    shared_folder: Path, trained: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "folder"
    shutil.copytree(shared_folder, folder)
    tensors(folder, lambda found: {name: -5 * tensor for name, tensor in found.items()})
    where = ["--store", str(tmp_path / "store"), "--backbone", trained["backbone"]]
    with pytest.raises(SystemExit) as ended:
        main(["verify", str(folder), *where])
    assert ended.value.code == 1 and "DOES NOT AGREE" in capsys.readouterr().out
    main(["verify", str(shared_folder), *where])
    assert "agrees." in capsys.readouterr().out


def test_a_score_that_was_made_up_is_seen(shared_folder: Path, trained: dict[str, Any], tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    shutil.copytree(shared_folder, folder)

    def change(values: dict[str, Any]) -> dict[str, Any]:
        values["metrics"]["validation_all"]["f1"] += 20.0
        return values

    rewrite(folder, "astilts.json", change)
    result = adapterstilts.verify(str(folder), store=tmp_path / "store", backbone=trained["backbone"])
    assert not result.agrees and result.checked[0].verdict == "differs by 20.00"
    assert not list((tmp_path / "store").glob("[!.]*"))


def test_with_other_data_nothing_can_be_said(tiny_backbone: Path, tmp_path: Path) -> None:
    options = csv_task(tmp_path, tiny_backbone)
    run = adapterstilts.train_intermediate("news", **options)
    folder = tmp_path / "shared"
    adapterstilts.pull(run.key[:12], folder, store=options["store"], tasks=options["tasks"])
    where = {"store": tmp_path / "other", "tasks": options["tasks"], "backbone": str(tiny_backbone)}
    with pytest.raises(SharingError, match="Give their folder with --data-dir"):
        adapterstilts.verify(str(folder), **where)
    assert adapterstilts.verify(str(folder), data_dir=tmp_path, **where).agrees
    with (tmp_path / "news.csv").open("a") as file:
        file.write("one more,row,yes\n")
    other = adapterstilts.verify(str(folder), data_dir=tmp_path, **where)
    assert not other.agrees and other.checked[0].verdict == "not measured: the data of news here are others"
    text = as_text(verify_report(other))
    assert "not measured" in text and "nothing could be measured again." in text and "AGREE" not in text
    assert json.loads((folder / "astilts.json").read_text())


def test_a_script_reads_the_verdict(
    shared_folder: Path, trained: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["verify", str(shared_folder), "--store", str(tmp_path), "--backbone", trained["backbone"], "--json"])
    found = json.loads(capsys.readouterr().out)
    assert found["agrees"] is True and [one["verdict"] for one in found["checked"]] == ["equal"]


@pytest.mark.slow
def test_a_score_that_the_task_has_not_cannot_be_confirmed(
    shared_folder: Path, trained: dict[str, Any], tmp_path: Path
) -> None:
    options = {**trained, "store": tmp_path / "store", "languages": ("en",), "max_eval_examples": 4, "seeds": 1}
    row = adapterstilts.transfer(str(shared_folder), "mlqa", baseline=False, **options).rows[0]
    assert row.trained
    folder = tmp_path / "folder"
    adapterstilts.pull(row.trained.name, folder, store=options["store"])
    where = {"store": tmp_path / "other", "backbone": trained["backbone"]}
    assert adapterstilts.verify(str(folder), **where).agrees

    def change(values: dict[str, Any]) -> dict[str, Any]:
        values["evaluations"][0]["languages"]["en"]["bleu"] = 99.0
        return values

    rewrite(folder, "astilts.json", change)
    result = adapterstilts.verify(str(folder), **where)
    assert not result.agrees and [one.verdict for one in result.checked] == ["equal", "bleu is no score of mlqa"]
    assert "DOES NOT AGREE" in as_text(verify_report(result))


def test_a_backbone_that_was_trained_beside_an_adapter_is_measured_with_it(
    suite: dict[str, Any], tmp_path: Path
) -> None:
    adapterstilts.train_intermediate("squad", unfreeze_backbone=True, **suite)
    place = adapterstilts.push("squad", to=str(tmp_path / "registry"), store=suite["store"]).place
    verified = adapterstilts.verify(place, store=tmp_path / "other", backbone=suite["backbone"])
    assert verified.agrees and [one.verdict for one in verified.checked] == ["equal"]
    (found,) = adapterstilts.search(registry=str(tmp_path / "registry"), hub=False, method="seq_bn")
    assert found.reference == place
