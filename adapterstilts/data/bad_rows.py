"""What happens to a record that does not follow its format: an error, or a counted omission."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from adapterstilts.errors import DataError


class BadRows:
    """Collects the records of a data set that cannot be used.

    Args:
        skip: Count bad records and leave them out instead of raising.
    """

    def __init__(self, *, skip: bool) -> None:
        self.skip = skip
        self.counts: Counter[str] = Counter()

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
                remedy="Mend the file, or leave such rows out with --skip-bad-rows.",
            )
        self.counts[reason] += 1
