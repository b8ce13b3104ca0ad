"""Secrets out of text: nothing that is printed, raised or logged about a place holds a key to it."""

from __future__ import annotations

import os
import re

_TOKEN = re.compile(r"\b(hf|api_org)_[A-Za-z0-9]{12,}")
_HEADER = re.compile(r"(?i)\b(bearer|basic)\s+[\w.~+/=-]{6,}")
# NAME:PASSWORD@ of an address, also where the password has an @, and what follows its `?`, where signatures are.
_USER = re.compile(r"(?<=://)[^/\s]+@")
_QUERY = re.compile(r"(\b\w+://[^\s?'\"<>]+)\?[^\s'\"<>]*")
_VARIABLES = ("HF_TOKEN", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
_SHORTEST = 6
HIDDEN = "***"


def scrub(text: str) -> str:
    """The text without tokens of the Hub, also the one that is in use now, and without what signs an address."""
    for secret in _secrets():
        text = text.replace(secret, HIDDEN)
    text = _TOKEN.sub(HIDDEN, text)
    text = _HEADER.sub(rf"\1 {HIDDEN}", text)
    return _QUERY.sub(r"\1", _USER.sub("", text))


def _secrets() -> list[str]:
    from huggingface_hub import get_token

    known = [get_token(), *(os.environ.get(name) for name in _VARIABLES)]
    return [secret for secret in known if secret and len(secret) >= _SHORTEST]
