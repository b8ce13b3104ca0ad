"""Agreement, case, word order and measure words, checked on sentences a speaker would write."""

from __future__ import annotations

import pytest

from adapterstilts.mini.frames import Event, Phrase
from adapterstilts.mini.grammar import grammar_of
from adapterstilts.mini.text import join

BUY = Event(
    "buy",
    (
        ("agent", Phrase("anna")), ("theme", Phrase("apple", "indefinite", 1, "big")),
        ("place", Phrase("market", "definite")), ("time", Phrase("monday")),
    ),
)  # fmt: skip
GIVE = Event(
    "give",
    (
        ("agent", Phrase("teacher", "definite")),
        ("theme", Phrase("book", "indefinite", 2, "red")),
        ("recipient", Phrase("ivan")),
    ),
)
GO = Event("go", (("agent", Phrase("olga")), ("goal", Phrase("garden", "definite")), ("time", Phrase("night"))))
MEET = Event("meet", (("agent", Phrase("ali")), ("theme", Phrase("student", "definite")), ("place", Phrase("berlin"))))
BUILD = Event(
    "build",
    (("agent", Phrase("mei")), ("theme", Phrase("tower", "definite", 1, "new")), ("time", Phrase("1988"))),
)


def said(language, event, *, time_first=False):
    return join([grammar_of(language).statement(event, time_first=time_first)]).text


def asked(language, event, role):
    return join([grammar_of(language).question(event, role)]).text


@pytest.mark.parametrize(
    ("language", "event", "sentence"),
    [
        ("en", BUY, "Anna bought a big apple at the market on Monday."),
        ("de", BUY, "Anna kaufte am Montag auf dem Markt einen großen Apfel."),
        ("es", BUY, "Anna compró una manzana grande en el mercado el lunes."),
        ("ru", BUY, "Анна купила большое яблоко на рынке в понедельник."),
        ("zh", BUY, "安娜星期一在市场买了一个大苹果。"),
        ("sw", BUY, "Anna alinunua tufaha kubwa sokoni siku ya Jumatatu."),
        ("en", GIVE, "The teacher gave two red books to Ivan."),
        ("de", GIVE, "Der Lehrer gab Ivan zwei rote Bücher."),
        ("es", GIVE, "El profesor le dio dos libros rojos a Ivan."),
        ("ru", GIVE, "Учитель дал Ивану две красные книги."),
        ("zh", GIVE, "老师给了伊万两本红色的书。"),
        ("sw", GIVE, "Mwalimu alimpa Ivan vitabu vyekundu viwili."),
        ("de", GO, "Olga ging in der Nacht in den Garten."),
        ("es", GO, "Olga fue al jardín por la noche."),
        ("ru", GO, "Ольга пошла в сад ночью."),
        ("sw", GO, "Olga alienda bustanini usiku."),
        ("de", MEET, "Ali traf den Studenten in Berlin."),
        ("es", MEET, "Ali se reunió con el estudiante en Berlín."),
        ("ru", MEET, "Али встретил студента в Берлине."),
        ("zh", MEET, "阿里在柏林和大学生见面了。"),
        ("sw", MEET, "Ali alikutana na mwanafunzi jijini Berlin."),
        ("de", BUILD, "Mei baute den neuen Turm im Jahr 1988."),
        ("ru", BUILD, "Мэй построила новую башню в 1988 году."),
        ("sw", BUILD, "Mei alijenga mnara mpya mwaka 1988."),
    ],
)
def test_statements(language, event, sentence):
    assert said(language, event) == sentence


@pytest.mark.parametrize(
    ("language", "event", "role", "sentence"),
    [
        ("en", BUY, "theme", "What did Anna buy at the market on Monday?"),
        ("de", BUY, "theme", "Was kaufte Anna am Montag auf dem Markt?"),
        ("es", BUY, "place", "¿Dónde compró Anna la manzana grande el lunes?"),
        ("ru", BUY, "agent", "Кто купил большое яблоко на рынке в понедельник?"),
        ("zh", BUY, "time", "安娜是什么时候在市场买大苹果的？"),
        ("sw", BUY, "place", "Anna alinunua tufaha kubwa wapi siku ya Jumatatu?"),
        ("en", GIVE, "count", "How many red books did the teacher give to Ivan?"),
        ("de", GIVE, "count", "Wie viele rote Bücher gab der Lehrer Ivan?"),
        ("es", GIVE, "count", "¿Cuántos libros rojos le dio el profesor a Ivan?"),
        ("ru", GIVE, "count", "Сколько красных книг учитель дал Ивану?"),
        ("zh", GIVE, "count", "老师给了伊万几本红色的书？"),
        ("sw", GIVE, "count", "Mwalimu alimpa Ivan vitabu vyekundu vingapi?"),
        ("de", GIVE, "recipient", "Wem gab der Lehrer die zwei roten Bücher?"),
        ("es", GIVE, "recipient", "¿A quién le dio el profesor los dos libros rojos?"),
        ("de", MEET, "theme", "Wen traf Ali in Berlin?"),
        ("es", MEET, "theme", "¿Con quién se reunió Ali en Berlín?"),
        ("sw", MEET, "theme", "Ali alikutana na nani jijini Berlin?"),
        ("de", GO, "goal", "Wohin ging Olga in der Nacht?"),
        ("zh", GO, "goal", "奥尔加夜里去了哪里？"),
    ],
)
def test_questions(language, event, role, sentence):
    assert asked(language, event, role) == sentence


@pytest.mark.parametrize(
    ("language", "sentence"),
    [
        ("en", "Anna did not buy a big apple at the market on Monday."),
        ("de", "Anna kaufte am Montag auf dem Markt keinen großen Apfel."),
        ("es", "Anna no compró una manzana grande en el mercado el lunes."),
        ("ru", "Анна не купила большое яблоко на рынке в понедельник."),
        ("zh", "安娜星期一没有在市场买一个大苹果。"),
        ("sw", "Anna hakununua tufaha kubwa sokoni siku ya Jumatatu."),
    ],
)
def test_negation(language, sentence):
    assert said(language, Event(BUY.verb, BUY.roles, negated=True)) == sentence


@pytest.mark.parametrize(
    ("language", "sentence"),
    [
        ("en", "On Monday, Anna bought a big apple at the market."),
        ("de", "Am Montag kaufte Anna auf dem Markt einen großen Apfel."),
        ("zh", "星期一安娜在市场买了一个大苹果。"),
    ],
)
def test_time_in_front(language, sentence):
    assert said(language, BUY, time_first=True) == sentence


def test_tokens_carry_what_layers_above_need():
    tokens = grammar_of("de").statement(BUY)
    assert [(t.form, t.concept, t.upos, t.role, t.entity) for t in tokens][:2] == [
        ("Anna", "anna", "PROPN", "agent", "PER"),
        ("kaufte", "buy", "VERB", "verb", ""),
    ]
    assert [t.form for t in tokens if t.role == "theme" and t.core] == ["großen", "Apfel"]
