"""One training stage: the gradient, the schedule, selection and resuming."""

from __future__ import annotations

import json
import os
import shutil
import signal
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

import adapterstilts
from adapterstilts.errors import AstiltsError, UsageError
from adapterstilts.mini.generators.span_qa import span_qa
from adapterstilts.modeling.storage import WEIGHTS
from adapterstilts.reporting.runs import runs_report
from adapterstilts.reporting.terminal import as_text
from adapterstilts.reporting.train_intermediate import training_summary
from adapterstilts.runs.store import RunStore
from adapterstilts.stages.ending import Terminated, ended_by_signals
from adapterstilts.stages.training import callbacks
from tests.conftest import write_squad

SEQ_BN = "seq_bn[reduction_factor=4]"


def log(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "log.jsonl").read_text(encoding="utf-8").splitlines()]


def assert_same_weights(one: Path, other: Path) -> None:
    first, second = load_file(one / WEIGHTS), load_file(other / WEIGHTS)
    assert first.keys() == second.keys()
    different = [name for name in first if not torch.equal(first[name], second[name])]
    assert different == []


@pytest.mark.parametrize("method", [SEQ_BN, "full"])
def test_loss_falls_and_result_describes_the_run(quick: dict[str, Any], method: str) -> None:
    result = adapterstilts.train_intermediate(
        "squad", method=method, **{**quick, "epochs": 8, "eval_steps": 18, "patience": 9}
    )
    losses = [entry["loss"] for entry in log(result.folder) if "loss" in entry]
    assert sum(losses[-18:]) < 0.99 * sum(losses[:18])  # a random backbone learns little
    assert result.steps == 8 * 18  # 144 training features in batches of 8; 16 of 160 examples are held out
    metrics = json.loads((result.folder / "metrics.json").read_text())
    assert metrics["train_examples"] == 144 and metrics["validation_examples"] == 16
    assert metrics["examples_seen"] == 8 * 144 and metrics["tokens_seen"] > 8 * 144 * 20
    assert result.stored_bytes == (result.folder / WEIGHTS).stat().st_size
    evaluations = {entry["step"]: entry["eval_score"] for entry in log(result.folder) if "eval_score" in entry}
    assert list(evaluations) == [18 * epoch for epoch in range(1, 9)]
    assert evaluations[result.best_step] == max(evaluations.values())
    assert result.validation["score"] == max(evaluations.values())


def test_learning_rate_rises_then_falls_linearly(quick: dict[str, Any]) -> None:
    result = adapterstilts.train_intermediate("squad", **{**quick, "epochs": 2, "warmup_ratio": 0.25})
    rates = {entry["step"]: entry["learning_rate"] for entry in log(result.folder) if "learning_rate" in entry}
    assert result.steps == 36
    # The logged rate is the one that the step used: 9 steps up, 27 down, peak 1e-3.
    for step, rate in rates.items():
        done = step - 1
        expected = 1e-3 * (done / 9 if done < 9 else (36 - done) / 27)
        assert rate == pytest.approx(expected), step


@pytest.mark.slow
def test_an_interval_that_is_never_reached_is_an_epoch(quick: dict[str, Any]) -> None:
    result = adapterstilts.train_intermediate("squad", **{**quick, "epochs": 2, "eval_steps": 37, "warmup_steps": 4})
    assert [entry["step"] for entry in log(result.folder) if "eval_score" in entry] == [18, 36]
    rates = {entry["step"]: entry["learning_rate"] for entry in log(result.folder) if "learning_rate" in entry}
    assert max(rates, key=rates.get) == 5 and rates[5] == pytest.approx(1e-3)  # type: ignore[arg-type]


@pytest.mark.slow
def test_without_validation_all_rows_are_trained_on_and_the_last_step_counts(
    quick: dict[str, Any], tmp_path: Path
) -> None:
    options = {**quick, "epochs": 2, "learning_rate": 3e-2}
    options.pop("max_validation_examples")
    result = adapterstilts.train_intermediate("squad", validation_from="none", **options)
    metrics = json.loads((result.folder / "metrics.json").read_text())
    assert metrics["train_examples"] == 160 and metrics["validation_examples"] == 0
    assert result.best_step == result.steps == 40 and result.validation == {} and metrics["best_score"] is None
    assert not any("eval_score" in entry for entry in log(result.folder))
    assert "160 trained on, none to select by" in training_summary(result)
    assert "last checkpoint" in as_text(runs_report(RunStore(quick["store"]).runs()))
    row = adapterstilts.transfer("squad", "xquad", languages="en", validation_from="none", **options).rows[1]
    assert row.validation is None and row.english
    with pytest.raises(UsageError, match="--select picks by English validation scores"):
        adapterstilts.transfer(["squad", "none"], "xquad", validation_from="none", select=True, **options)


@pytest.mark.slow
def test_checkpoints_are_selected_by_the_rows_that_are_given(quick: dict[str, Any], tmp_path: Path) -> None:
    rows = span_qa(split="test", language="en", size=12)
    write_squad(tmp_path / "mine.json", rows)
    result = adapterstilts.train_intermediate("squad", validation_from=tmp_path / "mine.json", **quick)
    metrics = json.loads((result.folder / "metrics.json").read_text())
    assert metrics["train_examples"] == 160 and metrics["validation_examples"] == 12
    write_squad(tmp_path / "mine.json", rows[:-1])
    assert adapterstilts.train_intermediate("squad", validation_from=tmp_path / "mine.json", **quick).key != result.key
    write_squad(tmp_path / "mine.json", [{**row, "answers": {"text": [], "answer_start": []}} for row in rows])
    with pytest.raises(AstiltsError, match=r"mine.json"):
        adapterstilts.train_intermediate("squad", validation_from=tmp_path / "mine.json", **quick)
    (tmp_path / "mine.json").write_text("")
    with pytest.raises(AstiltsError, match=r"mine.json is empty"):
        adapterstilts.train_intermediate("squad", validation_from=tmp_path / "mine.json", **quick)
    with pytest.raises(UsageError, match="--validation-from absent.json is not a file. Give train, none or a file"):
        adapterstilts.train_intermediate("squad", validation_from="absent.json", **quick)


@pytest.mark.parametrize("method", [SEQ_BN, "peft:adalora"])
def test_without_a_step_the_weights_are_as_they_were_drawn(method: str, quick: dict[str, Any]) -> None:
    result = adapterstilts.train_intermediate("squad", method=method, max_steps=0, **quick)
    assert (result.steps, result.best_step, result.cost.tokens_seen) == (0, 0, 0) and result.validation["score"] >= 0
    assert "compute      nothing was trained" in training_summary(result)


@pytest.mark.parametrize(("options", "steps"), [("", 1), ("[tinit=2]", 2), ("[tfinal=1]", 2)])
def test_rank_cannot_be_shifted_in_too_few_steps(options: str, steps: int, quick: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match=rf"of {steps} steps, .* leave none to shift rank.*2 steps at least"):
        adapterstilts.train_intermediate("squad", method=f"peft:adalora{options}", max_steps=steps, **quick)


@pytest.mark.slow
def test_training_rows_can_select_although_there_are_others(suite: dict[str, Any]) -> None:
    own, held_out = (
        adapterstilts.train_intermediate(
            "mnli", validation_from=given, **{**suite, "max_train_examples": None}, max_steps=8
        )
        for given in (None, "train")
    )
    trained = [sum(task.train_examples for task in one.tasks.values()) for one in (own, held_out)]
    assert trained[1] < trained[0] and own.key != held_out.key
    # The checkpoint was chosen by 16 of the suite's validation rows; what is compared is its score on all.
    metrics = json.loads((own.folder / "metrics.json").read_text())
    assert metrics["validation_examples"] == 16 and metrics["validation_all"]["examples"] == 300
    assert metrics["validation_all"]["accuracy"] == metrics["validation_all"]["score"] != metrics["best_score"]


@pytest.mark.slow
def test_micro_batches_do_not_change_the_result(quick: dict[str, Any], still: Path, tmp_path: Path) -> None:
    """The same gradient, whether a step is computed in one piece or in eight; dropout is off in this backbone."""
    folders = [
        adapterstilts.train_intermediate(
            "squad", **{**quick, "backbone": str(still), "store": tmp_path / name, "tokens_per_batch": tokens}
        ).folder
        for name, tokens in (("whole", 8 * 96), ("parts", 96))
    ]
    assert folders[0].name == folders[1].name  # the same key: it is the same result
    whole, parts = ([entry for entry in log(folder) if "grad_norm" in entry] for folder in folders)
    assert len(whole) == len(parts) == 18
    for name in ("loss", "grad_norm"):
        # The learning rate is 0 in the first step, so both have the same weights in the first two.
        assert [entry[name] for entry in whole[:2]] == pytest.approx([entry[name] for entry in parts[:2]], rel=1e-4)
        # Adam turns rounding noise in tiny gradients into whole steps, so later ones agree less.
        assert [entry[name] for entry in whole] == pytest.approx([entry[name] for entry in parts], rel=0.1)


@pytest.mark.slow
def test_seed_decides_the_result_and_nothing_else_does(quick: dict[str, Any], tmp_path: Path) -> None:
    folders = [
        adapterstilts.train_intermediate("squad", **{**quick, "store": tmp_path / name}, seed=seed).folder
        for name, seed in (("a", 1), ("b", 1), ("c", 2))
    ]
    assert_same_weights(folders[0], folders[1])
    with pytest.raises(AssertionError):
        assert_same_weights(folders[0], folders[2])


def test_best_checkpoint_is_restored_adapter_and_head(quick: dict[str, Any], tmp_path: Path) -> None:
    """A run whose best step is not its last has the weights of a run that ended there."""
    options = {**quick, "epochs": 12, "learning_rate": 3e-2, "max_validation_examples": 16, "warmup_ratio": 0.0}
    for seed in range(8):
        long = adapterstilts.train_intermediate("squad", **options, seed=seed)
        if long.best_step < long.steps:
            break
    else:
        pytest.fail("no seed had its best checkpoint before the end")
    # Scoring the published weights again gives the score that chose them, and not the last one.
    last = [entry["eval_score"] for entry in log(long.folder) if "eval_score" in entry][-1]
    assert last < long.validation["score"]
    rescored = _score_on_validation(options, long, seed)
    assert rescored == pytest.approx(long.validation["score"])


@dataclass
class Prepared:
    """What a stage works with, prepared once more outside it."""

    setup: Any
    spec: Any
    kind: Any
    rows: Any
    features: Any
    collator: Any


def prepare(options: dict[str, Any], *, training: bool) -> Prepared:
    """The training data of an intermediate stage, or its validation data."""
    from adapterstilts.commands.options import TrainingOptions, read_options
    from adapterstilts.commands.setup import make_planner
    from adapterstilts.data.bad_rows import BadRows
    from adapterstilts.data.features import encode
    from adapterstilts.data.splits import training_rows
    from adapterstilts.stages.collate import build_collator
    from adapterstilts.stages.training_spec import plan_training

    planner = make_planner(read_options(TrainingOptions, options))
    setup, squad = planner.setup, planner.setup.catalogue.recipe("squad")
    spec = plan_training(planner, [squad], "train-intermediate").spec
    kind = setup.catalogue.build_kind(spec.only)
    both = training_rows(setup.source, squad, spec.only.data, BadRows(skip=False))
    rows = both[0 if training else 1]
    features = encode(
        rows,
        identity=f"prepared again, training: {training}",
        kind=kind,
        tokenizer=setup.backbone.tokenizer(),
        encoding=spec.only.encoding,
        labels=training,
        cache=setup.store.cache,
    )
    return Prepared(setup, spec, kind, rows, features, build_collator(setup, spec.only.encoding.max_length))


def _score_on_validation(options: dict[str, Any], result: Any, seed: int) -> float:
    from adapterstilts.modeling.storage import StoredModel
    from adapterstilts.stages.answering.predict import predict

    data = prepare({**options, "seed": seed}, training=False)
    model = StoredModel.read(result.folder).restore(data.setup.backbone, precision="fp32")
    logits = predict(model, data.features, task="squad", collator=data.collator)
    gold = data.rows.to_list()
    answers = data.kind.decode(gold, data.features, logits, {})
    return data.kind.main_score(data.kind.score(answers, gold, metric="squad", language="en").metrics)


@pytest.mark.slow
def test_of_many_weights_a_checkpoint_is_written_by_time_and_the_best_ones_alone(
    quick: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The result is the same, also where it was killed or ended by a signal on the way."""
    options = {**quick, "epochs": 3, "method": "full", "learning_rate": 3e-3, "max_validation_examples": 16}
    usual = trained_alone(options, tmp_path / "usual")
    assert {path.name for path in usual.checkpoints if (path / "optimizer.safetensors").is_file()} >= {"checkpoint-54"}
    monkeypatch.setattr(callbacks, "LARGE_BYTES", 0)
    large = trained_alone(options, tmp_path / "large")
    assert large.result.best_step < 54
    assert [path.name for path in large.checkpoints] == [f"checkpoint-{large.result.best_step}", "checkpoint-54"]
    assert not any((path / "optimizer.safetensors").exists() for path in large.checkpoints)
    again = trained_alone(options, tmp_path / "large")  # as if it had been killed before it was published
    shutil.rmtree(tmp_path / "large/checkpoints/checkpoint-54")
    anew = trained_alone(options, tmp_path / "large")  # as if it had been killed before the last step
    assert (again.result.resumed_from, anew.result.resumed_from) == (54, 0)
    with pytest.raises(Terminated) as ended, ended_by_signals():
        trained_alone(options, tmp_path / "ended", signal_at=39)
    assert ended.value.step == 40
    resumed = trained_alone(options, tmp_path / "ended")
    assert resumed.result.resumed_from == 40
    for one in (large, again, anew, resumed):
        assert (one.result.best_step, one.result.validation) == (usual.result.best_step, usual.result.validation)
        assert all(torch.equal(tensor, usual.weights[name]) for name, tensor in one.weights.items())


@dataclass
class TrainedAlone:
    """A training outside its stage, which would delete its checkpoints."""

    result: Any
    weights: dict[str, torch.Tensor]
    checkpoints: list[Path]


def trained_alone(options: dict[str, Any], work: Path, signal_at: int | None = None) -> TrainedAlone:
    """Trains as a stage does; `signal_at` is the step after which the process is told to end."""
    from transformers import set_seed

    from adapterstilts.modeling.composing import start_model
    from adapterstilts.stages.training.tracking import Tracking
    from adapterstilts.stages.training.trainer import TaskPart, train
    from adapterstilts.stages.training.validation import scored

    data, held_out = (prepare(options, training=training) for training in (True, False))
    gold = held_out.rows.to_list()

    def score(logits: Any) -> dict[str, float]:
        return scored(data.spec.only, data.kind, gold, held_out.features, logits, {})

    def progress(step: int, steps: int, logged: Any) -> None:
        if step == signal_at and not logged:
            os.kill(os.getpid(), signal.SIGTERM)

    set_seed(data.spec.seed)
    model = start_model(data.spec, data.setup.backbone, [], heads={"squad": data.kind.head()}, source_task=None)
    part = TaskPart("squad", data.features, held_out.features, score, data.collator)
    tracking = Tracking(names=(), stage="squad", folder=work, spec={}, on_progress=progress)
    work.mkdir(exist_ok=True)
    result = train(model, [part], spec=data.spec, work=work, tracking=tracking)
    weights = {name: tensor.detach().clone() for name, tensor in model.stored()}
    return TrainedAlone(result, weights, sorted((work / "checkpoints").glob("checkpoint-*")))


def test_training_stops_early_when_nothing_improves(quick: dict[str, Any]) -> None:
    result = adapterstilts.train_intermediate(
        "squad", **{**quick, "epochs": 50, "learning_rate": 1e-9, "eval_steps": 3, "patience": 2}
    )
    assert result.steps == 9  # the first evaluation is the best one, two more show no gain
    assert result.best_step == 3


def test_diverged_loss_is_an_error(quick: dict[str, Any], tmp_path: Path) -> None:
    """With weights that are so large, products are beyond the largest number."""
    backbone = shutil.copytree(quick["backbone"], tmp_path / "huge")
    weights = {name: tensor * 1e30 for name, tensor in load_file(backbone / "model.safetensors").items()}
    save_file(weights, backbone / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(AstiltsError, match=r"The loss is (nan|inf) at step \d+. Lower --learning-rate"):
        adapterstilts.train_intermediate("squad", **{**quick, "backbone": str(backbone), "method": "full"})


def test_a_step_is_that_of_adamw_with_clipped_gradients(quick: dict[str, Any], still: Path, tmp_path: Path) -> None:
    """Two steps by hand, on the same batches, give the same weights: clipping and weight decay included."""
    options = {
        **quick, "backbone": str(still), "method": "full", "max_train_examples": 16, "warmup_ratio": 0.0,
        "max_grad_norm": 0.05, "weight_decay": 0.5, "batch_size": 8,
    }  # fmt: skip
    result = adapterstilts.train_intermediate("squad", **options)
    assert result.steps == result.best_step == 2
    by_hand = _train_by_hand(options)
    trained = load_file(result.folder / WEIGHTS)
    assert trained.keys() == by_hand.keys()
    for name, tensor in trained.items():
        # What is added to all scores alike has no gradient but rounding, of which Adam takes the sign: either way.
        shifts = name.endswith(("qa_outputs.bias", "key.bias"))
        assert torch.allclose(tensor, by_hand[name], atol=2 * 2 * options["learning_rate"] if shifts else 1e-5), name


def _train_by_hand(options: dict[str, Any]) -> dict[str, torch.Tensor]:
    from transformers import set_seed

    from adapterstilts.data.batching import LengthBatches
    from adapterstilts.modeling.composing import start_model

    data = prepare(options, training=True)
    set_seed(data.spec.seed)
    model = start_model(data.spec, data.setup.backbone, [], heads={"squad": data.kind.head()}, source_task=None).train()
    decayed = {name for name, _ in model.named_parameters() if "bias" not in name and "LayerNorm" not in name}
    groups = [
        {"params": [p for n, p in model.named_parameters() if (n in decayed) == decay], "weight_decay": 0.5 * decay}
        for decay in (True, False)
    ]
    optimizer = torch.optim.AdamW(groups, lr=1e-3, betas=(0.9, 0.999), eps=1e-8)
    columns = data.features.remove_columns(["row", "length"])
    batches = LengthBatches(data.features["length"][:], batch_size=8, seed=data.spec.seed)
    for step, batch in enumerate(batches):
        for group in optimizer.param_groups:
            group["lr"] = 1e-3 * (2 - step) / 2
        (micro,) = data.collator([columns[index] for index in batch])
        optimizer.zero_grad()
        model(task="squad", **micro)["loss"].backward()
        norm = torch.nn.utils.clip_grad_norm_(model.parameters(), 0.05)
        assert norm > 0.05
        optimizer.step()
    return {name: parameter.detach() for name, parameter in model.named_parameters()}
