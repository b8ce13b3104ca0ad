"""Tables of a given width: what goes first, what may be broken, and what never is."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios

import pytest

from adapterstilts.reporting.sheets import Column, Notes, Report, Sheet, columns
from adapterstilts.reporting.terminal import as_text

LANGUAGES = ("de", "es", "zh")
SHEET = Sheet(
    "A title",
    [
        Column("from", wraps=True),
        Column("mean", right=True),
        *(Column(language, right=True, block="languages") for language in LANGUAGES),
        Column("seconds", right=True, detail=True),
    ],
    [
        ["no intermediate task", "28.0/30.2", "28.0/30.0", "28.0/29.7", "28.0/31.0", "0 + 13 + 3"],
        ["squad@c731ad107cae (stack)", "34.3/37.0", "36.5/38.6", "31.2/33.0", "35.2/39.5", "22 + 10 + 2"],
    ],
)
REPORT = Report([SHEET, Notes(["About all.", "About seconds."], on_details=["About seconds."])])


def cells(text: str) -> list[str]:
    return [cell for line in text.splitlines() for cell in re.split(r"\s{2,}", line.strip())]


def test_without_an_edge_all_is_on_one_line() -> None:
    text = as_text(REPORT)
    assert "squad@c731ad107cae (stack)   34.3/37.0   36.5/38.6   31.2/33.0   35.2/39.5   22 + 10 + 2" in text
    assert text.endswith("  About all.\n  About seconds.\n") and "--wide" not in text


def test_details_go_first_with_their_note_and_it_is_said() -> None:
    text = as_text(REPORT, 80)
    assert "squad@c731ad107cae (stack)   34.3/37.0   36.5/38.6   31.2/33.0   35.2/39.5\n" in text
    assert "22 + 10 + 2" not in text and "About seconds" not in text and "About all." in text
    assert text.endswith("  Left out for want of room: seconds (--wide).\n")


@pytest.mark.parametrize("width", range(32, 90, 3))
def test_every_width_is_kept_and_no_number_is_broken(width: int) -> None:
    text = as_text(REPORT, width)
    assert max(map(len, text.splitlines())) <= width
    numbers = [cell for row in SHEET.rows for cell in row[1:-1]]
    assert set(numbers) <= set(cells(text))


def test_a_table_that_is_split_keeps_languages_together_beside_the_first_column() -> None:
    text = as_text(REPORT, 58)
    first, second = text.split("\n\n\n")
    assert "mean" in first and "36.5/38.6" not in first
    # At spaces, never within a key.
    assert {"squad@c731ad107cae", "(stack)", "36.5/38.6", "31.2/33.0", "35.2/39.5"} <= set(cells(second))


def test_a_path_is_not_broken() -> None:
    path = "/a/rather/long/folder/of/a-run-that-someone-may-want-to/copy-0123456789ab"
    assert path in as_text(Report([Notes([f"no intermediate task: {path}"])]), 40)


def test_wide_letters_take_two_columns() -> None:
    sheet = Sheet("", columns("text", "n", wraps=("text",)), [["日本語 " * 10, "1"]])
    assert all(len(line.encode("gb18030")) <= 40 for line in as_text(Report([sheet]), 40).splitlines()[3:])


def test_the_width_is_that_of_the_terminal_and_a_pipe_has_none() -> None:
    environment = {name: value for name, value in os.environ.items() if name != "COLUMNS"}
    code = "from adapterstilts.reporting.terminal import width_here; print(width_here())"
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 97, 0, 0))
    subprocess.run([sys.executable, "-c", code], env=environment, stdout=theirs, check=True)
    assert os.read(ours, 100).strip() == b"97"
    for given, expected in (({}, "None"), ({"COLUMNS": "60"}, "60"), ({"COLUMNS": "x"}, "None")):
        run = subprocess.run(
            [sys.executable, "-c", code], env=environment | given, capture_output=True, text=True, check=True
        )
        assert run.stdout.strip() == expected
