"""Translated rows: answers carried over by marks, files in XTREME's layout, and what does not belong together."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from datasets import Dataset

from adapterstilts.data.bad_rows import BadRows
from adapterstilts.data.formats.sentences import sentence_breaks
from adapterstilts.data.sources.open import open_source
from adapterstilts.data.translation.layout import Direction, file_of, provenance_of, write_translations
from adapterstilts.data.translation.markers import mark, unmark
from adapterstilts.data.translation.reading import (
    ParallelRows,
    TranslationFiles,
    are_parallel_rows,
    from_english,
    open_translations,
)
from adapterstilts.data.translation.texts import check_translatable, needed_texts, translate_row
from adapterstilts.errors import DataError, UsageError
from adapterstilts.mini.generators import generator
from adapterstilts.tasks.translation import Lost
from tests.package_tasks import recipe, suite_names, task_names

EN_DE = Direction("en", "de")
# The grammars derive supertags for English alone.
PARALLEL = [name for name in suite_names() if recipe(name).kind != "retrieval" and name != "ccg"]
SQUAD, MNLI = recipe("squad"), recipe("mnli")


def story_rows(language: str, size: int = 60) -> list[dict[str, Any]]:
    return generator("span_qa")(split="train", language=language, size=size)


def faithful(language: str, size: int = 60) -> Callable[[str], str]:
    """Looks sentences up in the suite's parallel rows; a marked one gives the marked translation."""
    known: dict[str, str] = {}
    for ours, theirs in zip(story_rows("en", size), story_rows(language, size), strict=True):
        known[ours["question"]] = theirs["question"]
        for one, other in zip(parts(ours), parts(theirs), strict=True):
            known[one] = other
        known[marked(ours)] = marked(theirs)
    return known.__getitem__


def parts(row: dict[str, Any]) -> list[str]:
    return [row["context"][start:end] for start, end in sentence_breaks(row["context"])]


def marked(row: dict[str, Any]) -> str:
    """The sentence with the answer, with square brackets around it."""
    begin = row["answers"]["answer_start"][0]
    for start, end in sentence_breaks(row["context"]):
        if start <= begin < end:
            stop = begin + len(row["answers"]["text"][0])
            return f"{row['context'][start:begin]}[{row['context'][begin:stop]}]{row['context'][stop:end]}"
    raise AssertionError("no sentence has the answer")


@pytest.mark.parametrize("language", ["de", "es", "ru", "zh", "sw"])
def test_faithful_translations_give_the_suites_own_rows(language: str) -> None:
    """Text, question, answer and its offset are those of the parallel row."""
    into = faithful(language)
    kind = SQUAD.build_kind()
    for ours, theirs in zip(story_rows("en"), story_rows(language), strict=True):
        made = translate_row(kind, ours, into, language=language)
        assert made == theirs
        kind.check(made)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda text: text.replace("[", "").replace("]", ""), "the marks around the answer are lost"),
        (lambda text: text.replace("]", ""), "the marks around the answer are lost"),
        (lambda text: text.replace("[", "[["), "the marks around the answer are doubled"),
        (lambda text: f"{text} [x]" if "[" in text else text, "the marks around the answer are doubled"),
        (
            lambda text: text.replace("[", "\0").replace("]", "[").replace("\0", "]"),
            "the marks around the answer are in the wrong order",
        ),
        (
            lambda text: text[: text.index("[")] + "[ ]" if "[" in text else text,
            "nothing stands between the marks around the answer",
        ),
        (lambda text: " ", "the translation of a text is empty"),
    ],
)
def test_lost_and_moved_marks_are_told_apart(change: Callable[[str], str], reason: str) -> None:
    into = faithful("de")
    for row in story_rows("en", 8):
        with pytest.raises(Lost, match=f"^{reason}$"):
            translate_row(SQUAD.build_kind(), row, lambda text: change(into(text)), language="de")


@pytest.mark.parametrize(
    ("translated", "text", "answer"),
    [
        ("Das ist [ Berlin ].", "Das ist Berlin.", "Berlin"),
        ("Das ist[ Berlin ]heute.", "Das ist Berlin heute.", "Berlin"),
        ("[Berlin] ist es.", "Berlin ist es.", "Berlin"),
        ("这是【柏林】。", "这是柏林。", "柏林"),
        ("Es ist [Berlin]", "Es ist Berlin", "Berlin"),
    ],
)
def test_taking_marks_away_leaves_ordinary_text(translated: str, text: str, answer: str) -> None:
    found, start, end = unmark(translated, ("[", "]"))
    assert (found, found[start:end]) == (text, answer)


def test_marks_are_such_that_the_text_has_not() -> None:
    assert mark("It is Rome.", 6, 10) == ("It is [Rome].", ("[", "]"))
    assert mark("It [1] is Rome.", 10, 14) == ("It [1] is {Rome}.", ("{", "}"))
    assert mark("【1】 Rome", 4, 8)[1] == ("{", "}")
    with pytest.raises(Lost, match="has every mark itself"):
        mark("[{<«⟦ Rome", 6, 10)


def test_sentences_without_the_answer_are_shared_by_all_questions_on_a_text() -> None:
    rows = story_rows("en", 40)
    asked = [set(needed_texts(SQUAD.build_kind(), row, language="de")) for row in rows]
    plain = {text for texts in asked for text in texts if "[" not in text}
    assert plain <= {part for row in rows for part in [*parts(row), row["question"]]}
    contexts = {row["context"] for row in rows}
    assert len(set().union(*asked)) < sum(map(len, asked)) and len(contexts) < len(rows)


def test_an_answer_over_two_sentences_keeps_them_together() -> None:
    context = "First of all. Anna has won. Bob has lost. The end."
    row = {"id": "1", "context": context, "question": "Who?", "language": "en",
           "answers": {"text": ["won. Bob"], "answer_start": [context.index("won")]}}  # fmt: skip
    asked = needed_texts(SQUAD.build_kind(), row, language="de")
    assert asked == ["Who?", "Anna has [won. Bob] has lost.", "First of all.", "The end."]
    made = translate_row(SQUAD.build_kind(), row, str.lower, language="zh")
    assert made["context"] == "first of all.anna has won. bob has lost.the end."
    assert made["answers"] == {"text": ["won. bob"], "answer_start": [made["context"].index("won")]}


@pytest.mark.parametrize(
    ("language", "sentences"),
    [
        ("am", ["ማሪያ በበርሊን ትሠራለች።", "አናስ?", "“ሮም ናት።”", "አዎ"]),
        ("my", ["မေရီသည် ဘာလင်တွင် အလုပ်လုပ်သည်။", "အန်နာသည် ရောမတွင် ရှိသည်။"]),
        ("km", ["ម៉ារី ធ្វើការ នៅ ប៊ែរឡាំង។", "អាណា នៅ រ៉ូម។"]),
        ("hy", ["Մարիան աշխատում է Բեռլինում։", "Աննան Հռոմում է։"]),
        ("fa", ["ماریا کجا کار می‌کند؟", "آنا در رم است."]),
        ("hi", ["मारिया बर्लिन में काम करती है।", "अन्ना रोम में है।"]),
    ],
)
def test_sentences_end_at_the_full_stops_of_their_script(language: str, sentences: list[str]) -> None:
    """A model for translation would read a passage as one sentence, and leave out what follows the first."""
    row = {"id": "1", "text_a": " ".join(sentences), "text_b": sentences[0], "label": "neutral", "language": language}
    assert needed_texts(MNLI.build_kind(), row, language="en") == [*sentences, sentences[0]]
    made = translate_row(MNLI.build_kind(), row, lambda text: f"<{text}>", language="en")
    assert made["text_a"] == " ".join(f"<{one}>" for one in sentences) and made["language"] == "en"


def test_other_kinds_keep_labels_and_key_words() -> None:
    pair = {"id": "1", "text_a": "One. Two.", "text_b": "", "label": "neutral", "language": "en"}
    assert translate_row(MNLI.build_kind(), pair, str.upper, language="de") == {
        **pair, "text_a": "ONE. TWO.", "language": "de",
    }  # fmt: skip
    row = {"id": "1", "context": "It rains.", "question": "effect", "choices": ["Wet.", "Dry."], "label": 0}
    made = translate_row(recipe("copa").build_kind(), row, str.upper, language="de")
    assert (made["question"], made["choices"], made["label"]) == ("effect", ["WET.", "DRY."], 0)
    asked = translate_row(recipe("hellaswag").build_kind(), {**row, "question": "Why?"}, str.upper, language="de")
    assert asked["question"] == "WHY?"


def test_kinds_that_cannot_be_translated_say_why() -> None:
    refused = {}
    for name in task_names():
        try:
            check_translatable(recipe(name))
        except UsageError as error:
            refused[name] = str(error)
    assert {name: recipe(name).kind for name in refused} == {
        "ccg": "tagging", "udpos": "tagging", "panx": "tagging", "mlm": "masked_lm", "bucc2018": "retrieval",
        "tatoeba": "retrieval", "lareqa": "retrieval", "mewslix": "retrieval", "flores200": "retrieval",
        "ntrex": "retrieval", "masakhaner": "tagging", "masakhapos": "tagging",
    }  # fmt: skip
    assert "a tag for each word" in refused["udpos"] and "plain text" in refused["mlm"]


def test_what_cannot_be_translated_is_trained_on_in_other_languages_where_the_suite_has_parallel_rows() -> None:
    suite = open_translations(None, open_source("mini", None), flag="--translations")
    assert set(from_english(suite, recipe("udpos"), "train", ["en", "de"])) == {"de"}
    with pytest.raises(UsageError, match="udpos has no translations to train on: it has a tag for each word"):
        from_english(None, recipe("udpos"), "train", ["de"])
    with pytest.raises(
        UsageError, match="lareqa has no translations to train on: what it looks for is the translation"
    ):
        from_english(suite, recipe("lareqa"), "train", ["de"])


@pytest.mark.parametrize("name", PARALLEL)
def test_the_suites_rows_are_parallel(name: str) -> None:
    """Same ids, and where there are labels, the same ones, in every form of row that has a task."""
    suite = recipe(name).sources.mini
    for part in (suite, *suite.also):
        split = "train" if "train" in part.splits else "validation"
        english, *others = (
            generator(part.generator)(split=split, language=code, size=40, **part.options)
            for code in ("en", "de", "zh")
        )
        for rows in others:
            assert [(row["id"], row.get("label")) for row in rows] == [(row["id"], row.get("label")) for row in english]


def test_the_suites_parallel_rows_are_its_translations() -> None:
    task, source = recipe("mlqa"), open_source("mini", None)
    rows = source.load(task, "train", "en", BadRows(skip=False))
    wanted = rows.select([7, 3])
    translations = ParallelRows(source)
    found = translations.load(task, "train", EN_DE, rows=rows, wanted=wanted, bad=BadRows(skip=False))
    everything = {row["id"]: row for row in source.load(task, "train", "de", BadRows(skip=False)).to_list()}
    assert found.to_list() == [everything[id_] for id_ in wanted["id"][:]]
    fingerprint = translations.fingerprint(task, "train", EN_DE)
    assert "de" in fingerprint and are_parallel_rows(fingerprint)
    assert translations.missing(task, "train", EN_DE) is None


# Files


def pairs(count: int = 6) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    ours, theirs = (generator("inference")(split="train", language=code, size=count) for code in ("en", "de"))
    return ours, theirs


def test_files_lie_where_xtreme_has_them(tmp_path: Path) -> None:
    for task, split, direction, path in (
        ("squad", "train", EN_DE, "SQuAD/translate-train/squad.translate.train.en-de.json"),
        ("mnli", "train", EN_DE, "XNLI/translate-train/en-de-translated.tsv"),
        ("pawsx", "train", EN_DE, "PAWSX/translate-train/en-de-translated.tsv"),
        ("pawsx", "test", Direction("de", "en"), "PAWSX/translate-test/test-de-en-translated.tsv"),
        ("xnli", "test", Direction("de", "en"), "XNLI/translate-test/test-de-en-translated.tsv"),
        ("tydiqa", "train", EN_DE, "TyDiQA-GoldP/translate-train/tydiqa.translate.train.en-de.json"),
        ("xnli", "validation", Direction("de", "en"),
         "xnli/translate-validation/xnli.translate.validation.de-en.jsonl"),
        ("copa", "train", EN_DE, "copa/translate-train/copa.translate.train.en-de.jsonl"),
    ):  # fmt: skip
        assert file_of(tmp_path, recipe(task), split, direction) == tmp_path / path


def write(path: Path, task: str, ours: list[dict[str, Any]], theirs: list[dict[str, Any]]) -> None:
    write_translations(path, zip(ours, theirs, strict=True), columns=recipe(task).build_kind().translated_columns)


def loaded(root: Path, task: str, rows: list[dict[str, Any]], bad: BadRows | None = None, **wanted: Any) -> Dataset:
    table = Dataset.from_list(rows, features=recipe(task).build_kind().features())
    some = table.select(wanted["wanted"]) if wanted else table
    files = TranslationFiles(root, flag="--translations")
    return files.load(recipe(task), "train", EN_DE, rows=table, wanted=some, bad=bad or BadRows(skip=False))


@pytest.mark.parametrize(
    ("task", "name"),
    [("squad", "span_qa"), ("mnli", "inference"), ("hellaswag", "next_event"), ("copa", "cause_effect")],
)
def test_what_is_written_is_read(task: str, name: str, tmp_path: Path) -> None:
    ours, theirs = (generator(name)(split="train", language=code, size=12) for code in ("en", "de"))
    write(file_of(tmp_path, recipe(task), "train", EN_DE), task, ours, theirs)
    files = TranslationFiles(tmp_path, flag="--translations")
    assert not are_parallel_rows(files.fingerprint(recipe(task), "train", EN_DE))
    found = loaded(tmp_path, task, ours).to_list()
    assert found == [{name: row[name] for name in found[0]} for row in theirs]
    assert [row["id"] for row in loaded(tmp_path, task, ours, wanted=[3, 1])] == [ours[3]["id"], ours[1]["id"]]


def test_a_task_of_one_text_is_translated_and_read_back(tmp_path: Path) -> None:
    task = MNLI.model_copy(update={"name": "topics", "options": {"labels": ["a", "b"], "one_text": True}})
    kind = task.build_kind()
    ours = [{"id": str(n), "text_a": f"One {n}. Two.", "label": "ab"[n % 2], "language": "en"} for n in range(4)]
    theirs = [translate_row(kind, row, str.upper, language="de") for row in ours]
    assert theirs[1] == {"id": "1", "text_a": "ONE 1. TWO.", "label": "b", "language": "de"}
    path = file_of(tmp_path, task.model_copy(update={"translations": {}}), "train", EN_DE)
    write_translations(path, zip(ours, theirs, strict=True), columns=kind.translated_columns)
    table = Dataset.from_list(ours, features=task.canonical_columns)
    files, plain = TranslationFiles(tmp_path, flag="--translations"), task.model_copy(update={"translations": {}})
    found = files.load(plain, "train", EN_DE, rows=table, wanted=table, bad=BadRows(skip=False))
    assert found.to_list() == theirs


def test_xtremes_own_files_are_read(tmp_path: Path) -> None:
    """As they are published: no source texts in JSON, lost answers at -1, `contradictory`, and tokenised English."""
    ours, theirs = pairs()
    path = file_of(tmp_path, MNLI, "train", EN_DE)
    path.parent.mkdir(parents=True)
    lines = [
        "\t".join([one["text_a"].replace(".", " ."), one["text_b"], other["text_a"], other["text_b"],
                   one["label"].replace("contradiction", "contradictory")])
        for one, other in zip(ours, theirs, strict=True)
    ]  # fmt: skip
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    assert loaded(tmp_path, "mnli", ours)["text_a"][:] == [row["text_a"] for row in theirs]
    ours, theirs = story_rows("en", 4), story_rows("de", 4)
    questions = [
        {"id": row["id"], "question": row["question"],
         "answers": [{"text": row["answers"]["text"][0], "answer_start": start}]}
        for row, start in zip(theirs, [row["answers"]["answer_start"][0] for row in theirs[:3]] + [-1], strict=True)
    ]  # fmt: skip
    paragraphs = [{"context": row["context"], "qas": [asked]} for row, asked in zip(theirs, questions, strict=True)]
    path = file_of(tmp_path, SQUAD, "train", EN_DE)
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps({"data": [{"paragraphs": paragraphs}]}), encoding="utf-8")
    bad = BadRows(skip=False)
    found = loaded(tmp_path, "squad", ours, bad)
    assert found.to_list() == theirs[:3] and bad.omitted == {"lost in translation (en-de)": 1}


def shift(lines: list[str]) -> list[str]:
    return lines[1:] + lines[:1]


@pytest.mark.parametrize(
    ("task", "change", "message"),
    [
        ("mnli", lambda lines: lines[:-2], "has translations of 4 rows, and 2 of the 6 rows .* have none"),
        ("mnli", shift, "line 6: its source text is not the source's next one or a later one"),
        ("mnli", lambda lines: [*lines, "x\ty\tz\tw\tneutral"], "line 7: its source text is not the source's next"),
        ("mnli", lambda lines: [lines[0].rpartition("\t")[0] + "\tother", *lines[1:]],
         "line 1: its label is 'other', and the source's is"),
        ("mnli", lambda lines: ["a\tb", *lines], r"line 1: it has 2 columns instead of 5"),
        ("hellaswag", lambda lines: lines[1:], "has translations of 5 rows, and 1 of the 6 rows"),
        ("hellaswag", lambda lines: [lines[0].replace('"id": "', '"id": "x'), *lines[1:]],
         "line 1: the id 'x.*' is not among the source's rows"),
        ("hellaswag", lambda lines: [lines[0].replace('"source": {"context": "', '"source": {"context": "X'),
                                     *lines[1:]], "line 1: it is not a translation of .*: its source text is 'X"),
        ("hellaswag", lambda lines: ["{", *lines[1:]], "line 1: column 2: not JSON"),
        ("hellaswag", lambda lines: [*lines, lines[2]], "line 7: the id '.*' is used twice"),
        ("squad", lambda lines: [line.replace('"source_question": "', '"source_question": "X') for line in lines],
         "question 0 of paragraph 0 .*: it is not a translation of"),
        ("squad", lambda lines: [line.replace('"answers": [', '"answers": "Ann", "was": [') for line in lines],
         "question 0 of paragraph 0 of article 0: 'answers' is missing or of the wrong type: a list is due"),
        ("squad", lambda lines: [line.replace('"id": "', '"id": "x') for line in lines],
         "the id 'x.*' is not among the source's rows"),
    ],
)  # fmt: skip
def test_files_that_do_not_belong_to_the_source(
    task: str, change: Callable[[list[str]], list[str]], message: str, tmp_path: Path
) -> None:
    name = {"mnli": "inference", "hellaswag": "next_event", "squad": "span_qa"}[task]
    ours, theirs = (generator(name)(split="train", language=code, size=6) for code in ("en", "de"))
    path = file_of(tmp_path, recipe(task), "train", EN_DE)
    write(path, task, ours, theirs)
    path.write_text("\n".join(change(path.read_text(encoding="utf-8").split("\n")[: None if task == "squad" else -1])))
    with pytest.raises(DataError, match=message) as raised:
        loaded(tmp_path, task, ours)
    assert path.name in str(raised.value)
    if task != "squad":  # nothing of it is left there
        bad = BadRows(skip=True)
        kept = loaded(tmp_path, task, ours, bad)
        assert len(kept) < 7 and sum(bad.counts.values()) >= 1


def test_rows_that_are_recorded_as_dropped_are_no_error(tmp_path: Path) -> None:
    ours, theirs = story_rows("en", 4), story_rows("de", 4)
    path = file_of(tmp_path, SQUAD, "train", EN_DE)
    write(path, "squad", ours[:3], theirs[:3])
    provenance_of(path).write_text(json.dumps({"dropped_rows": {ours[3]["id"]: "why"}}))
    bad = BadRows(skip=False)
    assert len(loaded(tmp_path, "squad", ours, bad)) == 3 and sum(bad.omitted.values()) == 1


def test_folders_and_the_suite_are_told_apart(tmp_path: Path) -> None:
    mini, files = open_source("mini", None), open_source("files", tmp_path)
    assert isinstance(open_translations(None, mini, flag="--translations"), ParallelRows)
    assert isinstance(open_translations(tmp_path, mini, flag="--translations"), TranslationFiles)
    assert open_translations(None, files, flag="--translations") is None
    with pytest.raises(UsageError, match="--translations mini: the rows come from the files source"):
        open_translations(Path("mini"), files, flag="--translations")
    with pytest.raises(UsageError, match="--translate-test .*absent is not a folder"):
        open_translations(tmp_path / "absent", mini, flag="--translate-test")


@pytest.mark.slow
@pytest.mark.parametrize("task", ["squad", "tydiqa"])
def test_real_answers_survive_a_translation_that_changes_nothing(task: str, shared: Path) -> None:
    """In every row of the slices, with their own brackets, abbreviations and line ends."""
    kind = recipe(task).build_kind()
    rows = open_source("files", shared / "data").load(recipe(task), "train", "en", BadRows(skip=True)).to_list()
    for row in rows:
        made = translate_row(kind, row, lambda text: text, language="de")
        kind.check(made)
        assert made["answers"]["text"][0].split() == row["answers"]["text"][0].split()
    asked = [text for row in rows for text in needed_texts(kind, row, language="de")]
    assert len(rows) >= 3000 and len(set(asked)) < len(asked)
