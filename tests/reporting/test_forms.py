"""The same report as markdown, LaTeX and comma-separated values, read again by what reads them."""

from __future__ import annotations

import csv
import io

import pytest

from adapterstilts.reporting.forms import FORMS, in_form
from adapterstilts.reporting.sheets import Notes, Report, Sheet, columns

SHEET = Sheet("Scores, 50%", columns("from", "Δ F1", right=("Δ F1",)), [["my_task | a<b", "+1.0 ± 0.5*"], ["b", ""]])
REPORT = Report([SHEET, Notes(["*: p < 0.05"])])


def test_markdown_shows_every_letter_as_it_is() -> None:
    lines = in_form(REPORT, "markdown").splitlines()
    assert lines[0] == "**Scores, 50%**" and lines[-1] == r"- \*: p &lt; 0.05"
    assert [cell.strip() for cell in lines[4].replace(r"\|", "¦").split("|")[1:-1]] == [
        r"my\_task ¦ a&lt;b",
        r"+1.0 ± 0.5\*",
    ]
    assert lines[3].endswith("-:|")  # numbers at the right


def test_markdown_shows_titles_and_heads_as_they_are_too() -> None:
    made = Report([Sheet("my_task_x: <b> *new*", columns("F1 | EM", "_all_"), [["1", "2"]])])
    lines = in_form(made, "markdown").splitlines()
    assert lines[0] == r"**my\_task\_x: &lt;b> \*new\***"
    assert [cell.strip() for cell in lines[2].replace(r"\|", "¦").split("|")[1:-1]] == ["F1 ¦ EM", r"\_all\_"]


def test_latex_reads_no_line_of_a_title_or_note_and_has_a_bar_in_its_own_font() -> None:
    made = Report([Sheet("One\nand two", columns("from"), [["a|b"]]), Notes(["failed:\n\\input{other}"])])
    lines = in_form(made, "latex").splitlines()
    assert lines[:2] == ["% One", "% and two"] and lines[-2:] == ["% failed:", r"% \input{other}"]
    assert r"a\textbar{}b" in lines[6]


def test_names_between_colons_are_no_pictures() -> None:
    assert ":joy:" in in_form(Report([Sheet("", columns("class"), [[":joy:"]])]), "table")


def test_latex_escapes_what_means_something_to_it() -> None:
    text = in_form(REPORT, "latex")
    assert r"\toprule" in text and r"my\_task" in text and r"$\Delta$ F1" in text and r"1.0 $\pm$ 0.5*" in text
    assert r"a\ensuremath{<}b" in text and text.startswith("% Scores, 50%\n") and "\n% *: p < 0.05\n" in text
    assert text.count(r"\\") == 3


def test_comma_separated_values_are_the_table_for_programs() -> None:
    data = Sheet("", columns("task", "value"), [["mlqa, de", "12.345678901234567"]])
    found = list(csv.DictReader(io.StringIO(in_form(Report(REPORT.parts, data), "csv"))))
    assert found == [{"task": "mlqa, de", "value": "12.345678901234567"}]
    assert next(csv.reader(io.StringIO(in_form(REPORT, "csv")))) == ["from", "Δ F1"]


@pytest.mark.parametrize("form", FORMS)
def test_a_table_without_rows_has_its_head(form: str) -> None:
    text = in_form(Report([Sheet("", columns("from", "score"), [])]), form)
    assert "from" in text and ("begin{tabular}{ll}" in text) == (form == "latex")
