"""The order of labels that a recipe does not list yet, whatever the order of the rows; and labels that are no gold."""

from __future__ import annotations

from collections.abc import Iterable

HIDDEN = "its label is missing"
"""What is wrong with a row without gold answer among others that have one."""


def check_lines(names: Iterable[str]) -> None:
    """Raises ValueError for a label that cannot stand on a line of its own, as predictions do in their files."""
    for name in names:
        if name != name.strip() or not name or any(mark in name for mark in "\t\n\r"):
            raise ValueError(
                f"labels: {name!r} cannot stand on a line of its own, as predictions do in their files: labels are not "
                "empty, and have no tab, no line break and no space at an end. Rename it in the data"
            )


def label_order(names: Iterable[str]) -> tuple[str, ...]:
    """Numbers by size, everything else by name; tags by what they name, `O` first and `B-X` before `I-X`."""
    return tuple(sorted(set(names), key=_place))


def _place(name: str) -> tuple[bool, float, str, str]:
    if name.isascii() and name.isdigit():
        return False, float(name), "", name
    prefix, dash, entity = name.partition("-")
    in_spans = name == "O" or (dash and len(prefix) == 1)
    return True, 0.0 if in_spans else 1.0, entity if in_spans else name, name


def begins_and_continues(names: Iterable[str]) -> bool:
    """Whether these are tags of the BIO scheme: `B-X`, `I-X` and `O`, with at least one that begins a span."""
    found = set(names)
    return any(name.startswith("B-") for name in found) and all(
        name == "O" or name[:2] in ("B-", "I-") for name in found
    )
