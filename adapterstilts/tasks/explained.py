"""What a model's scores say about each row, in detail: the answer, where it is, and how sure the model is of it.

What scores mean is decided by the head that gave them, so there is a function for each head that a kind can ask for.
The names in results are those of the pipelines of `transformers`; the first one of each result is the answer itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from scipy.special import expit, log_softmax, softmax

from adapterstilts.tasks.kind import Kind, Row
from adapterstilts.tasks.span_qa import END, START

Result = dict[str, Any]
_DIGITS = 6


@dataclass(frozen=True)
class Said:
    """What a model said to some rows.

    Attributes:
        rows: In order; a tagged row that was a text has the character `offsets` of its words.
        logits: The head's scores of each feature.
        calibration: What decoding has to know, as `Kind.calibrate` gives it.
        temperature: What scores are divided by before they become probabilities.
    """

    kind: Kind
    rows: Sequence[Row]
    features: Sequence[Row]
    logits: Sequence[np.ndarray]
    calibration: Mapping[str, float] = field(default_factory=dict)
    temperature: float = 1.0

    def answers(self) -> dict[str, Any]:
        """Row id to answer, as an evaluation would score it."""
        return self.kind.decode(self.rows, self.features, self.logits, self.calibration)

    def by_row(self) -> Iterator[tuple[int, np.ndarray]]:
        """Each feature's row and scores, divided by the temperature."""
        for feature, scores in zip(self.features, self.logits, strict=True):
            yield feature["row"], np.asarray(scores, dtype=np.float64) / self.temperature


def explained(said: Said) -> list[Result]:
    """A result for each row, in order."""
    return _EXPLAIN.get(said.kind.head().name, _plain)(said)


def _plain(said: Said) -> list[Result]:
    """Of a head from outside the package, the answer is all that is known."""
    answers = said.answers()
    return [{"answer": answers[row["id"]]} for row in said.rows]


def _label(said: Said) -> list[Result]:
    answers, labels, found = said.answers(), labels_of(said.kind), {}
    for row, scores in said.by_row():
        shares = dict(zip(labels, _rounded(softmax(scores)), strict=True))
        label = answers[said.rows[row]["id"]]
        found[row] = {"label": label, "score": shares[label], "scores": shares}
    return [found[row] for row in range(len(said.rows))]


def _several_labels(said: Said) -> list[Result]:
    answers, labels, found = said.answers(), labels_of(said.kind), {}
    for row, scores in said.by_row():
        shares = dict(zip(labels, _rounded(expit(scores)), strict=True))
        found[row] = {"labels": list(answers[said.rows[row]["id"]]), "scores": shares}
    return [found[row] for row in range(len(said.rows))]


def _number(said: Said) -> list[Result]:
    answers = said.answers()
    return [{"value": round(float(answers[row["id"]]), _DIGITS)} for row in said.rows]


def _choice(said: Said) -> list[Result]:
    answers, found = said.answers(), {}
    for row, scores in said.by_row():
        choices = said.rows[row]["choices"]
        shares, answer = _rounded(softmax(scores[: len(choices)])), answers[said.rows[row]["id"]]
        found[row] = {"choice": answer, "chosen": choices[answer], "score": shares[answer], "scores": shares}
    return [found[row] for row in range(len(said.rows))]


def _span(said: Said) -> list[Result]:
    """Answers with their character offsets; `start` and `end` are None where the answer is that there is none."""
    kind: Any = said.kind
    spans, margins = kind.best_spans(said.rows, said.features, said.logits)
    totals, empty, best = span_shares(said)
    results = []
    for row, (given, span, margin) in enumerate(zip(said.rows, spans, margins, strict=True)):
        none = margin > kind.threshold(said.calibration) or span == (0, 0)
        start, end = (None, None) if none else span
        share = _share((empty if none else best)[row], totals[row])
        result: Result = {"answer": "" if none else given["context"][start:end], "start": start, "end": end}
        result["score"] = share
        if kind.options.no_answer:
            result["no_answer_score"] = _share(empty[row], totals[row])
        results.append(result)
    return results


def span_shares(said: Said) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of each row's spans, as logarithms up to a constant: all of them together, no answer, and the best one.

    A span has the probability that its start and its end have together, over all windows of the row; that there is no
    answer is the span of a window's first token.
    """
    kind: Any = said.kind
    totals, empty, best = (np.full(len(said.rows), -np.inf) for _ in range(3))
    for feature, (row, scores) in zip(said.features, said.by_row(), strict=True):
        first, count = feature["context_start"], len(feature["spans"]) // 2
        places = [feature["no_answer"], *range(first, first + count)]
        both = np.logaddexp.reduce(scores[places, START]) + np.logaddexp.reduce(scores[places, END])
        totals[row] = np.logaddexp(totals[row], both)
        empty[row] = np.logaddexp(empty[row], scores[feature["no_answer"]].sum())
        best[row] = max(best[row], kind.best_score(feature, scores))
    return totals, empty, best


def _share(part: float, total: float) -> float:
    return round(float(np.exp(min(part - total, 0.0))), _DIGITS)


def _tags(said: Said) -> list[Result]:
    """Tags of words, and where they begin and continue spans, these as entities."""
    answers, labels = said.answers(), labels_of(said.kind)
    numbers = {label: number for number, label in enumerate(labels)}
    shares = [[0.0] * len(row["tokens"]) for row in said.rows]
    for feature, (row, scores) in zip(said.features, said.by_row(), strict=True):
        tags, logs = answers[said.rows[row]["id"]], log_softmax(scores, axis=-1)
        for word, at in zip(feature["words"], feature["at"], strict=True):
            number = numbers[tags[word]] if tags[word] in numbers else int(scores[at].argmax())
            shares[row][word] = round(float(np.exp(logs[at, number])), _DIGITS)
    results = []
    for given, own in zip(said.rows, shares, strict=True):
        result: Result = {"tags": answers[given["id"]], "scores": own, "tokens": list(given["tokens"])}
        if offsets := given.get("offsets"):
            result["offsets"] = [list(one) for one in offsets]
        if getattr(said.kind.options, "scheme", "none") == "bio":
            result["entities"] = [_entity(given, own, *one) for one in entity_spans(result["tags"])]
        results.append(result)
    return results


def _entity(row: Row, shares: Sequence[float], name: str, first: int, last: int) -> Result:
    """One entity; `start` and `end` are characters of the text, and None where there was none."""
    found: Result = {"entity": name, "score": round(float(np.mean(shares[first : last + 1])), _DIGITS)}
    offsets = row.get("offsets")
    start, end = (offsets[first][0], offsets[last][1]) if offsets else (None, None)
    word = row["text"][start:end] if offsets else " ".join(row["tokens"][first : last + 1])
    return {**found, "word": word, "start": start, "end": end, "first": first, "last": last}


def entity_spans(tags: Sequence[str]) -> list[tuple[str, int, int]]:
    """(name, first word, last word) of the spans that tags of the BIO scheme mean; `I-X` after none begins one."""
    found: list[tuple[str, int, int]] = []
    for place, tag in enumerate(tags):
        prefix, _, name = tag.partition("-")
        if not name:
            continue
        if prefix == "I" and found and found[-1][0] == name and found[-1][2] == place - 1:
            found[-1] = (name, found[-1][1], place)
        else:
            found.append((name, place, place))
    return found


def labels_of(kind: Kind) -> tuple[str, ...]:
    """The names of a head's outputs, where it has some."""
    return tuple(getattr(kind.options, "labels", ()) or ())


def _rounded(values: np.ndarray) -> list[float]:
    return [round(float(value), _DIGITS) for value in values]


_EXPLAIN: dict[str, Callable[[Said], list[Result]]] = {
    "classification": _label,
    "multi_label": _several_labels,
    "regression": _number,
    "choice": _choice,
    "span": _span,
    "token": _tags,
}
