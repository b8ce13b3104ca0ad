"""Every file format but SQuAD's: what a good file gives."""

from __future__ import annotations

from pathlib import Path

import pytest

from adapterstilts.data.bad_rows import BadRows
from adapterstilts.data.formats import FORMATS
from adapterstilts.data.formats.sentences import sentence_breaks
from tests.data.release_examples import (
    ARTICLE,
    CONLLU,
    CONTEXT,
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
    XTREME_WORDS,
    Content,
    archive,
    lines,
    read,
    retrieval,
    squad,
    xquad_r,
    xtreme_squad,
)

PAIR_COLUMNS = {"columns": ["text_a", "text_b", "label"]}

# name: (format, files, options, records)
GOOD: dict[str, tuple[str, tuple[Content, ...], dict, list[dict]]] = {
    "jsonl": ("jsonl", ('{"a": 1}\n\n{"a": "ü"}',), {}, [{"a": 1}, {"a": "ü"}]),
    "jsonl_bom_crlf": ("jsonl", (b'\xef\xbb\xbf{"a": 1}\r\n{"a": 2}\r\n',), {}, [{"a": 1}, {"a": 2}]),
    "jsonl_line_separator_inside": ("jsonl", ('{"a": "x\u2028y"}',), {}, [{"a": "x\u2028y"}]),
    "jsonl_labels": ("jsonl", ('{"a": 1}\n{"a": 2}\n', "3\n1\n"), {}, [{"a": 1, "label": "3"}, {"a": 2, "label": "1"}]),
    "jsonl_label_name": ("jsonl", ('{"a": 1}\n', "B"), {"label": "correct"}, [{"a": 1, "correct": "B"}]),
    "json": ("json", ('[{"a": 1},\n {"a": "ü"}]',), {}, [{"a": 1}, {"a": "ü"}]),
    "tsv_header": ("tsv", ('id\tq\r\n1\t"So" said "he\r\n',), {}, [{"id": "1", "q": '"So" said "he'}]),
    "csv_index": ("csv", (",q,\n0,A,\n1,B,\n",), {}, [{"q": "A"}, {"q": "B"}]),  # as pandas and spreadsheets write it
    # As csv.writer has it: one field needs quotation marks, and its neighbour does not.
    "tsv_quoted": (
        "tsv",
        ('"He said ""So"", ""no""."\ta\r\n"""So"" it is."\tit\'s\r\nplain\tb\r\n',),
        {"columns": ["x", "y"]},
        [{"x": 'He said "So", "no".', "y": "a"}, {"x": '"So" it is.', "y": "it's"}, {"x": "plain", "y": "b"}],
    ),
    "tsv_quoted_as_text": (
        "tsv",
        ('"All of it."\t"And this."\n"Open\tno "" more\n"As ""csv"" would."\tc\n',),
        {"columns": ["x", "y"]},
        [
            {"x": '"All of it."', "y": '"And this."'},
            {"x": '"Open', "y": 'no "" more'},
            {"x": '"As ""csv"" would."', "y": "c"},
        ],
    ),
    "tsv_columns": ("tsv", ("a\t\n",), {"columns": ["x", "y"]}, [{"x": "a", "y": ""}]),
    "csv": (
        "csv",
        ('id,text\r\n1,"a ""b"", c"\r\n2,"two\nlines"\n3,5" disk\n4,',),
        {},
        [
            {"id": "1", "text": 'a "b", c'},
            {"id": "2", "text": "two\nlines"},
            {"id": "3", "text": '5" disk'},
            {"id": "4", "text": ""},
        ],
    ),
    "csv_with_tabs": (
        "csv",
        ('Er sagte, ja.\t"Die ""IPA"" besteht."\t0\r\n',),
        {"columns": ["a", "b", "label"], "delimiter": "\t"},
        [{"a": "Er sagte, ja.", "b": 'Die "IPA" besteht.', "label": "0"}],
    ),
    "conll": (
        "conll",
        ("From\tADP\n#\tSYM\n\n\nBush\tPROPN",),
        {},
        [{"tokens": ["From", "#"], "tags": ["ADP", "SYM"]}, {"tokens": ["Bush"], "tags": ["PROPN"]}],
    ),
    "conll_prefixes": (
        "conll",
        ("zh:前\tB-LOC\r\nzh::\tO\r\n\r\nzh:a:b\tO\r\n",),
        {},
        [{"tokens": ["前", ":"], "tags": ["B-LOC", "O"]}, {"tokens": ["a:b"], "tags": ["O"]}],
    ),
    "conll_no_prefix": ("conll", ("no:way\tO\nhere\tO\n",), {}, [{"tokens": ["no:way", "here"], "tags": ["O", "O"]}]),
    "conll_spaces": (
        "conll",
        ("-DOCSTART- -X- O\n\nEU NNP B-ORG\nGerman JJ B-MISC\n",),
        {},
        [{"tokens": ["EU", "German"], "tags": ["B-ORG", "B-MISC"]}],
    ),
    "conll_spaces_in_words": (
        "conll",
        ("thành phố\tNOUN\n10 000\tNUM\n",),
        {},
        [{"tokens": ["thành phố", "10 000"], "tags": ["NOUN", "NUM"]}],
    ),
    "conll_columns": ("conll", ("1\tEU\tNNP\tO\n",), {"token": 1, "tag": 2}, [{"tokens": ["EU"], "tags": ["NNP"]}]),
    "conll_odd_white_space": ("conll", ("\u00a0\tPUNCT\n",), {}, [{"tokens": ["\u00a0"], "tags": ["PUNCT"]}]),
    "conllu": (
        "conllu",
        (CONLLU + "2.1\t_\t_\tVERB\t_\t_\t_\t_\t_\t_\n3\tHaus\tHaus\tNOUN\t_\t_\t_\t_\t_\tSpaceAfter=No",),
        {},
        [{"tokens": ["zu", "dem", "Haus"], "tags": ["ADP", "DET", "NOUN"]}],
    ),
    "copa_xml": (
        "copa_xml",
        (COPA,),
        {},
        [
            {
                "premise": "My body cast a shadow.",
                "choice1": "The grass was cut.",
                "choice2": "The sun was rising.",
                "question": "cause",
                "label": 1,
            }
        ],
    ),
    "text": ("text", ("One.\n\n  Two. \r\n",), {}, [{"text": "One."}, {"text": "Two."}]),
    "text_blocks": (
        "text",
        ("One.\nTwo.\n\n\nThree.",),
        {"unit": "block"},
        [{"text": "One.\nTwo."}, {"text": "Three."}],
    ),
    "race": (
        "race",
        (archive({"RACE/dev/middle/1.txt": RACE, "RACE/train/middle/2.txt": "{", "RACE/readme": "x"}),),
        {"split": "dev"},
        [{"article": "It rained.", "question": "Why?", "options": ["a", "b"], "answer": "B"}],
    ),
    "taxixnli": (
        "taxixnli",
        (
            TAXI + '7\t2\tHe "left".\tB\tneutral\t1\t0\n9\t3\tAbsent.\tB\tneutral\t1\t1\n',
            'He "left".\tB\tneutral\n',
            "Er ging.\tB\tneutral\n",
        ),
        {"language": "de"},
        [{"text_a": "Er ging.", "text_b": "B", "label": "neutral", "id": "7", "categories": ["negation"]}],
    ),
    "bucc": (
        "bucc",
        (SOURCE, ENGLISH, GOLD),
        {"language": "de"},
        [
            retrieval("de-1", "Ja.", []),
            retrieval("de-2", "Nein.", ["en-1"]),
            retrieval("en-1", "No.", language="en"),
            retrieval("en-2", "Maybe.", language="en"),
        ],
    ),
    # Queries in alphabetical order, as XTREME's download leaves them, wherever they stand in the file.
    "tatoeba": (
        "tatoeba",
        ("Ja.\nNein.\nDoch.\n", "Yes.\nNo.\nYes, it is.\n"),
        {"language": "de"},
        [
            retrieval("en-0", "No.", ["1"], language="en"),
            retrieval("en-1", "Yes, it is.", ["2"], language="en"),
            retrieval("en-2", "Yes.", ["0"], language="en"),
            retrieval("0", "Ja.", language="de"),
            retrieval("1", "Nein.", language="de"),
            retrieval("2", "Doch.", language="de"),
        ],
    ),
    "tatoeba_numbers": (
        "tatoeba",
        ("Ja.\nNein.\n", "No.\nYes.\n", "1\n0\n"),
        {"language": "de"},
        [
            retrieval("en-0", "No.", ["1"], language="en"),
            retrieval("en-1", "Yes.", ["0"], language="en"),
            retrieval("0", "Ja.", language="de"),
            retrieval("1", "Nein.", language="de"),
        ],
    ),
    "lareqa": (
        "lareqa",
        (xquad_r(QUESTION),),
        {},
        [
            retrieval("q_en", "Who left?", ["en_1_1"]),
            retrieval("en_1_0", "Ann came.", context=CONTEXT),
            retrieval("en_1_1", "Bob left.", context=CONTEXT),
        ],
    ),
    "lareqa_all": (
        "lareqa",
        (xquad_r(QUESTION), xquad_r(QUESTION), xquad_r({**QUESTION, "id": "r"})),
        {},
        [
            retrieval("q_en", "Who left?", ["en_1_1", "file1_1_1"]),
            retrieval("en_1_0", "Ann came.", context=CONTEXT),
            retrieval("en_1_1", "Bob left.", context=CONTEXT),
        ],
    ),
    "lareqa_squad": (
        "lareqa_squad",
        (squad(QUESTION, {"id": "r", "question": "Why?", "answers": [], "is_impossible": True}),),
        {},
        [retrieval("q", "Who left?", [], positive="Bob left.", positive_context=CONTEXT)],
    ),
    "mewslix": (
        "mewslix",
        (lines({**ARTICLE, "context": {**ARTICLE["context"], "language": "fi"}}, ARTICLE), lines(ENTITY)),
        {},
        [
            retrieval("m1", "Helsinki: In { Helsinki } , the union is on strike.", ["Q1757"]),
            retrieval("Q1757", "Stadt in Finnland.", context="Helsinki", language="de"),
        ],
    ),
    "mewslix_pairs": (
        "mewslix_pairs",
        (lines(PAIR),),
        {},
        [
            retrieval(
                "m1",
                "Helsinki: In { Helsinki } , the union is on strike.",
                [],
                positive="Stadt in Finnland.",
                positive_context="Helsinki",
            )
        ],
    ),
}

# Files whose gold a benchmark has taken out, in the same form.
HIDDEN: dict[str, tuple[str, tuple[Content, ...], dict, list[dict]]] = {
    "tsv": (
        "tsv",
        (XTREME_PAIRS,),
        PAIR_COLUMNS,
        [
            {
                "text_a": "Nun, daran dachte ich nicht einmal.",
                "text_b": "Ich habe nicht wieder mit ihm gesprochen.",
            },
            {"text_a": 'Er sagte: "Ja"', "text_b": "Wir hatten ein tolles Gespräch."},
        ],
    ),
    "tsv_one_line": ("tsv", ("a\tb\n",), PAIR_COLUMNS, [{"text_a": "a", "text_b": "b"}]),
    "csv": (
        "csv",
        (XTREME_PAIRS + "\tb\r\na\t\r\n",),
        {**PAIR_COLUMNS, "delimiter": "\t"},
        [
            {
                "text_a": "Nun, daran dachte ich nicht einmal.",
                "text_b": "Ich habe nicht wieder mit ihm gesprochen.",
            },
            {"text_a": 'Er sagte: "Ja"', "text_b": "Wir hatten ein tolles Gespräch."},
            {"text_a": "", "text_b": "b"},
            {"text_a": "a", "text_b": ""},
        ],
    ),
    "conll": (
        "conll",
        (XTREME_WORDS,),
        {},
        [
            {"tokens": ["kun", "sais", "tän", "."], "tags": ["", "", "", ""]},
            {"tokens": ["10\u00a0000", "euroa"], "tags": ["", ""]},
        ],
    ),
    "conllu": (
        "conllu",
        (CONLLU.replace("ADP", "_").replace("DET", "_"),),
        {},
        [{"tokens": ["zu", "dem"], "tags": ["", ""]}],
    ),
    "conll_spaces_in_words": (
        "conll",
        ("thành phố\n10 000\nlớn\n\nđẹp\n",),
        {},
        [{"tokens": ["thành phố", "10 000", "lớn"], "tags": ["", "", ""]}, {"tokens": ["đẹp"], "tags": [""]}],
    ),
    "conll_one_word": ("conll", ("Hu",), {}, [{"tokens": ["Hu"], "tags": [""]}]),
    "conll_document": ("conll", ("-DOCSTART- -X- O\n\nHu \n",), {}, [{"tokens": ["Hu"], "tags": [""]}]),
    "conll_prefixes": ("conll", ("de:Hu\nde::\n",), {}, [{"tokens": ["Hu", ":"], "tags": ["", ""]}]),
    "conll_colons": ("conll", ("km:h\n:\n",), {}, [{"tokens": ["km:h", ":"], "tags": ["", ""]}]),
    "squad_json": (
        "squad_json",
        (xtreme_squad(XTREME_QUESTION, {**XTREME_QUESTION, "id": "r"}),),
        {},
        [
            {"context": CONTEXT, "id": id_, "question": "Who left?", "answers": {"text": [], "answer_start": []}}
            for id_ in ("q", "r")
        ],
    ),
    "squad_json_one_of_two": (
        "squad_json",
        (xtreme_squad(QUESTION, {**XTREME_QUESTION, "id": "r", "answers": XTREME_QUESTION["answers"] * 3}),),
        {},
        [
            {
                "context": CONTEXT,
                "id": "q",
                "question": "Who left?",
                "answers": {"text": ["Bob"], "answer_start": [10]},
            },
            {"context": CONTEXT, "id": "r", "question": "Who left?", "answers": {"text": [], "answer_start": []}},
        ],
    ),
    "tydiqa_json": (
        "tydiqa_json",
        (xtreme_squad(XTREME_QUESTION),),
        {},
        [{"context": CONTEXT, "id": "q", "question": "Who left?", "answers": {"text": [], "answer_start": []}}],
    ),
    "bucc": (
        "bucc",
        (SOURCE, ENGLISH),
        {"language": "de"},
        [
            retrieval("de-1", "Ja.", []),
            retrieval("de-2", "Nein.", []),
            retrieval("en-1", "No.", language="en"),
            retrieval("en-2", "Maybe.", language="en"),
        ],
    ),
}


@pytest.mark.parametrize("name", HIDDEN)
def test_files_whose_gold_is_taken_out(tmp_path: Path, name: str) -> None:
    format_, contents, options, expected = HIDDEN[name]
    bad = BadRows(skip=False)
    assert read(tmp_path, format_, contents, bad, **options) == expected
    assert not bad.omitted


@pytest.mark.parametrize("name", GOOD)
def test_good_files(tmp_path: Path, name: str) -> None:
    format_, contents, options, expected = GOOD[name]
    bad = BadRows(skip=False)
    assert read(tmp_path, format_, contents, bad, **options) == expected


def test_what_is_left_out_by_design_is_counted_apart(tmp_path: Path) -> None:
    bad = BadRows(skip=False)
    nowhere = {**QUESTION, "answers": [{"text": " ", "answer_start": 9}]}
    hidden = "1\t_\t_\tNOUN\t_\t_\t_\t_\t_\t_\n"
    assert read(tmp_path, "conllu", (hidden + "\n" + CONLLU,), bad)[0]["tokens"] == ["zu", "dem"]
    between = {**nowhere, "answers": [{"text": "x", "answer_start": 9}]}
    assert [row["side"] for row in read(tmp_path, "lareqa", (xquad_r(between),), bad)] == ["candidate"] * 2
    assert bad.omitted == {"the treebank comes without its words": 1, "the answer begins in no sentence": 1}
    assert not bad.counts


def test_hidden_gold_leaves_only_predictions_to_be_made(tmp_path: Path) -> None:
    english = "".join(f"Sentence {number:02}\n" for number in range(20))
    rows = read(tmp_path, "tatoeba", ("Satz\n" * 20, english), BadRows(skip=False), gold="hidden")
    assert len(rows) == 40 and not any(row["gold"] for row in rows)


@pytest.mark.parametrize(
    "text",
    [
        'Ann came.| Bob left!| "Why?"| He did not say.',
        "Mr. J. F. Smith met Dr. Jones at 5 p.m. on Elm St. in Boston.| It rained.",
        "The U.S. Army left.| He lives in the U.S.| They do not.",
        "It costs 3.5 million.| See No. 5 and fig. 3 for e.g. Paris.| 2010 was cold.",
        "He works at Acme Inc.| The firm grew.| Acme Inc. Paris did not.",
        "他来了。|她说：“走吧！”|他走了。",
        "वह आया।| वह गया।",
        "Zn\n2Cl\n2 forms.|\n\nA new paragraph",
        "what? not here.",
    ],
)
def test_sentence_breaks(text: str) -> None:
    whole = text.replace("|", "")
    assert [whole[start:end] for start, end in sentence_breaks(whole)] == [part.strip() for part in text.split("|")]


def test_every_format_is_tested() -> None:
    formats = set(FORMATS.names())
    assert len(formats) == 21
    # Those of nobody's release have files of tests of their own.
    assert formats - {"squad_json", "tydiqa_json", "parquet", "arrow", "excel"} == {entry[0] for entry in GOOD.values()}
