from __future__ import annotations

import json
import math
from typing import Any

import pytest
from pydantic import ValidationError

from adapterstilts.errors import UsageError
from adapterstilts.runs.rivals import FrozenClassifier, Prompted
from adapterstilts.runs.specs import (
    Budget,
    Choice,
    EvaluateSpec,
    MethodSpec,
    Sampling,
    TaskSpec,
    TrainSpec,
    canonical_json,
    key,
    read_spec,
)
from adapterstilts.runs.training_data import TrainingData
from adapterstilts.settings import Encoding, Optimisation, Settings, validate

SQUAD = TaskSpec(
    kind="span_qa",
    options={},
    metric="squad",
    data=TrainingData(task="squad", source="files", fingerprints={"train": {"en": "a"}}, holdout=500),
    encoding=Encoding(max_length=384, stride=128, max_query_length=64),
)


def train_spec(**changes: Any) -> TrainSpec:
    values: dict[str, Any] = {
        "stage": "train-target",
        "tasks": (SQUAD,),
        "backbone": "sha256:0",
        "precision": "fp32",
        "method": MethodSpec(name="seq_bn"),
        "method_config": {},
        "composition": Choice(name="none"),
        "head": "new",
        "settings": Optimisation(),
        "seed": 42,
    }
    return TrainSpec(**{**values, **changes})


def evaluate_spec(**changes: Any) -> EvaluateSpec:
    values: dict[str, Any] = {
        "task": "xquad",
        "kind": "span_qa",
        "options": {},
        "metric": "squad",
        "source": "files",
        "split": "test",
        "fingerprints": {"en": "a", "de": "b"},
        "backbone": "sha256:0",
        "max_examples": None,
        "skip_bad_rows": False,
        "encoding": Encoding(max_length=384, stride=128, max_query_length=64),
        "precision": "fp32",
        "inputs": ("k",),
    }
    return EvaluateSpec(**{**values, **changes})


# A change of each field has to change the key; `version` and `stage` have one possible value in some specs.
CHANGES: dict[str, Any] = {
    "stage": "train-intermediate",
    "kind": "tagging",
    "options": {"n_best": 5},
    "metric": "mlqa",
    "tasks": (SQUAD, SQUAD),
    "sampling": Sampling(strategy="uniform"),
    "backbone": "sha256:1",
    "precision": "bf16",
    "method": MethodSpec(name="seq_bn", options={"reduction_factor": 2}),
    "method_config": {"reduction_factor": 2},
    "composition": Choice(name="stack"),
    "head": "reuse",
    "settings": Optimisation(epochs=3),
    "seed": 43,
    "inputs": ("other",),
    "language_adapter": "k",
    "language_adapter_drop": 1,
    "language_adapters": {"de": "k"},
    "quantization": "nf4",
    "budget": Budget(unit="steps", of=("a",)),
    "first_weights": 0,
    "translate_test": {"de": "translated"},
    "rival": FrozenClassifier(name="knn", tasks=(SQUAD,), values=(5,)),
    "language_sums": {"de": {"k": 0.5, "l": 0.5}},
    "task": "mlqa",
    "source": "hub",
    "split": "validation",
    "fingerprints": {"en": "a", "de": "c"},
    "calibration": {"de": "d"},
    "max_examples": 10,
    "skip_bad_rows": True,
    "encoding": Encoding(max_length=384, stride=64, max_query_length=64),
}


@pytest.mark.parametrize("build", [train_spec, evaluate_spec])
def test_every_field_decides_the_key(build: Any) -> None:
    spec = build()
    fields = set(type(spec).model_fields) - {"version"} - ({"stage"} if isinstance(spec, EvaluateSpec) else set())
    assert len(fields) > 10
    for name in fields:
        assert key(build(**{name: CHANGES[name]})) != key(spec), name


TASK_CHANGES: dict[str, Any] = {
    "kind": "tagging",
    "options": {"n_best": 5},
    "metric": "mlqa",
    "data": TrainingData(task="mlqa", source="files", fingerprints={"train": {"en": "a"}}, holdout=500),
    "encoding": Encoding(max_length=384, stride=64, max_query_length=64),
}


@pytest.mark.parametrize("field", sorted(TaskSpec.model_fields))
def test_every_field_of_a_task_decides_the_key(field: str) -> None:
    changed = SQUAD.model_copy(update={field: TASK_CHANGES[field]})
    assert key(train_spec(tasks=(changed,))) != key(train_spec())


def test_empty_defaults_are_left_out_of_the_key() -> None:
    for name in ("language_adapter", "sampling", "average_checkpoints", "first_weights"):
        assert name not in canonical_json(train_spec())
    assert '"warmup_ratio":0.0' in canonical_json(train_spec(settings=Optimisation(warmup_ratio=0)))


@pytest.mark.parametrize("field", sorted(Optimisation.model_fields))
def test_every_setting_decides_the_key(field: str) -> None:
    value = getattr(Optimisation(), field)
    others = {bool: not value, float: value and value / 2, int: value and value - 1}
    changed = Optimisation(**{field: others.get(type(value), 7)})
    assert key(train_spec(settings=changed)) != key(train_spec())


def test_key_does_not_depend_on_the_order_of_mappings() -> None:
    spec = evaluate_spec(fingerprints={"en": "a", "de": "b"})
    assert key(spec) == key(evaluate_spec(fingerprints={"de": "b", "en": "a"}))
    assert len(key(spec)) == 64


def test_spec_survives_its_canonical_json() -> None:
    for spec in (train_spec(), evaluate_spec()):
        again = type(spec).model_validate_json(canonical_json(spec))
        assert key(again) == key(spec)


def test_unknown_key_is_refused_with_suggestion() -> None:
    with pytest.raises(UsageError, match=r"recipe x: Unknown key 'epoch'\. Did you mean 'epochs'"):
        validate(Settings, {"epoch": 1}, where="recipe x")


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"epochs": 0}, "epochs: Input should be greater than 0 .given: 0."),
        ({"learning_rate": "fast"}, "learning_rate: .*valid number.*'fast'"),
    ],
)
def test_bad_value_names_key_and_value(values: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        validate(Settings, values, where="flags")


def test_specs_are_frozen() -> None:
    with pytest.raises(Exception, match="frozen"):
        train_spec().seed = 1  # type: ignore[misc]


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 10**500])
def test_numbers_that_json_does_not_have_never_get_into_a_spec(value: float) -> None:
    """NaN, infinity and None would have the same JSON, and with it the same key."""
    for build in (
        lambda: Choice(name="seq_bn", options={"scaling": value}),
        lambda: MethodSpec(name="seq_bn", options={"leave_out": [1, {"a": value}]}),
        lambda: train_spec(method_config={"scaling": value}),
        lambda: train_spec(tasks=(TaskSpec(**{**dict(SQUAD), "options": {"n_best": value}}),)),
        lambda: evaluate_spec(options={"n_best": value}),
        lambda: Sampling(strategy="temperature", temperature=value if isinstance(value, float) else math.inf),
        lambda: Optimisation(epochs=value if isinstance(value, float) else math.inf),
    ):
        with pytest.raises(ValidationError):
            build()
    # Copies are not validated again, so the key is looked after by itself.
    copied = train_spec().model_copy(update={"method_config": {"scaling": value}})
    with pytest.raises(ValueError, match="not a finite number|too many digits"):
        key(copied)
    assert key(train_spec(method_config={"scaling": None})) != key(train_spec(method_config={"scaling": 1.0}))


@pytest.mark.parametrize(
    "given", [{"validation": {"en": "a"}}, {"train": {}}, {"train": {"en": "a"}, "validation": {}}]
)
def test_training_data_have_a_training_split_with_a_language(given: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="need the split train, and each split a language"):
        TrainingData(task="squad", source="files", fingerprints=given)


def test_data_that_are_not_known_have_no_language() -> None:
    assert TrainingData(task="squad", source="", fingerprints={}).languages == ()


def test_everything_about_a_classifier_decides_the_key() -> None:
    """And of two of them, what one learns from is told whole: a spec in it is as good as one of its own."""
    rival = FrozenClassifier(name="knn", tasks=(SQUAD,), values=(1, 5), max_validation_examples=10)
    changes: dict[str, Any] = {
        "name": "logreg",
        "tasks": (SQUAD.model_copy(update={"metric": "mlqa"}),),
        "values": (1, 10),
        "max_validation_examples": 11,
    }
    assert changes.keys() == FrozenClassifier.model_fields.keys()
    keys = {key(evaluate_spec(rival=rival.model_copy(update={name: value}))) for name, value in changes.items()}
    assert len(keys | {key(evaluate_spec(rival=rival)), key(evaluate_spec())}) == len(changes) + 2
    assert read_spec(json.loads(canonical_json(evaluate_spec(rival=rival)))) == evaluate_spec(rival=rival)


def test_everything_about_a_prompt_decides_the_key() -> None:
    """Beside the decoder, which is the evaluation's backbone."""
    prompt = Prompted(name="prompt", harness="0.4.13", templates={"de": "xnli_de"})
    others = [prompt.model_copy(update=one) for one in ({"harness": "0.5"}, {"templates": {"de": "xnli_at"}})]
    specs = [evaluate_spec(rival=one) for one in (prompt, *others, None)]
    assert len(set(map(key, specs))) == 4
    assert [read_spec(json.loads(canonical_json(one))) for one in specs] == specs
