"""Large numbers at the ends of their units, where rounding reaches the next one."""

from __future__ import annotations

import pytest

from adapterstilts.reporting.numbers import shown_bytes, shown_digits, shown_flops, shown_tokens


@pytest.mark.parametrize(
    ("number", "shown"),
    [
        (0, "0"),
        (999.4, "999 "),
        (999.7e9, "1 T"),
        (1e12, "1 T"),
        (1.494e12, "1.49 T"),
        (999.6e15, "1 E"),
        (1.234e21, "1,230 E"),
    ],
)
def test_operations(number: float, shown: str) -> None:
    assert shown_flops(number) == shown


@pytest.mark.parametrize(
    ("number", "sign", "shown"),
    [
        (0.0809, "", "0.0809"),
        (1234.5, "", "1,230"),
        (999.7, "", "1,000"),
        (-1010.2, "+", "-1,010"),
        (203.4, "+", "+203"),
    ],
)
def test_digits_are_written_out(number: float, sign: str, shown: str) -> None:
    assert shown_digits(number, sign) == shown


@pytest.mark.parametrize(
    ("count", "shown"), [(12, "12"), (1_000, "1.0k"), (960_000, "960.0k"), (999_960, "1.0M"), (2.5e9, "2.5B")]
)
def test_tokens(count: float, shown: str) -> None:
    assert shown_tokens(count) == shown


@pytest.mark.parametrize(
    ("number", "shown"), [(20_992, "21 kB"), (960e6, "960.0 MB"), (999_999_999, "1.0 GB"), (1.25e12, "1.2 TB")]
)
def test_bytes(number: float, shown: str) -> None:
    assert shown_bytes(number) == shown
