"""A translation that is killed goes on where it stopped, and ends as if it had not been."""

from __future__ import annotations

import json
import signal
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import adapterstilts
from tests.processes import Command
from tests.translation_models import save_marian, sentences

FILE = "XNLI/translate-train/en-de-translated.tsv"


def options(model: Path, out: Path) -> dict[str, Any]:
    return {"to": "de", "model": str(model), "profile": "mini", "out": out, "max_train_examples": 20,
            "tokens_per_batch": 64, "max_cut_short": 1}  # fmt: skip


def command(model: Path, out: Path) -> list[str]:
    flags = options(model, out).items()
    return ["translate", "mnli",
            *(str(part) for name, value in flags for part in (f"--{name.replace('_', '-')}", value))]  # fmt: skip


def kill_after(words: list[str], out: Path, batches: int) -> None:
    process = Command(*words)
    while len(list(out.glob(".work/*/*.json"))) < batches:
        try:
            code = process.wait(timeout=0.01)
        except subprocess.TimeoutExpired:
            continue
        pytest.fail(f"ended with {code} before batch {batches}: {process.stderr}")
    process.kill()
    assert process.wait() == -signal.SIGKILL


def test_killed_translation_goes_on_to_the_same_file(tmp_path: Path) -> None:
    model = save_marian(tmp_path / "model", sentences("en", "de"), positions=40)
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    (one,) = adapterstilts.translate("mnli", **options(model, whole))
    kill_after(command(model, killed), killed, 3)
    assert not (killed / FILE).exists()
    (other,) = adapterstilts.translate("mnli", **options(model, killed))
    assert (killed / FILE).read_bytes() == (whole / FILE).read_bytes()
    assert other.kept >= 3 and one.kept == 0
    assert replace(one, kept=0, path=Path()) == replace(other, kept=0, path=Path())
    assert not list(killed.glob(".work/*/"))


def test_what_an_interrupted_process_had_is_not_translated_again(tmp_path: Path) -> None:
    """Its batches are taken as they are, and other settings begin anew."""
    model, out = save_marian(tmp_path / "model", sentences("en", "de"), positions=40), tmp_path / "out"
    kill_after(command(model, out), out, 2)
    kept = sorted(out.glob(".work/*/*.json"))
    content = json.loads(kept[0].read_text(encoding="utf-8"))
    kept[0].write_text(json.dumps({**content, "texts": ["marked"] * len(content["texts"])}))
    (beams,) = adapterstilts.translate("mnli", **{**options(model, out), "max_train_examples": 4})
    assert beams.kept == 0
    (result,) = adapterstilts.translate("mnli", force=True, **options(model, out))
    assert result.kept >= 2 and "marked" in (out / FILE).read_text(encoding="utf-8")
