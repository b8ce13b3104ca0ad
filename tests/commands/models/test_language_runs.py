"""Weighted sums of language adapters: their runs are found, and the sum is what a language is read with."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import adapterstilts
from adapterstilts import api
from adapterstilts.commands.results import TransferRow
from adapterstilts.errors import AstiltsError, UsageError
from adapterstilts.mini.generators.span_qa import span_qa
from adapterstilts.reporting.transfer import transfer_tables
from adapterstilts.runs.leftovers import dependents
from adapterstilts.runs.store import Run, RunStore
from tests.commands.answered import questions
from tests.conftest import QUICK


@dataclass(frozen=True)
class Made:
    """A store with language adapters.

    Attributes:
        options: With which a target phase is trained there, for a second or two the first time.
        runs: English, German, German with the same weights in another run, and Spanish of another size.
    """

    options: dict[str, Any]
    runs: dict[str, Run]

    def key(self, name: str) -> str:
        return self.runs[name].short_key

    def transfer(self, **options: Any) -> adapterstilts.TransferResult:
        given = {**self.options, "language_fallback": "none", **options}
        return adapterstilts.transfer("none", "mlqa", language_adapters=True, **given)

    def row(self, **options: Any) -> TransferRow:
        (row,) = self.transfer(**options).rows
        return row


@pytest.fixture(scope="module")
def made(tiny_backbone: Path, tmp_path_factory: pytest.TempPathFactory) -> Made:
    texts, store = tmp_path_factory.mktemp("texts"), tmp_path_factory.mktemp("store")
    (texts / "mlm").mkdir()
    options = {**QUICK, "profile": "mini", "backbone": str(tiny_backbone), "store": store}
    # So many that all are read: the same rows under another key.
    more: dict[str, dict[str, Any]] = {
        "en": {}, "de": {}, "copy": {"max_train_examples": 1000}, "es": {"method": "seq_bn_inv[reduction_factor=8]"},
    }  # fmt: skip
    runs = {}
    for name, others in more.items():
        code = name if len(name) == 2 else "de"
        stories = dict.fromkeys(row["context"] for row in span_qa(split="train", language=code, size=40))
        (texts / f"mlm/{code}.txt").write_text("\n".join(stories) + "\n", encoding="utf-8")
        given = {**options, "data_dir": texts, "learning_rate": 0.5, **others}
        runs[name] = RunStore(store).resolve(api.train_language(code, **given).key)
    small = {"max_train_examples": 24, "max_eval_examples": 16, "learning_rate": 0.01, "seeds": 1}
    return Made({**options, **small, "languages": ("zh",)}, runs)


@pytest.mark.slow
def test_a_language_is_evaluated_with_a_weighted_sum(made: Made) -> None:
    english, german = made.runs["en"].key, made.runs["de"].key
    row = made.row(language_adapter=f"zh=0.75*{made.key('de')}+1/4*en")
    spec = Run(row.folder).evaluation
    assert spec.language_sums == {"zh": {german: 0.75, english: 0.25}} and spec.language_adapters == {}
    assert row.language_adapters == {"zh": f"0.75*de@{german[:12]}+0.25*en@{english[:12]}"}
    assert f"zh 0.75*de@{german[:12]}+0.25*en@{english[:12]}" in transfer_tables(made.transfer(
        language_adapter={"zh": f"0.75*{made.key('de')}+1/4*en"}))  # fmt: skip
    runs = RunStore(made.options["store"]).runs()
    assert Run(row.folder).key in {run.key for run in dependents(runs, german)}
    others = [made.row(language_fallback=made_of) for made_of in ("en", "none")]
    assert all(row.predictions("zh") != other.predictions("zh") for other in others)
    # The same sum in another order is the same stage.
    again = made.row(language_adapter={"zh": f"0.25*en+0.75*{made.key('de')}"})
    assert again.folder == row.folder


@pytest.mark.parametrize("form", ["2*{de}-1*{copy}", "1/2*{de}+.5*{copy}", "1*en+1*{de}-1*{copy}"])
def test_sums_that_come_to_one_of_their_terms_are_that(made: Made, form: str) -> None:
    """All the weights of the copy are those of the German one, so that both can make up for each other."""
    text = form.format(de=made.key("de"), copy=made.key("copy"))
    alone = {"language_fallback": "en"} if form.startswith("1*en") else {"language_adapter": f"de={made.key('de')}"}
    code = "zh" if "language_fallback" in alone else "de"
    expected = made.row(languages=(code,), **alone).predictions(code)
    assert made.row(languages=(code,), language_adapter={code: text}).predictions(code) == expected


def test_languages_without_an_adapter_get_the_sum_of_the_fallback(made: Made) -> None:
    text = f"0.75*{made.key('de')}+0.25*en"
    row = made.row(languages=("en", "zh"), language_fallback=text)
    assert row.language_adapters["en"] == f"en@{made.key('en')}"
    assert row.language_adapters["zh"] == f"0.75*de@{made.key('de')}+0.25*en@{made.key('en')} (fallback)"
    assert row.predictions("zh") == made.row(language_adapter={"zh": text}).predictions("zh")


def test_a_name_in_a_sum_is_the_adapter_that_was_chosen_for_it(made: Made) -> None:
    chosen = made.row(language_adapter=f"de={made.key('copy')},zh=0.75*de+0.25*en")
    assert Run(chosen.folder).evaluation.language_sums["zh"] == {made.runs["copy"].key: 0.75, made.runs["en"].key: 0.25}


def test_pairs_are_read_with_the_sum_for_the_context(made: Made) -> None:
    row = made.row(languages=("zh-en", "en-zh"), language_adapter={"zh": f"0.75*{made.key('de')}+0.25*en"})
    spec = Run(row.folder).evaluation
    assert list(spec.language_sums) == ["zh-en"] and spec.language_adapters == {"en-zh": made.runs["en"].key}


def test_a_loaded_model_reads_with_the_sum_too(made: Made) -> None:
    made.row()
    store, records = made.options["store"], questions(3)

    def scores(**options: Any) -> list[float]:
        model = adapterstilts.load("mlqa", store=store, calibrate=False, **options)
        return [one["score"] for one in model.predict(records)]

    german = scores(language="de", language_adapter={"de": made.key("de")})
    doubled = scores(language="zh", language_adapter={"zh": f"2*{made.key('de')}-1*{made.key('copy')}"})
    assert doubled == german
    assert scores(language="zh", language_adapter={"zh": f"0.5*{made.key('de')}+0.5*en"}) not in (german, scores())
    with pytest.raises(UsageError, match="Swahili.*`astilts train-language sw`, take it out of the sum"):
        scores(language="zh", language_adapter="zh=0.5*sw+0.5*en")
    with pytest.raises(UsageError, match=r"German \(de\) has 2 language adapters.*Write the key of one into the sum"):
        scores(language="zh", language_adapter="zh=0.5*de+0.5*en")
    with pytest.raises(AstiltsError, match="reduction_factor is .* in one and 8 in the other"):
        scores(language="zh", language_adapter="zh=0.5*en+0.5*es")


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"language_adapter": "zh=0.5*de+0.5*en"}, r"German \(de\) has 2 .* into the sum, such as [0-9a-f]{12} for de"),
    ({"language_adapter": "zh=0.5*sw+0.5*en"}, r"no language adapter on .* for Swahili \(sw\). Train it first"),
    ({"language_fallback": "0.5*sw+0.5*en"}, r"no language adapter on .* for Swahili \(sw\)"),
    ({"language_adapter": "fi=0.5*es+0.5*en"}, "no target is evaluated in Finnish"),
    ({"language_adapter": "en=0.5*es+0.5*en"}, "en=0.5.es.*: target phases are trained over a single"),
    ({"language_adapter": "zh=0.5*es+0.5*en"}, "cannot be added up: reduction_factor is 8 in one and .* in the other"),
    ({"language_adapter": "zh=0.5*en+0.5*{en}"}, "has en twice, under another name"),
    ({"language_adapter": "zh=0.5*en+0.5*{target}"}, "--language-adapter {target}: .* is not a language adapter"),
    ({"language_adapter": "zh=0.5*en+0.5*ffffffffffff"}, "No run 'ffffffffffff'"),
]  # fmt: skip


@pytest.mark.parametrize(("options", "message"), WRONG)
def test_what_cannot_be_summed_is_refused_before_anything_is_trained(
    made: Made, options: dict[str, Any], message: str
) -> None:
    trained = made.row().trained
    assert trained is not None
    keys = {"en": made.key("en"), "target": Run(trained).short_key}
    before = len(RunStore(made.options["store"]).runs())
    given = {name: re.sub(r"{(\w+)}", lambda found: keys[found[1]], text) for name, text in options.items()}
    with pytest.raises(AstiltsError, match=message.replace("{target}", keys["target"])):
        made.transfer(**{"seed": 7, **given})
    assert len(RunStore(made.options["store"]).runs()) == before
