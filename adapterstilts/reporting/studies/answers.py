"""Single answers that tell a cell from the row it is compared with: right in one, wrong in the other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from adapterstilts.commands.results import TransferRow
from adapterstilts.metrics import METRICS, matching
from adapterstilts.metrics.statistics import fraction
from adapterstilts.metrics.submission import read_gold_answers
from adapterstilts.runs.store import Run

# A text is cut after so many letters, and of a ranking or a sequence of tags so many are shown.
_LONGEST = 160
_MOST = 12
# Of these, label files have another form than predictions.
_OF_QUESTIONS = (matching.match_answers, matching.match_answerable)


@dataclass(frozen=True)
class Change:
    """An example whose answer is better or worse than that of the other row.

    Attributes:
        gold: The right answer; empty where it is not kept.
        before: What the other row answered, and `now` what this one did.
        change: By how many points of the example's own score.
    """

    id: str
    language: str
    gold: str
    before: str
    now: str
    change: float


@dataclass(frozen=True)
class _Answers:
    """What one model answered in one language.

    Attributes:
        score: Example id to how right it is, in percent.
    """

    said: Mapping[str, Any]
    gold: Mapping[str, Any]
    score: Mapping[str, float]


@dataclass(frozen=True)
class AnswerReader:
    """Reads what runs answered; rows that many are compared with are read once."""

    _read: dict[tuple[Path, str], _Answers] = field(default_factory=dict)

    def changes(self, row: TransferRow, reference: TransferRow, *, most: int) -> list[Change]:
        """Examples that changed most, first those that got worse, of the first seed of each row.

        Args:
            most: How many of each way at most; languages take turns.
        """
        worse: list[list[Change]] = []
        better: list[list[Change]] = []
        for language in (name for name in row.languages if name in reference.languages):
            theirs = self._reference(reference, language)
            mine = _answers(row, language, gold=theirs.gold)
            changed = {id_: mine.score[id_] - theirs.score[id_] for id_ in mine.said if id_ in theirs.said}
            most_changed = sorted(changed, key=lambda id_: (-abs(changed[id_]), id_))
            for found, sign in ((worse, -1), (better, 1)):
                ids = [id_ for id_ in most_changed if sign * changed[id_] > 0][:most]
                found.append([_change(id_, language, mine, theirs) for id_ in ids])
        return [*_in_turn(worse, most), *_in_turn(better, most)]

    def _reference(self, row: TransferRow, language: str) -> _Answers:
        if (row.folder, language) not in self._read:
            self._read[row.folder, language] = _answers(row, language, gold={})
        return self._read[row.folder, language]


def _in_turn(lists: Sequence[Sequence[Change]], most: int) -> list[Change]:
    deepest = max(map(len, lists), default=0)
    found: list[Change] = []
    for place in range(deepest):
        found += [one[place] for one in lists if place < len(one)]
        if len(found) >= most:
            break
    return found[:most]


def _change(id_: str, language: str, mine: _Answers, theirs: _Answers) -> Change:
    gold = mine.gold.get(id_)
    return Change(
        id=_text(id_),
        language=language,
        gold="" if gold is None else _text(gold),
        before=_text(theirs.said[id_]),
        now=_text(mine.said[id_]),
        change=mine.score[id_] - theirs.score[id_],
    )


def _answers(row: TransferRow, language: str, *, gold: Mapping[str, Any]) -> _Answers:
    """What a row answered; the right answers are read where they are not known of another row."""
    said = row.predictions(language)
    scored = Run(row.folder).scores(language)
    with row.catalogue.in_use():
        metric = METRICS.get(Run(row.folder).evaluation.metric)
    gold = gold or _gold(row, language, scored["ids"])
    score = {}
    for id_ in said:
        parts = [fraction(item) for name, item in scored["items"].get(id_, {}).items() if name not in metric.statistics]
        shares = [numerator / denominator for numerator, denominator in parts if denominator]
        score[id_] = sum(shares) / len(shares) if shares else 100.0 * (id_ in gold and gold[id_] == said[id_])
    return _Answers(said, gold, score)


def _gold(row: TransferRow, language: str, ids: Sequence[str]) -> dict[str, Any]:
    """Example id to its right answer; nothing for kinds of tasks that write no labels."""
    spec = Run(row.folder).evaluation
    with row.catalogue.in_use():
        metric = METRICS.get(spec.metric)
        path = row.folder / "labels" / row.task / f"{row.split}-{language}{metric.suffix}"
        if not path.is_file():
            return {}
        if metric.match in _OF_QUESTIONS:
            return {id_: " / ".join(dict.fromkeys(texts)) for id_, texts in read_gold_answers(path)}
        return row.catalogue.build_kind(spec).read_predictions(path, ids)


def _text(answer: Any) -> str:
    """An answer on one line, cut where it is long; of a sequence the first parts."""
    shown = " ".join(map(str, answer[:_MOST])) if isinstance(answer, list | tuple) else str(answer)
    shown = " ".join(shown.split()) or "(nothing)"
    return shown if len(shown) <= _LONGEST else f"{shown[:_LONGEST]}…"
