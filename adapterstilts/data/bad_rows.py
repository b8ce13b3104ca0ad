"""What happens to a record that does not follow its format: an error, or a counted omission."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from adapterstilts.errors import DataError
from adapterstilts.printable import counted

# So many reasons are named why none of some records can be used.
_REASONS = 3
_OF_FILES = "Mend the file, or leave such rows out with --skip-bad-rows."


# Reasons that differ in what is quoted or in a number are of one kind; so many kinds are told.
_VARIES = re.compile(r"'[^']*'|\"[^\"]*\"|\d+")
_KINDS = 5


def told_of_left_out(counts: Mapping[str, int]) -> str:
    """How many records were left out, and why: each kind of reason once, the most frequent first; empty if none were.

    Args:
        counts: Reason to number of records.
    """
    kinds: dict[str, Counter[str]] = {}
    for reason, count in counts.items():
        kinds.setdefault(_VARIES.sub("", reason), Counter())[reason] += count
    if not kinds:
        return ""
    told = []
    for reasons in sorted(kinds.values(), key=lambda one: -one.total()):
        ((example, _),) = reasons.most_common(1)
        told.append(f"{reasons.total():,} where {example}" + (", or the like" if len(reasons) > 1 else ""))
    more = f"; and for {len(told) - _KINDS} other reasons" if len(told) > _KINDS + 1 else ""
    shown = told[:_KINDS] if more else told
    total = sum(counts.values())
    return f"{counted(total, 'malformed record')}: {'; '.join(shown)}{more}"


class Omitted(Exception):  # noqa: N818 (nothing went wrong)
    """A good record that a data set's own rules leave out, such as one without a gold label; it is only counted."""


def told_why(counts: Counter[str]) -> str:
    """Why none of some records can be used, after a colon; nothing where no reason is known."""
    reasons = "; ".join(f"{reason} ({count:,})" for reason, count in counts.most_common(_REASONS))
    return f": {reasons}" if reasons else ""


class BadRows:
    """Collects the records of a data set that cannot be used, or are not meant to be.

    Args:
        skip: Count bad records and leave them out instead of raising.
        remedy: What can be done about one, where that is said otherwise than of a file.

    Attributes:
        counts: Reason to number of bad records that were left out.
        omitted: Reason to number of good records that the data set's own rules leave out.
        hidden: Why what stands where the gold answers of its records are is taken for none, if it is.
    """

    def __init__(self, *, skip: bool, remedy: str = _OF_FILES) -> None:
        self.skip = skip
        self.remedy = remedy
        self.counts: Counter[str] = Counter()
        self.omitted: Counter[str] = Counter()
        self.hidden: str | None = None

    def report(self, path: Path | str, record: str, reason: str) -> None:
        """Raises for one bad record, or counts it under its reason.

        Args:
            path: The file it is in.
            record: Where in the file, e.g. `question 'abc' of paragraph 3`.

        Raises:
            DataError: Bad records are not to be skipped.
        """
        if not self.skip:
            raise DataError(
                f"{path}: {record}: {reason}.",
                remedy=self.remedy,
            )
        self.counts[reason] += 1

    def omit(self, reason: str) -> None:
        """Counts a record that is left out by design."""
        self.omitted[reason] += 1
