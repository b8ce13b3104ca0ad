"""A translation that is killed goes on where it stopped, and ends as if it had not been."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.translation_models import save_marian, sentences

ASTILTS = [sys.executable, "-m", "adapterstilts"]
FILE = "XNLI/translate-train/en-de-translated.tsv"


def command(model: Path, out: Path) -> list[str]:
    flags = {"to": "de", "model": model, "profile": "mini", "out": out, "max-train-examples": 20,
             "tokens-per-batch": 64}  # fmt: skip
    return [*ASTILTS, "translate", "mnli", "--json", *(str(part) for name, value in flags.items()
                                                       for part in (f"--{name}", value))]  # fmt: skip


def kill_after(words: list[str], out: Path, batches: int) -> None:
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    while len(list(out.glob(".work/*/*.json"))) < batches:
        try:
            code = process.wait(timeout=0.01)
        except subprocess.TimeoutExpired:
            continue
        assert process.stderr is not None
        pytest.fail(f"ended with {code} before batch {batches}: {process.stderr.read()}")
    process.kill()
    assert process.wait() == -signal.SIGKILL


def test_killed_translation_goes_on_to_the_same_file(tmp_path: Path) -> None:
    model = save_marian(tmp_path / "model", sentences("en", "de"), positions=40)
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    first = subprocess.run(command(model, whole), capture_output=True, text=True, check=False)
    assert first.returncode == 0, first.stderr
    for batches in (2, 6):
        kill_after(command(model, killed), killed, batches)
        assert not (killed / FILE).exists()
    again = subprocess.run(command(model, killed), capture_output=True, text=True, check=False)
    assert again.returncode == 0, again.stderr
    assert (killed / FILE).read_bytes() == (whole / FILE).read_bytes()
    one, other = (json.loads(result.stdout)[0] for result in (first, again))
    assert other["kept"] >= 6 and one["kept"] == 0
    assert {**one, "kept": 0, "path": ""} == {**other, "kept": 0, "path": ""}
    assert not list(killed.glob(".work/*/"))
