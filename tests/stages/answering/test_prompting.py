"""Decoders that are asked: the numbers are those of lm-eval by itself, on the same rows in its own format."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from adapterstilts.commands.options import TransferOptions, read_options
from adapterstilts.commands.setup import make_planner
from adapterstilts.commands.table.rivals import plan_prompting
from adapterstilts.errors import DataError, UsageError
from adapterstilts.modeling.backbone import Backbone, locate_backbone
from adapterstilts.runs.store import Run
from adapterstilts.stages.answering.evaluate import Evaluation
from adapterstilts.stages.answering.harness import TEMPLATES
from adapterstilts.stages.evaluation_spec import Scored
from adapterstilts.stages.planner import Planner
from adapterstilts.stages.reporter import Silent
from adapterstilts.stages.run import run_stage
from tests.commands.classified_tables import texts

pytest.importorskip("lm_eval")

ROWS = 12
WORDS = [f"{text.capitalize()}." for text in texts(5, 8 * ROWS, 4)]
NLI = ("entailment", "neutral", "contradiction")
Release = tuple[str, str]
"""Where a file of a release is, and what is in it."""


def xnli(code: str) -> tuple[list[dict[str, Any]], Release]:
    records = [{"premise": WORDS[n], "hypothesis": WORDS[n + 9], "label": n % 3} for n in range(ROWS)]
    lines = [f"{one['premise']}\t{one['hypothesis']}\t{NLI[one['label']]}\n" for one in records]
    return records, (f"xnli/test-{code}.tsv", "".join(lines))


def pawsx(code: str) -> tuple[list[dict[str, Any]], Release]:
    records = [{"sentence1": WORDS[n], "sentence2": WORDS[n + 9], "label": n // 2 % 2} for n in range(ROWS)]
    lines = [f"{one['sentence1']}\t{one['sentence2']}\t{one['label']}\n" for one in records]
    return records, (f"pawsx/test-{code}.tsv", "".join(lines))


def xcopa(code: str) -> tuple[list[dict[str, Any]], Release]:
    records = [
        {"premise": WORDS[n], "choice1": WORDS[n + 9], "choice2": WORDS[n + 20], "label": n // 3 % 2,
         "question": ("cause", "effect")[n % 2], "idx": n, "changed": False}
        for n in range(ROWS)
    ]  # fmt: skip
    return records, (f"xcopa/{code}/test.{code}.jsonl", _json_lines(records))


def xstorycloze(code: str) -> tuple[list[dict[str, Any]], Release]:
    names = [f"input_sentence_{number}" for number in range(1, 5)] + ["sentence_quiz1", "sentence_quiz2"]
    records: list[dict[str, Any]] = [
        {"story_id": str(n), **{name: WORDS[n + 9 * place] for place, name in enumerate(names)},
         "answer_right_ending": 1 + n // 2 % 2}
        for n in range(ROWS)
    ]  # fmt: skip
    heads = ["InputStoryid", *(f"InputSentence{number}" for number in range(1, 5)), "RandomFifthSentenceQuiz1",
             "RandomFifthSentenceQuiz2", "AnswerRightEnding"]  # fmt: skip
    lines = ["\t".join(heads), *("\t".join(map(str, one.values())) for one in records)]
    return records, (f"xstorycloze/spring2016.val.{code}.tsv.split_20_80_eval.tsv", "\n".join(lines) + "\n")


def belebele(code: str) -> tuple[list[dict[str, Any]], Release]:
    records: list[dict[str, Any]] = [
        {"link": f"https://a/{n}", "question_number": 1, "flores_passage": WORDS[n], "question": WORDS[n + 9],
         **{f"mc_answer{answer}": WORDS[n + 9 * answer + 10] for answer in range(1, 5)},
         "correct_answer_num": str(1 + n % 4), "dialect": "deu_Latn", "ds": "2023-05-03"}
        for n in range(ROWS)
    ]  # fmt: skip
    return records, ("belebele/deu_Latn.jsonl", _json_lines(records))


def _json_lines(records: list[dict[str, Any]]) -> str:
    return "".join(f"{json.dumps(one)}\n" for one in records)


TASKS: dict[str, tuple[str, Callable[[str], tuple[list[dict[str, Any]], Release]]]] = {
    "xnli": ("de", xnli),
    "pawsx": ("de", pawsx),
    "xcopa": ("sw", xcopa),
    "xstorycloze": ("sw", xstorycloze),
    "belebele": ("de", belebele),
}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("releases")
    for code, make in TASKS.values():
        name, content = make(code)[1]
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(content, encoding="utf-8")
    return root


@pytest.fixture(scope="module")
def planner(tiny_backbone: Path, data: Path, tmp_path_factory: pytest.TempPathFactory) -> Planner:
    store = tmp_path_factory.mktemp("store")
    options = {"backbone": str(tiny_backbone), "data_dir": data, "store": store, "max_length": 96}
    return make_planner(read_options(TransferOptions, options))


def asked(planner: Planner, name: str, model: Backbone) -> Run:
    task = planner.setup.catalogue.recipe(name)
    stage = plan_prompting(planner, task, Scored(languages=(TASKS[name][0],)), model)
    return run_stage(stage.spec, replace(planner.setup, backbone=model), Silent())


def by_itself(name: str, records: list[dict[str, Any]], folder: Path, decoder: Path) -> dict[str, Any]:
    """What the harness' own evaluator says of the records, in a file with its own columns, of a model that it loads."""
    import lm_eval
    from lm_eval.tasks import TaskManager
    from lm_eval.tasks._yaml_loader import load_yaml

    language = {"belebele": "deu_Latn"}.get(name, TASKS[name][0])
    file = Path(lm_eval.__file__).parent / "tasks" / TEMPLATES[name].file.format(language)
    path = folder / f"{name}.jsonl"
    path.write_text(_json_lines(records), encoding="utf-8")
    local = {"dataset_path": "json", "dataset_name": None, "dataset_kwargs": {"data_files": {"test": str(path)}}}
    splits = {"test_split": "test", "validation_split": None, "training_split": None}
    found = lm_eval.simple_evaluate(
        model="hf", model_args=f"pretrained={decoder},dtype=float32", device="cpu", batch_size=1, bootstrap_iters=0,
        tasks=[{**load_yaml(file), **local, **splits}], task_manager=TaskManager(include_defaults=False),
    )  # fmt: skip
    assert found is not None
    return found


@pytest.mark.slow(but=2)
@pytest.mark.parametrize("name", TASKS)
def test_scores_are_those_of_the_harness_by_itself(name: str, planner: Planner, decoder: Path, tmp_path: Path) -> None:
    language, make = TASKS[name]
    run = asked(planner, name, locate_backbone(str(decoder)))
    reference = by_itself(name, make(language)[0], tmp_path, decoder)
    (called,) = reference["results"]
    assert run.metrics["rival"]["templates"] == {language: called}
    assert run.metrics["languages"][language]["accuracy"] == pytest.approx(
        100 * reference["results"][called]["acc,none"], rel=1e-15
    )
    scored = run.scores(language)
    right = [scored["items"][id_]["accuracy"] for id_ in scored["ids"]]
    assert [one == 100 for one in right] == [one["acc"] == 1 for one in reference["samples"][called]]
    assert 0 < sum(one["acc"] for one in reference["samples"][called]) < ROWS


def test_log_likelihoods_do_not_depend_on_how_many_are_asked_at_once(planner: Planner, decoder: Path) -> None:
    model, found = locate_backbone(str(decoder)), []
    stage = plan_prompting(planner, planner.setup.catalogue.recipe("xcopa"), Scored(languages=("sw",)), model)
    for tokens in (1, 8 * 1024):
        setup = replace(planner.setup, backbone=model, tokens_per_batch=tokens)
        work = planner.setup.store.root / f"tried-{tokens}"
        evaluation = Evaluation(stage.spec, setup, work, track=lambda batches, count, **_: batches)
        ((_, answered),) = evaluation.answers.of(["sw"])
        found.append(np.stack(answered.logits))
    np.testing.assert_allclose(found[0], found[1], rtol=1e-4)
    assert found[0].shape == (ROWS, 2)


def test_the_key_is_of_the_model_and_of_the_templates_and_of_nothing_else(
    planner: Planner, decoder: Path, other_backbone: Path
) -> None:
    task, scored = planner.setup.catalogue.recipe("xnli"), Scored(languages=("de",))
    models = [Backbone(name, name, None, f"sha256:{name}") for name in ("a", "b")]
    stage, other = (plan_prompting(planner, task, scored, model) for model in models)
    assert stage.key != other.key and stage.spec.label == "xnli-prompt" and not stage.needs
    longer = replace(planner, settings={**planner.settings, "max_length": 64}, pooling="mean", seed=5)
    elsewhere = replace(longer, setup=replace(planner.setup, backbone=locate_backbone(str(other_backbone))))
    assert plan_prompting(elsewhere, task, scored, models[0]).key == stage.key


def test_rows_that_a_template_leaves_out_are_named(planner: Planner, decoder: Path) -> None:
    model = locate_backbone(str(decoder))
    stage = plan_prompting(planner, planner.setup.catalogue.recipe("pawsx"), Scored(languages=("de",)), model)
    setup = replace(planner.setup, backbone=model)
    evaluation = Evaluation(
        stage.spec, setup, planner.setup.store.root / "odd", track=lambda batches, *_, **__: batches
    )
    rows = [{"id": id_, "text_a": text, "text_b": "Anna.", "label": "0"} for id_, text in (("6", "Bread."), ("7", ""))]
    predictor: Any = evaluation.predictor
    with pytest.raises(DataError, match=r"lm-eval's template paws_de leaves out the row '7'"):
        predictor._likelihoods(rows, "de")
    with pytest.raises(DataError, match=r"template paws_de cannot read the rows from '7' on: IndexError"):
        predictor._likelihoods(rows[1:], "de")


def test_hidden_labels_change_no_answer(planner: Planner, decoder: Path) -> None:
    model = locate_backbone(str(decoder))
    for name, labels in (("xnli", ("neutral", "")), ("belebele", (2, -1)), ("xstorycloze", (1, -1))):
        code = TASKS[name][0]
        stage = plan_prompting(planner, planner.setup.catalogue.recipe(name), Scored(languages=(code,)), model)
        setup = replace(planner.setup, backbone=model)
        work = planner.setup.store.root / f"hidden-{name}"
        evaluation = Evaluation(stage.spec, setup, work, track=lambda batches, *_, **__: batches)
        predictor: Any = evaluation.predictor
        texts = {"text_a": "Bread.", "text_b": "Milk.", "context": "Bread. Milk. Tea. Rice.", "question": "Why?"}
        count = {"belebele": 4}.get(name, 2)
        rows = [{**texts, "id": "1", "choices": WORDS[:count], "label": label} for label in labels]
        (known,), (hidden,) = (predictor._likelihoods([row], code) for row in rows)
        assert known.tolist() == hidden.tolist()


def test_languages_without_any_template_are_refused(planner: Planner, monkeypatch: pytest.MonkeyPatch) -> None:
    other = replace(TEMPLATES["xnli"], file="xnli/other_{}.yaml")
    monkeypatch.setitem(TEMPLATES, "xnli", other)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match=r"lm-eval 0.* has no template of xnli in de"):
        model = Backbone("a", "a", None, "sha256:a")
        plan_prompting(planner, planner.setup.catalogue.recipe("xnli"), Scored(languages=("de",)), model)
