"""From a study to transfers: which there are, what they share, and what cannot be."""

from __future__ import annotations

from pathlib import Path

import pytest

from adapterstilts.errors import UsageError
from adapterstilts.runs.specs import TrainSpec
from adapterstilts.studies.definition import read_study
from adapterstilts.studies.grid import Grid, plan_grid
from adapterstilts.studies.work import StudyWork

HEAD = "title: T\nquestion: Q\noptions: {profile: mini}\n"


def grid(axes: str, store: Path, more: str = "", **given: object) -> Grid:
    return plan_grid(read_study(f"{HEAD}axes: {axes}\n{more}", name="own", where="own"), {"store": store, **given})


def test_targets_share_trainings_and_rows_share_baselines(tmp_path: Path) -> None:
    work = StudyWork(grid("{from: [squad, mnli], to: [xnli, tatoeba, bucc2018], composition: [stack]}", tmp_path), "")
    # The intermediate adapters are the package's own: what is trained are the target phases of three rows.
    assert work.trainings == 3
    # One by one: xnli three rows, two of them with an intermediate run and a row to compare with, and for each of the
    # two retrieval targets two intermediate runs.
    assert work.naive == (1 + 2 * 3) + 2 * 2
    labels = [stage.spec.label for stage in work.graph if stage.spec.stage == "evaluate"]
    assert sorted(labels) == ["bucc2018"] * 3 + ["tatoeba"] * 3 + ["xnli"] * 3


def test_missing_intermediate_runs_are_planned(tmp_path: Path) -> None:
    found = grid("{from: [squad, [squad, mnli]], to: [tatoeba], intermediate_examples: [50, 100]}", tmp_path)
    stages = [stage for arm in found.arms for stage in arm.transfer.graph if stage.spec.stage == "train-intermediate"]
    told = {(stage.spec.task, stage.spec.tasks[0].data.max_examples) for stage in stages}
    assert told == {("squad", 50), ("squad", 100), ("squad+mnli", 50), ("squad+mnli", 100)}
    cells = [axes for arm in found.arms for axes, _ in arm.cells()]
    assert {one["from"] for one in cells} == {"none", "squad", "squad+mnli"}
    assert all(one["intermediate_examples"] in ("50", "100") and one["to"] == "tatoeba" for one in cells)


def test_native_rows_are_trained_on_in_their_language(tmp_path: Path) -> None:
    found = grid("{from: [germanquad, squad], to: [tatoeba], intermediate_languages: [en, de]}", tmp_path)
    of = {
        (one.axes["intermediate_languages"], stage.spec.task): stage.spec.only.data
        for one in found.arms
        for stage in one.transfer.graph
        if stage.spec.stage in ("train-intermediate", "shared")
    }
    assert of["en", "germanquad"] == of["de", "germanquad"]
    assert of["de", "germanquad"].languages == ("de",) and not of["de", "germanquad"].translations
    assert of["de", "squad"].languages == ("de",) and of["de", "squad"].translations
    assert of["en", "squad"].languages == ("en",)


def test_the_mean_of_the_models_of_a_row_is_another_cell(tmp_path: Path) -> None:
    """A mean over cells would count these models twice, and a table show the one in the place of the others."""
    found = grid("{from: [squad], to: [xnli]}", tmp_path, seeds=2, average_seeds=True)
    cells = [(axes["from"], axes["baseline"]) for arm in found.arms for axes, _ in arm.cells()]
    mean = "mean weights of 2 seeds"
    assert cells == [("none", "none"), ("squad", "none"), ("none", mean), ("squad", mean)]


@pytest.mark.parametrize(
    ("axes", "said"),
    [
        ("{from: [squad], to: [xnli], method: [full, seq_bn], composition: [stack]}", "full with stack: its"),
        ("{from: [squad, mnli], to: [xnli, tatoeba], composition: [fuse]}", "tatoeba with fuse: without a target"),
        ("{from: [squad], to: [xnli], baseline: [multi-task]}", "multi-task with the method: it needs several"),
    ],
)
def test_what_cannot_be_is_left_out_and_said(tmp_path: Path, axes: str, said: str) -> None:
    found = grid(axes, tmp_path)
    assert len(found.left_out) == 1 and found.left_out[0].startswith(said) and found.arms


def test_translations_that_there_cannot_be_are_left_out(tmp_path: Path) -> None:
    """Of release files; the suite tells its words in all of its languages."""
    for name, tag in (("udpos", "PROPN"), ("panx", "B-PER")):
        (tmp_path / name).mkdir()
        for split in ("train", "dev", "test"):
            (tmp_path / name / f"{split}-en.tsv").write_text(f"Anna\t{tag}\n\nBob\t{tag}\n", encoding="utf-8")
    axes = "{from: [udpos], to: [panx], baseline: [translate-target]}"
    found = grid(axes, tmp_path / "store", data_dir=tmp_path, languages="en", max_validation_examples=1)
    assert [one.partition(", which panx")[0] for one in found.left_out] == [
        "translate-target with the method: it needs translations"
    ]
    assert [axes["baseline"] for arm in found.arms for axes, _ in arm.cells()] == ["none", "none"]
    found = grid(axes, tmp_path / "store")
    assert not found.left_out and "translate-target" in [
        axes["baseline"] for arm in found.arms for axes, _ in arm.cells()
    ]


def test_a_study_of_nothing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"Nothing of the study own can be\. full with stack"):
        grid("{from: [squad], to: [xnli], method: [full], composition: [stack]}", tmp_path)


def test_options_of_the_command_count_over_those_of_the_study(tmp_path: Path) -> None:
    (arm,) = grid("{from: [none], to: [xnli]}", tmp_path, seeds=2).arms
    (table,) = arm.transfer.tables
    assert len(table.rows[0].seeds) == 2


def test_untrained_targets_need_no_options_of_training(tmp_path: Path) -> None:
    text = "{from: [squad], to: [tatoeba], composition: [stack, continue]}"
    found = grid(text, tmp_path, "intermediate: {epochs: 1}")
    stages = {stage.key for arm in found.arms for stage in arm.transfer.graph if stage.trains}
    assert len(found.arms) == 2 and len(stages) == 1  # one intermediate run, whatever is composed of it


def test_of_several_targets_each_is_translated_into_its_own_languages(tmp_path: Path) -> None:
    found = grid("{from: [squad], to: [mlqa, xnli], baseline: [translate-train]}", tmp_path)
    trained = {
        axes["to"]: row.seeds[0].targets[0].spec.only.data.languages
        for axes, row in found.arms[0].cells()
        if axes["baseline"] == "translate-target"
    }
    assert trained == {"mlqa": ("en", "de", "es", "zh"), "xnli": ("en", "de", "es", "ru", "sw", "zh")}


def test_what_is_asked_for_replaces_what_a_study_says_otherwise(tmp_path: Path) -> None:
    text = (
        HEAD.replace("}", ", epochs: 3}") + "axes: {from: [none], to: [xnli]}\narms: [{max_steps: 4}, {method: head}]"
    )
    study = read_study(text, name="own", where="own")

    def lengths(**given: object) -> list[tuple[int | None, float]]:
        found = plan_grid(study, {"store": tmp_path, **given}).arms
        specs = [stage.spec for arm in found for stage in arm.transfer.graph]
        return [(spec.settings.max_steps, spec.settings.epochs) for spec in specs if isinstance(spec, TrainSpec)]

    assert lengths() == [(4, 2), (None, 3)]
    assert lengths(max_steps=9) == [(4, 2), (9, 2)]
