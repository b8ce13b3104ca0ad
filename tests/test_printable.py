"""Text of others on a terminal: signs that steer it are shown."""

from __future__ import annotations

import json

from adapterstilts.printable import printable, printable_message


def test_control_characters_are_shown_and_everything_else_stays() -> None:
    assert printable("\x1b[2Jgone\x07\r\x9b31m\x7f\0") == r"\u001b[2Jgone\u0007\u000d\u009b31m\u007f\u0000"
    assert printable("a\tb\nä 中 ع ‏ │") == "a\tb\nä 中 ع ‏ │"
    assert printable("\ud800") == r"\ud800"


def test_json_says_the_same_afterwards() -> None:
    value = {"label": "\x1b[31m\x9b\x7f ok\n"}
    shown = printable(json.dumps(value, ensure_ascii=False))
    assert "\x9b" not in shown and json.loads(shown) == value


def test_long_words_of_messages_are_cut() -> None:
    text = printable_message(f"--seeds {'9' * 5000} is no number, and /a/b is a path")
    assert len(text) < 300 and text.endswith("… is no number, and /a/b is a path")
