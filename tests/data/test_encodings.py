"""Text in other encodings than UTF-8: read as the recipe says, and guessed where nobody says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from adapterstilts.data.bad_rows import BadRows
from adapterstilts.data.formats import FORMATS, read_lines
from adapterstilts.data.formats.encodings import guess_encoding
from adapterstilts.data.formats.guessing import guess_format
from adapterstilts.errors import DataError, UsageError

# format: (a file, its options, its record)
FILES: dict[str, tuple[str, dict[str, Any], dict[str, Any]]] = {
    "csv": ('a,b\r\n"Übung\nmacht",é\r\n', {}, {"a": "Übung\nmacht", "b": "é"}),
    "tsv": ("a\tb\nÜbung\té\n", {}, {"a": "Übung", "b": "é"}),
    "json": ('[{"a": "Übung"}]', {}, {"a": "Übung"}),
    "jsonl": ('{"a": "Übung"}\n', {}, {"a": "Übung"}),
    "conll": ("Übung\tNOUN\né\tX\n", {}, {"tokens": ["Übung", "é"], "tags": ["NOUN", "X"]}),
    "text": ("Übung\nmacht é\n", {"unit": "block"}, {"text": "Übung\nmacht é"}),
}
ENCODINGS = ("cp1252", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1250")


def write(path: Path, text: str, encoding: str) -> Path:
    path.write_bytes(text.encode(encoding))
    return path


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("format_", FILES)
def test_every_reader_of_text_can_be_told_the_encoding(tmp_path: Path, format_: str, encoding: str) -> None:
    text, options, record = FILES[format_]
    path = write(tmp_path / "x", text, encoding)
    reader = FORMATS.get(format_)
    assert [found for _, found in reader((path,), "en", BadRows(skip=False), encoding=encoding, **options)] == [record]


@pytest.mark.parametrize("format_", FILES)
def test_text_of_another_encoding_than_the_one_that_is_said_is_refused(tmp_path: Path, format_: str) -> None:
    """It would be read as other text, or end in an error of the decoder."""
    text, options, _ = FILES[format_]
    path = write(tmp_path / "x", text, "utf-8")
    said = {"cp1252": "x is in UTF-8, and cp1252 is due", "cp850": "x is in UTF-8", "utf-16": "x is not in UTF-16"}
    for encoding, says in said.items():
        with pytest.raises(DataError, match=says):
            list(FORMATS.get(format_)((path,), "en", BadRows(skip=True), encoding=encoding, **options))


def test_lines_are_numbered_as_in_utf_8(tmp_path: Path) -> None:
    text = "a\r\n\n" + "ü\u2028x\n" * 3 + "\n\r\n"
    as_utf8 = list(read_lines(write(tmp_path / "x", text, "utf-8")))
    assert list(read_lines(write(tmp_path / "y", text, "utf-16-be"), "utf-16-be")) == as_utf8
    with pytest.raises(DataError, match="y is empty"):
        list(read_lines(write(tmp_path / "y", "\n \r\n", "utf-16"), "utf-16"))


@pytest.mark.parametrize("encoding", ["utf-9", "rot13", "a\0b"])
def test_an_encoding_that_there_is_not(tmp_path: Path, encoding: str) -> None:
    with pytest.raises(UsageError, match="Unknown encoding .* Name one that Python has"):
        list(FORMATS.get("text")((write(tmp_path / "x", "a", "utf-8"),), "en", BadRows(skip=False), encoding=encoding))


def test_bytes_that_mean_nothing_spoil_their_record_only(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes("a\n天气\n".encode("cp932") + b"b\x81\n" + "好\n".encode("cp932"))
    with pytest.raises(DataError, match="x: line 3: the text after 'b' is not valid cp932"):
        list(FORMATS.get("text")((tmp_path / "x",), "ja", BadRows(skip=False), encoding="cp932"))
    bad = BadRows(skip=True)
    found = [row["text"] for _, row in FORMATS.get("text")((tmp_path / "x",), "ja", bad, encoding="cp932")]
    assert found == ["a", "天气", "好"] and bad.counts.total() == 1


def test_lines_in_another_encoding_are_named_with_what_they_could_be(tmp_path: Path) -> None:
    lines = ["text,label", *(f"Größe {number},1" for number in range(20))]
    content = [line.encode("cp1252" if number in (7, 12) else "utf-8") for number, line in enumerate(lines)]
    (tmp_path / "x.csv").write_bytes(b"\n".join(content))
    with pytest.raises(DataError, match=r"x.csv: line 8: the text after 'Gr' is not valid UTF-8; as Windows-1252 it"):
        list(FORMATS.get("csv")((tmp_path / "x.csv",), "en", BadRows(skip=False)))
    bad = BadRows(skip=True)
    assert len(list(FORMATS.get("csv")((tmp_path / "x.csv",), "en", bad))) == 18
    assert all("; as Windows-1252 it goes on 'öße " in reason for reason in bad.counts)
    found = guess_encoding(tmp_path / "x.csv")
    assert found.name == "utf-8" and found.why == "all but 2 of 20 lines beyond ASCII are valid UTF-8"


TEXTS = {
    "cp1252": "Der Fußgänger möchte über die Straße gehen.\nIl était une fois à l’école — «déjà vu».\n",
    "cp1250": "Zażółć gęślą jaźń. W Szczebrzeszynie chrząszcz brzmi w trzcinie.\nPříliš žluťoučký kůň úpěl.\n",
    "cp1251": "Вчера президент подписал закон о налогах.\nПогода в Москве хорошая.\n",
    "koi8-r": "Вчера президент подписал закон о налогах.\nПогода в Москве хорошая.\n",
    "cp1253": "Χθες ο πρόεδρος υπέγραψε τον νόμο.\nΟ καιρός είναι καλός.\n",
    "cp932": "昨日、大統領は税に関する法律に署名しました。\n天気は良いです。\n",
    "gb18030": "昨天总统签署了税法。\n天气很好,我们去公园散步。\n",
    "big5": "昨天總統簽署了稅法。\n天氣很好。\n",
    "cp949": "어제 대통령이 세법에 서명했습니다.\n날씨가 좋습니다.\n",
    "utf-8": "Größe\n",
    "utf-16-le": "Groesse and more\n",
    "utf-16-be": "Groesse and more\n",
    "utf-16": "Größe\n",
    "utf-32": "Größe\n",
}  # fmt: skip


@pytest.mark.parametrize("encoding", TEXTS)
def test_an_encoding_that_nobody_says_is_guessed(tmp_path: Path, encoding: str) -> None:
    found = guess_encoding(write(tmp_path / "x", TEXTS[encoding] * 3, encoding))
    assert found.name == encoding and found.why


def test_the_guess_is_part_of_the_format_and_can_be_said(tmp_path: Path) -> None:
    path = write(tmp_path / "x.csv", "text;label\nGröße;1\nMaß;2\n", "cp1252")
    found = guess_format(path, ["text_a", "label"])
    assert found.options == {"delimiter": ";", "encoding": "cp1252"} and found.encoding.name == "cp1252"
    assert found.encoding.why == "2 of 2 lines beyond ASCII are not valid UTF-8, and in it they make sense"
    said = guess_format(path, ["text_a", "label"], encoding="latin-1", delimiter="|")
    assert said.options == {"delimiter": "|", "encoding": "iso8859-1"} and said.encoding.why == "as you said"


def test_formats_that_are_utf_8_say_so(tmp_path: Path) -> None:
    path = write(tmp_path / "x.conllu", "1\tÜbung\t_\tNOUN\n", "utf-16")
    with pytest.raises(DataError, match=r"x.conllu is in utf-16 \(it begins with .*\), and .* conllu are UTF-8. Save"):
        guess_format(path, ["tokens", "tags"])
