"""A small study that was run once, of real stages with few steps and few scored rows."""

from __future__ import annotations

from pathlib import Path

from adapterstilts.stages.reporter import Silent
from adapterstilts.studies.definition import read_study
from adapterstilts.studies.results import StudyResult
from adapterstilts.studies.run import plan_study, run_study
from adapterstilts.studies.work import StudyWork

SMALL = """
title: Small
question: Does anything change?
axes:
  from: [squad, mnli]
  to: [xnli, tatoeba]
  method: ["seq_bn[reduction_factor=4]", bitfit]
  composition: [stack, continue]
  baseline: [untrained, longer-target]
options: {profile: mini, max_steps: 1, max_eval_examples: 40}
intermediate: {max_steps: 1, max_validation_examples: 4}
properties:
  from: {squad: {rows: 10}, mnli: {rows: 1000}}
claims:
  - {text: A gain, mean: {to: tatoeba}}
  - {text: No difference, mean: {from: squad}, minus: {from: mnli}, expect: absent, margin: 100}
  - {text: The trained adapter is more than an adapter, mean: {from: squad}, minus: {baseline: untrained}}
  - {text: It grows, slope: {axis: from, by: rows}, expect: any}
  - {text: All of them, each: {to: xnli}}
  - {text: The best of each target, best: {}}
  - {text: Nothing, mean: {to: xnli, composition: stack, method: bitfit}}
"""


def make_small(store: Path) -> tuple[StudyWork, StudyResult]:
    """The planned study and its result."""
    work = plan_study(read_study(SMALL, name="small", where="SMALL"), {"store": store})
    return work, run_study(work, Silent())
