"""Files that are larger than memory should have to be: a small one always, one of 2 GB where it is asked for."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

# Set to 1, the file of 2 GB is made and read too, which takes minutes.
LARGE = "READ_LARGE_FILES"

# Writes a table of texts with line breaks in them, reads it, holds out a part, and says what that took.
SCRIPT = r'''
import random, sys
from pathlib import Path

from adapterstilts.data.bad_rows import BadRows
from adapterstilts.data.sources.files import FileRows
from adapterstilts.data.spilled import each_row
from adapterstilts.data.splits import hold_out
from adapterstilts.tasks.catalogue import read_recipe

folder, size = Path(sys.argv[1]), int(sys.argv[2])
draw = random.Random(0)
words = ["".join(draw.choices("abcdefghij\u00e4\u4e2d", k=6)) for _ in range(5000)]
count = 0
with (folder / "train.csv").open("w", encoding="utf-8", newline="") as file:
    file.write("title,body,label\r\n")
    while file.tell() < size:
        block = " ".join(draw.choices(words, k=30_000))
        for at in range(0, len(block) - 2000, 2000):
            first, second = block[at : at + 1000], block[at + 1000 : at + 2000]
            file.write(f'title {count // 2},"{first}\n""{second}""",{count % 2}\r\n')
            count += 1
task = read_recipe({
    "name": "mine", "title": "Mine", "kind": "pair_classification", "phases": ["intermediate"], "metric": "accuracy",
    "languages": ["en"], "options": {"labels": ["0", "1"]},
    "sources": {"files": {"format": "csv", "splits": {"train": "train.csv"},
                          "columns": {"text_a": "title", "text_b": "body"}}},
}, where="here")
rows = FileRows(folder).load(task, "train", "en", BadRows(skip=False))
assert len(rows) == count
rest, held = hold_out(rows, 500, group=lambda row: row["text_a"])
assert len(rest) + len(held) == count
titles = {row["text_a"] for row in each_row(held)}
assert titles.isdisjoint(row["text_a"] for row in each_row(rest))
assert held[0]["text_b"].endswith('"') and "\n" in held[0]["text_b"] and 0 < len(held) < count / 5
peak = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
print(f"{count} rows, {len(held)} held out, {(folder / 'train.csv').stat().st_size} bytes, {peak}")
'''


def peak_of(folder: Path, size: int) -> float:
    """Megabytes of memory at most in use while a file of that many bytes is read and held out from."""
    if not Path("/proc/self/status").exists():
        pytest.skip("this system does not say how much memory a process has had")
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(folder), str(size)],
        capture_output=True,
        text=True,
        env={**os.environ, "TMPDIR": str(folder), "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    print(done.stdout)
    (found,) = re.findall(r"VmHWM:\s*(\d+) kB", done.stdout)
    return int(found) / 1024


@pytest.mark.slow
def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    """By much less than the rows would take as objects, which is several times the size of their text."""
    small, larger = (peak_of(tmp_path, size) for size in (10 << 20, 200 << 20))
    assert larger - small < 200
    assert not [path for path in tmp_path.iterdir() if path.name != "train.csv"]


@pytest.mark.skipif(os.environ.get(LARGE) != "1", reason=f"it takes minutes: set {LARGE}=1")
def test_two_gigabytes_are_read_and_held_out_from(tmp_path: Path) -> None:
    assert peak_of(tmp_path, 2 << 30) < 1500
