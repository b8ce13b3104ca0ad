"""What answers in place of a trained model, as rows of the same table."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.preprocessing import StandardScaler
from transformers import AutoModel, AutoTokenizer

import adapterstilts
from adapterstilts.commands.options import TransferOptions, read_options
from adapterstilts.commands.results import TransferResult, TransferRow
from adapterstilts.commands.setup import make_planner
from adapterstilts.commands.table.contrasts import Compared, contrast
from adapterstilts.commands.table.rows import selection_rows
from adapterstilts.commands.transfer import plan_transfer
from adapterstilts.data.bad_rows import BadRows
from adapterstilts.data.splits import training_rows
from adapterstilts.errors import DataError, UsageError
from adapterstilts.reporting.transfer import transfer_tables
from adapterstilts.reporting.transfer_rows import legend
from adapterstilts.runs.memory import Memory
from adapterstilts.runs.rivals import FrozenClassifier
from adapterstilts.runs.specs import canonical_json
from adapterstilts.runs.store import Run, RunStore
from tests.conftest import QUICK

SHOWN: dict[str, Any] = {"languages": ("en", "sw"), "max_eval_examples": 16}
COMPARED = ("knn", "logreg")


@pytest.fixture(scope="module")
def options(tiny_backbone: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    store = tmp_path_factory.mktemp("store")
    return {**QUICK, "profile": "mini", "backbone": str(tiny_backbone), "store": store, "max_train_examples": 40}


@pytest.fixture(scope="module")
def result(options: dict[str, Any]) -> TransferResult:
    return adapterstilts.transfer(["none"], ["xnli", "xcopa"], compare=COMPARED, seeds=2, **SHOWN, **options)


def rival(row: TransferRow) -> FrozenClassifier:
    found = Run(row.folder).evaluation.rival
    assert isinstance(found, FrozenClassifier)
    return found


def vectors(folder: Path, pairs: list[tuple[str, str]]) -> np.ndarray:
    """The first hidden state of each pair, by `transformers` alone."""
    model, tokenizer = AutoModel.from_pretrained(folder).eval(), AutoTokenizer.from_pretrained(folder)
    found = []
    for pair in pairs:
        inputs = tokenizer(*pair, truncation="longest_first", max_length=96, return_tensors="pt")
        with torch.inference_mode():
            found.append(model(**inputs).last_hidden_state[0, 0].numpy())
    return np.stack(found)


def test_they_are_rows_of_the_same_table(result: TransferResult) -> None:
    for task in ("xnli", "xcopa"):
        plain, neighbours, logistic = [row for row in result.rows if row.task == task]
        assert [str(row.named) for row in (neighbours, logistic)] == ["k nearest neighbours", "logistic regression"]
        assert [row.method for row in (neighbours, logistic)] == list(COMPARED)
        for row in (neighbours, logistic):
            # XCOPA's model is trained on Social IQa before, and selected by rows of that too.
            assert row.examples == {"trained": plain.examples["trained"], "selected": 16}
            assert row.seeds[0].seed is None and len(row.seeds) == 1
            assert plain.zero_shot and row.zero_shot and row.contrast and row.contrast.seeds == 2
            gain = row.zero_shot["accuracy"] - plain.zero_shot["accuracy"]
            assert row.difference["accuracy"].mean == pytest.approx(gain)
            assert row.parameters["trained"] == 0 and row.rival["value"] in rival(row).values
            assert plain.trained is not None
            # What they learn from is what the model of the row above was trained on.
            assert rival(row).tasks[-1] == Run(plain.trained).training.tasks[0]
    notes = " ".join(transfer_tables(result, 80).split())
    chosen = result.rows[1].rival["value"]
    assert (
        f"k nearest neighbours: on the backbone's frozen vectors, k = {chosen:g}, chosen on 16 rows of English" in notes
    )


def test_they_are_not_among_what_is_selected_from(result: TransferResult) -> None:
    """A decoder that is asked has no validation score at all."""
    plain, *rivals = [row for row in result.rows if row.task == "xnli"]
    asked = replace(rivals[0], validation=None)
    notes = legend([plain, *selection_rows([plain]), *rivals, asked])
    (note,) = [one for one in notes if one.startswith("English validation data, by which alone")]
    assert note.endswith(f"was picked: no intermediate task {plain.validation:.1f}.")


@pytest.mark.parametrize("name", COMPARED)
def test_pairs_are_answered_as_scikit_learn_does_from_plain_vectors(
    name: str, result: TransferResult, options: dict[str, Any], tiny_backbone: Path
) -> None:
    row = result.rows[1 + COMPARED.index(name)]
    setup = make_planner(read_options(TransferOptions, options)).setup
    (task,), value = rival(row).tasks, row.rival["value"]
    recipe = setup.catalogue.recipe("xnli")
    rows, validation = training_rows(setup.source, setup.catalogue.recipe(task.name), task.data, BadRows(skip=False))
    learned = vectors(tiny_backbone, [(one["text_a"], one["text_b"]) for one in rows])
    scored = recipe.build_kind().subset(setup.source.load(recipe, "test", "sw", BadRows(skip=False)), 16)
    asked = vectors(tiny_backbone, [(one["text_a"], one["text_b"]) for one in scored])
    reference: Any
    if name == "knn":
        learned, asked = (one / np.linalg.norm(one, axis=1, keepdims=True) for one in (learned, asked))
        reference = KNeighborsClassifier(int(value), weights="distance")
    else:
        scaler = StandardScaler().fit(learned)
        learned, asked = scaler.transform(learned), scaler.transform(asked)
        reference = LogisticRegression(C=value, max_iter=1000)
    expected = reference.fit(learned, rows["label"][:]).predict(asked)
    assert row.predictions("sw") == dict(zip(scored["id"][:], expected.tolist(), strict=True))
    # The value is the best on English validation rows, and of equals the first.
    tried = {float(one): reached for one, reached in row.rival["tried"].items()}
    assert set(rival(row).values) - tried.keys() == ({50} if name == "knn" else set())  # there are 40 rows
    assert len(validation) >= row.rival["validation_examples"] == 16
    assert value == next(one for one, reached in tried.items() if reached == max(tried.values()))
    assert row.validation == row.rival["validation"]


@pytest.mark.slow
def test_choices_are_told_from_what_sets_them_apart(
    result: TransferResult, options: dict[str, Any], tiny_backbone: Path
) -> None:
    row = next(one for one in result.rows if one.task == "xcopa" and one.rival.get("name") == "logreg")
    setup = make_planner(read_options(TransferOptions, options)).setup
    recipe = setup.catalogue.recipe("xcopa")

    def told(rows: Any) -> tuple[np.ndarray, list[int]]:
        prompts, found, counts = recipe.build_kind().options.prompts, [], []
        for one in rows:
            before = f"{one['context']} {prompts.get(one['question'], one['question'])}".strip()
            own = vectors(tiny_backbone, [(before, choice) for choice in one["choices"]])
            found.append(own - own.mean(axis=0))
            counts.append(len(own))
        return np.concatenate(found), counts

    parts, right = [], []
    for task in rival(row).tasks:
        rows, _ = training_rows(setup.source, setup.catalogue.recipe(task.name), task.data, BadRows(skip=False))
        parts.append(told(rows)[0])
        right += [number == one["label"] for one in rows for number in range(len(one["choices"]))]
    learned = np.concatenate(parts)
    scored = recipe.build_kind().subset(setup.source.load(recipe, "test", "sw", BadRows(skip=False)), 16)
    asked, counts = told(scored)
    scaler = StandardScaler().fit(learned)
    model = LogisticRegression(C=row.rival["value"], max_iter=1000, fit_intercept=False)
    scores = model.fit(scaler.transform(learned), right).decision_function(scaler.transform(asked))
    expected = [int(own.argmax()) for own in np.split(scores, np.cumsum(counts)[:-1])]
    assert row.predictions("sw") == dict(zip(scored["id"][:], expected, strict=True))


def test_what_is_in_the_store_is_not_made_again(result: TransferResult, options: dict[str, Any]) -> None:
    before = {run.folder.name for run in RunStore(options["store"]).runs()}
    again = adapterstilts.transfer(["none"], ["xnli", "xcopa"], compare=COMPARED, seeds=2, **SHOWN, **options)
    assert {run.folder.name for run in RunStore(options["store"]).runs()} == before
    assert [row.zero_shot for row in again.rows] == [row.zero_shot for row in result.rows]
    # Specs without a rival say nothing of it, so that runs that were made before have the keys that they had.
    assert "rival" not in canonical_json(Run(result.rows[0].folder).spec)


def test_without_validation_rows_nothing_is_chosen(options: dict[str, Any]) -> None:
    given = {name: value for name, value in options.items() if name != "max_validation_examples"}
    rows = adapterstilts.transfer(["none"], "xnli", compare=COMPARED, validation_from="none", **SHOWN, **given).rows
    assert [rival(row).values for row in rows[1:]] == [(5,), (1.0,)]
    assert [(row.rival["value"], row.validation) for row in rows[1:]] == [(5, None), (1.0, None)]


def test_they_learn_from_translations_where_the_others_do(options: dict[str, Any]) -> None:
    plain, neighbours = adapterstilts.transfer(
        ["none"], "xnli", compare=("knn",), train_languages=("en", "de"), **SHOWN, **options
    ).rows
    assert neighbours.examples == plain.examples and neighbours.examples["trained"] == 80
    assert str(neighbours.named) == "k nearest neighbours, translate-train en+de"


def test_all_leaves_them_out_where_they_cannot_be_and_says_so(options: dict[str, Any]) -> None:
    said: list[str] = []
    chosen = read_options(TransferOptions, {**options, "languages": ("en", "de"), "compare": ("knn",)})
    planned = plan_transfer(["none"], ["xnli", "xquad"], chosen, note=said.append)
    assert [len(table.rows) for table in planned.tables] == [2, 1]
    needs = "it needs a target that classifies texts or pairs of them, or that has choices"
    assert said == [f"xquad without knn: {needs}"]


@pytest.mark.parametrize(
    ("target", "changed", "message"),
    [
        ("mlqa", {}, "--compare knn needs a target that classifies texts or pairs of them, or that has choices"),
        ("panx", {}, "--compare knn needs a target that classifies"),
        ("tatoeba", {}, "--compare knn needs a target that classifies"),
        ("xnli", {"compare": ("knn", "mlm")}, "--compare mlm needs an intermediate task"),
        ("xnli", {"shots": {"de": (4,)}}, "--compare knn trains no model, so that --shots has nothing to go on with"),
        ("xnli", {"language_adapters": True}, "--compare knn reads the backbone as it is"),
    ],
)
def test_what_they_cannot_answer_is_refused(
    target: str, changed: dict[str, Any], message: str, options: dict[str, Any]
) -> None:
    given = {"languages": ("en", "de"), "compare": ("knn",), **changed}
    if target == "tatoeba":
        given["languages"] = ("de",)
        options = {name: value for name, value in options.items() if name in ("profile", "backbone", "store")}
    with pytest.raises(UsageError, match=message):
        adapterstilts.transfer(["none"], target, **options, **given)


@pytest.fixture(scope="module")
def asked(options: dict[str, Any], decoder: Path) -> list[TransferRow]:
    pytest.importorskip("lm_eval")
    return adapterstilts.transfer(
        ["none"], "xnli", compare=("prompt",), prompt_model=str(decoder), **SHOWN, **options
    ).rows  # fmt: skip


def test_a_decoder_that_is_asked_is_a_row_too(asked: list[TransferRow], decoder: Path) -> None:
    plain, prompt = asked
    assert str(prompt.named) == f"prompt {decoder.name}" and prompt.method == "prompt" and prompt.trained is None
    assert plain.zero_shot and prompt.zero_shot and prompt.examples == {} and prompt.parameters["trained"] == 0
    assert prompt.difference["accuracy"].mean == pytest.approx(
        prompt.zero_shot["accuracy"] - plain.zero_shot["accuracy"]
    )
    # The rows are those that the other one answers.
    assert prompt.predictions("sw").keys() == plain.predictions("sw").keys()
    notes = " ".join(transfer_tables(TransferResult(asked), 200).split())
    assert f"prompt {decoder.name}: asked without training, with templates of lm-eval 0." in notes
    assert "(xnli_en, xnli_sw); the answer is the one that it gives the highest log-likelihood" in notes


def test_a_language_without_a_template_is_said(asked: list[TransferRow], options: dict[str, Any]) -> None:
    plain, prompt = asked
    english = replace(prompt, languages={"en": prompt.languages["en"]}, zero_shot=None, difference={}, contrast=None)
    shown = transfer_tables(TransferResult([plain, english]), 200)
    notes = " ".join(shown.split())
    assert "no template of lm-eval 0." in notes and " in sw, so that its mean and its difference are over en" in notes
    runs = [[Run(row.folder)] for row in asked]
    kind = plain.catalogue.build_kind(runs[0][0].evaluation)
    compared = [
        Compared("one", runs[0], ("en", "sw")),
        Compared("other", runs[1], ("sw",)),
    ]
    for mine, theirs in (compared, compared[::-1]):
        found = contrast(mine, theirs, kind=kind, memory=Memory.of_user())
        assert found and list(found.languages) == ["sw"]


def test_what_cannot_be_asked_is_refused(
    options: dict[str, Any], tiny_backbone: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = {**options, **SHOWN, "compare": ("prompt",)}
    for target, changed, message in (
        ("xnli", {}, "--compare prompt needs a model to ask"),
        ("mlqa", {"prompt_model": "x"}, "--compare prompt needs a target that lm-eval has templates of: xnli, pawsx"),
        ("xcopa", {"prompt_model": "x", "languages": ("sw",)}, "has templates that do not know the questions of the"),
        ("xnli", {"compare": ("knn",), "prompt_model": "x"}, "--prompt-model has no meaning without --compare prompt"),
        ("xnli", {"translate_test": "mini", "prompt_model": "x"}, "--compare prompt asks in the language of the rows"),
    ):
        with pytest.raises(UsageError, match=message):
            adapterstilts.transfer(["none"], target, **{**given, "languages": ("en", "de"), **changed})
    monkeypatch.setitem(sys.modules, "lm_eval", None)  # as where it is not installed
    with pytest.raises(
        UsageError, match=r"needs lm-eval, .* not installed. Run `pip install 'adapterstilts\[prompt\]'`"
    ):
        adapterstilts.transfer(["none"], "xnli", prompt_model=str(tiny_backbone), **given)


def test_an_encoder_cannot_be_asked(options: dict[str, Any], tiny_backbone: Path) -> None:
    pytest.importorskip("lm_eval")
    with pytest.raises(UsageError, match="--prompt-model ./x is not a folder"):
        adapterstilts.transfer(["none"], "xnli", compare=("prompt",), prompt_model="./x", **SHOWN, **options)
    with pytest.raises(UsageError, match=r"--prompt-model .* is no decoder"):
        adapterstilts.transfer(
            ["none"], "xnli", compare=("prompt",), prompt_model=str(tiny_backbone), **SHOWN, **options
        )


def test_rows_of_one_label_are_refused(options: dict[str, Any]) -> None:
    few = {**options, **SHOWN, "max_train_examples": 1}
    with pytest.raises(DataError, match=r"All 1 training rows of xnli that were drawn have the same label"):
        adapterstilts.transfer(["none"], "xnli", compare=("knn",), **few)
