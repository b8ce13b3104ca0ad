"""Without the `adapters` library, or with a version that cannot be imported: everything but its own methods works."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib.metadata import requires, version
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement

from tests.conftest import QUICK

# What an environment without it does: no module of this name is found, and no distribution.
_WITHOUT = """
import importlib.metadata, json, sys
from importlib.abc import MetaPathFinder

class Lacks(MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "adapters":
            raise %(error)s
        return None

sys.meta_path.insert(0, Lacks())
known = importlib.metadata.Distribution.from_name.__func__

def from_name(cls, name):
    if name == "adapters" and %(absent)s:
        raise importlib.metadata.PackageNotFoundError(name)
    return known(cls, name)

importlib.metadata.Distribution.from_name = classmethod(from_name)
import adapterstilts
from adapterstilts.errors import CompatibilityError
"""
_TRAIN = """
options = json.loads(sys.argv[1])
scores = {}
for method in ("peft:lora", "full", "bitfit"):
    adapterstilts.train_intermediate("squad", method=method, **options)
    for row in adapterstilts.transfer("squad", "mlqa", method=method, languages=["en", "de"], max_eval_examples=4,
                                      seeds=1, **options).rows:
        scores[f"{method} {row.composition}"] = sorted(row.languages)
(row,) = adapterstilts.transfer("none", "mlqa", method="head", languages=["en"], max_eval_examples=4, **options).rows
scores["head"] = sorted(row.languages)
refused = {}
for name, call in {
    "train": lambda: adapterstilts.train_intermediate("squad", method="seq_bn", **options),
    "plan": lambda: adapterstilts.transfer("none", "mlqa", **options),
    "language": lambda: adapterstilts.train_language("en", **options),
}.items():
    try:
        call()
    except CompatibilityError as error:
        refused[name] = str(error)
methods = {one.method: one.obstacle for one in adapterstilts.methods(profile="mini")}
print(json.dumps([scores, refused, methods, "adapters" in sys.modules]))
"""
_REFUSED = """
try:
    adapterstilts.train_intermediate("squad", method="seq_bn", **json.loads(sys.argv[1]))
except CompatibilityError as error:
    print(json.dumps(str(error)))
"""


def run(code: str, options: dict[str, Any], *, error: str, absent: bool, home: Path) -> Any:
    """What code prints in a process of its own, as JSON; nothing is remembered of an environment with the library."""
    begun = _WITHOUT % {"error": error, "absent": absent}
    done = subprocess.run(
        [sys.executable, "-c", begun + code, json.dumps(options, default=str)],
        capture_output=True, text=True, env={**os.environ, "XDG_CACHE_HOME": str(home)}, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.fixture
def options(tiny_backbone: Path, tmp_path: Path) -> dict[str, Any]:
    settings = {name: value for name, value in QUICK.items() if name != "max_length"}
    given = {"profile": "mini", "backbone": str(tiny_backbone), "store": tmp_path / "store", "max_train_examples": 16}
    return {**settings, **given}


@pytest.mark.slow
def test_methods_of_other_libraries_work_without_it(options: dict[str, Any], tmp_path: Path) -> None:
    error = "ModuleNotFoundError(f\"No module named 'adapters'\", name='adapters')"
    scores, refused, methods, there = run(_TRAIN, options, error=error, absent=True, home=tmp_path)
    both = ["de", "en"]
    assert scores == {
        "peft:lora none": both, "peft:lora stack by merging": both, "full none": both, "full continue": both,
        "bitfit none": both, "bitfit continue": both, "head": ["en"],
    }  # fmt: skip
    assert not there and list(refused) == ["train", "plan", "language"]
    for message in refused.values():
        assert "needs the adapters library, which is not installed. Run `pip install adapters`, or use" in message
    lacking = {name for name, obstacle in methods.items() if obstacle}
    assert len(lacking) == 19 and not any(name.startswith("peft:") for name in lacking) and "full" not in lacking


@pytest.mark.slow
def test_a_version_that_cannot_be_imported_is_named_with_the_reason(options: dict[str, Any], tmp_path: Path) -> None:
    error = "ImportError(\"cannot import name 'x' from 'transformers'\", name='transformers')"
    message = run(_REFUSED, options, error=error, absent=False, home=tmp_path)
    assert (
        "needs the adapters library, which cannot be imported (cannot import name 'x' from 'transformers')" in message
    )


def test_adapters_still_needs_an_earlier_transformers() -> None:
    """Fails in the environment of whoever tries a version that takes transformers 5, and says what is to be done."""
    (needed,) = [one for one in map(Requirement, requires("adapters") or []) if one.name == "transformers"]
    taken = [one for one in ("5.0.0", "5.99.0") if needed.specifier.contains(one)]
    assert not taken, (
        f"adapters {version('adapters')} takes transformers 5 ({needed}): raise the bounds of adapters, transformers "
        "and huggingface_hub in pyproject.toml, run all tests, and take EuroBERT out of adapterstilts/pretrained.py."
    )
