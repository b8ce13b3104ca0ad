"""A study's report as files and on a terminal, against the rows that it is made of, and with hostile texts in it."""

from __future__ import annotations

import csv
import json
import math
import re
import sys
from dataclasses import replace
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from typing import Any

import pandas
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adapterstilts.errors import CompatibilityError
from adapterstilts.metrics.intervals import Interval
from adapterstilts.reporting.forms import in_form
from adapterstilts.reporting.studies import study_report, write_report
from adapterstilts.reporting.studies.answers import AnswerReader
from adapterstilts.reporting.studies.arms import arms
from adapterstilts.reporting.studies.doubts import doubts
from adapterstilts.reporting.studies.latex import latex_tables, latex_text
from adapterstilts.reporting.studies.page import study_page
from adapterstilts.reporting.studies.page_data import page_data
from adapterstilts.reporting.studies.records import study_records
from adapterstilts.studies.curves import thinned
from adapterstilts.studies.results import Cell, Claim, StudyResult

HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(2)> & \\end{table} | ' \" ` {{ 7 * 7 }} \u2028"


class Page(HTMLParser):
    """The elements of a page, and the texts of its scripts and of the rest."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[str] = []
        self.scripts: list[str] = []
        self.shown = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [name for name, _ in attrs]
        if tag == "script":
            self.scripts.append("")

    def handle_data(self, data: str) -> None:
        if self.cdata_elem == "script":
            self.scripts[-1] += data
        else:
            self.shown += data


def read(text: str) -> tuple[Page, dict[str, Any]]:
    found = Page(text)
    return found, json.loads(found.scripts[0])


def test_every_form_is_written_whole(study: StudyResult, page: Path) -> None:
    names = ["report.html", "report.md", "results.csv", "results.json", "results.parquet", "table.tex"]
    assert sorted(path.name for path in page.parent.iterdir()) == names
    assert page.stat().st_size < 2_500_000
    stored = json.loads((page.parent / "results.json").read_text(encoding="utf-8"))
    assert stored["question"] == study.question and len(stored["cells"]) == len(study.cells)
    assert stored["cells"][1]["row"]["languages"] == study.cells[1].row.languages
    text = (page.parent / "report.md").read_text(encoding="utf-8")
    assert text.startswith(f"# {study.title}\n") and study.reading in text and "(report.html)" in text


def test_records_have_every_score_of_every_cell(study: StudyResult, page: Path) -> None:
    records = study_records(study)
    for number, cell in enumerate(study.cells):
        own = [one for one in records if one["cell"] == number]
        assert all(one["from"] == cell.axes["from"] and one["to"] == cell.axes["to"] for one in own)
        means = {(one["language"], one["metric"]): one for one in own if one["seed"] is None}
        for language, metrics in cell.row.languages.items():
            for metric in cell.row.metric_labels:
                assert means[language, metric]["value"] == metrics[metric]
        whole = means["zero_shot", "score"]
        assert cell.row.zero_shot and whole["value"] == cell.row.zero_shot["score"]
        assert (whole["difference"], whole["p_holm"]) == (
            (cell.gain.mean, cell.gain.p_holm) if cell.gain else (None,) * 2
        )
        assert {one["seed"] for one in own} == {None, *(seed.seed for seed in cell.row.seeds)}
    named = [(one["cell"], one["seed"], one["language"], one["metric"]) for one in records]
    assert len(set(named)) == len(named)  # models without a seed are there once, as the means
    table = pandas.read_parquet(page.parent / "results.parquet")
    with (page.parent / "results.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(records) == len(table) == len(rows) and list(table.columns) == list(rows[0]) == list(records[0])
    for record, value, row in zip(records, table["value"], rows, strict=True):
        assert value == record["value"] == float(row["value"])


def test_each_arm_is_compared_with_its_own_row_without_intermediate_phase(study: StudyResult) -> None:
    found = arms(study)
    assert [(arm.name, arm.sources, arm.targets) for arm in found] == [
        (method, ["none", "squad"], ["mlqa", "tatoeba"]) for method in ("seq_bn", "lora")
    ]
    for arm in found:
        for (source, target), cell in arm.cells.items():
            assert (cell.axes["from"], cell.axes["to"]) == (source, target)
            assert cell.axes["method"] == arm.axes["method"]
            if cell.gain:
                none = arm.cells["none", target].row
                assert cell.row.zero_shot and none.zero_shot
                difference = cell.row.zero_shot["score"] - none.zero_shot["score"]
                assert cell.gain.mean == pytest.approx(difference)


def with_control(study: StudyResult) -> StudyResult:
    """With a longer target phase on questions alone, in place of SQuAD."""
    cells = [replace(cell, axes={**cell.axes, "baseline": "none"}) for cell in study.cells]
    squad = next(cell for cell in cells if (cell.axes["from"], cell.axes["to"]) == ("squad", "mlqa"))
    control = replace(squad, axes={**squad.axes, "from": "none", "baseline": "longer-target"})
    return replace(study, cells=[*cells, control])


def test_a_baseline_without_an_intermediate_task_is_a_row_whose_mean_says_of_how_many_targets(
    study: StudyResult, tmp_path: Path
) -> None:
    controlled = with_control(study)
    first, second = arms(controlled)
    assert (first.sources, second.sources) == (["none", "squad", "longer-target"], ["none", "squad"])
    cell = first.cells["longer-target", "mlqa"]
    assert cell is controlled.cells[-1] and cell.gain and first.cells["none", "mlqa"].gain is None
    table, other = list(study_report(controlled).sheets())[:2]
    gain = f"{cell.gain.mean:+.1f}"
    assert table.rows[-1] == ["longer-target", table.rows[1][1], "", f"{gain} (1 of 2)"]
    assert all("of 2" not in row[-1] for row in (*table.rows[:-1], *other.rows))
    text = latex_tables(controlled)
    assert f"& ${gain}$ (1 of 2)" in text and text.count("(1 of 2): the mean is over so many of the targets") == 1
    data = page_data(controlled, tmp_path)
    assert data["arms"][0]["sources"] == first.sources and data["arms"][0]["controls"] == ["longer-target"]
    assert data["cells"][-1]["source"] == "longer-target" and data["cells"][-1]["reference"] is not None


def test_scores_in_english_alone_are_called_so(study: StudyResult, tmp_path: Path) -> None:
    def in_english(one: Cell) -> Cell:
        return replace(one, gain=None, row=replace(one.row, zero_shot=None)) if one.axes["to"] == "mlqa" else one

    alone = replace(study, cells=[in_english(one) for one in study.cells])
    notes = in_form(study_report(alone), "markdown")
    assert "- mlqa: scored in English alone, which the score is then in, without a gain." in notes
    assert latex_tables(alone).count("mlqa: scored in English alone,") == 2 and "alone," not in latex_tables(study)
    assert [note.partition(",")[0] for note in page_data(alone, tmp_path)["notes"]] == ["mlqa: scored in English alone"]


def test_a_row_that_lacks_a_language_says_over_which_it_is(study: StudyResult, tmp_path: Path) -> None:
    """As that of a decoder, which there is no template for in some languages."""
    controlled = with_control(study)
    control = controlled.cells[-1]
    fewer = {language: scores for language, scores in control.row.languages.items() if language != "zh"}
    prompted = replace(control, axes={**control.axes, "baseline": "prompt"}, row=replace(control.row, languages=fewer))
    made = replace(study, cells=[*controlled.cells[:-1], prompted])
    note = "prompt to mlqa: score and gain are over en, de alone."
    assert f"- {note}\n" in in_form(study_report(made), "markdown")
    assert latex_tables(made).count(note) == 1 and page_data(made, tmp_path)["notes"] == [note]
    assert page_data(controlled, tmp_path)["notes"] == []


def test_the_caption_says_what_a_short_name_stands_for(study: StudyResult) -> None:
    name = "squad+mnli+ccg+qqp"
    cells = [replace(one, axes={**one.axes, "from": name}) if one.gain else one for one in study.cells]
    text = latex_tables(replace(study, cells=cells, axes={**study.axes, "from": ["none", name]}))
    assert text.count("4 tasks together: squad, mnli, ccg, qqp.}") == 2


def test_a_narrow_terminal_gets_it_whole(study: StudyResult) -> None:
    text = in_form(study_report(study), "table", width=80)
    assert max(map(len, text.splitlines())) <= 80
    flat = " ".join(text.split())
    for cell in study.cells:
        assert cell.row.zero_shot
        gain = f" {cell.gain.mean:+.1f}" if cell.gain else ""
        assert f"{cell.row.zero_shot['score']:.1f}{gain}" in flat
    for part in (study.question, study.reading, study.left_out[0], "✗ contradicted", "Trainings: "):
        assert " ".join(part.split()) in flat


def test_what_makes_one_doubt_a_cell_is_said_wherever_its_gain_is_shown(study: StudyResult, tmp_path: Path) -> None:
    """A collapsed model makes a gain of the others: once for all cells of a target and arm that share it."""
    same = "seed 42: one and the same prediction for every example in de"
    cells = [
        replace(cell, row=replace(cell.row, warnings=[same] if cell.axes["to"] == "mlqa" else []))
        for cell in study.cells
    ]
    doubted = replace(study, cells=cells)
    said = [f"mlqa from none, squad ({method}): {same}." for method in ("seq_bn", "lora")]
    write_report(doubted, tmp_path)
    page = Page((tmp_path / "report.html").read_text(encoding="utf-8"))
    for text in (in_form(study_report(doubted), "table", width=80), (tmp_path / "report.md").read_text("utf-8")):
        flat = " ".join(text.replace("\\", "").split())  # Markdown escapes underscores
        assert all(flat.count(one) == 1 for one in said)
    assert all(one in page.shown for one in said) and "Before it is believed" in page.shown
    none = replace(study, cells=[replace(cell, row=replace(cell.row, warnings=[])) for cell in study.cells])
    assert doubts(none) == [] and "Before it is believed" not in Page(study_page(none, tmp_path)).shown
    many = [replace(cell, row=replace(cell.row, warnings=[f"doubt {n}" for n in range(9)])) for cell in study.cells]
    assert len(doubts(replace(study, cells=many))) == 13
    assert doubts(replace(study, cells=many))[-1].startswith("24 doubts more: ")


def test_arms_that_lack_a_target_say_over_how_many_cells_their_gain_is(study: StudyResult) -> None:
    def costs(result: StudyResult) -> Any:
        return next(one for one in study_report(result).sheets() if one.title == "Gain for what it costs")

    one = study.efficiency[0]
    alike = replace(study, efficiency=[one, replace(one, axes={"method": "lora"})])
    assert "over" not in [column.name for column in costs(alike).columns]
    more = replace(one, axes={"method": "lora"}, cells=[*one.cells, ("mnli", "xnli")])
    table = costs(replace(study, efficiency=[one, more]))
    at = [column.name for column in table.columns].index("over")
    count = len(one.cells)
    assert [row[at] for row in table.rows] == [f"{count} of {count + 1}", f"{count + 1} of {count + 1}"]


def test_the_table_for_a_paper_is_balanced(study: StudyResult, page: Path) -> None:
    text = (page.parent / "table.tex").read_text(encoding="utf-8")
    assert text.count(r"\begin{table}") == text.count(r"\end{table}") == 2
    assert r"\label{tab:which-task}" in text and r"\label{tab:which-task-2}" in text
    bare = re.sub(r"\\[{}]", "", text)
    assert bare.count("{") == bare.count("}") and r"seq\_bn" in text
    gain = next(cell.gain for cell in study.cells if cell.gain)
    assert gain.mean - gain.low == pytest.approx(gain.high - gain.mean)
    half = rf" \pm {gain.high - gain.mean:.1f}$}}"
    shown = rf"{{\scriptsize ${gain.mean:+.1f}"
    assert f"{shown}{half}" in text or f"{shown}^{{*}}{half}" in text
    # Of two seeds for questions, and one for retrieval.
    about = "Both are over examples and 2 seeds; where there is one, about this model alone.}"
    assert text.count(f"over the study. {about}") == 2
    once = replace(study, cells=[cell for cell in study.cells if cell.axes["to"] == "tatoeba"])
    assert "over the study. Both are about these models alone: one seed was trained.}" in latex_tables(once)


@given(st.text())
def test_latex_reads_any_text_as_it_is(text: str) -> None:
    shown = latex_text(text)
    bare = re.sub(r"\\(?:text\w+\{\}|ensuremath\{[<>]\}|dots\{\}|[{}&%$#_])|\$\\(?:Delta|pm|cdot|to)\$", "", shown)
    assert not set(bare) & set("\\{}&%$#_~^<>|\n")


def test_answers_are_those_that_the_runs_gave(study: StudyResult) -> None:
    cell, none = (next(one for one in study.cells if one.axes["from"] == source) for source in ("squad", "none"))
    changed = AnswerReader().changes(cell.row, none.row, most=5)
    assert 0 < len(changed) <= 10 and len({one.language for one in changed}) > 1
    for one in changed:
        assert cell.row.predictions(one.language)[one.id].split() == one.now.replace("(nothing)", "").split()
        assert none.row.predictions(one.language)[one.id].split() == one.before.replace("(nothing)", "").split()
        scores = []
        for row in (cell.row, none.row):
            scored = json.loads((row.folder / f"scores/{one.language}.json").read_text(encoding="utf-8"))
            scores.append(math.fsum(scored["items"][one.id].values()) / len(scored["items"][one.id]))
        assert one.change == pytest.approx(scores[0] - scores[1]) != 0
        labels = json.loads((cell.row.folder / f"labels/mlqa/test-{one.language}.json").read_text(encoding="utf-8"))
        questions = [qa for part in labels["data"][0]["paragraphs"] for qa in part["qas"]]
        assert one.gold.split(" / ")[0] in {qa["answers"][0]["text"] for qa in questions if qa["id"] == one.id}


def test_the_page_links_to_the_files_of_every_run(study: StudyResult, page: Path) -> None:
    data = page_data(study, page.parent)
    assert {place for cell in data["cells"] for _, place in cell["runs"]} == set(range(len(data["runs"])))
    folders = {str(seed.folder) for cell in study.cells for seed in cell.row.seeds}
    assert folders < {run["folder"] for run in data["runs"]} and all(cell["runs"] for cell in data["cells"])
    for run in data["runs"]:
        assert run["files"][:3] == ["spec.json", "provenance.json", "metrics.json"]
        assert ":" not in run["address"]
        assert (page.parent / run["address"]).resolve() == Path(run["folder"]).resolve()


def test_gains_in_one_language_are_adjusted_for_all_cells_that_have_it(study: StudyResult, tmp_path: Path) -> None:
    """Each is the only one of its own table; the star of the page says that it holds among all of the study."""
    cells = []
    for cell in study.cells:
        contrast = cell.row.contrast
        gains = {"de": {"score": Interval(1.0, 0.1, 1.9, 0.03, 0.03)}}
        cells.append(replace(cell, row=replace(cell.row, contrast=contrast and replace(contrast, languages=gains))))
    found = page_data(replace(study, cells=cells), tmp_path)
    shown = [gain for cell in found["cells"] if (gain := cell["languages"]["de"]["gain"])]
    assert len(shown) == 4 and all(gain == [1.0, 0.1, 1.9, pytest.approx(4 * 0.03)] for gain in shown)


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.one_of(st.text(min_size=1), st.just(HOSTILE), st.text(alphabet="<>/&'\"!-scriptSCRIPT\u2028\ud800", min_size=1))
)
def test_texts_of_data_are_never_markup(study: StudyResult, tmp_path: Path, text: str) -> None:
    plain, _ = read(study_page(study, tmp_path))
    cell = replace(study.cells[-1], axes={**study.cells[-1].axes, "from": text, "to": text})
    hostile = replace(
        study,
        title=text, question=text, reading=text, left_out=[text], name=text, surroundings={text: text},
        cells=[*study.cells[:-1], cell],
        claims=[Claim(text, text, None, "supported", published=text, source=text, why=text), *study.claims[1:]],
        stages=[replace(study.stages[0], name=text, error=text, state="failed")],
    )  # fmt: skip
    found, data = read(study_page(hostile, tmp_path))
    assert sorted({*found.tags}) == sorted({*plain.tags}) and found.tags.count("script") == 3
    assert {*found.attributes} == {*plain.attributes}
    assert data["cells"][-1]["axes"]["from"] == text and data["stages"][0]["error"] == text


def test_texts_of_another_encoding_are_written(study: StudyResult, tmp_path: Path) -> None:
    """As the names of files are that are no UTF-8."""
    cell = replace(study.cells[0], axes={**study.cells[0].axes, "from": "b\udcff"})
    for path in write_report(replace(study, reading="a\udcff", cells=[*study.cells, cell]), tmp_path):
        assert path.stat().st_size and (path.suffix == ".parquet" or path.read_text(encoding="utf-8"))


def test_what_is_no_number_in_json_is_left_out(study: StudyResult, tmp_path: Path) -> None:
    gain = replace(next(cell.gain for cell in study.cells if cell.gain), high=math.inf, p_holm=math.nan)
    cells = [replace(cell, gain=cell.gain and gain) for cell in study.cells]
    found = page_data(replace(study, cells=cells), tmp_path)
    json.dumps(found, allow_nan=False)
    assert next(cell["gain"] for cell in found["cells"] if cell["gain"])[2:] == [None, None]


def test_a_study_without_anything_has_a_report(study: StudyResult, tmp_path: Path) -> None:
    bare = StudyResult("x", "X", "", "What?", {}, study.cells[:1], [], "Nothing.")
    assert len(write_report(bare, tmp_path)) == 6
    empty = StudyResult("x", "X", "", "What?", {}, [], [], "Nothing.")
    assert all(path.stat().st_size for path in write_report(empty, tmp_path))


def test_points_are_thinned_evenly() -> None:
    assert thinned(range(5), 5) == [0, 1, 2, 3, 4]
    found = thinned(range(1000), 20)
    assert len(found) == 20 and found[0] == 0 and found[-1] == 999
    assert {round((b - a) / 52.6) for a, b in pairwise(found)} == {1}


def test_without_its_libraries_nothing_is_written(
    study: StudyResult, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "plotly", None)
    with pytest.raises(CompatibilityError, match=r"plotly is not installed. pip install 'adapterstilts\[report\]'"):
        write_report(study, tmp_path / "out")
    assert not (tmp_path / "out").exists()
