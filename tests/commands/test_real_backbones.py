"""English-only against multilingual, and dense against sparse, on slices of real releases with random weights.

The numbers mean nothing; that each backbone reads the same words of the same languages does.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
import transformers
from tokenizers import ByteLevelBPETokenizer

import adapterstilts
from adapterstilts.errors import CompatibilityError
from adapterstilts.settings import Encoding
from tests.backbones import FAMILIES
from tests.commands.test_real_data import real, xlmr
from tests.package_tasks import recipe

__all__ = ["real", "xlmr"]  # fixtures: options for the slices, and XLM-R's own vocabulary

LANGUAGES = ("ru", "zh")


@pytest.fixture(scope="module")
def english(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A RoBERTa whose byte-level vocabulary was learned from English alone."""
    folder = tmp_path_factory.mktemp("english")
    bpe = ByteLevelBPETokenizer()
    lines = (shared / "data/udpos/train-en.tsv").read_text(encoding="utf-8").splitlines()
    words = " ".join(line.partition("\t")[0] for line in lines[:20_000])
    bpe.train_from_iterator([words], vocab_size=1000, special_tokens=["<s>", "<pad>", "</s>", "<unk>", "<mask>"])
    bpe.save_model(str(folder))
    save("roberta", folder, transformers.RobertaTokenizerFast.from_pretrained(folder))
    return folder


def save(family: str, folder: Path, tokenizer: Any) -> Path:
    """Writes a family's random weights for a real vocabulary."""
    one = FAMILIES[family]
    config = getattr(transformers, one.config)(**{**one.settings, "vocab_size": len(tokenizer)})
    config.max_position_embeddings = 514
    getattr(transformers, one.model)(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.mark.slow
def test_backbones_are_compared_on_the_same_words(
    real: dict[str, Any], xlmr: Path, english: Path, tmp_path: Path
) -> None:
    vocabulary = transformers.AutoTokenizer.from_pretrained(xlmr)
    folders = {name: save(name, tmp_path / name, vocabulary) for name in ("llama", "mixtral")}
    examples = {}
    for name, folder in {"xlm-roberta": xlmr, "roberta": english, **folders}.items():
        options = {**real, "backbone": str(folder), "method": "peft:lora", "max_eval_examples": 8}
        (row,) = adapterstilts.transfer("none", "udpos", languages=LANGUAGES, seeds=1, **options).rows
        examples[name] = {code: metrics["examples"] for code, metrics in row.languages.items()}
        assert row.zero_shot is not None and all(math.isfinite(value) for value in row.zero_shot.values())
    assert all(found == dict.fromkeys(LANGUAGES, 8) for found in examples.values())


def test_words_begin_with_a_space_in_byte_level_vocabularies(english: Path) -> None:
    """As with `add_prefix_space`, which `transformers` wants for words that are given one by one."""
    words = ["The", "ſtories", "are", "old"]
    plain = transformers.RobertaTokenizerFast.from_pretrained(english)
    told = transformers.RobertaTokenizerFast.from_pretrained(english, add_prefix_space=True)
    encoded = (
        recipe("udpos")
        .build_kind()
        .encode({"tokens": [words]}, [0], tokenizer=plain, encoding=Encoding(max_length=16), labels=False)
    )
    assert encoded["input_ids"][0] == told(words, is_split_into_words=True)["input_ids"]
    assert encoded["words"] == [[0, 1, 2, 3]] and encoded["at"][0][0] == 1


def test_vocabulary_of_whole_english_words_is_refused_for_other_scripts(
    real: dict[str, Any], shared: Path, tmp_path: Path
) -> None:
    lines = (shared / "data/udpos/train-en.tsv").read_text(encoding="utf-8").splitlines()
    words = sorted({word for line in lines[:5_000] if (word := line.partition("\t")[0].lower()).isascii() and word})
    (tmp_path / "vocab.txt").write_text("\n".join(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *words]))
    folder = save("bert", tmp_path / "bert", transformers.BertTokenizerFast(str(tmp_path / "vocab.txt")))
    options = {**real, "backbone": str(folder), "method": "peft:lora", "max_eval_examples": 8}
    with pytest.raises(CompatibilityError, match=r"no token for \d+% of the characters of udpos in ru"):
        adapterstilts.transfer("none", "udpos", languages=("ru",), seeds=1, **options)
