"""What a task brings to a training stage: with what lower layers give of its rows, where these stay the same."""

from __future__ import annotations

from typing import Any

import adapterstilts
from adapterstilts.stages.lower import FOLDER


def test_text_that_is_masked_anew_in_each_epoch_is_computed_in_each(suite: dict[str, Any]) -> None:
    """Only what does not change is kept: the validation text."""
    options = {**suite, "method": "seq_bn[leave_out=0,reduction_factor=4]", "max_validation_examples": 10_000}
    adapterstilts.train_intermediate("mlm", **{**options, "epochs": 2}, frozen_once=True)
    (file,) = (suite["store"] / ".cache" / FOLDER).iterdir()
    assert file.stat().st_size > 0
