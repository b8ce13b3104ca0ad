"""Which head of `transformers`, and of `adapters`, is the same function as one of ours, by family of backbones.

Ours are linear layers over the last hidden state, and so are most of theirs; what is listed here has equal logits,
which the tests compare. A family or a head that is not listed has none, as ModernBERT's heads have a norm of their own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from adapterstilts.modeling.architecture import default_pooling
from adapterstilts.modeling.blocks import HeadDescription

_ROBERTA = ("camembert", "roberta", "xlm-roberta", "xlm-roberta-xl", "xmod")
_BERT = ("bert",)
_DEBERTA = ("deberta-v2",)
_DECODERS = ("gemma", "gemma2", "llama", "mistral", "mixtral", "qwen2", "qwen2_moe", "qwen3", "qwen3_moe")
# Families whose model for questions finds the weights of the backbone's checkpoint.
_DECODERS_WITH_SPANS = ("mistral", "mixtral", "qwen2_moe")


@dataclass(frozen=True)
class Form:
    """A head of another library that is the same function as one of ours.

    Attributes:
        name: The automatic class of `transformers`, or the type of a head of `adapters`.
        modules: Our module to theirs; `{base}` stands for what their model calls the backbone.
        task_type: What `peft` calls the form.
    """

    name: str
    modules: Mapping[str, str]
    task_type: str | None = None


_POOLER = {"dense": "{base}.pooler.dense", "out_proj": "classifier"}
_CLASSIFIERS = (
    (
        _ROBERTA,
        Form(
            "AutoModelForSequenceClassification",
            {"dense": "classifier.dense", "out_proj": "classifier.out_proj"},
            "SEQ_CLS",
        ),
    ),
    (_BERT, Form("AutoModelForSequenceClassification", _POOLER, "SEQ_CLS")),
)
_OF_TRANSFORMERS: dict[str, tuple[tuple[tuple[str, ...], Form], ...]] = {
    "span": (
        (
            (*_ROBERTA, *_BERT, *_DEBERTA, *_DECODERS_WITH_SPANS),
            Form("AutoModelForQuestionAnswering", {"qa_outputs": "qa_outputs"}, "QUESTION_ANS"),
        ),
    ),
    "token": (
        (
            (*_ROBERTA, *_BERT, *_DEBERTA, "mt5"),
            Form("AutoModelForTokenClassification", {"classifier": "classifier"}, "TOKEN_CLS"),
        ),
        (_DECODERS, Form("AutoModelForTokenClassification", {"classifier": "score"}, "TOKEN_CLS")),
    ),
    "classification": _CLASSIFIERS,
    "multi_label": _CLASSIFIERS,
    "regression": _CLASSIFIERS,
    "choice": (((*_ROBERTA, *_BERT), Form("AutoModelForMultipleChoice", _POOLER)),),
}
_OF_ADAPTERS = {
    "span": Form("question_answering", {"qa_outputs": "1"}),
    "token": Form("tagging", {"classifier": "1"}),
    "classification": Form("classification", {"dense": "1", "out_proj": "4"}),
    "multi_label": Form("multilabel_classification", {"dense": "1", "out_proj": "4"}),
    "regression": Form("classification", {"dense": "1", "out_proj": "4"}),
    "choice": Form("multiple_choice", {"dense": "1", "out_proj": "4"}),
}
_POOLED = ("classification", "multi_label", "regression", "choice")
PROBLEMS = {"multi_label": "multi_label_classification", "regression": "regression"}
"""Heads that `transformers` has as a classifier with another meaning of its scores, to what it calls them."""


def transformers_form(head: HeadDescription, config: Any) -> Form | None:
    """The head of `transformers` that equals one of ours on an architecture; None where there is none."""
    if head.name in _POOLED and _pooling(head, config) != "first":
        return None
    entries = _OF_TRANSFORMERS.get(head.name, ())
    return next((form for families, form in entries if config.model_type in families), None)


def adapters_form(head: HeadDescription, config: Any, *, prompt: str | None) -> Form | None:
    """The head of `adapters` that equals one of ours on an architecture; None where there is none.

    Args:
        prompt: Where the tokens of a trained prompt are put, which its heads do not leave out: `prefix` or
            `prefix_after_bos`; None where there is no prompt.
    """
    if head.name in _POOLED:
        usual = default_pooling(config)
        behind = prompt is None or (prompt == "prefix_after_bos" and usual == "first")
        if usual == "mean" or _pooling(head, config) != usual or not behind:
            return None
    return _OF_ADAPTERS.get(head.name)


def _pooling(head: HeadDescription, config: Any) -> str:
    return head.options.get("pooling") or default_pooling(config)
