"""Tags of the mini suite: well-formed, parallel, learnable only from context; CCG categories that derive sentences."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from functools import cache

import pytest

from adapterstilts.metrics.chunks import chunks
from adapterstilts.mini import LANGUAGES
from adapterstilts.mini.frames import Event, Phrase
from adapterstilts.mini.generators.tagging import entities, pos_tags, supertags
from adapterstilts.mini.grammar import grammar_of
from adapterstilts.mini.naming import Name, entity_tags, tell_with_names, title
from adapterstilts.mini.supertagging import categories
from adapterstilts.mini.text import join

UNIVERSAL = [
    "ADJ",
    "ADP",
    "ADV",
    "AUX",
    "CCONJ",
    "DET",
    "INTJ",
    "NOUN",
    "NUM",
    "PART",
    "PRON",
    "PROPN",
    "PUNCT",
    "SCONJ",
    "SYM",
    "VERB",
    "X",
]
BIO = ["O", "B-PER", "I-PER", "B-ORG", "I-ORG", "B-LOC", "I-LOC"]
EVERY = [(pos_tags, code) for code in LANGUAGES] + [(entities, code) for code in LANGUAGES] + [(supertags, "en")]

BUILD = Event(
    "build",
    (
        ("agent", Phrase("anna")), ("theme", Phrase("bridge", "indefinite", 1, "new")),
        ("place", Phrase("madrid")), ("time", Phrase("1988")),
    ),
)  # fmt: skip
GIVE = Event(
    "give",
    (
        ("agent", Phrase("ivan")), ("theme", Phrase("book", "indefinite", 2)),
        ("recipient", Phrase("omar")), ("place", Phrase("school", "definite")),
    ),
)  # fmt: skip


@cache
def rows_of(generator, language, split="test", size=60):
    return generator(split=split, language=language, size=size)


@pytest.mark.parametrize(("generator", "language"), EVERY)
def test_rows_have_a_known_tag_for_each_word(generator, language):
    rows = rows_of(generator, language)
    assert len({row["id"] for row in rows}) == 60
    known = {form.lower() for form, _ in grammar_of(language).forms()} | {",", ".", "?", "。", "？", "¿"}
    for row in rows:
        assert set(row) == {"id", "tokens", "tags", "language"} and row["language"] == language
        assert len(row["tokens"]) == len(row["tags"]) > 2
        assert all(token.strip() == token and token for token in row["tokens"])
        assert {token.lower() for token in row["tokens"] if not token.isdigit()} <= known
        if generator is not supertags:
            assert set(row["tags"]) <= set(UNIVERSAL if generator is pos_tags else BIO)


@pytest.mark.parametrize("generator", [pos_tags, entities, supertags])
def test_rows_are_deterministic_and_a_smaller_size_is_a_prefix(generator):
    assert generator(split="test", language="en", size=9) == rows_of(generator, "en")[:9]
    assert generator(split="test", language="en", size=9, seed=1) != rows_of(generator, "en")[:9]


@pytest.mark.parametrize("generator", [pos_tags, entities, supertags])
def test_no_sentence_is_in_two_splits(generator):
    told = {}
    for split in ("train", "validation", "test"):
        for row in generator(split=split, language="en", size=60):
            assert told.setdefault(" ".join(row["tokens"]), split) == split


@pytest.mark.parametrize("generator", [pos_tags, entities])
def test_rows_are_parallel(generator):
    ids = [row["id"] for row in rows_of(generator, "en")]
    assert all([row["id"] for row in rows_of(generator, code)] == ids for code in LANGUAGES)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_same_things_have_names_in_every_language(language):
    for row, other in zip(rows_of(entities, language), rows_of(entities, "en"), strict=True):
        ours, theirs = (Counter(tag for tag in tags["tags"] if tag[0] == "B") for tags in (row, other))
        assert ours == theirs and ours
        assert not any(
            tag[0] == "I" and before[2:] != tag[2:]
            for before, tag in zip(["O", *row["tags"]], row["tags"], strict=False)
        )


def test_a_word_alone_does_not_say_what_is_named():
    """Cities are places, surnames and parts of names; a table of words stays far from the names that it should find."""
    train = rows_of(entities, "en", "train", 1500)
    tags = defaultdict(set)
    for row in train:
        for token, tag in zip(row["tokens"], row["tags"], strict=True):
            tags[token].add(tag)
    assert tags["Berlin"] >= {"B-PER", "I-PER", "B-LOC", "I-LOC", "B-ORG", "I-ORG"}
    assert {tag for row in train for tag in row["tags"]} == set(BIO)
    test = rows_of(entities, "en", "test", 200)
    found, gold = chunks(_by_table(train, test)), chunks([row["tags"] for row in test])
    assert 2 * len(found & gold) / (len(found) + len(gold)) < 0.6


def test_a_word_alone_does_not_give_its_category():
    train, test = rows_of(supertags, "en", "train", 1500), rows_of(supertags, "en", "test", 200)
    right = [tags == row["tags"] for tags, row in zip(_by_table(train, test), test, strict=True)]
    assert sum(right) / len(right) < 0.75
    of_in = {tag for row in train for word, tag in zip(row["tokens"], row["tags"], strict=True) if word.lower() == "in"}
    assert of_in == {r"((S\NP)\(S\NP))/NP", r"(NP\NP)/NP", "(S/S)/NP"}


def _by_table(train, test):
    """The tags a table gives: each word's most frequent one."""
    counts, every = defaultdict(Counter), Counter()
    for row in train:
        for token, tag in zip(row["tokens"], row["tags"], strict=True):
            counts[token][tag] += 1
            every[tag] += 1
    return [[(counts[token] or every).most_common(1)[0][0] for token in row["tokens"]] for row in test]


@pytest.mark.parametrize(
    ("language", "text", "tags"),
    [
        ("en", "Anna Berlin built the Rome Bridge in Madrid in 1988.", "B-PER I-PER O O B-LOC I-LOC O B-LOC O O O"),
        ("de", "Anna Berlin baute die Brücke Rom im Jahr 1988 in Madrid.",
         "B-PER I-PER O O B-LOC I-LOC O O O O B-LOC O"),
        ("es", "Anna Berlín construyó el Puente de Roma en Madrid en 1988.",
         "B-PER I-PER O O B-LOC I-LOC I-LOC O B-LOC O O O"),
        ("ru", "Анна Берлин построила Мост Рима в Мадриде в 1988 году.", "B-PER I-PER O B-LOC I-LOC O B-LOC O O O O"),
        ("zh", "安娜柏林1988年在马德里建造了罗马桥。", "B-PER I-PER O O O B-LOC O O B-LOC I-LOC O"),
        ("sw", "Anna Berlin alijenga Daraja la Roma jijini Madrid mwaka 1988.",
         "B-PER I-PER O B-LOC I-LOC I-LOC O B-LOC O O O"),
    ],
)  # fmt: skip
def test_names_in_a_sentence(language, text, tags):
    tokens = tell_with_names(BUILD, [Name("agent", "berlin"), Name("theme", "rome")], language)
    assert (join([tokens]).text, " ".join(entity_tags(tokens))) == (text, tags)


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "Ivan Moscow gave two books to Paris at the School Olga."),
        ("de", "Ivan Moskau gab Paris in der Schule Olga zwei Bücher."),
        ("es", "Ivan Moscú le dio dos libros a París en la Escuela de Olga."),
        ("ru", "Иван Москва дал Парижу две книги в Школе Ольги."),
        ("zh", "伊万莫斯科在奥尔加学校给了巴黎两本书。"),
        ("sw", "Ivan Moscow alimpa Paris vitabu viwili kwenye Shule ya Olga."),
    ],
)
def test_surnames_alone_and_names_after_persons(language, text):
    names = [
        Name("agent", "moscow"),
        Name("recipient", "paris", short=True),
        Name("place", "olga", after_first=False),
    ]
    tokens = tell_with_names(GIVE, names, language)
    assert join([tokens]).text == text
    assert Counter(tag for tag in entity_tags(tokens) if tag[0] == "B") == {"B-PER": 2, "B-ORG": 1}


def test_surnames_agree_in_russian():
    def met(person):
        event = Event("meet", (("agent", Phrase("ali")), ("theme", Phrase(person))))
        return [join([tell_with_names(event, [Name("theme", city)], "ru")]).text for city in ("berlin", "moscow")]

    assert met("ivan") == ["Али встретил Ивана Берлина.", "Али встретил Ивана Москву."]
    assert met("anna") == ["Али встретил Анну Берлин.", "Али встретил Анну Москву."]


def test_titles():
    name = Name("place", "berlin")
    assert [title(Phrase("museum"), name, code) for code in LANGUAGES] == [
        "Berlin Museum", "Museum Berlin", "Museo de Berlín", "Музей Берлина", "柏林博物馆", "Makumbusho ya Berlin",
    ]  # fmt: skip
    assert [title(Phrase("anna"), Name("agent", "cairo"), code) for code in ("en", "ru", "zh")] == [
        "Anna Cairo", "Анна Каир", "安娜开罗",
    ]  # fmt: skip
    assert title(Phrase("moscow"), None, "ru") == "Москва"


@pytest.mark.parametrize(
    ("event", "asked", "expected"),
    [
        (BUILD, None, r"N (S[dcl]\NP)/NP NP[nb]/N N/N N ((S\NP)\(S\NP))/NP N ((S\NP)\(S\NP))/NP N ."),
        (GIVE, None, r"N ((S[dcl]\NP)/PP)/NP N/N N PP/NP N ((S\NP)\(S\NP))/NP NP[nb]/N N ."),
        (GIVE, "count",
         r"(S[wq]/(S[q]/NP))/N N/N N (S[q]/(S[b]\NP))/NP N ((S[b]\NP)/PP)/NP PP/NP N ((S\NP)\(S\NP))/NP NP[nb]/N N ."),
        (GIVE, "recipient",
         r"(S[wq]/(S[q]/PP))/NP NP (S[q]/(S[b]\NP))/NP N ((S[b]\NP)/PP)/NP NP[nb]/N N/N N"
         r" ((S\NP)\(S\NP))/NP NP[nb]/N N ."),
    ],
)  # fmt: skip
def test_categories(event, asked, expected):
    english = grammar_of("en")
    tokens = english.question(event, asked) if asked else english.statement(event)
    assert categories(tokens, event, asked) == expected.split()


def test_every_category_sequence_derives_a_sentence():
    rows = rows_of(supertags, "en", "train", 1500) + supertags(split="test", language="en", size=60, modified=1.0)
    different = {tuple(row["tags"]): row for row in rows}
    assert len(different) > 100
    for tags, row in different.items():
        assert _derived(tags) & {"S[dcl]", "S[wq]"}, row


def test_the_derivations_refuse_sentences_without_verb():
    for row in rows_of(supertags, "en", "train", 1500)[:50]:
        verbs = [at for at, tag in enumerate(row["tags"]) if re.match(r"\(+S\[(b|dcl)\]", tag)]
        assert len(verbs) in (1, 2)
        tags = ["N" if at == verbs[-1] else tag for at, tag in enumerate(row["tags"])]
        assert not _derived(tuple(tags)) & {"S[dcl]", "S[wq]"}


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: supertags(split="test", language="de", size=1), ["'de'", "en"]),
        (lambda: entities(split="test", language="fr", size=1), ["'fr'", "sw"]),
        (lambda: entities(split="test", language="en", size=1, named=2.0), ["named=2.0", "0 and 1"]),
        (lambda: pos_tags(split="test", language="en", size=1, questions=-0.5), ["questions=-0.5", "0 and 1"]),
        (lambda: supertags(split="test", language="en", size=1, modified=7), ["modified=7", "0 and 1"]),
        (lambda: pos_tags(split="test", language="en", size=1, domain="sport"), ["sport", "everyday"]),
    ],
)
def test_errors_name_the_value_and_the_options(call, words):
    with pytest.raises(ValueError) as error:
        call()
    assert all(word in str(error.value) for word in words)


# A small CKY parser. A category is (base, feature) or (result, slash, argument); "" is a feature that fits any other.


def _parse(text):
    depth = 0
    for at in range(len(text) - 1, -1, -1):
        depth += (text[at] == ")") - (text[at] == "(")
        if depth == 0 and text[at] in "/\\":
            return (_parse(text[:at]), text[at], _parse(text[at + 1 :]))
    if text[0] == "(" and text[-1] == ")":
        return _parse(text[1:-1])
    base, _, feature = text.partition("[")
    return (base, feature.rstrip("]"))


def _match(pattern, category, bound):
    """Whether they are equal up to features; the feature of an S without one is bound."""
    if len(pattern) != len(category):
        return False
    if len(pattern) == 3:
        return (
            pattern[1] == category[1]
            and _match(pattern[0], category[0], bound)
            and _match(pattern[2], category[2], bound)
        )
    if pattern[0] != category[0]:
        return False
    if pattern[0] != "S":
        return True
    ours, theirs = pattern[1] or bound.get("S", ""), category[1]
    if ours and theirs:
        return ours == theirs
    if theirs:
        bound["S"] = theirs
    return True


def _fill(category, bound):
    if len(category) == 3:
        return (_fill(category[0], bound), category[1], _fill(category[2], bound))
    return ("S", category[1] or bound.get("S", "")) if category[0] == "S" else category


def _combined(left, right):
    """Application, forward composition and backward crossed composition; punctuation is absorbed."""
    if right[0] in (",", "."):
        yield left
    if len(left) == 3 and left[1] == "/":
        if _match(left[2], right, bound := {}):
            yield _fill(left[0], bound)
        if len(right) == 3 and right[1] == "/" and _match(left[2], right[0], bound := {}):
            yield (_fill(left[0], bound), "/", right[2])
    if len(right) == 3 and right[1] == "\\":
        if _match(right[2], left, bound := {}):
            yield _fill(right[0], bound)
        if len(left) == 3 and left[1] == "/" and _match(right[2], left[0], bound := {}):
            yield (_fill(right[0], bound), "/", left[2])


_NP = ("NP", "")
_RAISED = _parse(r"(S\NP)\((S\NP)/PP)")


def _closed(categories):
    """With the type-changing rules N -> NP, and PP raised over a verb phrase that lacks it."""
    found = set(categories)
    if any(category[0] == "N" for category in found):
        found.add(_NP)
    if any(category[0] == "PP" for category in found):
        found.add(_RAISED)
    return found


@cache
def _derived(tags):
    chart = {(at, at + 1): _closed([_parse(tag)]) for at, tag in enumerate(tags)}
    for width in range(2, len(tags) + 1):
        for first in range(len(tags) - width + 1):
            last = first + width
            chart[first, last] = _closed(
                result
                for middle in range(first + 1, last)
                for left in chart[first, middle]
                for right in chart[middle, last]
                for result in _combined(left, right)
            )
    return {f"{one[0]}[{one[1]}]" for one in chart[0, len(tags)] if len(one) == 2}
