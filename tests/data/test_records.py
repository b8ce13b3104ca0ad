"""Every record function: rows of releases and of the Hub, and what malformed ones are answered with."""

from __future__ import annotations

from typing import Any

import pytest

from adapterstilts.data.bad_rows import Omitted
from adapterstilts.data.records import RECORDS

NLI = {"sentence1": "A man sleeps.", "sentence2": "He is awake.", "gold_label": "contradiction"}
NLI_HUB = {"premise": "A man sleeps.", "hypothesis": "He is awake.", "label": 2, "idx": 5}
NLI_ROW = {"text_a": "A man sleeps.", "text_b": "He is awake.", "label": "contradiction"}
COPA = {"premise": "I fell.", "choice1": "It was icy.", "choice2": "I sang.", "question": "cause", "label": 0, "idx": 3}
COPA_ROW = {"context": "I fell.", "question": "cause", "choices": ["It was icy.", "I sang."], "label": 0}
SIQA = {"context": "Ann left.", "question": "Why?", "answerA": "a", "answerB": "b", "answerC": "c"}
SIQA_ROW = {"context": "Ann left.", "question": "Why?", "choices": ["a", "b", "c"], "label": 1}
COSMOS = {"id": "3Q##1", "context": "It rained.", "question": "Why?", **{f"answer{i}": f"a{i}" for i in range(4)}}
COSMOS_ROW = {"context": "It rained.", "question": "Why?", "choices": ["a0", "a1", "a2", "a3"], "label": 3}
CSQA = {
    "answerKey": "B",
    "id": "26c8",
    "question": {
        "stem": "Why do people sleep?",
        "choices": [{"label": "A", "text": "fun"}, {"label": "B", "text": "rest"}, {"label": "C", "text": "money"}],
    },
}
CSQA_HUB = {
    "id": "075e",
    "question": "Where is a revolving door?",
    "question_concept": "revolving door",
    "choices": {"label": ["A", "B", "C", "D", "E"], "text": ["bank", "library", "store", "mall", "new york"]},
    "answerKey": "A",
}
SQUAD = {
    "id": "5733be28",
    "title": "University",
    "context": "Ann came.",
    "question": "Who came?",
    "answers": {"text": ["Ann"], "answer_start": [0]},
}
SWAG = {
    "ind": 4,
    "ctx_a": "A man sits.",
    "ctx_b": "he",
    "ctx": "A man sits. he",
    "endings": ["runs.", "sings.", "is.", "eats."],
}
SWAG_ROW = {
    "context": "A man sits.", "question": "", "choices": ["he runs.", "he sings.", "he is.", "he eats."], "label": 3,
}  # fmt: skip
WIKIHOW = {
    "ctx": "[header] How to cook [title] Boil water. [step] Use a pot. [substeps] Big ones are best.",
    "endings": ["[step] Wait.", "[title] Stop. [step] Now.", "Eat. [substeps] Slowly.", "Sleep."],
    "label": "0",
}


BELEBELE = {
    "link": "https://en.wikinews.org/x", "question_number": 1, "flores_passage": "It rained.", "question": "Why?",
    "mc_answer1": "a", "mc_answer2": "b", "mc_answer3": "c", "mc_answer4": "d", "correct_answer_num": "3",
}  # fmt: skip
RACE = {"article": "It rained.", "question": "It _ .", "options": ["a", "b", "c", "d"], "answer": "B"}
CLOZE = {f"InputSentence{number}": f"S{number}." for number in range(1, 5)} | {
    "InputStoryid": "x", "RandomFifthSentenceQuiz1": "End.", "RandomFifthSentenceQuiz2": "Other.",
    "AnswerRightEnding": "2",
}  # fmt: skip
CLOZE_HUB = {f"input_sentence_{number}": f"S{number}." for number in range(1, 5)} | {
    "story_id": "x", "sentence_quiz1": "End.", "sentence_quiz2": "Other.", "answer_right_ending": 2,
}  # fmt: skip
CLOZE_ROW = {"context": "S1. S2. S3. S4.", "question": "", "choices": ["End.", "Other."], "label": 1}
WINOGRANDE = {"qID": "x", "sentence": "Ann saw Eve and _ left.", "option1": "Ann", "option2": "Eve", "answer": "2"}
SCHEMA = {
    "language": "jp", "type": "original", "source": "?", "sentence": 'A "saw" B and it left.',
    "tokens": '["A", "``", "saw", "\'\'", "B", "and", "it", "left", "."]', "pronoun": '["it", [6, 7], ["it"]]',
    "candidates": '[["A", [0, 1], ["A"], false], ["B", [4, 5], ["B"], true]]',
}  # fmt: skip
SCHEMA_ROW = {"context": 'A "saw" B and', "question": "", "choices": ["A left.", "B left."], "label": 1}


def query(id_: str, text: str, gold: list[str], **more: Any) -> dict:
    row = {
        "id": id_,
        "side": "query",
        "text": text,
        "context": "",
        "gold": gold,
        "positive": "",
        "positive_context": "",
    }
    return {**row, **more}


def candidate(id_: str, text: str, **more: Any) -> dict:
    return {**query(id_, text, []), "side": "candidate", **more}


# name: (function, record, row or rows)
GOOD: dict[str, tuple[str, dict, Any]] = {
    "belebele": (
        "belebele",
        BELEBELE,
        {"context": "It rained.", "question": "Why?", "choices": ["a", "b", "c", "d"], "label": 2},
    ),
    "race": (
        "race",
        RACE,
        {"context": "It rained.", "question": "It _ .", "choices": ["a", "b", "c", "d"], "label": 1},
    ),
    "xstorycloze": ("xstorycloze", CLOZE, CLOZE_ROW),
    "xstorycloze_hub": ("xstorycloze", CLOZE_HUB, CLOZE_ROW),
    "winogrande": (
        "winogrande",
        WINOGRANDE,
        {"context": "Ann saw Eve and", "question": "", "choices": ["Ann left.", "Eve left."], "label": 1},
    ),
    "xwinograd": ("xwinograd", {**SCHEMA, "language": "de"}, SCHEMA_ROW),
    "xwinograd_of_another_language": ("xwinograd", SCHEMA, []),
    "masakhaner": (
        "masakhaner",
        {"tokens": ["Gani", "2020"], "tags": ["B-PER", "B-DATE"]},
        {"tokens": ["Gani", "2020"], "tags": ["B-PER", "O"]},
    ),
    "germanquad": (
        "germanquad",
        {**SQUAD, "id": 7},
        {"id": "7", "context": "Ann came.", "question": "Who came?", "answers": SQUAD["answers"]},
    ),
    "cmrc2018": (
        "cmrc2018",
        {**SQUAD, "answers": {"text": ["She did.", "came"], "answer_start": [-1, 9]}},
        {
            "id": "5733be28",
            "context": "Ann came.",
            "question": "Who came?",
            "answers": {"text": ["came", "She did."], "answer_start": [4, -1]},
        },
    ),
    "mnli": ("mnli", NLI, NLI_ROW),
    "mnli_hub": ("mnli", NLI_HUB, NLI_ROW),
    "mnli_empty_text": ("mnli", {**NLI, "sentence2": ""}, {**NLI_ROW, "text_b": ""}),
    "snli": ("snli", NLI, NLI_ROW),
    "snli_hub": ("snli", NLI_HUB, NLI_ROW),
    "anli": ("anli", {"uid": "1", "context": "A man sleeps.", "hypothesis": "He is awake.", "label": "c"}, NLI_ROW),
    "anli_hub": ("anli", {**NLI_HUB, "uid": "1", "reason": ""}, NLI_ROW),
    "xnli": ("xnli", {"text_a": "A man sleeps.", "text_b": "He is awake.", "label": "contradictory"}, NLI_ROW),
    "xnli_xtreme_hub": ("xnli", {**NLI, "language": "de"}, NLI_ROW),
    "xnli_other_language": ("xnli", {**NLI, "language": "fr"}, []),
    "xnli_hub": ("xnli", NLI_HUB, NLI_ROW),
    "pawsx": ("pawsx", {"text_a": "a", "text_b": "b", "label": "1"}, {"text_a": "a", "text_b": "b", "label": "1"}),
    "xnli_not_told": ("xnli", {"text_a": "a", "text_b": "b"}, {"text_a": "a", "text_b": "b", "label": ""}),
    "pawsx_not_told": ("pawsx", {"text_a": "a", "text_b": ""}, {"text_a": "a", "text_b": "", "label": ""}),
    "pawsx_hub": (
        "pawsx",
        {"sentence1": "a", "sentence2": "b", "label": 0},
        {"text_a": "a", "text_b": "b", "label": "0"},
    ),
    "qqp": (
        "qqp",
        {"id": "1", "qid1": "2", "qid2": "3", "question1": "a?", "question2": "b?", "is_duplicate": "0"},
        {"text_a": "a?", "text_b": "b?", "label": "0"},
    ),
    "qqp_hub": (
        "qqp",
        {"question1": "a?", "question2": "b?", "label": 1, "idx": 0},
        {"text_a": "a?", "text_b": "b?", "label": "1"},
    ),
    "squad": (
        "squad",
        SQUAD,
        {
            "id": "5733be28",
            "context": "Ann came.",
            "question": "Who came?",
            "answers": {"text": ["Ann"], "answer_start": [0]},
        },
    ),
    "squad_v2": (
        "squad",
        {**SQUAD, "answers": {"text": [], "answer_start": []}},
        {
            "id": "5733be28",
            "context": "Ann came.",
            "question": "Who came?",
            "answers": {"text": [], "answer_start": []},
        },
    ),
    "hellaswag": ("hellaswag", {**SWAG, "label": 3}, SWAG_ROW),
    "hellaswag_hub": ("hellaswag", {**SWAG, "label": "3"}, SWAG_ROW),
    "hellaswag_whole": (
        "hellaswag",
        {name: value for name, value in {**SWAG, "label": 3}.items() if name not in ("ctx_a", "ctx_b")},
        {**SWAG_ROW, "context": "A man sits. he", "choices": SWAG["endings"]},
    ),
    "hellaswag_markers": (
        "hellaswag",
        WIKIHOW,
        {
            "context": "How to cook. Boil water. Use a pot. Big ones are best.",
            "question": "",
            "choices": ["Wait.", "Stop. Now.", "Eat. Slowly.", "Sleep."],
            "label": 0,
        },
    ),
    "cosmosqa": ("cosmosqa", {**COSMOS, "label": "3"}, COSMOS_ROW),
    "cosmosqa_hub": ("cosmosqa", {**COSMOS, "label": 3}, COSMOS_ROW),
    "commonsenseqa": (
        "commonsenseqa",
        CSQA,
        {"context": "", "question": "Why do people sleep?", "choices": ["fun", "rest", "money"], "label": 1},
    ),
    "commonsenseqa_hub": (
        "commonsenseqa",
        CSQA_HUB,
        {
            "context": "",
            "question": "Where is a revolving door?",
            "choices": ["bank", "library", "store", "mall", "new york"],
            "label": 0,
        },
    ),
    "siqa": ("siqa", {**SIQA, "correct": "B"}, SIQA_ROW),
    "siqa_hub": ("siqa", {**SIQA, "label": "2"}, SIQA_ROW),
    "copa": ("copa", COPA, COPA_ROW),
    "copa_balanced": ("copa", {**COPA, "id": 1, "mirrored": False}, COPA_ROW),
    "xcopa": ("xcopa", {**COPA, "changed": False}, COPA_ROW),
    "udpos": (
        "udpos",
        {"tokens": ["Go", "!"], "tags": ["VERB", "PUNCT"]},
        {"tokens": ["Go", "!"], "tags": ["VERB", "PUNCT"]},
    ),
    "udpos_hub": (
        "udpos",
        {"tokens": ["Go", "!"], "pos_tags": [15, 12]},
        {"tokens": ["Go", "!"], "tags": ["VERB", "PUNCT"]},
    ),
    "panx": (
        "panx",
        {"tokens": ["Ann", "G."], "tags": ["B-PER", "I-PER"]},
        {"tokens": ["Ann", "G."], "tags": ["B-PER", "I-PER"]},
    ),
    "udpos_not_told": (
        "udpos",
        {"tokens": ["Go", "!"], "tags": ["", ""]},
        {"tokens": ["Go", "!"], "tags": ["", ""]},
    ),
    "panx_not_told": ("panx", {"tokens": ["Ann"], "tags": [""]}, {"tokens": ["Ann"], "tags": [""]}),
    "ccg_not_told": ("ccg", {"tokens": ["A"], "tags": [""]}, {"tokens": ["A"], "tags": [""]}),
    "panx_hub": (
        "panx",
        {"tokens": list("abcdefg"), "ner_tags": [0, 1, 2, 3, 4, 5, 6], "langs": ["en"] * 7},
        {"tokens": list("abcdefg"), "tags": ["O", "B-PER", "I-PER", "B-ORG", "I-ORG", "B-LOC", "I-LOC"]},
    ),
    "ccg": (
        "ccg",
        {"tokens": ["A", "boy"], "tags": ["NP[nb]/N", "N"]},
        {"tokens": ["A", "boy"], "tags": ["NP[nb]/N", "N"]},
    ),
    "squad_table": (
        "squad",
        {**SQUAD, "answers": {"text": ["Ann"], "answer_start": ["0"]}},
        {name: SQUAD[name] for name in ("id", "context", "question", "answers")},
    ),
    "bucc_pair": (
        "bucc_pair",
        {"source_sentence": "Ja.", "target_sentence": "Yes.", "source_lang": "de-1", "target_lang": "en-2"},
        [query("de-1", "Ja.", ["en-2"]), candidate("en-2", "Yes.", language="en")],
    ),
    "answer_sentence": (
        "answer_sentence",
        {**SQUAD, "context": "It rained. Ann came.", "answers": {"text": ["Ann"], "answer_start": [11]}},
        {
            **query("5733be28", "Who came?", []),
            "positive": "Ann came.",
            "positive_context": "It rained. Ann came.",
        },
    ),
}

# name: (function, record, message)
MALFORMED: dict[str, tuple[str, dict, str]] = {
    "belebele_number": ("belebele", {**BELEBELE, "correct_answer_num": 5}, r"the label 5 is not a number from 1 to 4"),
    "race_letter": ("race", {**RACE, "answer": "E"}, r"the answer 'E' is not one of A, B, C, D"),
    "race_options": ("race", {**RACE, "options": "a"}, r"'options' is missing or not a list of texts"),
    "xstorycloze_short": ("xstorycloze", {**CLOZE, "InputSentence4": " "}, r"'InputSentence4' is empty"),
    "winogrande_blanks": ("winogrande", {**WINOGRANDE, "sentence": "No."}, r"has 0 blanks instead of one"),
    "xwinograd_json": ("xwinograd", {**SCHEMA, "language": "de", "tokens": "["}, r"'tokens' is not JSON"),
    "xwinograd_pronoun": ("xwinograd", {**SCHEMA, "language": "de", "pronoun": "[]"}, r"does not say which of the"),
    "xwinograd_token": ("xwinograd", {**SCHEMA, "language": "de", "sentence": "A"}, r"is not in the sentence where"),
    "xwinograd_right": (
        "xwinograd",
        {**SCHEMA, "language": "de", "candidates": '[["A", false]]'},
        r"0 candidates are right",
    ),
    "masakhaner_tag": ("masakhaner", {"tokens": ["a"], "tags": ["B-MISC"]}, r"the label 'B-MISC' is not one of"),
    "germanquad_id": ("germanquad", {"context": "a", "answers": SQUAD["answers"]}, r"'id' is missing"),
    "cmrc2018_blank": ("cmrc2018", {**SQUAD, "answers": {"text": [" "], "answer_start": [3]}}, r"an answer is empty"),
    "mnli_no_text": ("mnli", {"sentence1": "a", "gold_label": "neutral"}, r"'sentence2' is missing"),
    "mnli_label": ("mnli", {**NLI, "gold_label": "maybe"}, r"the label 'maybe' is not one of entailment, neutral"),
    "mnli_float": ("mnli", {**NLI_HUB, "label": 1.0}, r"the label 1.0 is not one of entailment, neutral"),
    "mnli_range": ("mnli", {**NLI_HUB, "label": 3}, r"the label 3 is not a number from 0 to 2"),
    "mnli_both_empty": ("mnli", {**NLI, "sentence1": "", "sentence2": " "}, r"both texts are empty"),
    "mnli_number": ("mnli", {**NLI, "sentence1": 3}, r"'sentence1' is not text but 3"),
    "mnli_unicode": ("mnli", {**NLI, "sentence1": "a\ud800"}, r"the text after 'a' is not valid UTF-8"),
    "anli_label": ("anli", {"context": "a", "hypothesis": "b", "label": "x"}, r"the label 'x' is not one of"),
    "xnli_label": ("xnli", {"text_a": "a", "text_b": "b", "label": "1"}, r"the label '1' is not one of"),
    "xnli_not_told_no_text": ("xnli", {"text_a": "a"}, r"'text_b' is missing"),
    "pawsx_not_told_both_empty": ("pawsx", {"text_a": "", "text_b": " "}, r"both texts are empty"),
    "snli_label_unknown": ("snli", {**NLI, "gold_label": "?"}, r"the label '\?' is not one of"),
    "qqp_label": ("qqp", {"question1": "a", "question2": "b", "label": 2}, r"the label 2 is not a number from 0 to 1"),
    "pawsx_label": ("pawsx", {"text_a": "a", "text_b": "b", "label": "2"}, r"the label '2' is not one of 0, 1"),
    "squad_list": ("squad", {**SQUAD, "answers": [{"text": "Ann"}]}, r"'answers' is missing, or its texts and"),
    "squad_counts": ("squad", {**SQUAD, "answers": {"text": ["Ann"], "answer_start": []}}, r"do not correspond"),
    "squad_blank": ("squad", {**SQUAD, "answers": {"text": [" "], "answer_start": [3]}}, r"an answer is empty"),
    "squad_offset": (
        "squad",
        {**SQUAD, "answers": {"text": ["Ann"], "answer_start": ["one"]}},
        r"'answer_start' is 'one' instead of a number of characters",
    ),
    "squad_question": ("squad", {**SQUAD, "question": " "}, r"'question' is empty"),
    "hellaswag_one": ("hellaswag", {**SWAG, "endings": ["a"], "label": 0}, r"there are 1 choices"),
    "hellaswag_range": ("hellaswag", {**SWAG, "label": 4}, r"the label 4 is not a number from 0 to 3"),
    "hellaswag_endings": ("hellaswag", {**SWAG, "endings": "a", "label": 0}, r"'endings' is missing or not a list"),
    "hellaswag_empty": ("hellaswag", {**SWAG, "endings": ["[step]", "b"], "label": 0}, r"the right choice is empty"),
    "cosmosqa_choice": ("cosmosqa", {"context": "a", "question": "b", "answer0": "c"}, r"'answer1' is missing"),
    "cosmosqa_letter": ("cosmosqa", {**COSMOS, "label": "A"}, r"the label 'A' is not a number from 0 to 3"),
    "commonsenseqa_key": ("commonsenseqa", {**CSQA, "answerKey": "D"}, r"the label 'D' is not one of A, B, C"),
    "commonsenseqa_choices": ("commonsenseqa", {**CSQA_HUB, "choices": None}, r"'choices' is missing"),
    "commonsenseqa_one": (
        "commonsenseqa",
        {**CSQA_HUB, "choices": {"label": ["A"], "text": ["x"]}},
        r"there are 1 choices",
    ),
    "commonsenseqa_twice": (
        "commonsenseqa",
        {**CSQA_HUB, "choices": {"label": ["A", "A"], "text": ["x", "y"]}},
        r"two choices have the same label",
    ),
    "siqa_letter": ("siqa", {**SIQA, "correct": "D"}, r"the label 'D' is not one of A, B, C"),
    "siqa_number": ("siqa", {**SIQA, "label": "0"}, r"the label '0' is not a number from 1 to 3"),
    "copa_question": ("copa", {**COPA, "question": "why"}, r"the question 'why' is neither 'cause' nor 'effect'"),
    "xcopa_choice": ("xcopa", {**COPA, "choice2": " "}, r"'choice2' is empty"),
    "xcopa_range": ("xcopa", {**COPA, "label": 2}, r"the label 2 is not a number from 0 to 1"),
    "udpos_tag": ("udpos", {"tokens": ["a"], "tags": ["VB"]}, r"the label 'VB' is not one of ADJ, ADP"),
    "udpos_range": ("udpos", {"tokens": ["a"], "pos_tags": [17]}, r"the label 17 is not a number from 0 to 16"),
    "udpos_count": ("udpos", {"tokens": ["a", "b"], "pos_tags": [1]}, r"the sentence has 2 words and 1 tags"),
    "udpos_none": ("udpos", {"tokens": [], "pos_tags": []}, r"the sentence has 0 words"),
    "panx_empty": ("panx", {"tokens": ["a", ""], "ner_tags": [0, 0]}, r"word 1 is empty"),
    "panx_tag": ("panx", {"tokens": ["a"], "tags": ["B-MISC"]}, r"the label 'B-MISC' is not one of O, B-PER"),
    "panx_missing": ("panx", {"tokens": ["a"]}, r"'tokens' or 'ner_tags' is missing or not a list"),
    "udpos_partly_told": ("udpos", {"tokens": ["a", "b"], "tags": ["", "X"]}, r"some of its tags are missing"),
    "panx_not_told_count": ("panx", {"tokens": ["a", "b"], "tags": [""]}, r"the sentence has 2 words and 1 tags"),
    "panx_not_told_empty": ("panx", {"tokens": [" "], "tags": [""]}, r"word 0 is empty"),
    "ccg_partly_told": ("ccg", {"tokens": ["a", "b"], "tags": ["N", ""]}, r"some of its tags are missing"),
    "ccg_number": ("ccg", {"tokens": ["a"], "tags": [3]}, r"the tag 3 is not a name"),
    "bucc_missing": ("bucc_pair", {"source_lang": "de-1"}, r"'target_lang' is missing"),
    "answer_offset": (
        "answer_sentence",
        {**SQUAD, "answers": {"text": ["Ann"], "answer_start": [4]}},
        r"the answer 'Ann' is not at offset 4, where the context has 'cam'",
    ),
}


@pytest.mark.parametrize("name", GOOD)
def test_good_records(name: str) -> None:
    function, record, expected = GOOD[name]
    assert RECORDS.get(function)(record, "de") == expected


@pytest.mark.parametrize("name", MALFORMED)
def test_malformed_records(name: str) -> None:
    function, record, message = MALFORMED[name]
    with pytest.raises(ValueError, match=message):
        RECORDS.get(function)(record, "de")


# Labels that a release keeps to itself: whether all of its rows are so is for others to see.
HIDDEN = {
    "mnli_no_label": ("mnli", {"premise": "a", "hypothesis": "b"}),
    "mnli_hidden": ("mnli", {**NLI_HUB, "label": -1}),
    "snli_label": ("snli", {**NLI, "gold_label": ""}),
    "xnli_hidden": ("xnli", {"text_a": "a", "text_b": "b", "label": ""}),
    "xnli_none": ("xnli", {"text_a": "a", "text_b": "b", "label": None}),
    "pawsx_hidden": ("pawsx", {"sentence1": "a", "sentence2": "b", "label": -1}),
    "qqp_hidden": ("qqp", {"question1": "a", "question2": "b", "label": -1}),
    "hellaswag_hidden": ("hellaswag", {**SWAG, "label": ""}),
    "cosmosqa_hidden": ("cosmosqa", {**COSMOS, "label": -1}),
    "commonsenseqa_hidden": ("commonsenseqa", {**CSQA_HUB, "answerKey": ""}),
    "copa_hidden": ("copa", {**COPA, "label": -1}),
    "siqa_hidden": ("siqa", {**SIQA, "correct": ""}),
}


@pytest.mark.parametrize("name", HIDDEN)
def test_a_hidden_label_is_an_empty_one(name: str) -> None:
    function, record = HIDDEN[name]
    row = RECORDS.get(function)(record, "en")
    assert isinstance(row, dict) and row["label"] == (-1 if "choices" in row else "")


def test_every_function_is_tested() -> None:
    assert len(RECORDS) == 26
    assert {entry[0] for entry in GOOD.values()} == {entry[0] for entry in MALFORMED.values()} == set(RECORDS.names())


@pytest.mark.parametrize(
    ("function", "record"),
    [
        ("mnli", {**NLI, "gold_label": "-"}),
        ("snli", {**NLI, "gold_label": "-"}),
        ("snli", {**NLI_HUB, "label": -1}),
    ],
)
def test_pairs_without_gold_label_are_omitted_by_design(function: str, record: dict) -> None:
    with pytest.raises(Omitted, match="the annotators agreed on no label"):
        RECORDS.get(function)(record, "en")


def test_questions_without_answer_train_no_ranking() -> None:
    with pytest.raises(Omitted, match="the question has no answer"):
        RECORDS.get("answer_sentence")({**SQUAD, "answers": {"text": [], "answer_start": []}}, "en")
