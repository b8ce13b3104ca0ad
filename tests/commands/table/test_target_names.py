"""Benchmarks and `all` as targets, and languages that only some of the targets have."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import adapterstilts
from adapterstilts.commands.options import TransferOptions
from adapterstilts.commands.transfer import Transfer, plan_transfer
from adapterstilts.errors import DataError, UsageError
from adapterstilts.tasks.catalogue import Catalogue

CATALOGUE = Catalogue.load()


def planned(*targets: str, store: Path, **given: Any) -> tuple[dict[str, tuple[str, ...]], list[str]]:
    """Targets with the languages that they are scored in, and what was noted."""
    notes: list[str] = []
    options = TransferOptions(profile="mini", store=store, **given)
    transfer: Transfer = plan_transfer(["none"], targets, options, note=notes.append)
    specs = [row.seeds[0].evaluation.spec for table in transfer.tables for row in table.rows]
    return {spec.task: spec.languages for spec in specs}, notes


@pytest.mark.parametrize("benchmark", ["xtreme", "xtreme-r"])
def test_a_benchmark_is_its_tasks_in_its_languages(benchmark: str, tmp_path: Path) -> None:
    found, notes = planned(benchmark, store=tmp_path)
    languages = CATALOGUE.benchmark_languages(benchmark)
    assert found.keys() == languages.keys() and notes == []
    assert all(set(found[task]) <= {"en", *languages[task]} for task in found)
    alone, _ = planned(*found, store=tmp_path, benchmark=benchmark)
    assert alone == found


def test_all_is_every_target_with_data(tmp_path: Path, releases: Path) -> None:
    found, notes = planned("all", store=tmp_path)
    targets = {name for name in CATALOGUE.names() if "target" in CATALOGUE.recipe(name).phases}
    assert set(found) == {name for name in targets if CATALOGUE.recipe(name).sources.mini}
    assert len(notes) == 1 and notes[0].startswith("Left out, without rows in the embedded suite: ")
    assert set(notes[0].rpartition(": ")[2].rstrip(".").split(", ")) == targets - found.keys()
    few, notes = planned("all", store=tmp_path, data_dir=releases, languages=("de",))
    assert {"xquad", "mlqa"} <= few.keys() < found.keys() and set(few.values()) == {("de",)}
    (left_out,) = [note for note in notes if note.startswith("Left out")]
    assert set(left_out.rpartition(": ")[2].rstrip(".").split(", ")) == targets - few.keys()


def test_a_group_of_languages_is_the_targets_that_have_some(tmp_path: Path, shared: Path) -> None:
    found, _ = planned("group:africa", store=tmp_path)
    assert found and set(found.values()) == {("sw",)}
    every, _ = planned("all", store=tmp_path, languages=("group:africa",))
    assert found.items() <= every.items()
    real, _ = planned("sib200", "xcopa", store=tmp_path, data_dir=shared / "data", languages=("group:africa", "zh"))
    assert real == {"sib200": ("zh", "am", "nqo", "sw", "yo"), "xcopa": ("zh", "sw")}
    with pytest.raises(UsageError, match="Unknown group of languages 'afrca'"):
        planned("group:afrca", store=tmp_path)
    with pytest.raises(UsageError, match="says in which languages targets are scored"):
        planned("group:africa", store=tmp_path, languages=("sw",))


def test_each_target_takes_the_languages_that_it_has(tmp_path: Path) -> None:
    found, notes = planned("xquad", "xnli", store=tmp_path, languages=("en", "de", "sw"))
    assert found == {"xquad": ("en", "de"), "xnli": ("en", "de", "sw")}
    assert notes == ["xquad is scored in en, de: there are no test data in sw."]


def test_what_cannot_be_scored_is_refused(tmp_path: Path, releases: Path) -> None:
    with pytest.raises(UsageError, match=r"xquad has none of the languages sw. Leave it out, or choose from: en, de"):
        planned("xquad", "xnli", store=tmp_path, languages=("sw",))
    with pytest.raises(UsageError, match="No target has test data in fi"):
        planned("xquad", "xnli", store=tmp_path, languages=("de", "fi"))
    with pytest.raises(UsageError, match="of one benchmark, and not of xtreme and xtreme-r"):
        planned("xtreme", store=tmp_path, benchmark="xtreme-r")
    with pytest.raises(UsageError, match="'mlqa' is given twice"):
        planned("mlqa", "mlqa", store=tmp_path)
    with pytest.raises(DataError):
        planned("all", store=tmp_path, data_dir=tmp_path)
    with pytest.raises(UsageError, match="Unknown task 'xtrem'. Did you mean"):
        adapterstilts.plan(adapterstilts.transfer, "none", "xtrem", profile="mini", store=tmp_path)


def test_all_of_a_benchmark_is_that_benchmark(tmp_path: Path) -> None:
    assert planned("all", store=tmp_path, benchmark="xtreme") == planned("xtreme", store=tmp_path)
