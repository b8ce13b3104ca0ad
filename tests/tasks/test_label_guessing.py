"""What a column of labels is taken for."""

from __future__ import annotations

from typing import Any

import pytest

from adapterstilts.tasks.label_guessing import guess_labels

MEASURES = [f"{n / 7:.3f}" for n in range(1, 30)]
SCALE = ["1.0", "1.5", "2.0", "2.5", "3.0"] * 6


@pytest.mark.parametrize(
    ("values", "told", "options", "separator"),
    [
        (["sport", "art"] * 5, {}, None, None),
        (["sport|art", "art", "sport", "art|food"], {}, {"multi_label": True}, "|"),
        (["sport; art", "art", "", "sport"], {}, {"multi_label": True}, ";"),
        (["sport,art", "art", "sport"], {}, {"multi_label": True}, ","),
        # Names with a comma: their parts do not come again.
        (["Arts, Culture", "Sport", "Business, Tech"], {}, None, None),
        (["sport|art", "art", "sport"], {"multi_label": False}, None, None),
        (["sport; art"], {"multi_label": True}, {}, ";"),
        ([["a", "b"], []], {}, {"multi_label": True}, None),
        (MEASURES, {}, {"regression": True}, None),
        (MEASURES, {"regression": False}, None, None),
        ([0.37, *map(float, MEASURES)], {}, {"regression": True}, None),
        # A comma for the point.
        ([one.replace(".", ",") for one in MEASURES], {}, {"regression": True}, None),
        ([f"{n},{m}" for n in range(4) for m in range(0, 10, 3)], {}, {"regression": True}, None),
        ([f"{n},{m}" for n in range(1, 6) for m in range(6, 9)], {}, {"multi_label": True}, ","),
        # Whole numbers are classes, and so are the steps of a scale.
        ([str(n) for n in range(40)], {}, None, None),
        (SCALE, {}, None, None),
        (SCALE, {"regression": True}, {}, None),
    ],
)
def test_what_values_look_like(
    values: list[Any], told: dict[str, Any], options: dict[str, Any] | None, separator: str | None
) -> None:
    found = guess_labels(values, told)
    if options is None:
        assert found is None
    else:
        assert found is not None and (dict(found.options), found.separator) == (options, separator)
