"""Results in IPython: what a notebook shows of them."""

from __future__ import annotations

import subprocess
import sys

import pytest

pytest.importorskip("IPython")

CODE = """
from IPython.core.interactiveshell import InteractiveShell

shell = InteractiveShell.instance()
import adapterstilts

plan = adapterstilts.plan(adapterstilts.transfer, "squad", "mlqa", profile="mini", store="runs")
for value in (plan, adapterstilts.TransferResult([])):
    shown, _ = shell.display_formatter.format(value)
    print(shown["text/html"])
    print("---")
"""


@pytest.mark.slow
def test_results_are_tables(tmp_path: object) -> None:
    result = subprocess.run([sys.executable, "-c", CODE], cwd=str(tmp_path), capture_output=True, text=True, check=True)
    plan, nothing, _ = result.stdout.split("---\n")
    assert "<table>" in plan and plan.count("<tr>") == 1 + 5 and "Sharing saves 0 trainings." in plan
    assert nothing.strip() == "" and result.stderr == ""
