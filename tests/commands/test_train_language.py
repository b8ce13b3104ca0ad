"""Language adapters: one for each language, of a method that leaves the backbone as it is."""

from __future__ import annotations

from typing import Any

import pytest

from adapterstilts import api
from adapterstilts.errors import CompatibilityError, UsageError
from adapterstilts.runs.store import Run


@pytest.mark.slow
def test_a_language_is_trained_in_its_own_text_and_selected_there(suite: dict[str, Any]) -> None:
    result = api.train_language("sw", **{**suite, "max_train_examples": 32})
    spec = Run(result.folder).training
    assert (spec.stage, spec.task, result.languages, result.validation_language) == (
        "train-language", "mlm", ["sw"], "sw",
    )  # fmt: skip
    assert str(spec.method) == "seq_bn_inv[reduction_factor=2]" and result.validation["perplexity"] > 1
    assert api.train_language("sw", **{**suite, "max_train_examples": 32}) == result


@pytest.mark.parametrize(
    ("language", "changes", "error", "message"),
    [
        ("fr", {}, UsageError, "Unknown language of mlm in the mini source 'fr'"),
        ("de", {"method": "full"}, CompatibilityError, "gives no adapter that another language's can take the place"),
        ("de", {"method": "peft:lora"}, CompatibilityError, "Use a method of the adapters library"),
        ("de", {"unfreeze_backbone": True}, CompatibilityError, "on a frozen backbone"),
        ("de", {"stride": 8}, UsageError, "--stride has no meaning for mlm"),
        ("de", {"pooling": "mean"}, UsageError, "--pooling has no meaning for mlm"),
    ],
)
def test_what_gives_no_language_adapter_is_refused(
    suite: dict[str, Any], language: str, changes: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        api.train_language(language, **{**suite, **changes})
