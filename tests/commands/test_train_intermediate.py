"""Several intermediate tasks trained together: one shared adapter or backbone, a head for each."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

import adapterstilts
from adapterstilts.errors import DataError, UsageError
from adapterstilts.modeling.storage import WEIGHTS
from adapterstilts.reporting.runs import runs_report
from adapterstilts.reporting.terminal import as_text
from adapterstilts.reporting.train_intermediate import training_summary
from adapterstilts.reporting.transfer import transfer_tables
from adapterstilts.runs.store import RunStore
from adapterstilts.stages.reporter import Silent
from tests.stages.training.test_trainer import assert_same_weights, log

SEQ_BN = "seq_bn[reduction_factor=4]"
TASKS = ["squad", "hellaswag"]


def heads_of(weights: dict[str, torch.Tensor]) -> set[str]:
    return {name.split(".")[1] for name in weights if name.startswith("heads.")}


def start_of(run_folder: Path, options: dict[str, Any]) -> dict[str, torch.Tensor]:
    """The parameters with which a stage began."""
    from transformers import set_seed

    from adapterstilts.commands.options import IntermediateOptions, read_options
    from adapterstilts.commands.setup import make_planner
    from adapterstilts.modeling.composing import start_model
    from adapterstilts.runs.store import Run
    from adapterstilts.stages.heads import heads_of

    spec, setup = Run(run_folder).training, make_planner(read_options(IntermediateOptions, options)).setup
    set_seed(spec.seed)
    model = start_model(spec, setup.backbone, [], heads=heads_of(spec, setup.catalogue), source_task=None)
    return {name: parameter.detach() for name, parameter in model.named_parameters()}


@pytest.mark.slow
@pytest.mark.parametrize("method", [SEQ_BN, "full"])
def test_what_is_shared_and_every_head_are_trained_and_nothing_else(suite: dict[str, Any], method: str) -> None:
    result = adapterstilts.train_intermediate(TASKS, **{**suite, "method": method, "epochs": 2})
    trained, begun = load_file(result.folder / WEIGHTS), start_of(result.folder, {**suite, "method": method})
    assert heads_of(trained) == set(TASKS)
    own = [name for name in trained if "adapters" in name.split(".") or name.startswith("heads.")]
    if method == "full":
        assert set(trained) == set(begun)
    else:
        assert sorted(own) == sorted(trained)  # the frozen backbone is not stored
        assert {part for name in own for part in name.split(".") if part == "squad+hellaswag"} == {"squad+hellaswag"}
    for task in TASKS:
        changed = [not torch.equal(trained[name], begun[name]) for name in trained if name.startswith(f"heads.{task}.")]
        assert changed and all(changed)
    assert sum(not torch.equal(trained[name], begun[name]) for name in own if name.startswith("backbone.")) >= (
        0 if method == "full" else 4
    )
    assert result.parameters["trained"] == sum(tensor.numel() for tensor in trained.values())


def test_each_task_is_measured_and_the_mean_selects(suite: dict[str, Any]) -> None:
    result = adapterstilts.train_intermediate(TASKS, **{**suite, "epochs": 3, "eval_steps": 3, "patience": 9})
    metrics = json.loads((result.folder / "metrics.json").read_text())
    evaluations = [entry for entry in log(result.folder) if "eval_score" in entry]
    assert [entry["step"] for entry in evaluations] == [3, 6, 9, 12, 15, 18]  # 24 + 24 examples in batches of 8
    for entry in evaluations:
        mean = (entry["eval_squad/score"] + entry["eval_hellaswag/score"]) / 2
        assert entry["eval_score"] == pytest.approx(mean)
        assert entry["eval_squad/score"] == (entry["eval_squad/exact_match"] + entry["eval_squad/f1"]) / 2
        assert entry["eval_hellaswag/score"] == entry["eval_hellaswag/accuracy"]
    assert metrics["best_score"] == max(entry["eval_score"] for entry in evaluations)
    assert metrics["train_examples"] == 48 and metrics["validation_examples"] == 32
    assert metrics["examples_seen"] == 3 * 48 and metrics["calibration"] == {"squad": {}, "hellaswag": {}}
    for task in TASKS:
        counts = metrics["tasks"][task]
        assert counts["train_examples"] == counts["train_features"] == 24 and counts["validation_examples"] == 16
        assert counts["examples_seen"] == 72 and counts["tokens_seen"] > 72 * 20
        assert result.tasks[task].examples_seen == 72
    assert metrics["tokens_seen"] == sum(metrics["tasks"][task]["tokens_seen"] for task in TASKS)
    assert result.tasks["squad"].validation["f1"] == result.validation["squad/f1"]
    text = training_summary(result)
    assert "2 tasks, " in text and "sampling proportional" in text
    assert f"accuracy {result.validation['hellaswag/accuracy']:.1f}, 72 features seen" in text
    assert f"  validation   mean {result.validation['score']:.1f} (English)" in text
    assert f"--from squad+hellaswag@{result.key[:12]}" in text
    assert "squad+hellaswag" in as_text(runs_report(RunStore(suite["store"]).runs()))


def test_masked_language_modelling_is_measured_but_does_not_select(suite: dict[str, Any]) -> None:
    """Minus a perplexity cannot be averaged with percent. What is chosen on validation data is kept by task."""
    result = adapterstilts.train_intermediate(["squad_v2", "mlm"], **suite)
    assert result.validation["score"] == result.validation["squad_v2/score"]
    assert result.validation["mlm/score"] == -result.validation["mlm/perplexity"] < -1
    (run,) = RunStore(suite["store"]).runs()
    assert set(run.metrics["calibration"]) == {"squad_v2", "mlm"} and run.metrics["calibration"]["mlm"] == {}
    assert list(run.metrics["calibration"]["squad_v2"]) == ["no_answer_threshold"]
    assert not [name for name in result.validation if "calibrated" in name]


def test_one_task_in_a_list_or_with_all_around_is_that_task(quick: dict[str, Any]) -> None:
    """The release files have training data of SQuAD alone."""
    notes: list[str] = []

    class Notes(Silent):
        def note(self, message: str) -> None:
            notes.append(message)

        def trained(self, stage: str, step: int, steps: int, logged: dict[str, float]) -> None: ...

        def track(self, batches: Any, total: int, label: str) -> Any:
            return batches

    alone = adapterstilts.train_intermediate("squad", **quick)
    assert alone.sampling is None and list(alone.tasks) == ["squad"]
    assert alone.tasks["squad"].validation == alone.validation
    assert adapterstilts.train_intermediate(["squad"], **quick) == alone
    assert adapterstilts.train_intermediate("all", reporter=Notes(), **quick) == alone
    assert notes[0].startswith("all: squad; without training data: anli_plus, ccg") and "mlm" not in notes[0]
    with pytest.raises(DataError, match="has training data of no intermediate task"):
        adapterstilts.train_intermediate("all", **{**quick, "data_dir": quick["store"]})


def test_separately_is_what_separate_commands_do(suite: dict[str, Any], tmp_path: Path) -> None:
    results = adapterstilts.train_separately(TASKS, **suite)
    assert [result.task for result in results] == TASKS
    alone = adapterstilts.train_intermediate("hellaswag", **{**suite, "store": tmp_path / "other"})
    assert results[1].key == alone.key
    assert_same_weights(results[1].folder, alone.folder)


@pytest.mark.slow
def test_commands_print_one_result_or_a_list(suite: dict[str, Any]) -> None:
    from click.testing import CliRunner

    from adapterstilts.cli.train_intermediate import train_intermediate

    flags = [part for name, value in suite.items() for part in (f"--{name.replace('_', '-')}", str(value))]
    together = CliRunner().invoke(train_intermediate, [*TASKS, *flags, "--json"])
    assert list(json.loads(together.stdout)["tasks"]) == TASKS
    apart = CliRunner().invoke(train_intermediate, [*TASKS, *flags, "--separately", "--json"])
    assert [one["task"] for one in json.loads(apart.stdout)] == TASKS
    summaries = CliRunner().invoke(train_intermediate, [*TASKS, *flags, "--separately"]).stdout
    assert summaries.index("SQuAD v1.1, ") < summaries.index("HellaSwag, ") and summaries.count("  next ") == 2


@pytest.mark.slow
def test_transfer_from_tasks_trained_together(suite: dict[str, Any]) -> None:
    options = {**suite, "max_eval_examples": 8, "languages": ("en", "de")}
    run = adapterstilts.train_intermediate(["squad", "mnli", "hellaswag"], **suite)
    for source in ("mnli+hellaswag+squad", f"squad+mnli+hellaswag@{run.key[:12]}"):
        (row,) = adapterstilts.transfer(source, "xquad", baseline=False, **options).rows
        assert row.intermediate == f"squad+mnli+hellaswag@{run.key[:12]}" and row.composition == "stack"
        assert row.intermediate in transfer_tables(adapterstilts.TransferResult([row]))
    for source, message in (
        ("squad", "has no intermediate run of squad"),
        ("squad+mnli", "Train it first: astilts train-intermediate squad mnli --profile mini"),
        (f"squad+mnli@{run.key[:12]}", "is not an intermediate run of squad.mnli"),
        ("squad+squad", "the task 'squad' is given twice"),
        ("squad+sqad", "Unknown task 'sqad'. Did you mean 'squad'"),
    ):
        with pytest.raises(UsageError, match=message):
            adapterstilts.transfer(source, "xquad", **options)


@pytest.mark.slow
def test_a_target_goes_on_with_the_head_of_its_own_form(suite: dict[str, Any]) -> None:
    """XCOPA is trained on Social IQa: multiple choice, as HellaSwag is, and as MNLI is not."""
    options = {**suite, "max_eval_examples": 8, "languages": ("en",), "baseline": False, "head": "reuse"}
    source = adapterstilts.train_intermediate(["squad", "hellaswag"], **suite)
    # With no learning to speak of, the head stays as it was taken over.
    slow = {**options, "learning_rate": 1e-12}
    (row,) = adapterstilts.transfer("squad+hellaswag", "xquad", **slow).rows
    before, after = load_file(source.folder / WEIGHTS), load_file(Path(str(row.trained)) / WEIGHTS)
    (head,) = heads_of(after)
    assert torch.allclose(after[f"heads.{head}.qa_outputs.weight"], before["heads.squad.qa_outputs.weight"])
    adapterstilts.transfer("squad+hellaswag", "xcopa", **{**slow, "languages": ("zh",)})
    (siqa,) = [run for run in RunStore(suite["store"]).runs() if run.spec.task == "siqa"]
    taken = load_file(siqa.folder / WEIGHTS)
    assert torch.allclose(taken["heads.siqa.dense.weight"], before["heads.hellaswag.dense.weight"])
    with pytest.raises(Exception, match="--head reuse: .* has no 'classification' head"):
        adapterstilts.transfer("squad+hellaswag", "xnli", **slow)


def test_two_orders_of_the_same_tasks_are_told_apart(suite: dict[str, Any]) -> None:
    """What the tasks share is the first one's, so the order can matter."""
    options = {**suite, "max_eval_examples": 8, "languages": ("en",), "baseline": False}
    for tasks in (TASKS, TASKS[::-1]):
        adapterstilts.train_intermediate(tasks, **suite)
    for tasks in (TASKS, TASKS[::-1]):
        (row,) = adapterstilts.transfer("+".join(tasks), "xquad", **options).rows
        assert row.intermediate.startswith("+".join(tasks))
