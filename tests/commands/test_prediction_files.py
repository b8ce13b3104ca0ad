from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest

from adapterstilts.commands.prediction_files import Table, format_of, part_file, with_answer
from adapterstilts.data.bad_rows import BadRows
from adapterstilts.data.formats.tables import read_csv
from adapterstilts.errors import DataError, UsageError

LABEL = {"label": "yes", "score": 0.75, "scores": {"no": 0.25, "yes": 0.75}}
NONE: dict[str, Any] = {"answer": "", "start": None, "end": None, "score": 0.5}


def silent(_: str) -> None:
    pass


@pytest.mark.parametrize(
    ("name", "given", "format"),
    [("a.csv", None, "csv"), ("a.JSONL", None, "jsonl"), ("a.tab", None, "plain"), ("a.csv", "plain", "plain")],
)
def test_a_format_is_told_by_the_suffix_or_by_the_user(name: str, given: str | None, format: str) -> None:
    assert format_of(Path(name), given) == format and format_of(None, None) == "plain"


def test_columns_of_the_input_are_never_written_over() -> None:
    row = with_answer({"score": 7, "label": "no"}, LABEL)
    assert row == {"score": 7, "label": "no", "prediction": "yes", "score_model": 0.75, "scores": LABEL["scores"]}


@pytest.mark.parametrize(
    ("name", "given", "says"),
    [
        ("a.csv.gz", None, r"a.csv.gz: answers are not compressed. Give a.csv, and"),
        ("a.csv.gz", "csv", "not compressed"),
        ("a.TSV", None, r"not written as .tsv. Give a name that ends with .csv or .jsonl"),
        ("a.parquet", None, "not written as .parquet"),
    ],
)
def test_a_name_promises_nothing_that_is_not_written(name: str, given: str | None, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        format_of(Path(name), given)


def test_what_another_model_wrote_is_kept_beside() -> None:
    """Its shares, too, and those of a third one."""
    record: dict[str, Any] = {"a": "x"}
    values = {}
    for place, share in enumerate((0.75, 0.5, 0.25)):
        result = {"label": "yes", "score": share, "scores": {"yes": share}}
        header, line = csv.reader(io.StringIO(Table("csv").text([(record, result)])))
        record = dict(zip(header, line, strict=True))
        added = "_model" * place
        values |= {f"prediction{added}": "yes", f"score{added}": str(share), f"p_yes{added}": str(share)}
    assert record == {"a": "x", **values}
    assert Table("csv").text([({"scores": {"no": 1}}, LABEL)]) == (
        'scores,prediction,score,p_no,p_yes\n"{""no"": 1}",yes,0.75,0.25,0.75\n'
    )


@pytest.mark.parametrize("text", ["a\rb", "a\r\nb", "a\nb", "\u2028", '"', "\r"])
def test_a_cell_is_read_as_it_was(text: str, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(Table("csv").text([({"t": text, "u": "v"}, LABEL)]), encoding="utf-8", newline="")
    with (tmp_path / "a.csv").open(encoding="utf-8", newline="") as file:
        (row,) = csv.DictReader(file)
    ((_, ours),) = read_csv((tmp_path / "a.csv",), "", BadRows(skip=False))
    assert row["t"] == ours["t"] == text and row["prediction"] == "yes"


def test_half_of_a_surrogate_pair_is_written_as_json_has_it() -> None:
    record = json.loads('{"t": "a\\ud800"}')
    line = Table("jsonl").text([(record, LABEL)])
    assert json.loads(line.encode("utf-8"))["t"] == record["t"]
    assert Table("plain").text([(record, LABEL)]).encode("utf-8").endswith(b"\ta\\ud800\n")
    with pytest.raises(DataError, match="half of a surrogate pair.*--format-out jsonl"):
        Table("csv").text([(record, LABEL)])


def test_json_lines_are_json() -> None:
    line = Table("jsonl").text([({"n": float("nan"), "m": [float("inf"), {"k": -float("inf")}], "b": b"x"}, LABEL)])
    found = json.loads(line, parse_constant=lambda name: pytest.fail(name))
    assert (found["n"], found["m"], found["b"]) == (None, [None, {"k": None}], "b'x'")


def test_a_table_has_one_header_and_every_row_its_columns() -> None:
    table = Table("csv")
    first = table.text([({"a": "x,y"}, LABEL)])
    assert first == 'a,prediction,score,p_no,p_yes\n"x,y",yes,0.75,0.25,0.75\n'
    assert table.text([({"a": "z"}, LABEL)]) == "z,yes,0.75,0.25,0.75\n"
    with pytest.raises(DataError, match="'b', unlike those before it"):
        table.text([({"a": "z", "b": "w"}, LABEL)])


@pytest.mark.parametrize(
    ("result", "line"),
    [
        (LABEL, "yes\t0.750\ta b\n"),
        (NONE, "no answer\t0.500\ta b\n"),
        ({"choice": 1, "chosen": "x", "score": 0.5, "scores": [0.5, 0.5]}, "1 (x)\t0.500\ta b\n"),
        ({"labels": [], "scores": {}}, "no label\ta b\n"),
        ({"value": 1.5}, "1.5\ta b\n"),
        ({"tags": ["N", "V"], "tokens": ["a", "b"], "scores": [1.0, 1.0]}, "a/N b/V\n"),
    ],
)
def test_plain_lines_say_the_answer_and_the_texts(result: dict[str, Any], line: str) -> None:
    assert Table("plain").text([({"t": "a\n b", "n": 3}, result)]) == line


def test_what_is_written_whole_is_gone_on_from(tmp_path: Path) -> None:
    out = tmp_path / "out.csv"
    with pytest.raises(KeyboardInterrupt), part_file(out, Table("csv"), force=False) as part:
        part.go_on("same", silent)
        part.add([({"a": "x"}, LABEL)], 1, {})
        raise KeyboardInterrupt
    with part_file(out, Table("csv"), force=False) as part:
        part.go_on("same", silent)
        assert part.rows == 1
        part.add([({"a": "y"}, LABEL)], 1, {})
        part.finish()
    assert out.read_text() == "a,prediction,score,p_no,p_yes\nx,yes,0.75,0.25,0.75\ny,yes,0.75,0.25,0.75\n"
    assert [path.name for path in tmp_path.iterdir()] == ["out.csv"]


def test_a_damaged_note_beside_it_is_none(tmp_path: Path) -> None:
    (tmp_path / "out.csv.part").write_text("x\n")
    (tmp_path / "out.csv.part.json").write_text("[1, 2")
    with part_file(tmp_path / "out.csv", Table("csv"), force=False) as part:
        part.go_on("same", silent)
        assert part.rows == 0 and part.path.read_text() == ""
