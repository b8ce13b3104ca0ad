"""Every file format: what a malformed file is answered with, with and without skipping bad records."""

from __future__ import annotations

from pathlib import Path

import pytest

from adapterstilts.data.bad_rows import BadRows
from adapterstilts.data.formats import FORMATS
from adapterstilts.errors import DataError, UsageError
from tests.data.release_examples import (
    ARTICLE,
    CONLLU,
    COPA,
    ENGLISH,
    ENTITY,
    GOLD,
    PAIR,
    QUESTION,
    RACE,
    SOURCE,
    TAXI,
    XTREME_PAIRS,
    XTREME_QUESTION,
    Content,
    archive,
    changed,
    lines,
    read,
    squad,
    xquad_r,
    xtreme_squad,
)

PAIR_COLUMNS = {"columns": ["text_a", "text_b", "label"]}
REAL, EMPTIED = QUESTION["answers"][0], XTREME_QUESTION["answers"][0]

# name: (format, files, options, message, good records beside the bad one; None if the file cannot be read on)
MALFORMED: dict[str, tuple[str, tuple[Content, ...], dict, str, int | None]] = {
    "jsonl_cut": ("jsonl", ('{"a": 1}\n{"a": ',), {}, r"file0: line 2: column 7: not JSON", 1),
    "jsonl_list": ("jsonl", ('[1]\n{"a": 1}',), {}, r"line 1: it is not a JSON object", 1),
    "jsonl_nested": ("jsonl", ("[" * 100_000 + '\n{"a": 1}',), {}, r"line 1: it is nested too deeply", 1),
    "jsonl_not_utf8": (
        "jsonl",
        (b'{"a": "x\xff"}\n{"a": 1}',),
        {},
        r"line 1: the text after .*x' is not valid UTF-8",
        1,
    ),
    "jsonl_empty": ("jsonl", ("\n\n",), {}, r"file0 is empty", None),
    "jsonl_few_labels": ("jsonl", ('{"a": 1}\n{"a": 1}', "1\n"), {}, r"has 2 records, and .*file1 has 1 labels", None),
    "json_no_list": ("json", ('{"a": 1}',), {}, r"file0 is not a JSON list", None),
    "json_cut": ("json", ('[{"a": 1}, ',), {}, r"file0: line 1, column 12: not JSON", None),
    "json_no_object": ("json", ('[{"a": 1}, 2]',), {}, r"file0: object 1: it is not a JSON object", 1),
    "json_not_utf8": ("json", (b'[{"a": "x\xff"}, {"a": 1}]',), {}, r"object 0: the text after .*x' is not valid", 1),
    "tsv_columns": ("tsv", ("a\tb\n1\t2\n1\n",), {}, r"line 3: it has 1 columns instead of 2 \(a, b\)", 1),
    "tsv_hidden_labels": (
        "tsv",
        ("x\ty\t0\nx\ty\n",),
        PAIR_COLUMNS,
        r"line 2: it has 2 columns instead of 3 \(text_a, text_b, label\)",
        1,
    ),
    "tsv_hidden_labels_first": (
        "tsv",
        ("x\ty\nx\ty\t0\n",),
        PAIR_COLUMNS,
        r"file0: line 1: it has 2 columns instead of 3 \(text_a, text_b, label\)",
        1,
    ),
    "tsv_hidden_labels_and_less": (
        "tsv",
        ("x\ty\nx\n",),
        PAIR_COLUMNS,
        r"line 2: it has 1 columns instead of 2 \(text_a, text_b\)",
        1,
    ),
    "tsv_two_columns_less": (
        "tsv",
        ("x\n",),
        PAIR_COLUMNS,
        r"line 1: it has 1 columns instead of 3 \(text_a, text_b, label\)",
        0,
    ),
    "tsv_hidden_not_utf8": (
        "tsv",
        (b"x\t\xff\nx\ty\n",),
        PAIR_COLUMNS,
        r"line 1: .* not valid UTF-8",
        1,
    ),
    "tsv_header_hidden": ("tsv", ("a\tlabel\nx\n",), {}, r"line 2: it has 1 columns instead of 2 \(a, label\)", 0),
    "csv_hidden_labels": (
        "csv",
        (XTREME_PAIRS.splitlines()[1] + "\r\nx\ty\tneutral\r\n",),
        {**PAIR_COLUMNS, "delimiter": "\t"},
        r"file0: line 1: it has 2 columns instead of 3 \(text_a, text_b, label\)",
        1,
    ),
    "tsv_blank_line": ("tsv", ("a\tb\n\n1\t2\n",), {}, r"line 2: it has 1 columns instead of 2", 1),
    "tsv_not_utf8": ("tsv", (b"a\tb\n1\t\xe9\n1\t2",), {}, r"line 2: .* not valid UTF-8", 1),
    "tsv_header": ("tsv", ("a\ta\n1\t2\n",), {}, r"line 1: the header row names two columns 'a'", None),
    "tsv_quoted_and_one_not": (
        "tsv",
        ('a\tb\n"1 ""x"""\t2\n"3" 4\t5\n"6 ""7"""\t8\n9\t"a ""b"""\n',),
        {},
        r"line 3: text follows the quotation mark",
        3,
    ),
    "csv_open": ("csv", ('a,b\n1,2\n3,"four\n5,6\n',), {}, r"line 3: a quoted field .* is never closed", None),
    "csv_text_after": ("csv", ('a,b\n1,"two" x\n3,4\n',), {}, r"line 2: text follows the quotation mark", 1),
    "csv_stray_quote": ("csv", ('a,b\n1,"x"y"\n3,4\n',), {}, r"line 2: text follows the quotation mark", 1),
    "csv_carriage_return": ("csv", ("a,b\n1,x\ry\n3,4\n",), {}, r"line 2: a carriage return stands in a field", 1),
    "csv_columns": ("csv", ('a,b\n"x\ny",2\n1,2,3\n',), {}, r"line 4: it has 3 columns instead of 2", 1),
    "csv_empty": ("csv", ("",), {}, r"file0 is empty", None),
    "parquet_cut": ("parquet", (b"PAR1...",), {}, r"file0 is not Parquet, or damaged \(.*Check its format", None),
    "arrow_cut": ("arrow", (b"ARROW1..........",), {}, r"file0 is not Arrow, or damaged \(.*Check its format", None),
    "excel_old": ("excel", (b"\xd0\xcf\x11\xe0...",), {}, r"file0 is an Excel file of before 2007 .*as \.xlsx", None),
    "conll_no_tag": ("conll", ("a\tO\n\nb\nc\tO\n",), {}, r"sentence 1 \(from line 3\): line 3 has one column", 1),
    "conll_one_tag": (
        "conll",
        ("10\u00a0000\n\neuroa\tNOUN\n",),
        {},
        r"file0: sentence 0 \(from line 1\): line 1 has one column, so that .* missing \(line 3 has more\)",
        1,
    ),
    "conll_spaces_and_one_without": (
        "conll",
        ("Anna B-PER\nin O\n\nRom\n\nist O\n",),
        {},
        r"sentence 1 \(from line 4\): line 4 has one column, so that .* missing \(line 1 has more\)",
        2,
    ),
    "conll_tabs_and_one_with_a_space": (
        "conll",
        ("Anna\tB-PER\n\n10 000\n\nist\tO\n",),
        {},
        r"sentence 1 \(from line 3\): line 3 has one column, so that .* missing \(line 1 has more\)",
        2,
    ),
    "conll_hidden_prefix_only": ("conll", ("de:a\n\nde:\n",), {}, r"the word on line 3 is empty", 1),
    "conll_hidden_not_utf8": ("conll", (b"a\n\nb\xff\n",), {}, r"sentence 1 .* not valid UTF-8", 1),
    "conll_hidden_tab": ("conll", ("a\t\n",), {}, r"the tag on line 1 is empty", 0),
    "conll_no_word": (
        "conll",
        ("a\n",),
        {"token": 1},
        r"line 1 has one column, so that word or tag is missing\.",
        0,
    ),
    "conll_empty_word": ("conll", ("a\tO\n\tO\n\nb\tO\n",), {}, r"sentence 0 .*: the word on line 2 is empty", 1),
    "conll_empty_tag": ("conll", ("a\t \n\nb\tO\n",), {}, r"the tag on line 1 is empty", 1),
    "conll_prefix_only": ("conll", ("de:a\tO\n\nde:\tO\n",), {}, r"the word on line 3 is empty", 1),
    "conll_few_columns": (
        "conll",
        ("a\tb\tO\n\na\tO\n",),
        {"tag": 2},
        r"line 3 has 2 columns, too few for columns 0 and 2",
        1,
    ),
    "conll_not_utf8": ("conll", (b"a\tO\n\nb\xff\tO\n",), {}, r"sentence 1 .* not valid UTF-8", 1),
    "conllu_columns": (
        "conllu",
        (CONLLU + "3\tHaus\tNOUN\n\n" + CONLLU,),
        {},
        r"line 5 has 3 columns instead of 10",
        1,
    ),
    "conllu_ids": ("conllu", (CONLLU + CONLLU + "\n" + CONLLU,), {}, r"line 7 has the id '1' instead of 3", 1),
    "xml_cut": ("copa_xml", (COPA[:-20],), {}, r"line 1, column \d+: not XML", None),
    "xml_not_utf8": ("copa_xml", (COPA.encode().replace(b"shadow", b"\xff"),), {}, r"is not valid UTF-8", None),
    "xml_no_choice": (
        "copa_xml",
        (COPA.replace("<item", COPA[COPA.index("<item") : -14].replace("<a2>The sun was rising.</a2>", "") + "<item"),),
        {},
        r"item '7': <a2> is missing or empty",
        1,
    ),
    "xml_label": (
        "copa_xml",
        (COPA.replace("<item", '<item most-plausible-alternative="3"><p>a</p><a1>b</a1><a2>c</a2></item><item', 1),),
        {},
        r"the most plausible alternative is '3' instead of 1 or 2",
        1,
    ),
    "text_not_utf8": ("text", (b"One.\n\xff\n",), {}, r"line 2: .* not valid UTF-8", 1),
    "race_text": (
        "race",
        (archive({"RACE/train/high/1.txt": RACE, "RACE/train/high/2.txt": "{"}),),
        {},
        r"file0: train/high/2.txt: Expecting property name",
        1,
    ),
    "race_no_answers": (
        "race",
        (archive({"train/1.txt": RACE, "train/2.txt": RACE.replace('["B"]', "[]")}),),
        {},
        r"it has not as many answers as questions",
        1,
    ),
    "race_no_archive": ("race", ("RACE",), {}, r"file0 cannot be unpacked", None),
    "race_folder": ("race", (archive({"train/1.txt": RACE}),), {"split": "test"}, r"no texts in a folder 'test'", None),
    "taxixnli_mark": (
        "taxixnli",
        (TAXI + "7\t2\tA\tB\tneutral\t2\t0\n8\t2\tA\tB\tneutral\t1\t0\n", *["A\tB\tneutral\n"] * 2),
        {},
        r"line 2: 'negation' is '2' instead of 1, 0 or -1",
        1,
    ),
    "taxixnli_lines": (
        "taxixnli",
        (TAXI, "A\tB\tneutral\nC\tD\tneutral\n", "A\tB\tneutral\n"),
        {},
        r"has 2 pairs, and .*file2 has 1",
        None,
    ),
    "taxixnli_other_pairs": (
        "taxixnli",
        (TAXI + "7\t2\tX\tB\tneutral\t1\t0\n", *["A\tB\tneutral\n"] * 2),
        {},
        r"has none of the pairs",
        None,
    ),
    "bucc_unknown": (
        "bucc",
        (SOURCE, ENGLISH, GOLD + "de-1\ten-9\n"),
        {},
        r"file2: line 2: the id 'en-9' is not in file1",
        4,
    ),
    "bucc_gold_columns": ("bucc", (SOURCE, ENGLISH, GOLD + "de-1 en-2\n"), {}, r"it has 1 columns instead of 2", 4),
    "bucc_gold_twice": ("bucc", (SOURCE, ENGLISH, GOLD + GOLD), {}, r"line 2: the pair de-2 en-1 is given twice", 4),
    "bucc_no_gold_no_tab": ("bucc", (SOURCE + "de-3 Doch.\n", ENGLISH), {}, r"file0: line 3: it is not an id", 4),
    "bucc_empty_gold": ("bucc", (SOURCE, ENGLISH, ""), {}, r"file2 is empty", None),
    "bucc_no_tab": ("bucc", (SOURCE + "de-3 Doch.\n", ENGLISH, GOLD), {}, r"file0: line 3: it is not an id, a tab", 4),
    "bucc_same_id": (
        "bucc",
        (SOURCE, ENGLISH + "en-1\tNope.\n", GOLD),
        {},
        r"file1: line 3: the id 'en-1' is used twice",
        4,
    ),
    "bucc_no_sentence": ("bucc", (SOURCE + "de-3\t \n", ENGLISH, GOLD), {}, r"line 3: the sentence is empty", 4),
    "tatoeba_counts": ("tatoeba", ("Ja.\nNein.\n", "Yes.\n"), {}, r"file0 has 2 lines, and .*file1 has 1", None),
    "tatoeba_sorted": (
        "tatoeba",
        ("Satz\n" * 20, "".join(f"Sentence {number:02}\n" for number in range(20))),
        {},
        r"file1 is in alphabetical order, as XTREME's download leaves it",
        None,
    ),
    "tatoeba_empty_line": (
        "tatoeba",
        ("Ja.\n\nNein.", "Yes.\nHm.\nNo."),
        {},
        r"file0: line 2: the sentence is empty",
        4,
    ),
    "tatoeba_number": (
        "tatoeba",
        ("Ja.\nNein.", "No.\nYes.", "1\n2\n"),
        {},
        r"file2: line 2: '2' is not a line number from 0 to 1",
        3,
    ),
    "tatoeba_numbers": (
        "tatoeba",
        ("Ja.\nNein.", "No.\nYes.", "1\n"),
        {},
        r"file2 has 1 lines, and there are 2 sentences",
        None,
    ),
    "lareqa_no_breaks": (
        "lareqa",
        (squad(QUESTION),),
        {},
        r"paragraph 0 of article 0: 'sentence_breaks' is missing",
        0,
    ),
    "lareqa_breaks": ("lareqa", (xquad_r(QUESTION, breaks=[[0, 99]]),), {}, r"the sentence break \[0, 99\] is not", 0),
    "lareqa_same_id": ("lareqa", (xquad_r(QUESTION, QUESTION),), {}, r"question 'q' .*: the id is used twice", 3),
    "lareqa_emptied": ("lareqa", (xquad_r(XTREME_QUESTION),), {}, r"question 0 .*: an answer is empty", 2),
    "lareqa_squad_emptied": (
        "lareqa_squad",
        (squad(XTREME_QUESTION, {**QUESTION, "id": "r"}),),
        {},
        r"question 0 .*: an answer is empty",
        1,
    ),
    "squad_emptied_and_real": (
        "squad_json",
        (xtreme_squad({**QUESTION, "answers": [REAL, EMPTIED]}, QUESTION),),
        {},
        r"file0: question 0 of paragraph 0 of article 0: an answer is empty",
        1,
    ),
    "squad_emptied_to_blank": (
        "squad_json",
        (xtreme_squad({**QUESTION, "answers": [{**EMPTIED, "text": " "}]}, QUESTION),),
        {},
        r"an answer is empty",
        1,
    ),
    "squad_v2_emptied": (
        "squad_json",
        (xtreme_squad({**XTREME_QUESTION, "is_impossible": False}, QUESTION),),
        {},
        r"an answer is empty",
        1,
    ),
    "tydiqa_emptied_and_real": (
        "tydiqa_json",
        (xtreme_squad(QUESTION, {**QUESTION, "answers": [EMPTIED, REAL]}),),
        {},
        r"file0: question 0 of paragraph 0 of article 1: an answer is empty",
        1,
    ),
    "lareqa_squad_offset": (
        "lareqa_squad",
        (squad({**QUESTION, "id": "r", "answers": [{"text": "Bob", "answer_start": 3}]}, QUESTION),),
        {},
        r"question 'r' .*: the answer 'Bob' is not at offset 3, where the context has ' ca'",
        1,
    ),
    "mewslix_no_text": (
        "mewslix",
        (lines({**ARTICLE, "context": {**ARTICLE["context"], "text": ""}}, ARTICLE), lines(ENTITY)),
        {},
        r"file0: line 1: the article has no text: .*get-mewsli-x.sh",
        2,
    ),
    "mewslix_offset": (
        "mewslix",
        (
            lines(ARTICLE, changed(ARTICLE, example_id="m2", mention_span={"start": 0, "end": 2, "text": "Oslo"})),
            lines(ENTITY),
        ),
        {},
        r"mention 0 of line 2: the mention 'Oslo' is not at offset 0, where the text has 'It'",
        2,
    ),
    "mewslix_same_id": ("mewslix", (lines(ARTICLE, ARTICLE), lines(ENTITY)), {}, r"the id 'm1' is used twice", 2),
    "mewslix_same_entity": (
        "mewslix",
        (lines(ARTICLE), lines(ENTITY, ENTITY)),
        {},
        r"file1: line 2: the id 'Q1757' is used",
        2,
    ),
    "mewslix_no_entity_id": (
        "mewslix",
        (lines(ARTICLE, changed(ARTICLE, example_id="m2", entity_id=None)), lines(ENTITY)),
        {},
        r"'entity_id' is missing or of the wrong type",
        2,
    ),
    "pairs_no_description": (
        "mewslix_pairs",
        (lines({**PAIR, "entity": {**ENTITY, "description": " "}}, PAIR),),
        {},
        r"line 1: the description is empty",
        1,
    ),
}


@pytest.mark.parametrize("name", MALFORMED)
def test_malformed_file_is_an_error_that_names_the_place(tmp_path: Path, name: str) -> None:
    format_, contents, options, message, _ = MALFORMED[name]
    with pytest.raises(DataError, match=message) as error:
        read(tmp_path, format_, contents, BadRows(skip=False), **options)
    assert str(tmp_path) in str(error.value)


@pytest.mark.parametrize("name", [name for name, entry in MALFORMED.items() if entry[4] is not None])
def test_bad_records_can_be_counted_and_left_out(tmp_path: Path, name: str) -> None:
    format_, contents, options, _, good = MALFORMED[name]
    bad = BadRows(skip=True)
    assert len(read(tmp_path, format_, contents, bad, **options)) == good
    assert bad.counts.total() == 1


@pytest.mark.parametrize("name", FORMATS.names())
def test_missing_file_wrong_number_and_unknown_option(tmp_path: Path, name: str) -> None:
    format_ = FORMATS.get(name)
    absent = tuple(tmp_path / f"absent{number}" for number in range(format_.required))
    with pytest.raises(DataError, match=r"absent0 cannot be read .No such file.*--data-dir"):
        list(format_(absent, "en", BadRows(skip=False)))
    with pytest.raises(DataError, match=rf"Format '{name}' reads .*, and was given 0 files"):
        format_((), "en", BadRows(skip=False))
    with pytest.raises(UsageError, match=r"Unknown option of format .* 'separator'"):
        format_(absent, "en", BadRows(skip=False), separator=";")
    for option in ("unit", "queries", "gold"):
        if option in format_.options:
            with pytest.raises(UsageError, match=rf"Unknown {option} of format '{name}' 'x'"):
                format_(absent, "en", BadRows(skip=False), **{option: "x"})
    if not format_.more:
        with pytest.raises(DataError, match=r"was given \d files"):
            format_((tmp_path,) * (len(format_.files) + 1), "en", BadRows(skip=False))


def test_every_format_has_malformed_files() -> None:
    formats = set(FORMATS.names())
    assert len(formats) == 21
    assert formats == {entry[0] for entry in MALFORMED.values()}
