"""Tiny translation models with real tokenizers, made from the embedded suite's text."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import sentencepiece
import torch
from transformers import MarianConfig, MarianMTModel, MarianTokenizer

from adapterstilts.mini.generators.span_qa import span_qa

_SPECIAL = ("</s>", "<unk>")


def sentences(*languages: str) -> list[str]:
    """Contexts and questions of the suite, with every mark that is put around answers."""
    rows = [row for language in languages for row in span_qa(split="train", language=language, size=200)]
    texts = list(dict.fromkeys(text for row in rows for text in (row["context"], row["question"])))
    return [*texts, *[f"{mark}{text}" for mark in "[]{}" for text in texts[:5]]]


def train_pieces(folder: Path, texts: Sequence[str], *, size: int = 400) -> Path:
    """A sentencepiece model."""
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(texts), model_prefix=str(folder / "pieces"), vocab_size=size, hard_vocab_limit=False,
        character_coverage=1.0, num_threads=1, minloglevel=2,
    )  # fmt: skip
    return folder / "pieces.model"


def save_marian(
    folder: Path,
    texts: Sequence[str],
    *,
    languages: tuple[str, str] = ("en", "de"),
    targets: Sequence[str] = (),
    positions: int = 128,
    pairs: Sequence[tuple[str, str]] = (),
    steps: int = 0,
) -> Path:
    """Writes a Marian of a few thousand random weights, or one that has learned some pairs by heart.

    Args:
        targets: Languages of which one is written before a text, as `>>deu<<`.
        pairs: Texts with the translations to learn, in so many `steps`.
    """
    folder.mkdir(parents=True)
    pieces = train_pieces(folder, texts)
    processor = sentencepiece.SentencePieceProcessor(model_file=str(pieces))
    names = [processor.id_to_piece(id_) for id_ in range(processor.get_piece_size())]
    codes = [f">>{code}<<" for code in targets]
    vocabulary = [*_SPECIAL, *(name for name in names if name not in (*_SPECIAL, "<s>")), *codes, "<pad>"]
    (folder / "vocab.json").write_text(json.dumps({name: id_ for id_, name in enumerate(vocabulary)}))
    given = {"source_lang": languages[0], "target_lang": languages[1]}
    tokenizer = MarianTokenizer(str(pieces), str(pieces), str(folder / "vocab.json"), **given)
    torch.manual_seed(0)
    wide = 64 if pairs else 16
    config = MarianConfig(
        vocab_size=len(vocabulary), d_model=wide, encoder_layers=1, decoder_layers=1, encoder_attention_heads=2,
        decoder_attention_heads=2, encoder_ffn_dim=2 * wide, decoder_ffn_dim=2 * wide, dropout=0.0,
        max_position_embeddings=positions, pad_token_id=len(vocabulary) - 1, eos_token_id=0, forced_eos_token_id=0,
        decoder_start_token_id=len(vocabulary) - 1, scale_embedding=True, max_length=positions,
    )  # fmt: skip
    model = MarianMTModel(config)
    if pairs:
        _learn(model, tokenizer, pairs, steps)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    pieces.unlink()
    return folder


def _learn(model: Any, tokenizer: Any, pairs: Sequence[tuple[str, str]], steps: int) -> None:
    """Overfits the pairs."""
    batch = tokenizer(
        [source for source, _ in pairs], text_target=[target for _, target in pairs], padding=True, return_tensors="pt"
    )
    batch["labels"][batch["labels"] == tokenizer.pad_token_id] = -100
    optimiser = torch.optim.AdamW(model.parameters(), lr=5e-3)
    model.train()
    for _ in range(steps):
        loss = model(**batch).loss
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    model.eval()
