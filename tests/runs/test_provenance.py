"""Where a run says that it is from."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

import adapterstilts
from adapterstilts.runs.provenance import Stopwatch


def test_the_commit_is_that_of_the_checkout() -> None:
    words = ["git", "-C", str(Path(adapterstilts.__file__).parents[1]), "rev-parse", "HEAD"]
    try:
        head = subprocess.check_output(words, text=True, stderr=subprocess.DEVNULL).strip()
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("the package is not in a checkout")
    assert re.fullmatch(rf"{head}(-dirty)?", Stopwatch().record()["commit"])
