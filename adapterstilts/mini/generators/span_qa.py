"""Questions about stories: answered by a span of the text, or, as in SQuAD 2.0, by nothing in it."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from adapterstilts.mini.frames import Event, Role
from adapterstilts.mini.grammar import grammar_of
from adapterstilts.mini.grammar.base import read_lexicon
from adapterstilts.mini.near_misses import could_be, rivals_of, with_filler
from adapterstilts.mini.options import check_number, check_share
from adapterstilts.mini.replay import replayed
from adapterstilts.mini.telling import tell
from adapterstilts.mini.text import join
from adapterstilts.mini.world import Question, Story, questions, stories


def span_qa(
    *,
    split: str,
    language: str,
    size: int,
    seed: int = 0,
    domain: str = "everyday",
    facts: int | None = None,
    questions_per_story: int = 4,
    unanswerable: float = 0.0,
    strange: float = 0.0,
) -> list[dict[str, Any]]:
    """Questions with their answers in a story, in the schema of SQuAD plus `language`.

    The same (split, seed and options) give the same ids, stories and questions in every language, as in XQuAD. No
    story is in two splits or two domains.

    Args:
        unanswerable: Share of questions that are changed in one thing, so that the story has words of the right kind
            for an answer, but none that is right (Rajpurkar et al. 2018). Their answers are empty lists.
        strange: Share of these that ask about somebody or something that the story does not mention, which is easier to
            tell than a question whose words are all there.

    Returns:
        `size` rows of id, context, question, answers {text, answer_start} and language, with
        `context[answer_start:answer_start + len(text)] == text`.

    Raises:
        ValueError: an unknown domain, split or language, or a number that makes no sense, named with the options.
    """
    check_number("questions_per_story", questions_per_story, least=1)
    check_share("unanswerable", unanswerable)
    check_share("strange", strange)
    grammar = grammar_of(language)
    source = _asked_stories(domain, split, seed, facts, questions_per_story, unanswerable, strange)
    rows: list[dict[str, Any]] = []
    for number, (story, asking) in enumerate(source):
        if len(rows) >= size:
            break
        context = tell(story, language)
        for question, wrong in asking:
            texts, starts = ([], []) if wrong else ([part] for part in context.answer(question))
            asked = wrong or question
            rows.append(
                {
                    "id": f"{domain}-{split}-{seed}-{number}-{len(rows)}",
                    "context": context.text,
                    "question": join([grammar.question(asked.event, asked.asked)]).text,
                    "answers": {"text": texts, "answer_start": starts},
                    "language": language,
                }
            )
    return rows[:size]


@replayed
def _asked_stories(
    domain: str, split: str, seed: int, facts: int | None, most: int, unanswerable: float, strange: float
) -> Iterator[tuple[Story, list[tuple[Question, Question | None]]]]:
    """Endless stories with their questions, at `most` so many, and what is asked instead where no answer shall be."""
    rng = random.Random(f"questions|{domain}|{split}|{seed}")
    changes = random.Random(f"unanswerable|{domain}|{split}|{seed}|{unanswerable}")
    for story in stories(domain=domain, split=split, seed=seed, facts=facts):
        asking: list[tuple[Question, Question | None]] = []
        for question in questions(story, rng)[:most]:
            wrong = None
            if changes.random() < unanswerable:
                about_others = changes.random() < strange
                wrong = (
                    _about_a_stranger(question, story, changes)
                    if about_others
                    else _unanswerable(question, story, domain, changes)
                )
            asking.append((question, wrong))
        yield story, asking


def _unanswerable(question: Question, story: Story, domain: str, rng: random.Random) -> Question | None:
    """A question near this one that the story does not answer; None where every change leaves an answer."""
    changes: list[Callable[[], Question | None]] = [
        lambda: _with_another_verb(question, domain, rng),
        lambda: _about_the_untold(story, rng),
    ]
    target = "theme" if question.asked == "count" else question.asked
    for role, _ in question.event.roles:
        if role != target:
            # Fillers are exchanged more often than verbs: half of what a question tells is who and what.
            changes += [lambda role=role: _with_another_filler(question, role, story, rng)] * 2  # type: ignore[misc]
    rng.shuffle(changes)
    for change in changes:
        found = change()
        if found and not any(
            could_be(found.event, found.asked, fact) or _mirrored(found.event, fact) for fact in story.facts
        ):
            return found
    return None


def _about_a_stranger(question: Question, story: Story, rng: random.Random) -> Question | None:
    """A question like this one about a filler that no fact of the story has; None where there is no other."""
    told = {phrase.concept for fact in story.facts for _, phrase in fact.roles}
    target = "theme" if question.asked == "count" else question.asked
    roles = [role for role, _ in question.event.roles if role != target]
    for role in rng.sample(roles, k=len(roles)):
        others = [concept for concept in rivals_of(question.event, role) if concept not in told]
        if others:
            phrase = replace(question.event[role], concept=rng.choice(others))
            return replace(question, event=with_filler(question.event, role, phrase))
    return None


def _mirrored(event: Event, fact: Event) -> bool:
    """Whether the same two did the same with roles exchanged: who has met somebody has been met."""
    two = [[phrase.concept for role, phrase in one.roles if role in ("agent", "theme")] for one in (event, fact)]
    return event.verb == fact.verb and len(two[0]) == 2 and two[0] == two[1][::-1]


def _with_another_filler(question: Question, role: Role, story: Story, rng: random.Random) -> Question | None:
    """With the filler that the role has in another fact, or else with one that the story does not mention."""
    event = question.event
    told = {phrase.concept for _, phrase in event.roles}
    others = [phrase for fact in story.facts if (phrase := fact.get(role)) and phrase.concept not in told]
    fitting = rivals_of(event, role)
    here = [phrase for phrase in others if role in ("agent", "place", "time") or phrase.concept in fitting]
    if here:
        return replace(question, event=with_filler(event, role, rng.choice(here)))
    elsewhere = [concept for concept in fitting if concept not in told]
    if not elsewhere:
        return None
    phrase = replace(event[role], concept=rng.choice(elsewhere))
    return replace(question, event=with_filler(event, role, phrase))


def _with_another_verb(question: Question, domain: str, rng: random.Random) -> Question | None:
    """With a verb of the domain that takes the same roles and could have this theme."""
    world = read_lexicon("world")
    event = question.event
    verbs = [
        verb
        for verb in world["domains"][domain]["events"]
        if verb != event.verb
        and set(world["events"][verb]) == set(world["events"][event.verb])
        and not (verb in world["unplaced"] and event.get("place"))
        and all(_may_fill(event, role, kinds) for role, kinds in world["events"][verb].items())
    ]
    return replace(question, event=replace(event, verb=rng.choice(verbs))) if verbs else None


def _may_fill(event: Event, role: Role, kinds: list[str]) -> bool:
    world = read_lexicon("world")["kinds"]
    phrase = event.get(role)
    if phrase is None:
        return True
    if kinds == ["person"]:
        kinds = ["named_person", "occupation"]
    return any(phrase.concept in world[kind] for kind in kinds)


def _about_the_untold(story: Story, rng: random.Random) -> Question | None:
    """The place or time of a fact that is told without it, while another fact of the story is told with it."""
    roles: tuple[Role, ...] = ("place", "time")
    found = [
        Question(index, with_filler(fact, role, phrase), role)
        for index, fact in enumerate(story.facts)
        for role in roles
        if fact.get(role) is None and not (role == "place" and fact.verb in read_lexicon("world")["unplaced"])
        for other in story.facts
        if (phrase := other.get(role))
    ]
    return rng.choice(found) if found else None
