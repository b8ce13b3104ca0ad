"""What programs read: everything that there is, with all digits, and a head where there is nothing."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest

from adapterstilts.commands.results import MethodCost
from adapterstilts.commands.runs import Cleaned
from adapterstilts.commands.tasks import list_tasks
from adapterstilts.reporting.forms import in_form
from adapterstilts.reporting.methods import methods_report
from adapterstilts.reporting.runs import runs_report
from adapterstilts.reporting.sheets import Report, Sheet, columns
from adapterstilts.reporting.store import cleaned_report, verification_report
from adapterstilts.reporting.tasks import tasks_report
from adapterstilts.runs.store import RunStore
from adapterstilts.studies.results import StudyResult
from adapterstilts.tasks.catalogue import Catalogue


def records(report: Report) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(in_form(report, "csv"))))


def test_tasks_of_all_groups_are_there_with_every_language() -> None:
    catalogue = Catalogue.load()
    found = {one["task"]: one for one in records(tasks_report(list_tasks(catalogue)))}
    assert found.keys() == set(catalogue.names())
    assert found["udpos"]["languages"].split() == list(catalogue.recipe("udpos").languages)
    assert len({one["group"] for one in found.values()}) == 5  # one of them without a name


def test_some_languages_leave_the_other_tasks_out() -> None:
    tasks = list_tasks(Catalogue.load())
    (found,) = records(tasks_report(tasks, {"xquad": ["de", "es"]}))
    assert (found["task"], found["languages"]) == ("xquad", "de es")


def test_runs_have_their_scores_and_bytes_as_numbers(study: StudyResult) -> None:
    runs = RunStore(Path(study.cells[0].row.folder).parent).runs()
    found = {one["run"].partition("@")[2]: one for one in records(runs_report(runs))}
    for run in runs:
        one = found[run.short_key]
        assert int(one["bytes"]) == run.bytes
        if run.spec.stage == "evaluate":
            english = run.metrics.get("english")
            assert one["english"] == (str(english["score"]) if english else "") and not one["validation"]
            assert float(one["others"]) == run.metrics["zero_shot"]["score"] and one["others_are"] == "zero-shot"
        else:
            assert float(one["validation"]) == run.metrics["best_score"] and not one["others"]


def test_methods_have_numbers_without_units() -> None:
    costs = [MethodCost("bitfit", "transformers", "", ["continue"], 5248, 1_836_288, 20_992, None)]
    costs.append(MethodCost("odd", "peft", "", [], None, None, None, "does not fit"))
    found = [[one[name] for name in ("trained", "total", "stored_bytes")] for one in records(methods_report(costs))]
    assert found == [["5248", "1836288", "20992"], ["", "", ""]]


def test_where_nothing_is_found_there_is_a_head() -> None:
    assert in_form(cleaned_report(Cleaned([], 0, deleted=False)), "csv") == "what,name,bytes\n"
    assert in_form(verification_report([]), "csv") == "run,state,bytes,problems\n"


def test_of_several_tables_none_is_dropped_silently() -> None:
    with pytest.raises(ValueError, match="unpack"):
        in_form(Report([Sheet("", columns("one"), []), Sheet("", columns("two"), [])]), "csv")
