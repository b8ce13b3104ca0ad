"""The words of a text that is to be tagged."""

from __future__ import annotations

import pytest

from adapterstilts.data.records.text_words import word_offsets

TEXTS = {
    "Ann lives in Berlin.": "Ann lives in Berlin .",
    ' He said: "Go (now)!"...': 'He said : " Go ( now ) ! " ...',
    "the U.S., z.B. J. Smith etc.": "the U.S. , z.B. J. Smith etc .",
    "«Sí», ¿dónde está? Mio. 3,5": "« Sí » , ¿ dónde está ? Mio . 3,5",
    "e-mail John 's x@y.com, http://a.b/c.": "e-mail John 's x@y.com , http://a.b/c .",
    "أين برلين؟": "أين برلين ؟",
    "मारिया बर्लिन में है।": "मारिया बर्लिन में है ।",
    "玛丽在 IBM工作。": "玛 丽 在 IBM 工 作 。",
    "玛丽 在 柏林 工作 。": "玛丽 在 柏林 工作 。",
    "玛丽在柏林的一家公司工作。 他 来": "玛 丽 在 柏 林 的 一 家 公 司 工 作 。 他 来",
    "แมรี่ทำงาน ที่": "แมรี่ทำงาน ที่",
    "... ( .": "... ( .",
    " ": "",
}


@pytest.mark.parametrize("text", TEXTS)
def test_words_are_apart_from_punctuation(text: str) -> None:
    assert [text[start:end] for start, end in word_offsets(text)] == TEXTS[text].split()
