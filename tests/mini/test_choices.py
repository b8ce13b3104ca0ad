"""Multiple-choice rows: well formed, parallel, disjoint across splits, of known words, and not to be guessed."""

from __future__ import annotations

import math
from collections import Counter

import pytest

from adapterstilts.mini import LANGUAGES
from adapterstilts.mini.frames import Phrase
from adapterstilts.mini.generators import choices, generator
from adapterstilts.mini.generators.commonsense import facts
from adapterstilts.mini.generators.scenes import network, scenes
from adapterstilts.mini.generators.utterances import Pattern, say
from adapterstilts.mini.grammar import grammar_of
from adapterstilts.mini.pretraining_text import pieces
from adapterstilts.mini.tokenizer import build_tokenizer, vocabulary

COUNTS = {"next_event": 4, "reading": 4, "commonsense": 5, "social": 3, "cause_effect": 2}


def rows_of(name, language="en", **options):
    return generator(name)(**({"split": "test", "language": language, "size": 16} | options))


@pytest.fixture(scope="module")
def tokenizer():
    return build_tokenizer()


@pytest.fixture(scope="module")
def known():
    return {piece.text for piece in vocabulary() if piece.meanings}


@pytest.mark.parametrize("name", COUNTS)
@pytest.mark.parametrize("language", LANGUAGES)
def test_rows_are_canonical_and_of_known_words(name, language, tokenizer, known):
    rows = rows_of(name, language)
    assert len({row["id"] for row in rows}) == len(rows) == 16
    for row in rows:
        assert set(row) == {"id", "context", "question", "choices", "label", "language"}
        assert row["language"] == language
        assert len(set(row["choices"])) == len(row["choices"]) == COUNTS[name]
        assert 0 <= row["label"] < COUNTS[name]
        texts = [row["context"], row["question"], *row["choices"]]
        assert bool(row["context"]) != (name == "commonsense") and bool(row["question"]) != (name == "next_event")
        assert {piece for text in texts for piece in tokenizer.tokenize(text)} <= known | {"▁"}


@pytest.mark.parametrize("name", COUNTS)
def test_rows_are_parallel_and_deterministic(name):
    english = rows_of(name)
    assert rows_of(name) == english
    assert rows_of(name, size=10) == english[:10]
    for language in LANGUAGES[1:]:
        rows = rows_of(name, language)
        assert [(row["id"], row["label"]) for row in rows] == [(row["id"], row["label"]) for row in english]


@pytest.mark.slow(but=2)
@pytest.mark.parametrize("name", COUNTS)
def test_splits_and_seeds_have_different_rows(name):
    told = {}
    for split in ("train", "validation", "test", "pretraining"):
        rows = rows_of(name, split=split, size=150)
        told[split] = {(row["context"], row["question"], *sorted(row["choices"])) for row in rows}
        assert len(told[split]) == 150
    assert sum(map(len, told.values())) == len(set().union(*told.values()))
    assert rows_of(name, seed=1) != rows_of(name)


@pytest.mark.slow(but=2)
@pytest.mark.parametrize("name", COUNTS)
def test_choices_alone_do_not_give_the_answer(name):
    """Naive Bayes over a choice's words, the longest choice, and positions, all near chance."""
    right, wrong = Counter(), Counter()
    train, test = rows_of(name, split="train", size=900), rows_of(name, size=400)
    for row in train:
        for place, choice in enumerate(row["choices"]):
            (right if place == row["label"] else wrong).update({*_words(choice)})
    count = COUNTS[name]

    def score(choice):
        return sum(math.log((right[word] + 2) / (wrong[word] / (count - 1) + 2)) for word in {*_words(choice)})

    for guess in (score, len, lambda choice: -len(choice)):
        best = [max(row["choices"], key=guess) for row in test]
        hits = sum(choice == row["choices"][row["label"]] for choice, row in zip(best, test, strict=True))
        assert hits / len(test) < 1 / count + 0.1
    positions = Counter(row["label"] for row in test)
    assert all(0.75 < positions[place] * count / len(test) < 1.25 for place in range(count))


def _words(text):
    return text.lower().replace(".", "").split()


@pytest.mark.slow(but=2)
@pytest.mark.parametrize("name", COUNTS)
def test_there_is_enough_to_train_on(name, monkeypatch):
    monkeypatch.setattr(choices, "rows_of", lambda items, **_: list(items))
    assert len(rows_of(name, split="train", size=4000)) == 4000


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_fixed_text_is_read_as_it_is_said(language, tokenizer):
    """Pretraining reads pieces without the tokenizer; it must read what the tokenizer would give."""
    for topic in facts().values():
        for fact in topic:
            _check(say(fact.said, language), language, tokenizer)
    for name in ("next_event", "reading", "commonsense", "social", "cause_effect"):
        for _, item in zip(range(60), choices.drawn_for(name, "validation", seed=0), strict=False):
            for said in (*item.context, *item.question, item.right, *item.wrong):
                _check(say(said, language), language, tokenizer)


def _check(sentence, language, tokenizer):
    text = "".join(token.form + " " * token.space_after for token in sentence).strip()
    assert tokenizer.tokenize(text) == pieces(sentence, language, first=True)


@pytest.mark.parametrize("language", LANGUAGES)
def test_lexicons_list_the_same_fixed_texts(language):
    for section in ("predicates", "clauses", "activities", "categories", "features", "templates"):
        assert grammar_of(language).lexicon[section].keys() == grammar_of("en").lexicon[section].keys()


def test_what_is_possible_follows_from_the_links():
    net = network()
    assert all(net.possible_causes(effect) and net.possible_effects(cause) for cause, effect in net.links)
    assert "rain" in net.possible_causes("wet X") and "hungry X" not in net.possible_effects("rain")
    assert all(len(script["events"]) > 2 for script in scenes()["scripts"])


@pytest.mark.parametrize(
    ("name", "arguments", "words"),
    [
        ("next_event", {"choices": 9}, ["choices=9", "2 to 5"]),
        ("reading", {"beside": 3}, ["beside=3", "0 to 2"]),
        ("commonsense", {"size": 0}, ["size=0", "1"]),
        ("social", {"choices": 4}, ["choices=4", "2 to 3"]),
        ("cause_effect", {"backward": 1.5}, ["backward=1.5", "0 and 1"]),
        ("social", {"split": "dev"}, ["dev", "validation"]),
        ("reading", {"language": "fr"}, ["fr", "sw"]),
    ],
)
def test_errors_name_the_value_and_what_is_possible(name, arguments, words):
    with pytest.raises(ValueError) as error:
        rows_of(name, **arguments)
    assert all(word in str(error.value) for word in words)


def test_more_rows_than_there_are_is_an_error(monkeypatch):
    monkeypatch.setattr("adapterstilts.mini.generators.utterances._IN_VAIN", 50)
    with pytest.raises(ValueError, match="size=90000: .*different rows"):
        rows_of("commonsense", size=90000, choices=2)


def test_patterns_ask_in_the_person_s_gender():
    asked = "".join(t.form + " " for t in say(Pattern("feel", (("agent", Phrase("anna")),)), "ru"))
    assert "чувствовала" in asked
