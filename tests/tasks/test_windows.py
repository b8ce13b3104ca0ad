"""Windows of long contexts, where they begin, what is around them, and which of them a token belongs to."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers import PreTrainedTokenizerFast

from adapterstilts.mini.tokenizer import build_tokenizer
from adapterstilts.settings import Encoding
from adapterstilts.tasks.pair_classification import PairClassification
from adapterstilts.tasks.windows import Frame, own_separator, windows

TOKENIZER = build_tokenizer()
CONTEXT = " ".join(["Anna bought the book ."] * 20)


def decoder_tokenizer(*, newline: bool = True, bos: bool = True) -> Any:
    """A tokenizer that puts nothing between two texts, as those of decoders."""
    words = [
        "<pad>",
        "<unk>",
        "<s>",
        *["What", "is", "it", "?", "A", "man", "eats", "sleeps", ".", "|"],
        *(["\n"] if newline else []),
    ]
    backend = Tokenizer(models.WordLevel({word: number for number, word in enumerate(words)}, unk_token="<unk>"))
    backend.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Split("\n", "isolated"), pre_tokenizers.Split(" ", "removed"), pre_tokenizers.Punctuation(),
    ])  # fmt: skip
    if bos:
        backend.post_processor = processors.TemplateProcessing(
            single="<s> $A", pair="<s> $A $B", special_tokens=[("<s>", 2)]
        )
    return PreTrainedTokenizerFast(tokenizer_object=backend, pad_token="<pad>", unk_token="<unk>", bos_token="<s>")


def cut(question: str, context: str, tokenizer: Any = TOKENIZER, **encoding: Any) -> list[Any]:
    (found,) = windows([question], [context], tokenizer=tokenizer, encoding=Encoding(**encoding))
    return found


@pytest.mark.parametrize("stride", [1, 8, 20, 30])
def test_each_window_starts_stride_tokens_further(stride: int) -> None:
    """`transformers` cuts the same ones with the overlap as its `stride`."""
    question = TOKENIZER("What ?", add_special_tokens=False)["input_ids"]
    room = 40 - 4 - len(question)
    found = cut("What ?", CONTEXT, max_length=40, stride=stride)
    reference = TOKENIZER(
        "What ?", CONTEXT, truncation="only_second", max_length=40, stride=room - stride,
        return_overflowing_tokens=True, return_offsets_mapping=True,
    )  # fmt: skip
    assert [window.ids for window in found] == reference["input_ids"] and len(found) > 2
    for window, offsets in zip(found, reference["offset_mapping"], strict=True):
        assert window.spans == offsets[window.first : window.first + len(window.spans)]


def test_what_fits_is_one_window_and_nothing_has_one_too() -> None:
    (whole,) = cut("What ?", "Anna bought the book .", max_length=40, stride=8)
    assert whole.ids == TOKENIZER("What ?", "Anna bought the book .")["input_ids"] and all(whole.central)
    (empty,) = cut("What ?", "", max_length=40, stride=8)
    assert empty.ids == [*TOKENIZER("What ?")["input_ids"], 2, 2] and empty.spans == empty.central == []


def test_a_token_is_central_in_the_one_window_that_has_most_around_it() -> None:
    found = cut("What ?", CONTEXT, max_length=40, stride=10)
    of_token: dict[int, list[tuple[float, bool]]] = {}
    for number, window in enumerate(found):
        last = len(window.spans) - 1
        for place, central in enumerate(window.central):
            context = min(place, last - place) + 0.01 * (last + 1)
            of_token.setdefault(10 * number + place, []).append((context, central))
    assert max(map(len, of_token.values())) > 2
    for found_in in of_token.values():
        assert [central for _, central in found_in].count(True) == 1
        assert found_in[int(np.argmax([context for context, _ in found_in]))][1]


@pytest.mark.parametrize("stride", [20, 24, 99])
def test_no_token_lies_between_windows_whatever_the_separators_take(stride: int) -> None:
    """24 tokens were left for the context without them."""
    tokenizer, context = decoder_tokenizer(newline=False), " ".join(["A man eats ."] * 20)
    found = cut("What is it ?", context, tokenizer, max_length=29, stride=stride, separator=" | ", causal=True)
    covered = {span for window in found for span in window.spans}
    assert len(covered) == 80 and all(len(window.ids) <= 29 for window in found)


def test_token_types_are_those_of_the_tokenizer() -> None:
    tokenizer = build_tokenizer()
    tokenizer.backend_tokenizer.post_processor = processors.BertProcessing(("</s>", 2), ("<s>", 0))
    (window,) = cut("What ?", "Anna bought", tokenizer, max_length=40, stride=8)
    reference = tokenizer("What ?", "Anna bought", return_token_type_ids=True)
    assert (window.ids, window.types) == (reference["input_ids"], reference["token_type_ids"])
    assert set(window.types) == {0, 1} and Frame.of(tokenizer).tokens == 3


@pytest.mark.parametrize(("newline", "bos", "separator"), [(True, True, "\n"), (False, False, " | ")])
def test_texts_are_separated_where_the_tokenizer_puts_nothing_between_them(
    newline: bool, bos: bool, separator: str
) -> None:
    tokenizer = decoder_tokenizer(newline=newline, bos=bos)
    assert own_separator(TOKENIZER) == ""
    assert own_separator(tokenizer) == separator
    (window,) = cut("What is it ?", "A man", tokenizer, max_length=40, stride=8, separator=separator, causal=True)
    shown = "\n" if newline else "|"
    start = ["<s>"] * bos
    assert tokenizer.convert_ids_to_tokens(window.ids) == [*start, *["What", "is", "it", "?"], shown, "A", "man", shown]
    assert window.spans == [(0, 1), (2, 5)] and window.first == 5 + bos
    pairs = {"text_a": ["A man eats ."], "text_b": ["A man sleeps ."], "label": ["0"]}
    encoding = Encoding(max_length=16, separator=separator)
    found = PairClassification({"labels": ["0", "1"]}).encode(
        pairs, [0], tokenizer=tokenizer, encoding=encoding, labels=True
    )
    expected = [*start, *["A", "man", "eats", "."], shown, *["A", "man", "sleeps", "."]]
    assert tokenizer.convert_ids_to_tokens(found["input_ids"][0]) == expected
