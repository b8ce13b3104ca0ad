"""Answers to files of a user's own: in order, with their columns, whatever interrupts them."""

from __future__ import annotations

import csv
import io
import json
import os
import signal
import time
from pathlib import Path
from typing import Any

import pytest

import adapterstilts
from adapterstilts.cli.main import main
from adapterstilts.errors import AstiltsError, UsageError
from adapterstilts.stages.reporter import Silent
from tests.commands.answered import questions, read_records, write_records
from tests.processes import Command

COLUMNS = {"context": "story", "question": "query"}


@pytest.fixture
def asked(tmp_path: Path) -> Path:
    return write_records(tmp_path / "asked.jsonl", questions(7))


def test_answers_keep_the_rows_order_and_columns(answering: dict[str, Any], asked: Path, tmp_path: Path) -> None:
    """Whatever the size of chunks; and they are those of the Python object, to the digit."""
    out = tmp_path / "answers.jsonl"
    result = adapterstilts.predict("squad", input=asked, out=out, chunk=3, **answering)
    rows, records = read_records(out), read_records(asked)
    assert [{name: row[name] for name in ("nr", "story", "query")} for row in rows] == records
    for row in rows:
        assert row["prediction"] == row["story"][row["start"] : row["end"]] and 0 < row["score"] <= 1
    assert (result.rows, result.before, result.out) == (7, 0, out) and not list(tmp_path.glob("*.part*"))
    assert "context = story (by its name)" in result.columns and result.temperature
    model = adapterstilts.load("squad", **answering)
    found = model.predict(records, chunk=3)
    assert [{"prediction": one.pop("answer"), **one} for one in found] == [
        {name: value for name, value in row.items() if name not in records[0]} for row in rows
    ]


def test_a_table_has_a_column_for_each_label(tmp_path: Path) -> None:
    given = tmp_path / "given.csv"
    given.write_text('nr,premise,hypothesis,score\n1,"Ann sleeps, and Bob too.",Ann sleeps.,0.5\n', encoding="utf-8")
    out = tmp_path / "out.csv"
    adapterstilts.predict("mnli", input=given, out=out, store=tmp_path / "store", calibrate=False)
    with out.open(encoding="utf-8", newline="") as file:
        (row,) = csv.DictReader(file)
    assert row["premise"] == "Ann sleeps, and Bob too." and row["score"] == "0.5"
    shares = {name: float(row[f"p_{name}"]) for name in ("entailment", "neutral", "contradiction")}
    assert sum(shares.values()) == pytest.approx(1, abs=1e-5)
    assert row["prediction"] == max(shares, key=shares.__getitem__) and float(row["score_model"]) == max(
        shares.values()
    )


def test_a_killed_process_leaves_what_the_next_one_goes_on_from(
    answering: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = write_records(tmp_path / "many.jsonl", questions(80))
    out = tmp_path / "out.jsonl"
    words = ["predict", "squad", "--input", str(asked), "--store", str(answering["store"]), "--chunk", "2", "--out"]
    part, sidecar = Path(f"{out}.part"), Path(f"{out}.part.json")
    process = Command(*words, str(out))
    end = time.monotonic() + 120
    while not (sidecar.is_file() and json.loads(sidecar.read_text())["rows"] >= 4) and time.monotonic() < end:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not out.exists()
    before = json.loads(sidecar.read_text())["rows"]
    assert 4 <= before < 80 and len(part.read_bytes().splitlines()) >= before
    with part.open("ab") as file:  # of a chunk that was not written whole
        file.write(b'{"nr": ')
    main([*words, str(out)])
    shown = capsys.readouterr()
    assert "80 rows answered by train-intermediate-squad" in shown.out and f"{before} of them by an" in shown.out
    main([*words, str(tmp_path / "whole.jsonl")])
    assert out.read_bytes() == (tmp_path / "whole.jsonl").read_bytes() and not list(tmp_path.glob("*.part*"))


def test_what_was_left_by_another_command_is_begun_anew(answering: dict[str, Any], asked: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.jsonl"
    write_records(tmp_path / "out.jsonl.part", [{"nr": 0}])
    told = {"binding": "another", "rows": 1, "bytes": 10, "columns": []}
    (tmp_path / "out.jsonl.part.json").write_text(json.dumps(told))
    result = adapterstilts.predict("squad", input=asked, out=out, **answering)
    assert (result.rows, result.before) == (7, 0) and len(read_records(out)) == 7


def test_an_output_that_cannot_be_written_is_said_before_anything_is_read(
    answering: dict[str, Any], asked: Path, tmp_path: Path
) -> None:
    (tmp_path / "there.csv").write_text("kept")
    for out, message in (
        (tmp_path / "there.csv", "is there already"),
        (tmp_path, "is a folder"),
        (tmp_path / "no" / "out.csv", "cannot be written"),
        (Path("/proc/out.csv"), "cannot be written"),
    ):
        with pytest.raises(UsageError, match=message):
            adapterstilts.predict("no such model", input=asked, out=out, **answering)
    assert (tmp_path / "there.csv").read_text() == "kept"
    adapterstilts.predict("squad", input=asked, out=tmp_path / "there.csv", force=True, **answering)
    assert (tmp_path / "there.csv").read_text().startswith("nr,story,query,prediction")


def test_bad_rows_stop_or_are_counted(answering: dict[str, Any], tmp_path: Path) -> None:
    records = questions(3)
    records[1]["story"] = "  "
    asked = write_records(tmp_path / "asked.jsonl", records)
    with pytest.raises(AstiltsError, match="line 2: its context is empty"):
        adapterstilts.predict("squad", input=asked, out=tmp_path / "out.jsonl", **answering)
    result = adapterstilts.predict("squad", input=asked, out=tmp_path / "out.jsonl", skip_bad_rows=True, **answering)
    assert result.left_out == {"its context is empty": 1} and result.rows == 2
    assert [row["nr"] for row in read_records(tmp_path / "out.jsonl")] == [0, 2]


def test_what_an_interrupted_process_left_out_is_counted_once(answering: dict[str, Any], tmp_path: Path) -> None:
    records = questions(6)
    for place in (1, 4):
        records[place]["story"] = "  "
    asked, out = write_records(tmp_path / "asked.jsonl", records), tmp_path / "out.jsonl"
    with asked.open("a", encoding="utf-8") as file:
        file.write("[]\n")
    options = {"input": asked, "out": out, "skip_bad_rows": True, "chunk": 3, **answering}

    class Interrupted(Silent):
        """Ends the process, as Ctrl-C does, in the second chunk."""

        def track(self, batches: Any, total: int, label: str = "") -> Any:
            if "rows 4" in label:
                raise KeyboardInterrupt
            return batches

    with pytest.raises(KeyboardInterrupt):
        adapterstilts.predict("squad", reporter=Interrupted(), **options)
    result = adapterstilts.predict("squad", **options)
    assert (result.rows, result.before) == (4, 2) and [row["nr"] for row in read_records(out)] == [0, 2, 3, 5]
    assert result.left_out == {"its context is empty": 2, "it is not a JSON object": 1}


def test_lines_of_a_text_without_an_answer_are_counted(tmp_path: Path) -> None:
    given, out = tmp_path / "given.txt", tmp_path / "out.jsonl"
    given.write_text("Ann sleeps .\n\nBob too .\n", encoding="utf-8")
    result = adapterstilts.predict("udpos", input=given, out=out, store=tmp_path / "store", calibrate=False)
    assert result.left_out == {"a blank line": 1} and [row["text"] for row in read_records(out)] == [
        "Ann sleeps .", "Bob too ."
    ]  # fmt: skip


def piped(patch: pytest.MonkeyPatch, text: str) -> None:
    patch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(text.encode())))


def test_standard_input_is_answered_on_standard_output(
    answering: dict[str, Any], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (record,) = questions(1)
    piped(monkeypatch, json.dumps(record))
    main(["predict", "squad", "--store", str(answering["store"])])
    shown = capsys.readouterr()
    answer, score, story, query = shown.out.rstrip("\n").split("\t")
    assert record["story"].startswith(story.rstrip("…")) and query == record["query"]
    assert answer.rstrip("…") in record["story"] and 0 < float(score) <= 1
    assert "Reading context = story" in shown.err and "divided by the temperature" in shown.err
    piped(monkeypatch, "Nur ein Satz.\n")
    with pytest.raises(SystemExit):
        main(["predict", "squad", "--store", str(answering["store"])])
    assert "looks like 'question'" in capsys.readouterr().err


def test_words_are_tagged_where_they_stand(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    piped(monkeypatch, "the garden .\nBob  sleeps\n")
    words = ["predict", "ccg", "--store", str(tmp_path / "store"), "--no-calibrate", "--format-out"]
    main([*words, "jsonl"])
    shown = capsys.readouterr()
    first, second = map(json.loads, shown.out.splitlines())
    assert first["text"] == "the garden ." and len(first["prediction"]) == 3 and second["offsets"] == [[0, 3], [5, 11]]
    assert "uncalibrated: --no-calibrate was given" in shown.err
    assert "white space" not in shown.err
    piped(monkeypatch, "the garden.\nแมรี่ทำงานที่บริษัทแห่งหนึ่งในเบอร์ลิน\n")
    main([*words, "plain"])
    shown = capsys.readouterr()
    assert shown.out.startswith("the/")
    assert "In 1 of 2 rows, words without white space between them got one tag" in shown.err and "'แมรี่" in shown.err


def test_choices_are_said_by_place_and_text(tmp_path: Path) -> None:
    given = tmp_path / "given.csv"
    given.write_text("context,question,choice1,choice2\nAnn slept.,Why?,She was tired.,She ate.\n", encoding="utf-8")
    out = tmp_path / "out.jsonl"
    adapterstilts.predict("cosmosqa", input=given, out=out, store=tmp_path / "store", calibrate=False)
    (row,) = read_records(out)
    assert row["chosen"] == [row["choice1"], row["choice2"]][row["prediction"]] and len(row["scores"]) == 2


def test_json_says_what_was_answered(
    answering: dict[str, Any], asked: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["predict", "squad", "--input", str(asked), "--store", str(answering["store"]), "--json"]
    main([*words, "--out", str(tmp_path / "out.jsonl")])
    told = json.loads(capsys.readouterr().out)
    assert told["rows"] == 7 and told["temperature"] > 0 and "validation rows" in told["calibration"]
    with pytest.raises(SystemExit):
        main(words)
    assert "Give --out FILE" in capsys.readouterr().err


@pytest.mark.skipif(os.name == "nt", reason="locks of files are others there")
def test_two_processes_do_not_write_one_file(answering: dict[str, Any], asked: Path, tmp_path: Path) -> None:
    from filelock import FileLock

    with (
        FileLock(tmp_path / "out.jsonl.part.lock"),
        pytest.raises(UsageError, match="another process writes it"),
    ):
        adapterstilts.predict("squad", input=asked, out=tmp_path / "out.jsonl", **answering)


def test_a_file_that_is_there_is_written_over_by_force_alone(
    answering: dict[str, Any], asked: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "there.csv"
    out.write_text("mine")
    words = ["predict", "squad", "--input", str(asked), "--out", str(out), "--store", str(answering["store"])]
    with pytest.raises(SystemExit):
        main(words)
    assert "is there already. Give another file, or --force" in capsys.readouterr().err and out.read_text() == "mine"
    with pytest.raises(SystemExit):
        main([*words[:4], "--out", str(tmp_path)])
    assert "is a directory" in capsys.readouterr().err
    main([*words, "--force"])
    assert "prediction" in out.read_text()


def test_of_texts_that_are_too_long_it_is_said_that_their_end_was_not_read(tmp_path: Path) -> None:
    class Notes(Silent):
        def __init__(self) -> None:
            self.said: list[str] = []

        def note(self, message: str) -> None:
            self.said.append(message)

    texts, notes = tmp_path / "texts.txt", Notes()
    texts.write_text("Ann sleeps.\n" + "Bob reads a book . " * 60 + "\n", encoding="utf-8")
    options: dict[str, Any] = {"input": texts, "store": tmp_path / "store", "calibrate": False, "reporter": notes}
    adapterstilts.predict("mnli", out=tmp_path / "out.jsonl", **options)
    told = "Of 1 rows only the first 128 tokens were read, such as that which begins 'Bob reads"
    assert any(told in one for one in notes.said)
    notes.said.clear()
    model = adapterstilts.load("mnli", store=tmp_path / "store", calibrate=False, reporter=notes)
    assert model.predict(texts.read_text().splitlines()) and told in notes.said[-1]
