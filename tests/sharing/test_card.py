"""What a card claims: on which rows, on which machine, and under which data sets the Hub files it."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import pytest
from huggingface_hub import ModelCard

from adapterstilts.runs.specs import EvaluateSpec
from adapterstilts.sharing.card import CardFacts, model_card
from adapterstilts.sharing.licences import Licence
from adapterstilts.sharing.manifest import Evaluated, Manifest, read_manifest
from tests.package_tasks import recipe
from tests.runs.test_specs import evaluate_spec


@pytest.fixture
def manifest(shared_folder: Path) -> Manifest:
    return read_manifest(shared_folder, where="it")


def on_hub(manifest: Manifest, task: str = "squad") -> Manifest:
    """The same of a model that was trained on rows of the Hub."""
    (own,) = manifest.spec.tasks
    data = own.data.model_copy(update={"source": "hub", "task": task})
    spec = manifest.spec.model_copy(update={"tasks": (own.model_copy(update={"data": data}),)})
    return manifest.model_copy(update={"spec": spec})


def card_of(manifest: Manifest, *scored: EvaluateSpec, recipes: Any = (), scored_on: Any = ()) -> ModelCard:
    """The card as the Hub's own client reads it."""
    evaluations = tuple(Evaluated(spec=one, languages={"de": {"f1": 50.0, "exact_match": 40.0}}) for one in scored)
    facts = CardFacts("A model", recipes, Licence({"MIT": ("squad",)}, ()), "", (), scored_on=scored_on)
    return ModelCard(model_card(manifest.model_copy(update={"evaluations": evaluations}), facts))


def test_rows_of_the_embedded_suite_are_not_filed_as_the_data_set(manifest: Manifest) -> None:
    """Whoever compares models on the Hub would take their scores for those of the benchmark."""
    squad, xquad = recipe("squad"), recipe("xquad")
    card = card_of(manifest, evaluate_spec(source="mini"), recipes=[squad], scored_on=[xquad])
    found = {(one.dataset_type, one.dataset_split, one.metric_type): one for one in card.data.eval_results}
    test = found["adapterstilts-mini-xquad", "test", "f1"]
    assert test.metric_value == 50.0 and test.dataset_config == "de" and len(found) == 4
    assert test.dataset_name == "XQuAD (German; generated rows of the embedded suite)"
    validation = found["adapterstilts-mini-squad", "validation", "f1"]
    assert validation.dataset_name.startswith("SQuAD v1.1 (generated rows of the embedded suite), English validation")
    assert "datasets" not in card.data.to_dict()
    assert "SQuAD v1.1 (generated rows of the embedded suite) in English" in card.text
    assert "On `xquad`, split `test`, generated rows of the embedded suite:" in card.text
    real = card_of(on_hub(manifest), evaluate_spec(source="hub"), recipes=[squad], scored_on=[xquad])
    assert {one.dataset_type for one in real.data.eval_results} == {"xquad", "squad"}
    assert real.data.datasets == ["rajpurkar/squad"] and "embedded" not in real.content


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"max_examples": 400}, "400 rows of each language at most"),
        ({"language_adapters": {"de": "k" * 64}}, "with language adapters that are not part of it"),
        ({"language_sums": {"de": {"k" * 64: 1.0}}}, "with language adapters that are not part of it"),
        ({"translate_test": {"de": "f"}}, "translated into English"),
        ({"language_adapters": {"de": "none"}}, ""),
        ({"task": "lareqa", "kind": "retrieval", "source": "hub"}, "not the benchmark's rows"),
        ({"task": "lareqa", "kind": "retrieval", "source": "files"}, ""),
    ],
)
def test_scores_of_something_else_are_told_apart(changes: dict[str, Any], said: str, manifest: Manifest) -> None:
    spec = evaluate_spec(**{"options": recipe(changes["task"]).options if "task" in changes else {}, **changes})
    lareqa = recipe("lareqa")
    card = card_of(on_hub(manifest), spec, scored_on=[lareqa])
    text = card.text.partition("## Training")[0]
    names = {one.dataset_name for one in card.data.eval_results if one.dataset_split == "test"}
    assert (f", {said}:" in text) == bool(said) and all((f"; {said})" in name) == bool(said) for name in names)
    differs = lareqa.differs("hub", "test")
    assert differs and (f"with the benchmark's scores: {differs}." in text) == (said == "not the benchmark's rows")


def test_all_data_sets_of_a_task_are_named(manifest: Manifest) -> None:
    card = card_of(on_hub(manifest, "anli_plus"), recipes=[recipe("anli_plus")])
    assert card.data.datasets == ["facebook/anli", "nyu-mll/glue", "stanfordnlp/snli"]


def test_a_licence_that_nobody_stated_is_unknown_to_the_hub() -> None:
    """And is not one of a name of its own."""
    assert Licence({"not stated": ("tickets",)}, ()).hub_id == Licence({}, ()).hub_id == "unknown"
    several = Licence({"MIT": ("a",), "not stated": ("b",)}, ())
    assert several.hub_id == "other" and several.text == "a: MIT; b: not stated"
    assert Licence({"MIT": ("a",)}, ()).hub_id == "mit"


def test_a_model_of_the_cpu_was_not_trained_on_the_gpu_beside_it(manifest: Manifest) -> None:
    hardware = {"cpu": "x86_64", "gpu": "NVIDIA H200"}
    for device, name in (("cpu", "x86_64"), ("cuda", "NVIDIA H200")):
        made = manifest.provenance.model_copy(update={"hardware": hardware, "device": device})
        text = card_of(manifest.model_copy(update={"provenance": made})).text
        assert f" s on {name}\n" in text, device


def test_the_command_loads_a_backbone_in_4_bits_where_the_model_needs_it(manifest: Manifest) -> None:
    for quantization in (None, "nf4"):
        model = manifest.model.model_copy(update={"quantization": quantization})
        text = card_of(manifest.model_copy(update={"model": model})).text
        (line,) = (line for line in text.splitlines() if line.startswith("astilts transfer "))
        assert ("--load-in-4bit" in shlex.split(line)) == bool(quantization)


def test_a_folder_that_is_called_as_a_backbone_of_the_package_is_another_one(manifest: Manifest) -> None:
    base = manifest.base.model_copy(update={"name": "mini"})
    text = card_of(manifest.model_copy(update={"base": base})).text
    assert "--profile mini" not in text and "the folder where you have this backbone" in text
