"""What decides whether a group of rows is held out, whatever else there is."""

from __future__ import annotations

import hashlib


def rank(group: str) -> float:
    """A number from 0 to 1 that depends on nothing but the group."""
    return int.from_bytes(hashlib.sha256(group.strip().encode()).digest()[:8], "big") / 2**64
