"""Large numbers as a table shows them."""

from __future__ import annotations


def shown_parameters(counts: dict[str, int]) -> str:
    """Trained parameters, and their share of all."""
    return f"{counts['trained']:,} ({100 * counts['trained'] / counts['total']:.2f}%)"


def shown_digits(number: float, sign: str = "") -> str:
    """Three significant digits, written out where there are more before the point.

    Args:
        sign: `+` to have it of positive numbers too.
    """
    rounded = float(f"{number:.3g}")
    return f"{rounded:{sign},.0f}" if abs(rounded) >= 1000 else f"{number:{sign}.3g}"


def shown_tokens(count: float) -> str:
    """A number of tokens in thousands, millions or billions."""
    for unit, size in (("B", 1e9), ("M", 1e6), ("k", 1e3)):
        if round(1000 * count / size, 1) >= 1000:  # as it would be shown in the smaller unit
            return f"{count / size:.1f}{unit}"
    return f"{count:.0f}"


def shown_flops(number: float) -> str:
    """Floating-point operations with a prefix of the SI."""
    for prefix in ("", "k", "M", "G", "T", "P"):
        if float(f"{number:.3g}") < 1000:  # as it is shown
            return f"{number:.3g} {prefix}" if number else "0"
        number /= 1000
    return f"{shown_digits(number)} E"


def shown_bytes(number: float) -> str:
    """A size in kB, MB, GB or TB, each a thousand times the one before."""
    for unit, size in (("TB", 1e12), ("GB", 1e9), ("MB", 1e6)):
        if round(1000 * number / size, 1) >= 1000:  # as it would be shown in the smaller unit
            return f"{number / size:.1f} {unit}"
    return f"{number / 1e3:.0f} kB"


def shown_seconds(number: float) -> str:
    """A time in seconds, minutes, hours or days."""
    for unit, size in (("d", 86_400), ("h", 3600), ("min", 60)):
        if number >= 2 * size:
            return f"{number / size:.1f} {unit}"
    return f"{number:.0f} s"


def shown_megabytes(count: float) -> str:
    """A number of bytes in megabytes of 10^6."""
    return f"{count / 1e6:,.2f} MB"
