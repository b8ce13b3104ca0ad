"""Real releases in their own formats, and XLM-R's own vocabulary, on random weights: the numbers mean nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import adapterstilts
from adapterstilts.commands.score import score_folders
from adapterstilts.reporting.transfer import transfer_tables
from adapterstilts.runs.store import RunStore
from tests.conftest import without_training

# Targets of which the slices have training and test data, with the languages that they have.
TARGETS: dict[str, tuple[str, ...]] = {
    "xnli": ("en", "de", "ru", "sw", "zh"),
    "pawsx": ("de", "zh"),
    "udpos": ("fi", "ru", "zh"),
    "panx": ("de",),
    "xquad": ("en", "de", "ru", "zh"),
    "mlqa": ("en", "de", "zh"),
    "tydiqa": ("sw",),
    "squad": ("en",),
    "squad_v2": ("en",),
    "siqa": ("en",),
    "sib200": ("quy", "yo"),
    "masakhaner": ("yo",),
    "masakhapos": ("sw",),
    "afrixnli": ("wo",),
    "jsquad": ("ja",),
    "cmrc2018": ("zh",),
    "ntrex": ("mi",),
    "tatoeba": ("sw",),
    "bucc2018": ("zh",),
}
VALIDATION: dict[str, tuple[str, ...]] = {
    "udpos": ("en", "de", "ru", "zh"),
    "panx": ("en", "de", "ru", "sw", "zh"),
    "pawsx": ("en", "de", "zh"),
    "xnli": ("en", "de", "ru", "sw", "zh"),
}
INTERMEDIATE = ["anli_plus", "mnli", "squad", "squad_v2", "hellaswag", "ccg", "cosmosqa", "commonsenseqa", "udpos",
                "panx", "siqa", "sib200", "ocnli"]  # fmt: skip


@pytest.fixture(scope="session")
def xlmr(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """XLM-R's tokenizer, and an encoder of its form with random weights, 16 wide."""
    from transformers import AutoTokenizer, XLMRobertaConfig, XLMRobertaModel

    folder = tmp_path_factory.mktemp("xlmr")
    (folder / "slow").mkdir()
    vocabulary = shared / "models/xlmr-tokenizer/sentencepiece.bpe.model"
    (folder / "slow/sentencepiece.bpe.model").write_bytes(vocabulary.read_bytes())
    XLMRobertaConfig().save_pretrained(folder / "slow")
    tokenizer = AutoTokenizer.from_pretrained(folder / "slow")
    tokenizer.save_pretrained(folder)
    config = XLMRobertaConfig(
        vocab_size=len(tokenizer), hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16,
        max_position_embeddings=514,
    )  # fmt: skip
    XLMRobertaModel(config).save_pretrained(folder)
    return folder


@pytest.fixture
def real(shared: Path, xlmr: Path, tmp_path: Path) -> dict[str, Any]:
    """Options for the slices; the recipes' own lengths apply."""
    return {
        "backbone": str(xlmr),
        "data_dir": shared / "data",
        "store": tmp_path / "store",
        "method": "seq_bn[reduction_factor=4]",
        "max_train_examples": 16,
        "max_validation_examples": 8,
        "epochs": 1,
        "batch_size": 8,
    }


@pytest.mark.slow(but=3)
@pytest.mark.parametrize("task", INTERMEDIATE)
def test_real_slices_train(real: dict[str, Any], task: str) -> None:
    result = adapterstilts.train_intermediate(task, **real)
    assert result.steps >= 2 and result.validation


@pytest.mark.slow(but=2)
@pytest.mark.parametrize("task", TARGETS)
def test_real_slices_are_trained_and_scored(real: dict[str, Any], task: str) -> None:
    options = without_training(real) if task in ("tatoeba", "bucc2018", "ntrex") else real
    result = adapterstilts.transfer("none", task, languages=TARGETS[task], max_eval_examples=8, seeds=1, **options)
    (row,) = result.rows
    assert list(row.languages) == list(TARGETS[task])
    for language in TARGETS[task]:
        examples = 8624 if task == "bucc2018" else 8  # pairs are mined from whole corpora
        assert row.languages[language]["examples"] == examples
        assert 0 < len(row.predictions(language)) <= examples
    (scored,) = score_folders(row.folder / "predictions", row.folder / "labels").tasks
    for language, metrics in scored.languages.items():
        for metric, value in metrics.items():
            assert row.languages[language][metric] == pytest.approx(value, abs=1e-9)


@pytest.mark.slow
@pytest.mark.parametrize("task", VALIDATION)
def test_real_validation_data_are_scored(real: dict[str, Any], task: str) -> None:
    options = {**real, "split": "validation", "languages": VALIDATION[task], "max_eval_examples": 8}
    (row,) = adapterstilts.transfer("none", task, seeds=1, **options).rows
    assert row.split == "validation" and set(row.languages) == set(VALIDATION[task])
    assert all(metrics["examples"] == 8 for metrics in row.languages.values())


@pytest.mark.slow
def test_a_task_of_another_language_is_trained_on_in_it(real: dict[str, Any]) -> None:
    """IndoNLI's own rows as an intermediate task, and MultiNLI's where it is the target."""
    result = adapterstilts.train_intermediate("indonli", **real)
    (run,) = RunStore(real["store"]).runs()
    (data,) = [task.data for task in run.training.tasks]
    assert data.languages == ("id",) and data.validation_language == "id" and result.validation
    none, indonli = adapterstilts.transfer("indonli", "indonli", max_eval_examples=8, seeds=1, **real).rows
    assert indonli.intermediate.startswith("indonli@") and set(none.languages) == set(indonli.languages) == {"id"}
    trained = {run.spec.task: run.training.tasks[0].data.languages for run in RunStore(real["store"]).runs()
               if run.spec.stage == "train-target"}  # fmt: skip
    assert trained == {"mnli": ("en",)}


@pytest.mark.slow
def test_what_kinds_of_reasoning_gain(real: dict[str, Any], tmp_path: Path) -> None:
    data = tmp_path / "data"
    (data / "taxixnli/original").mkdir(parents=True)
    for name in ("xnli", "mnli"):
        (data / name).symlink_to(real["data_dir"] / name)
    pairs = [line.split("\t") for line in (data / "xnli/test-en.tsv").read_text(encoding="utf-8").splitlines()]
    plain = [pair for pair in pairs if '"' not in "".join(pair)][:60]
    marks = ["1\t0", "0\t1", "-1\t-1"]
    lines = ["pairID\tpromptID\tsentence1\tsentence2\tgold_label\tnegation\tcausal"]
    lines += [f"{n}\t0\t{a}\t{b}\t{label}\t{marks[n % 3]}" for n, (a, b, label) in enumerate(plain)]
    (data / "taxixnli/original/diagnostic-en-combined.tsv").write_text("\n".join(lines), encoding="utf-8")
    options = {**real, "data_dir": data, "seeds": 1, "languages": ("de", "sw")}
    adapterstilts.train_intermediate("mnli", **{**options, "seeds": None, "languages": None, "data_dir": data})
    result = adapterstilts.transfer("mnli", "taxixnli", **options)
    for row in result.rows:
        assert row.zero_shot and {"accuracy:negation", "accuracy:causal"} < row.zero_shot.keys()
    assert {"accuracy", "accuracy:negation", "accuracy:causal"} <= result.rows[1].difference.keys()
    assert {one["metric"] for one in result.records()} == {"accuracy", "accuracy:negation", "accuracy:causal"}
    table = transfer_tables(result)
    assert "TaxiXNLI, accuracy by category of examples" in table and "negation" in table


@pytest.mark.slow
def test_xcopa_is_scored_by_a_model_of_social_iqa(real: dict[str, Any], tmp_path: Path) -> None:
    """The slices have no COPA, so the suite's stands in for its files."""
    data = tmp_path / "data"
    data.mkdir()
    for name in ("siqa", "xcopa"):
        (data / name).symlink_to(real["data_dir"] / name)
    (data / "copa").mkdir()
    lines = (real["data_dir"] / "xcopa/sw/val.sw.jsonl").read_text(encoding="utf-8")
    for name in ("train", "val"):
        (data / "copa" / f"{name}.jsonl").write_text(lines, encoding="utf-8")
    options = {**real, "data_dir": data, "languages": ("sw", "tr", "zh"), "max_eval_examples": 8}
    (row,) = adapterstilts.transfer("none", "xcopa", seeds=1, **options).rows
    assert row.english is None and row.zero_shot is not None
    assert all(set(row.predictions(language).values()) <= {0, 1} for language in row.languages)
