"""What each family of translation models is told, with its own tokenizer, and what it does then."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import (
    M2M100Config,
    M2M100ForConditionalGeneration,
    M2M100Tokenizer,
    MarianTokenizer,
    MBart50Tokenizer,
    NllbTokenizer,
    NllbTokenizerFast,
    T5Tokenizer,
)

from adapterstilts.data.translation.families import NLLB, speak
from adapterstilts.data.translation.layout import Direction
from adapterstilts.data.translation.model import Translator, locate_checkpoint
from adapterstilts.errors import CompatibilityError, UsageError
from adapterstilts.languages import LANGUAGES
from tests.package_tasks import recipe
from tests.translation_models import save_marian, sentences, train_pieces

EN_DE = Direction("en", "de")


@pytest.fixture(scope="module")
def pieces(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return train_pieces(tmp_path_factory.mktemp("pieces"), sentences("en", "de"))


def m2m(pieces: Path, folder: Path) -> Any:
    import json

    import sentencepiece

    processor = sentencepiece.SentencePieceProcessor(model_file=str(pieces))
    names = ["<s>", "<pad>", "</s>", "<unk>"]
    names += [name for id_ in range(len(processor)) if (name := processor.id_to_piece(id_)) not in names]
    vocabulary = folder / "vocab.json"
    vocabulary.write_text(json.dumps({name: id_ for id_, name in enumerate(names)}))
    return M2M100Tokenizer(str(vocabulary), str(pieces))


def test_every_language_has_a_code_of_nllb() -> None:
    from transformers.models.nllb.tokenization_nllb import FAIRSEQ_LANGUAGE_CODES

    assert set(NLLB) == set(LANGUAGES) and set(NLLB.values()) <= set(FAIRSEQ_LANGUAGE_CODES)


@pytest.mark.parametrize("family", ["NLLB", "M2M100", "mBART-50"])
def test_source_and_first_token_are_set(family: str, pieces: Path, tmp_path: Path) -> None:
    tokenizer = {
        "NLLB": lambda: NllbTokenizer(str(pieces)),
        "M2M100": lambda: m2m(pieces, tmp_path),
        "mBART-50": lambda: MBart50Tokenizer(str(pieces), src_lang="en_XX"),
    }[family]()
    told = speak(tokenizer, EN_DE, name="m")
    assert told.family == family and told.source == told.codes["source"] and told.prefix == ""
    named = {"NLLB": ("eng_Latn", "deu_Latn"), "M2M100": ("en", "de"), "mBART-50": ("en_XX", "de_DE")}[family]
    assert (told.codes["source"], told.codes["target"]) == named
    token = f"__{named[1]}__" if family == "M2M100" else named[1]
    assert told.forced == tokenizer.convert_tokens_to_ids(token)
    missing = {"M2M100": "qu", "mBART-50": "eu"}.get(family)
    if missing:
        with pytest.raises(UsageError, match=rf"has no {LANGUAGES[missing]} .*Its languages are: .*de, "):
            speak(tokenizer, Direction("en", missing), name="m")


@pytest.mark.parametrize("fast", [False, True])
def test_nllb_speaks_all_of_its_languages(fast: bool, pieces: Path) -> None:
    """Not those of the benchmarks alone: the tags of SIB-200, which has FLORES-200's languages, are those it knows."""
    tokenizer = NllbTokenizer(str(pieces))
    if fast:
        tokenizer = NllbTokenizerFast(str(pieces), slow_tokenizer=tokenizer)
    hub = recipe("sib200").sources.hub
    assert hub is not None
    there = set(tokenizer.additional_special_tokens)
    named = {tag: code for tag, code in hub.configs.items() if tag != "en" and code in there}
    assert len(named) == 200 and {named[tag] for tag in ("ha", "am", "zh-Hant", "quy")} == {
        "hau_Latn", "amh_Ethi", "zho_Hant", "quy_Latn",
    }  # fmt: skip
    for tag, code in [*named.items(), ("qu", "quy_Latn")]:
        told = speak(tokenizer, Direction("en", tag), name="m")
        assert told.codes == {"source": "eng_Latn", "target": code}
        assert told.forced == tokenizer.convert_tokens_to_ids(code)
    with pytest.raises(UsageError, match=r"has no Chuvash .cv.. Its languages are: .*ace, .*ha, "):
        speak(tokenizer, Direction("cv", "en"), name="m")


def test_marian_with_several_targets_is_told_by_a_prefix(tmp_path: Path) -> None:
    folder = save_marian(tmp_path / "m", sentences("en"), languages=("eng", "mul"), targets=("deu", "cmn_Hans"))
    tokenizer = MarianTokenizer.from_pretrained(folder)
    assert speak(tokenizer, EN_DE, name="m").prefix == ">>deu<< "
    assert speak(tokenizer, Direction("en", "zh"), name="m").prefix == ">>cmn_Hans<< "
    with pytest.raises(UsageError, match=r"m has no Russian .ru.. Its languages are: de, zh"):
        speak(tokenizer, Direction("en", "ru"), name="m")
    with pytest.raises(UsageError, match=r"m has no Hausa .ha.. Its languages are: de, zh"):
        speak(tokenizer, Direction("en", "ha"), name="m")
    ids = tokenizer(">>deu<< Anna.")["input_ids"]
    assert tokenizer.convert_ids_to_tokens(ids)[0] == ">>deu<<"


def test_marian_of_languages_beyond_the_benchmarks(tmp_path: Path) -> None:
    folder = save_marian(tmp_path / "m", sentences("en"), languages=("en", "ha"))
    assert speak(MarianTokenizer.from_pretrained(folder), Direction("en", "ha"), name="m").codes["target"] == "ha"
    with pytest.raises(UsageError, match="m translates from en to ha, not from English to Igbo"):
        speak(MarianTokenizer.from_pretrained(folder), Direction("en", "ig"), name="m")
    folder = save_marian(tmp_path / "s", sentences("en"), languages=("eng", "mul"), targets=("hau_Latn", "srp_Latn"))
    tokenizer = MarianTokenizer.from_pretrained(folder)
    assert speak(tokenizer, Direction("en", "ha"), name="m").prefix == ">>hau_Latn<< "
    assert speak(tokenizer, Direction("en", "sr-Latn"), name="m").prefix == ">>srp_Latn<< "
    with pytest.raises(UsageError, match="m has no Serbian"):  # which is usually written in another script
        speak(tokenizer, Direction("en", "sr"), name="m")


def test_t5_is_told_by_a_prefix_if_it_knows_languages(pieces: Path) -> None:
    tokenizer = T5Tokenizer(str(pieces), extra_ids=0, legacy=False)
    with pytest.raises(CompatibilityError, match="has no tokens for languages"):
        speak(tokenizer, EN_DE, name="m")
    tokenizer.add_tokens(["<2de>", "<2zh>", "<2fil>", "<2zh_Hant>"])
    assert speak(tokenizer, EN_DE, name="m").prefix == "<2de> "
    told = speak(tokenizer, Direction("en", "tl"), name="m")  # which it calls Filipino
    assert told.prefix == "<2fil> " and told.codes == {"target": "fil"}
    assert speak(tokenizer, Direction("en", "zh-Hant"), name="m").prefix == "<2zh_Hant> "
    with pytest.raises(UsageError, match="has no Russian .*Its languages are: de, tl, zh"):
        speak(tokenizer, Direction("en", "ru"), name="m")


def test_a_model_of_many_languages_begins_with_the_one_that_is_asked_for(pieces: Path, tmp_path: Path) -> None:
    """A random M2M100: what it generates begins with the token of the language, and depends on it."""
    tokenizer = m2m(pieces, tmp_path)
    torch.manual_seed(0)
    sizes = {f"{side}_{what}": 2 for side in ("encoder", "decoder") for what in ("attention_heads", "layers")}
    config = M2M100Config(
        vocab_size=max(tokenizer.lang_code_to_id.values()) + 9, d_model=16, encoder_ffn_dim=16, decoder_ffn_dim=16,
        max_position_embeddings=40, pad_token_id=tokenizer.pad_token_id, eos_token_id=tokenizer.eos_token_id,
        decoder_start_token_id=2, **sizes,
    )  # fmt: skip
    folder = tmp_path / "model"
    M2M100ForConditionalGeneration(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    checkpoint = locate_checkpoint(str(folder))
    texts = ["Anna has met Bob.", "Who has met Bob?", "Anna has met Bob."]
    found = {}
    for language in ("de", "zh"):
        translator = Translator(
            checkpoint, Direction("en", language), beams=1, tokens_per_batch=64, device=torch.device("cpu"),
            dtype=torch.float32,
        )  # fmt: skip
        assert translator.tokenizer.src_lang == "en"
        batches, too_long = translator.plan(texts)
        assert sorted(text for batch in batches for text in batch.texts) == sorted(set(texts)) and not too_long
        assert batches == translator.plan(texts[::-1])[0]
        found[language] = [one.text for batch in batches for one in translator.translate(batch)]
    assert found["de"] != found["zh"]


def test_batches_have_few_shapes(tmp_path: Path) -> None:
    folder = save_marian(tmp_path / "m", sentences("en", "de"))
    translator = Translator(
        locate_checkpoint(str(folder)), EN_DE, beams=2, tokens_per_batch=256, device=torch.device("cpu"),
        dtype=torch.float32,
    )  # fmt: skip
    batches, too_long = translator.plan(sentences("en"))
    assert {batch.width for batch in batches} <= {16, 32, 48, 64, 80, 96, 112, 128}
    assert all(len(batch.texts) * batch.width * 2 <= 256 for batch in batches if len(batch.texts) > 1)
    full: dict[int, set[int]] = {}
    for batch in batches:
        full.setdefault(batch.width, set()).add(len(batch.texts))
    assert all(len(rows) <= 2 for rows in full.values())  # full ones, and one that is left over
    longest = [len(translator.tokenizer(text)["input_ids"]) for text in sentences("en")]
    assert len(too_long) == sum(length > 128 for length in set(longest)) or max(longest) <= 128
