"""Language adapters in a transfer: trained over the English one, evaluated with each language's own."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

import adapterstilts
from adapterstilts import api
from adapterstilts.errors import AstiltsError, CompatibilityError, UsageError
from adapterstilts.mini.generators.span_qa import span_qa
from adapterstilts.reporting.transfer import transfer_tables
from adapterstilts.runs.specs import EvaluateSpec, TrainSpec
from adapterstilts.runs.store import Run, RunStore
from tests.conftest import QUICK

SHOWN = {"languages": ("en", "de", "zh"), "max_eval_examples": 16}


@pytest.fixture(scope="module")
def texts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with plain text in English and German."""
    data = tmp_path_factory.mktemp("texts")
    (data / "mlm").mkdir()
    for code in ("en", "de"):
        stories = dict.fromkeys(row["context"] for row in span_qa(split="train", language=code, size=60))
        (data / f"mlm/{code}.txt").write_text("\n".join(stories) + "\n", encoding="utf-8")
    return data


@pytest.fixture(scope="module")
def trained(
    tiny_backbone: Path, releases: Path, texts: Path, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Any]:
    """Options with which a store has language adapters of English and German, and an intermediate run of squad."""
    options = {**QUICK, "profile": "mini", "backbone": str(tiny_backbone), "store": tmp_path_factory.mktemp("store")}
    for code in ("en", "de"):
        # So fast that after a few steps they differ enough to be seen in what is predicted over them.
        api.train_language(code, **{**options, "data_dir": texts, "learning_rate": 0.5})
    adapterstilts.train_intermediate("squad", **{**options, "data_dir": releases})
    return {**options, "max_train_examples": 24, "learning_rate": 0.01}


@pytest.fixture
def mini(trained: dict[str, Any], tmp_path: Path) -> dict[str, Any]:
    """The same with a store of the test's own."""
    shutil.copytree(trained["store"], tmp_path / "store")
    return {**trained, "store": tmp_path / "store"}


def languages(options: dict[str, Any]) -> dict[str, Run]:
    runs = [run for run in RunStore(options["store"]).runs() if run.spec.stage == "train-language"]
    return {run.spec.only.data.languages[0]: run for run in runs if isinstance(run.spec, TrainSpec)}


@pytest.mark.slow
def test_every_row_is_trained_over_english_and_evaluated_with_each_languages_own(mini: dict[str, Any]) -> None:
    runs = languages(mini)
    english, german = (runs[code] for code in ("en", "de"))
    options = {**mini, **SHOWN, "language_fallback": "en"}
    result = adapterstilts.transfer("squad", "xquad", language_adapters=True, language_adapter_drop=1, **options)
    used = {"en": english.key, "de": german.key, "zh": english.key}
    labels = {
        "en": f"en@{english.short_key}",
        "de": f"de@{german.short_key}",
        "zh": f"en@{english.short_key} (fallback)",
    }
    assert [row.intermediate.partition("@")[0] for row in result.rows] == ["none", "squad"]
    for row in result.rows:
        assert row.trained is not None
        target, evaluation = Run(row.trained).spec, Run(row.folder).spec
        assert isinstance(target, TrainSpec) and isinstance(evaluation, EvaluateSpec)
        assert (target.language_adapter, target.language_adapter_drop) == (english.key, 1)
        assert evaluation.language_adapters == used
        assert row.language_adapters == labels
        assert row.language_adapter == f"en@{english.short_key}, left out of the last layer"
    text = transfer_tables(result)
    assert f"de de@{german.short_key}, zh en@{english.short_key} (fallback)" in text
    assert f"trained over en@{english.short_key}" in text


def test_a_languages_adapter_decides_its_scores_alone(mini: dict[str, Any]) -> None:
    """Without a fallback adapter, Chinese changes; English and German, which have their own, do not."""
    predicted = {}
    for fallback in ("none", "en"):
        options = {**mini, **SHOWN, "language_fallback": fallback}
        (row,) = adapterstilts.transfer("none", "xquad", language_adapters=True, **options).rows
        predicted[fallback] = {code: row.predictions(code) for code in ("en", "de", "zh")}
        label = "none (fallback)" if fallback == "none" else f"en@{languages(mini)['en'].short_key} (fallback)"
        assert row.language_adapters["zh"] == label
    assert predicted["none"]["en"] == predicted["en"]["en"] and predicted["none"]["de"] == predicted["en"]["de"]
    assert predicted["none"]["zh"] != predicted["en"]["zh"]
    stages = [run.spec.stage for run in RunStore(mini["store"]).runs()]
    assert stages.count("train-target") == 1 and stages.count("evaluate") == 2


def test_pairs_have_the_adapter_of_the_contexts_language(mini: dict[str, Any]) -> None:
    options = {**mini, "languages": ("en", "de-en", "en-de"), "max_eval_examples": 8}
    (row,) = adapterstilts.transfer("none", "mlqa", language_adapters=True, **options).rows
    runs = languages(mini)
    spec = Run(row.folder).spec
    assert isinstance(spec, EvaluateSpec)
    assert spec.language_adapters == {"en": runs["en"].key, "de-en": runs["de"].key, "en-de": runs["en"].key}


def test_both_training_phases_of_xcopa_lie_over_english(mini: dict[str, Any]) -> None:
    options = {**mini, "languages": ("sw",), "max_eval_examples": 8, "language_fallback": "none"}
    row = adapterstilts.transfer("squad", "xcopa", language_adapters=True, baseline=False, **options).rows[0]
    assert row.trained is not None
    last = Run(row.trained).spec
    assert isinstance(last, TrainSpec)
    first = RunStore(mini["store"]).resolve(last.inputs[0]).spec
    assert isinstance(first, TrainSpec) and (first.task, last.task) == ("siqa", "copa")
    assert last.language_adapter == first.language_adapter == languages(mini)["en"].key
    described = json.loads((row.trained / "model.json").read_text())["blocks"]
    assert [block.get("language", False) for block in described] == [True, False, False]


@pytest.mark.slow
@pytest.mark.parametrize("composition", ["stack", "continue", "fuse"])
def test_heads_are_reused_over_a_language_adapter(mini: dict[str, Any], composition: str) -> None:
    options = {**mini, "languages": ("en", "de"), "max_eval_examples": 8, "composition": composition}
    head = "new" if composition == "fuse" else "reuse"
    row = adapterstilts.transfer("squad", "xquad", language_adapters=True, head=head, **options).rows[1]
    assert row.composition == composition and row.trained is not None
    spec = Run(row.trained).spec
    assert isinstance(spec, TrainSpec) and spec.head == head and spec.language_adapter


def test_a_language_without_adapter_is_an_error_with_the_command(mini: dict[str, Any]) -> None:
    with pytest.raises(
        UsageError,
        match=r"has no language adapter on .* for Chinese \(zh\)\. Train it first: astilts train-language zh "
        r"--profile mini .* Or give --language-fallback none, en or another language\.",
    ):
        adapterstilts.transfer("squad", "xquad", language_adapters=True, **SHOWN, **mini)
    with pytest.raises(UsageError, match=r"for Swahili \(sw\)\. Train it first: astilts train-language sw"):
        adapterstilts.transfer("squad", "xquad", language_adapters=True, language_fallback="sw", **SHOWN, **mini)
    shutil.rmtree(languages(mini)["en"].folder)
    with pytest.raises(UsageError, match=r"for English \(en\)\. Train it first: astilts train-language en"):
        adapterstilts.transfer(
            "squad", "xquad", language_adapters=True, language_fallback="none", **{**mini, "languages": ("de",)}
        )
    assert not [run for run in RunStore(mini["store"]).runs() if run.spec.stage == "train-target"]


def test_several_adapters_of_a_language_are_listed_and_one_is_chosen(mini: dict[str, Any], texts: Path) -> None:
    first = languages(mini)["de"]
    second = api.train_language("de", **{**mini, "data_dir": texts, "seed": 5})
    options = {**mini, "languages": ("en", "de"), "max_eval_examples": 8, "language_adapters": True}
    with pytest.raises(
        UsageError,
        match=rf"German \(de\) has 2 language adapters: de@{first.short_key} \(.*seed 42\), de@{second.key[:12]} "
        rf"\(.*seed 5\)\. Choose with --language-adapter, e\.g\. --language-adapter de={second.key[:12]}\.",
    ):
        adapterstilts.transfer("none", "xquad", **options)
    (row,) = adapterstilts.transfer("none", "xquad", language_adapter={"de": first.short_key}, **options).rows
    assert row.language_adapters["de"] == f"de@{first.short_key}"


def test_an_adapter_of_another_backbone_is_not_taken(mini: dict[str, Any], other_backbone: Path) -> None:
    options = {**mini, "languages": ("en",), "backbone": str(other_backbone), "language_adapters": True}
    with pytest.raises(UsageError, match="has no language adapter on .* for English"):
        adapterstilts.transfer("none", "xquad", **options)
    given = {"en": languages(mini)["en"].short_key}
    with pytest.raises(CompatibilityError, match="was trained on another backbone"):
        adapterstilts.transfer("none", "xquad", language_adapter=given, **options)


WRONG: list[tuple[dict[str, Any], str, str]] = [
    ({"language_adapters": False, "language_fallback": "en"}, "xquad", "--language-fallback has no meaning without"),
    ({"language_adapters": False, "language_adapter_drop": 1}, "xquad", "--language-adapter-drop has no meaning"),
    ({"language_adapters": False, "language_adapter": {"de": "0"}}, "xquad", "--language-adapter has no meaning"),
    ({"language_fallback": "qqx"}, "xquad", "Unknown language 'qqx'"),
    ({"language_adapter": {"dd": "0"}}, "xquad", "Unknown language 'dd'"),
    ({"language_adapter": {"fi": "0"}}, "xquad", "--language-adapter fi=0: no target is evaluated in Finnish"),
    ({"language_adapter": {"de": "squad"}}, "xquad", "--language-adapter de=.* is not a language adapter of German"),
    ({"language_adapter": {"de": "en"}}, "xquad", "--language-adapter de=.* is not a language adapter of German"),
    ({"language_adapter": {"de": "zzzz"}}, "xquad", "No run 'zzzz'"),
    ({"language_adapter_drop": 2}, "xquad", "--language-adapter-drop 2 leaves no layer: .* has 2"),
    ({"method": "full"}, "xquad", "--language-adapters: method full changes the backbone"),
    ({"unfreeze_backbone": True}, "xquad", "--language-adapters: method .* changes the backbone"),
    ({}, "tatoeba", "--language-adapters: tatoeba is evaluated without training"),
    ({"composition": "fuse[target=two-step]"}, "xquad", "own adapter cannot be fused from above a language adapter"),
    ({"method": "prompt_tuning"}, "xquad", "Method prompt_tuning cannot be trained over a language adapter"),
]  # fmt: skip


@pytest.mark.parametrize(("changes", "target", "message"), WRONG)
def test_what_cannot_work_is_refused_before_anything_is_trained(
    trained: dict[str, Any], changes: dict[str, Any], target: str, message: str
) -> None:
    runs = {run.spec.task: run for run in RunStore(trained["store"]).runs()} | languages(trained)
    before = len(RunStore(trained["store"]).runs())
    if keys := changes.get("language_adapter"):
        changes = {**changes, "language_adapter": {
            code: runs[key].short_key if key in runs else key for code, key in keys.items()}}  # fmt: skip
    options = {**trained, "languages": ("en", "de"), "language_adapters": True, **changes}
    with pytest.raises(AstiltsError, match=message):
        adapterstilts.transfer("none", target, **options)
    assert len(RunStore(trained["store"]).runs()) == before


@pytest.mark.parametrize("text", ["de", "de=", "=0", "de=0,de=1", "de=0,"])
def test_malformed_choices_of_adapters_are_refused(text: str) -> None:
    with pytest.raises(UsageError, match="language_adapter: It is not of the form NAME=VALUE,NAME=VALUE with each"):
        adapterstilts.transfer("none", "mlqa", language_adapter=text)
