"""Plans: what a command would do, said without doing it, and quickly."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import adapterstilts
from adapterstilts.commands.plan import STORED, TO_EVALUATE, TO_TRAIN
from adapterstilts.reporting.plan import plan_mermaid, plan_text
from adapterstilts.runs.store import RunStore
from tests.hub_server import hub_environment

SHOWN = {"languages": ("en", "de"), "max_eval_examples": 8}


def states(plan: adapterstilts.CommandPlan) -> list[tuple[str, str, str]]:
    return [(one.stage, one.label, one.state) for one in plan.stages]


def test_a_plan_says_what_is_there_and_what_a_command_would_make(suite: dict[str, Any]) -> None:
    squad = adapterstilts.train_intermediate("squad", **suite)
    plan = adapterstilts.plan(adapterstilts.transfer, "squad", "mlqa", compare=("full",), **SHOWN, **suite)
    assert states(plan) == [
        ("train-target", "mlqa", TO_TRAIN),
        ("evaluate", "mlqa", TO_EVALUATE),
        ("train-intermediate", "squad", STORED),
        ("train-target", "mlqa", TO_TRAIN),
        ("evaluate", "mlqa", TO_EVALUATE),
        ("train-target", "mlqa", TO_TRAIN),
        ("evaluate", "mlqa", TO_EVALUATE),
        ("train-intermediate", "squad", TO_TRAIN),
        ("train-target", "mlqa", TO_TRAIN),
        ("evaluate", "mlqa", TO_EVALUATE),
    ]
    assert (plan.stored, plan.to_train, plan.to_evaluate, plan.saved) == (1, 5, 4, 0)
    by_key = {one.key: one for one in plan.stages}
    stacked = next(one for one in plan.stages if one.composition == "stack")
    assert [by_key[key].key for key in stacked.needs] == [squad.key[:12]]
    assert len(RunStore(suite["store"]).runs()) == 1
    adapterstilts.transfer("squad", "mlqa", compare=("full",), **SHOWN, **suite)
    after = adapterstilts.plan(adapterstilts.transfer, "squad", "mlqa", compare=("full",), **SHOWN, **suite)
    assert [one.key for one in after.stages] == [one.key for one in plan.stages]
    assert {one.state for one in after.stages} == {STORED} and all(one.folder.is_dir() for one in after.stages)
    forced = adapterstilts.plan(adapterstilts.transfer, "squad", "mlqa", force=True, **SHOWN, **suite)
    assert (forced.stored, forced.to_train) == (1, 2)  # what `--from` names is not made again


def test_what_targets_and_seeds_share_is_counted(quick: dict[str, Any]) -> None:
    """On release files, where XQuAD and MLQA are both trained on SQuAD."""
    plan = adapterstilts.plan(adapterstilts.transfer, "none", ["xquad", "mlqa"], seeds=2, languages=("en",), **quick)
    assert (plan.to_train, plan.to_evaluate, plan.saved) == (2, 4, 2)
    adapterstilts.train_intermediate("squad", **quick)
    two_step = {"composition": "fuse[target=two-step]", "languages": ("en",)}
    fused = adapterstilts.plan(adapterstilts.transfer, "squad", "xquad", **two_step, seeds=1, **quick)
    # The row without intermediate task is what the fusion has of the target: trained once for both.
    assert (fused.stored, fused.to_train, fused.saved) == (1, 2, 1)


def test_intermediate_stages_are_planned(suite: dict[str, Any]) -> None:
    together = adapterstilts.plan(adapterstilts.train_intermediate, ["squad", "mnli"], **suite)
    assert states(together) == [("train-intermediate", "squad+mnli", TO_TRAIN)]
    apart = adapterstilts.plan(adapterstilts.train_separately, ["squad", "mnli"], **suite)
    assert [label for _, label, _ in states(apart)] == ["squad", "mnli"]


@pytest.mark.slow
def test_grids_and_studies_are_planned(suite: dict[str, Any]) -> None:
    grid = adapterstilts.plan(adapterstilts.compare, "squad", ["xquad", "mlqa"], languages="en,de", seeds=1, **suite)
    assert (grid.to_train, grid.to_evaluate, grid.naive) == (5, 4, 8)
    study = adapterstilts.plan(adapterstilts.study, "languages", size="mini", store=suite["store"])
    assert study.to_train == 26 and study.naive == 78


def test_plans_are_text_of_eighty_columns_json_and_a_picture(suite: dict[str, Any], tmp_path: Path) -> None:
    plan = adapterstilts.plan(
        adapterstilts.transfer, "none", "mlqa", method="seq_bn[reduction_factor=8,leave_out=1]", **SHOWN, **suite
    )
    text = plan_text(plan)
    assert text.startswith("2 stages: 0 in the store, 1 to train, 1 to evaluate. Sharing saves 0 trainings.\n")
    assert max(map(len, text.splitlines())) <= 80 and all(one.key in text for one in plan.stages)
    costs = text.splitlines()[text.splitlines().index(f"Estimate for {plan.on}, threads: {plan.all.cores}") :]
    assert [line.split()[0] for line in costs[1:6]] == ["time", "compute", "hours", "memory", "disk"]
    drawn = plan_mermaid(plan).splitlines()
    train, evaluate = plan.stages
    assert drawn[0] == "flowchart LR" and f"  s{train.key} --> s{evaluate.key}" in drawn
    assert any(line.startswith(f'  s{train.key}["train-target<br/>mlqa<br/>seq_bn[') for line in drawn)


def test_the_picture_tells_seeds_apart_where_there_are_several(suite: dict[str, Any]) -> None:
    several = adapterstilts.plan(adapterstilts.transfer, "none", "mlqa", seeds=2, **SHOWN, **suite)
    assert [f"seed {seed}" in plan_mermaid(several) for seed in (42, 43, 44)] == [True, True, False]
    assert "seed" not in plan_mermaid(adapterstilts.plan(adapterstilts.transfer, "none", "mlqa", **SHOWN, **suite))


PLAN = """
import json, resource, sys, time
from adapterstilts.cli.main import main
begun = time.process_time()
try:
    main(sys.argv[1:])
finally:
    heavy = [name for name in ("torch", "transformers", "datasets", "adapters", "peft", "scipy") if name in sys.modules]
    print(json.dumps({"heavy": heavy, "seconds": time.process_time() - begun}), file=sys.stderr)
"""


def planned(words: list[str], folder: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    done = subprocess.run([sys.executable, "-c", PLAN, *words], capture_output=True, text=True, check=False, cwd=folder)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout), json.loads(done.stderr.splitlines()[-1])


def test_a_plan_for_another_machine_says_what_is_stored_and_what_is_missing(suite: dict[str, Any]) -> None:
    adapterstilts.train_intermediate("squad", **suite)
    flags = [part for name, value in suite.items() for part in (f"--{name.replace('_', '-')}", str(value))]
    words = ["transfer", "--from", "squad", "--to", "mlqa", "--no-baseline", "--languages", "en", "--plan", *flags]
    plan, _ = planned([*words, "--on", "h100", "--json"], suite["store"])
    stored, train, evaluate = sorted(plan["stages"], key=lambda one: one["stage"] != "train-intermediate")
    assert stored["cost"] is None and train["cost"]["flops"] > 0 and evaluate["cost"]["seconds"] > 0
    assert plan["on"] == "NVIDIA H100 SXM 80 GB" and plan["missing"] == plan["all"]
    assert plan["missing"]["kwh"] > 0 and plan["missing"]["memory"].keys() == {"host", "device"}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("command", "stages"),
    [
        ("train-intermediate squad --method seq_bn[leave_out=0-11]", ["train-intermediate"]),
        ("train-intermediate squad mnli --separately", ["train-intermediate"] * 2),
        ("transfer --from none --to xquad --seeds 1", ["train-target", "evaluate"]),
    ],
)
def test_what_the_hub_has_is_planned_by_its_published_shape_and_not_run(
    command: str, stages: list[str], tmp_path: Path
) -> None:
    """`HF_HUB_OFFLINE` is read when the library is imported, so that this is a process of its own."""
    environment = hub_environment(None, tmp_path)

    def run(*more: str) -> subprocess.CompletedProcess[str]:
        words = [sys.executable, "-m", "adapterstilts", *command.split(), *more]
        return subprocess.run(words, capture_output=True, text=True, check=False, cwd=tmp_path, env=environment)

    shown = run("--plan", "--on", "h100", "--json")
    assert shown.returncode == 0, shown.stderr
    plan = json.loads(shown.stdout)
    assert [one["stage"] for one in plan["stages"]] == stages and plan["missing"]["flops"] > 1e15
    assert "The Hub is out of reach: backbones are planned by their published shape" in shown.stderr
    refused = run()
    assert refused.returncode == 1 and "Could not get the backbone FacebookAI/xlm-roberta-large" in refused.stderr


NINE = "anli_plus,mnli,qqp,squad,squad_v2,hellaswag,ccg,cosmosqa,commonsenseqa"
TARGETS = "xnli,pawsx,udpos,panx,xquad,mlqa,tydiqa,xcopa,lareqa"


@pytest.mark.slow
def test_nine_intermediate_and_nine_target_tasks_are_planned_in_seconds(tmp_path: Path) -> None:
    """By the processor's time, which the machine's other work does not lengthen much; nothing large is imported."""
    words = ["transfer", "--from", NINE, "--to", TARGETS, "--profile", "mini", "--plan", "--json"]
    planned(words, tmp_path)  # what the libraries say of method and backbone is remembered from here on, by user
    plan, cost = planned(words, tmp_path)
    assert plan["to_evaluate"] == 90 and plan["stored"] == 9
    # Each target in ten rows; XCOPA takes two trainings a row.
    assert plan["to_train"] == 100 and plan["saved"] == 0
    assert cost["heavy"] == [] and cost["seconds"] < 3
    assert {path.name.split("-")[0] for path in tmp_path.glob("astilts-runs/[!.]*")} == {"shared"}


def test_a_command_that_the_store_answers_imports_nothing_large(suite: dict[str, Any], tmp_path: Path) -> None:
    adapterstilts.transfer("none", "mlqa", **SHOWN, **suite)
    flags = {**suite, **SHOWN, "languages": "en,de"}
    given = [part for name, value in flags.items() for part in (f"--{name.replace('_', '-')}", str(value))]
    rows, cost = planned(["transfer", "--from", "none", "--to", "mlqa", "--json", *given], tmp_path)
    assert rows["rows"][0]["languages"].keys() == {"en", "de"} and cost["heavy"] == []


@pytest.mark.parametrize(
    ("words", "message"),
    [("--format mermaid", "--format mermaid has no meaning without --plan"), ("--plan --format png", "png")],
)
def test_forms_of_a_plan_that_do_not_fit_are_refused(words: str, message: str, tmp_path: Path) -> None:
    command = ["transfer", "--from", "none", "--to", "mlqa", "--profile", "mini", *words.split()]
    done = subprocess.run(
        [sys.executable, "-m", "adapterstilts", *command], capture_output=True, text=True, check=False, cwd=tmp_path
    )
    assert done.returncode == 2 and message in done.stderr
