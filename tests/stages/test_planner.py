"""What is known before any stage is planned: a method with all options of its library, remembered."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from adapterstilts.errors import UsageError
from adapterstilts.modeling.methods import parse_method
from adapterstilts.runs.memory import Memory
from adapterstilts.stages.planner import ResolvedMethod

ASK = """
import sys
from pathlib import Path
from adapterstilts.modeling.methods import parse_method
from adapterstilts.runs.memory import Memory
from adapterstilts.stages.planner import ResolvedMethod
found = ResolvedMethod.of(parse_method(sys.argv[1]), Memory(Path(sys.argv[2])))
print(found.spec, found.config["reduction_factor"], "torch" in sys.modules)
"""


@pytest.mark.slow
def test_a_library_is_asked_once(tmp_path: Path) -> None:
    words = [sys.executable, "-c", ASK, "seq_bn[reduction_factor=4,ln_after=false]", str(tmp_path)]
    first, second = (subprocess.run(words, capture_output=True, text=True, check=True).stdout for _ in range(2))
    assert first.split() == ["seq_bn[reduction_factor=4]", "4", "True"]  # ln_after is false anyway
    assert second.split() == ["seq_bn[reduction_factor=4]", "4", "False"]


def test_methods_without_a_library_have_no_options(tmp_path: Path) -> None:
    found = ResolvedMethod.of(parse_method("full"), Memory(tmp_path))
    assert found.config == {} and str(found.spec) == "full" and not list(tmp_path.iterdir())


def test_errors_are_not_remembered(tmp_path: Path) -> None:
    for _ in range(2):
        with pytest.raises(UsageError, match="Did you mean 'reduction_factor'"):
            ResolvedMethod.of(parse_method("seq_bn[reduction=4]"), Memory(tmp_path))
