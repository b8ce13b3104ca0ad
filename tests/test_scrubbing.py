"""Nothing that is said of a place holds a key to it."""

from __future__ import annotations

import pytest

from adapterstilts.scrubbing import scrub


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("https://me:secret@host/x", "https://host/x"),
        ("https://me:se@cr@et@host/x is not there", "https://host/x is not there"),
        ("https://me@there.org:secret@host:8080/a@b", "https://host:8080/a@b"),
        ("hf://USER/NAME@main", "hf://USER/NAME@main"),
        ("s3://bucket/x?X-Amz-Signature=abc, and more", "s3://bucket/x and more"),
        ("Authorization: Bearer abcdef123456", "Authorization: Bearer ***"),
        (f"hf_{'a' * 20} is a token", "*** is a token"),
    ],
)
def test_keys_are_left_out(text: str, left: str) -> None:
    assert scrub(text) == left


def test_the_secrets_in_use_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wJalr/XUtn+FEMI")
    assert scrub("signed with wJalr/XUtn+FEMI.") == "signed with ***."
