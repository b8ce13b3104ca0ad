"""Multiple choice about what people do: what comes next, why, how one feels about it, and what everybody knows.

Wrong choices are drawn from what is right for other rows, in the same form and about the same persons, so that a
choice alone does not say whether it is right. What could be right as well is never a wrong choice.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from typing import Any

from adapterstilts.mini.frames import Event, Phrase
from adapterstilts.mini.generators import commonsense as knowledge
from adapterstilts.mini.generators.scenes import (
    Cast,
    agent_of,
    canonical,
    draw_cast,
    draw_time,
    event,
    network,
    scene_of,
    scenes,
    swapped,
    told,
    verb_of,
)
from adapterstilts.mini.generators.utterances import (
    Ask,
    Balance,
    Item,
    Pattern,
    Told,
    Utterance,
    Wish,
    check_request,
    in_split,
    rows_of,
)
from adapterstilts.mini.grammar.base import read_lexicon
from adapterstilts.mini.options import check_number, check_share
from adapterstilts.mini.telling import belongs

_MOST_CHOICES = 5
_SHORTENED_SHARE = 0.5
_PLACE_SHARE = 0.4
_SHARED_THING_SHARE = 0.6

_Draw = Callable[[random.Random, Balance], Item | None]
_Options = int | tuple[float, ...]


def next_event(*, split: str, language: str, size: int, seed: int = 0, choices: int = 4) -> list[dict[str, Any]]:
    """What people do next, after two or three things done in a usual order (after HellaSwag).

    Args:
        choices: endings per row, 2 to 5; the wrong ones end other scripts.

    Returns:
        `size` rows of id, context, question (""), choices, label and language; equal meanings in every language.

    Raises:
        ValueError: an unknown split or language, a number that makes no sense, or more rows than there are.
    """
    check_number("choices", choices, least=2, most=_MOST_CHOICES)
    return _rows("next_event", split, language, size, seed, choices)


def reading(
    *, split: str, language: str, size: int, seed: int = 0, choices: int = 4, beside: int = 2
) -> list[dict[str, Any]]:
    """Questions about a short story whose answer is not in it, but follows (after CosmosQA).

    Why somebody did something, how somebody felt, or what somebody wanted to do. The story also tells of a second
    person, and a wrong choice is what would be right for that one.

    Args:
        choices: 2 to 5.
        beside: sentences about the second person, 0 to 2.

    Returns:
        `size` rows of id, context, question, choices, label and language; equal meanings in every language.

    Raises:
        ValueError: an unknown split or language, a number that makes no sense, or more rows than there are.
    """
    check_number("choices", choices, least=2, most=_MOST_CHOICES)
    check_number("beside", beside, least=0, most=2)
    return _rows("reading", split, language, size, seed, (choices, beside))


def commonsense(*, split: str, language: str, size: int, seed: int = 0, choices: int = 5) -> list[dict[str, Any]]:
    """Questions of what everybody knows, without context (after CommonsenseQA).

    Where things are and where one goes, what one uses, who does what for a living, what kind of thing something is,
    what it is made of and what it does. The same knowledge is asked for in every split, in other rows.

    Args:
        choices: 2 to 5.

    Returns:
        `size` rows of id, context (""), question, choices, label and language; equal meanings in every language.

    Raises:
        ValueError: an unknown split or language, a number that makes no sense, or more rows than there are.
    """
    check_number("choices", choices, least=2, most=_MOST_CHOICES)
    return _rows("commonsense", split, language, size, seed, choices)


def social(*, split: str, language: str, size: int, seed: int = 0, choices: int = 3) -> list[dict[str, Any]]:
    """Questions about what one did to another: how either felt, what one wanted, why it was done (after SocialIQA).

    Args:
        choices: 2 or 3.

    Returns:
        `size` rows of id, context, question, choices, label and language; equal meanings in every language.

    Raises:
        ValueError: an unknown split or language, a number that makes no sense, or more rows than there are.
    """
    check_number("choices", choices, least=2, most=3)
    return _rows("social", split, language, size, seed, choices)


def cause_effect(
    *, split: str, language: str, size: int, seed: int = 0, choices: int = 2, backward: float = 0.35
) -> list[dict[str, Any]]:
    """The cause of what is told, or what it led to (after COPA).

    Args:
        choices: 2 to 5.
        backward: share of rows, where there are such, in which a wrong choice is on the other side: an effect where
            the cause is asked for.

    Returns:
        `size` rows of id, context, question, choices, label and language; equal meanings in every language.

    Raises:
        ValueError: an unknown split or language, a number that makes no sense, or more rows than there are.
    """
    check_number("choices", choices, least=2, most=_MOST_CHOICES)
    check_share("backward", backward)
    return _rows("cause_effect", split, language, size, seed, (choices, backward))


def drawn_for(name: str, split: str, *, seed: int, part: int = 0) -> Iterator[Item]:
    """Endless meanings of one generator's rows that belong to a split, with one wrong choice each.

    Args:
        part: different parts have different meanings.
    """
    rng, balance = random.Random(f"{name}|{split}|{seed}|part {part}"), Balance()
    draws: dict[str, _Draw] = {
        "next_event": lambda rng, balance: _next_event(rng, balance, 2),
        "reading": lambda rng, balance: _reading(rng, balance, 2, rng.randint(0, 2)),
        "commonsense": lambda rng, balance: knowledge.draw(rng, balance, 2),
        "social": lambda rng, balance: _social(rng, balance, 2),
        "cause_effect": lambda rng, balance: _link(rng, balance, 2, 0.0),
    }
    return (item for item in _drawn(draws[name], rng, balance) if belongs(item.scene, split))


def _drawn(draw: _Draw, rng: random.Random, balance: Balance) -> Iterator[Item]:
    while True:
        item = draw(rng, balance)
        if item is not None:
            yield item


def _rows(name: str, split: str, language: str, size: int, seed: int, options: _Options) -> list[dict[str, Any]]:
    check_request(split, language, size)
    labels = random.Random(f"{name} labels|{split}|{seed}|{options}")
    items = _items(f"{name}|{split}|{seed}|{options}", name, split, size, options)
    return rows_of(items, language=language, name=f"{name}-{split}-{seed}", rng=labels)


@lru_cache(maxsize=4)
def _items(seed: str, name: str, split: str, size: int, options: _Options) -> tuple[Item, ...]:
    """The rows' meanings, drawn once for all languages."""
    rng, balance = random.Random(seed), Balance()
    given = options if isinstance(options, tuple) else (options,)
    draws: dict[str, Callable[..., Item | None]] = {
        "next_event": _next_event,
        "reading": _reading,
        "commonsense": knowledge.draw,
        "social": _social,
        "cause_effect": _link,
    }
    drawn = _drawn(lambda rng, balance: draws[name](rng, balance, *given), rng, balance)
    return tuple(in_split(split, drawn, size, balance))


def _next_event(rng: random.Random, balance: Balance, choices: int) -> Item | None:
    scripts = scenes()["scripts"]
    script = rng.choice(scripts)
    *before, ending = script["events"]
    if len(before) > 2 and rng.random() < _SHORTENED_SHARE:
        before = before[1:]
    cast, time = draw_cast(rng).sharing(before, _SHARED_THING_SHARE, rng), draw_time(rng)
    mentioned = {canonical(pattern) for pattern in before}
    others = [other["events"][-1] for other in scripts if other["topic"] != script["topic"]]
    wrong = _several(balance, [pattern for pattern in others if canonical(pattern) not in mentioned], choices - 1, rng)
    return Item(
        context=told(before, cast, time, rng),
        question=(),
        right=_choice(ending, cast),
        wrong=tuple(_choice(pattern, cast) for pattern in wrong),
        scene=scene_of([*before, ending], cast, time),
        names=(ending, *wrong),
    )


def _reading(rng: random.Random, balance: Balance, choices: int, beside: int) -> Item | None:
    ask = rng.choice(["why", "feel", "want"])
    chains = [chain for chain in network().chains if _can_be_asked(chain, ask, beside)]
    pool = sorted({_answers(chain, ask) for chain in chains})
    right = rng.choice(pool)
    cause, state, action = rng.choice([chain for chain in chains if _answers(chain, ask) == right])
    cast, time = draw_cast(rng), draw_time(rng)
    ruled_out = _ruled_out(cause, state, action, ask)
    fitting = [pattern for pattern in pool if canonical(pattern) not in ruled_out]
    if len({canonical(pattern) for pattern in fitting}) < choices - 1:
        return None
    wrong = _several(balance, [f"{ask} {pattern}" for pattern in fitting], choices - 1, rng)
    wrong = [name.partition(" ")[2] for name in wrong]
    context = [*told([cause] if ask != "why" else [cause, action], cast, time, rng)]
    if beside:
        others = [chain for chain in chains if _answers(chain, ask) == wrong[0] and "X" in chain[0]]
        if not others:
            return None
        other = rng.choice(others)
        second = draw_cast(rng, without=[phrase for _, phrase in cast.persons])
        if "Y" not in cause + action:
            cast = cast.with_person("Y", dict(second.persons)["X"])
        added = told(other[:1] if beside == 1 or ask == "want" else [other[0], other[2]], second, None, rng)
        context = [context[0], *added, *context[1:]] if rng.random() < 0.5 else [*added, *context]
    rng.shuffle(wrong)
    person = dict(cast.persons)["X"]
    question: Utterance = Pattern(ask, (("agent", person),)) if ask != "why" else Ask(event(action, cast), "cause")
    form = _wish if ask == "want" else _choice
    return Item(
        context=tuple(context),
        question=(question,),
        right=form(right, cast),
        wrong=tuple(form(pattern, cast) for pattern in wrong),
        scene=(ask, scene_of([cause, state, action], cast, time)),
        names=tuple(f"{ask} {pattern}" for pattern in (right, *wrong)),
    )


def _answers(chain: tuple[str, str, str], ask: str) -> str:
    return chain[2] if ask == "want" else chain[1]


def _can_be_asked(chain: tuple[str, str, str], ask: str, beside: int) -> bool:
    """Whether it is clear whom a question is about; nobody wants to cry."""
    cause, _, action = chain
    if (beside and not agent_of(cause)) or (ask != "why" and "X" not in cause):
        return False
    return ask != "want" or verb_of(action) != "cry"


def _ruled_out(cause: str, state: str, action: str, ask: str) -> set[str]:
    """Answers that could be right, too."""
    net = network()
    found = net.effects(cause) | net.alike(state)
    if ask != "want":
        return found
    return found | net.alike(action) | {far for name in net.alike(state) for far in net.effects(name)}


def _social(rng: random.Random, balance: Balance, choices: int) -> Item | None:
    ask = rng.choice(["feels", "wants", "why"])
    possible = [(act, right) for act in scenes()["social"] for right in act.get(ask, [])]
    name = rng.choice(sorted({_name(ask, right) for _, right in possible}))
    act, right = rng.choice([pair for pair in possible if _name(ask, pair[1]) == name])
    cast, time = draw_cast(rng), draw_time(rng)
    wrong = {"feels": _feelings, "wants": _wishes, "why": _reasons}[ask](act, right, choices - 1, balance, rng)
    form = _wish if ask == "wants" else _choice
    person = dict(cast.persons)[agent_of(right) if ask != "why" else "Y"]
    question = {"feels": "feel", "wants": "want", "why": "why_that"}[ask]
    (context,) = told([act["event"]], cast, time, rng)
    place = Phrase(rng.choice(read_lexicon("world")["kinds"]["place"]), "definite")
    if rng.random() < _PLACE_SHARE:
        here = context.event
        context = Told(Event(here.verb, (*here.roles, ("place", place))), context.time_first)
    return Item(
        context=(context,),
        question=(Pattern(question, (("agent", person),)),),
        right=form(right, cast),
        wrong=tuple(form(pattern, cast) for pattern in wrong),
        scene=(ask, person, scene_of([act["event"], right], cast, time)),
        names=tuple(_name(ask, pattern) for pattern in (right, *wrong)),
    )


def _name(ask: str, pattern: str) -> str:
    """What a choice about social events is counted as: feelings and wishes are anybody's."""
    return f"{ask} {pattern if ask == 'why' else verb_of(pattern)}"


def _feelings(act: dict[str, Any], right: str, count: int, balance: Balance, rng: random.Random) -> list[str]:
    feeling, person = right.split()
    near = {name for line in scenes()["near"] if feeling in line for name in line} | {feeling}
    wrong = _several(balance, [f"feels {name}" for name in scenes()["feelings"] if name not in near], count, rng)
    return [f"{name.split()[1]} {person}" for name in wrong]


def _wishes(act: dict[str, Any], right: str, count: int, balance: Balance, rng: random.Random) -> list[str]:
    near = {verb for line in scenes()["near_wishes"] if verb_of(right) in line for verb in line} | {verb_of(right)}
    found: dict[str, str] = {}
    acts = scenes()["social"]
    for other in rng.sample(acts, k=len(acts)):
        for wish in other.get("wants", []):
            if verb_of(wish) not in near:
                found[verb_of(wish)] = wish if agent_of(wish) == agent_of(right) else swapped(wish)
    chosen = _several(balance, [f"wants {verb}" for verb in sorted(found)], count, rng)
    return [found[name.split()[1]] for name in chosen]


def _reasons(act: dict[str, Any], right: str, count: int, balance: Balance, rng: random.Random) -> list[str]:
    ruled_out = {name for line in scenes()["near_reasons"] if right in line for name in line} | set(act["why"])
    pool = [reason for other in scenes()["social"] for reason in other.get("why", []) if reason not in ruled_out]
    chosen = _several(balance, [f"why {reason}" for reason in pool], count, rng)
    return [name.partition(" ")[2] for name in chosen]


def _several(balance: Balance, names: Sequence[str], count: int, rng: random.Random) -> list[str]:
    """Different ones of several names, of which no two are the same with X and Y in each other's place."""
    left, found = sorted(set(names)), list[str]()
    while len(found) < count:
        found.append(balance.draw(left, rng))
        left = [name for name in left if canonical(name) != canonical(found[-1])]
    return found


def _link(rng: random.Random, balance: Balance, choices: int, backward: float) -> Item | None:
    net = network()
    cause, effect = rng.choice(net.links)
    ask = rng.choice(["cause", "effect"])
    premise, right = (effect, cause) if ask == "cause" else (cause, effect)
    cast, time = draw_cast(rng), draw_time(rng)
    ruled_out = net.possible_causes(effect) if ask == "cause" else net.possible_effects(cause)
    ruled_out = ruled_out | net.alike(premise) | net.alike(right)
    pool = [one if ask == "cause" else two for one, two in net.links]
    behind = [two if ask == "cause" else one for one, two in net.links if premise == (one if ask == "cause" else two)]
    wrong: list[str] = []
    if rng.random() < backward:
        if not (fitting := [pattern for pattern in behind if canonical(pattern) not in ruled_out]):
            return None
        wrong.append(balance.draw(fitting, rng))
    ruled_out = ruled_out | {canonical(name) for name in wrong}
    fitting = [pattern for pattern in pool if canonical(pattern) not in ruled_out]
    if len({canonical(pattern) for pattern in fitting}) < choices - 1 - len(wrong):
        return None
    wrong += _several(balance, fitting, choices - 1 - len(wrong), rng)
    rng.shuffle(wrong)
    return Item(
        context=told([premise], cast, time, rng),
        question=(Pattern(ask),),
        right=_choice(right, cast),
        wrong=tuple(_choice(pattern, cast) for pattern in wrong),
        scene=(ask, scene_of([premise, right], cast, time)),
        names=(right, *wrong),
    )


def _choice(pattern: str, cast: Cast) -> Told:
    return Told(event(pattern, cast))


def _wish(pattern: str, cast: Cast) -> Wish:
    return Wish(event(pattern, cast))
