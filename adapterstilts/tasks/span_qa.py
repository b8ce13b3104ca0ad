"""Span question answering: the answer is a stretch of the context, or nothing."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from pydantic import Field, SerializerFunctionWrapHandler, model_serializer

from adapterstilts.metrics import METRICS, submission
from adapterstilts.settings import LONGEST, Encoding, Strict, validate
from adapterstilts.tasks.defaults import STILL, KindDefaults
from adapterstilts.tasks.kind import KINDS, HeadSpec, Row, Scores, paired
from adapterstilts.tasks.observations import Observed, Observes
from adapterstilts.tasks.translation import Into
from adapterstilts.tasks.windows import Window, windows

START, END = 0, 1
_METRICS = MappingProxyType({"exact_match": "EM", "f1": "F1"})
_METRICS_WITH_NO_ANSWER = MappingProxyType(
    {"has_answer_f1": "HasAns F1", "no_answer_f1": "NoAns F1", "exact_match": "EM", "f1": "F1"}
)
NO_ANSWER_THRESHOLD = "no_answer_threshold"
"""What a calibration calls by how much the score of no answer has to exceed the best span's."""

_OBSERVED_TOKENS = 32
_OWN_WORDS = -1


class SpanQAOptions(Strict):
    """How answers are decoded.

    Attributes:
        no_answer: Whether "no answer" (an empty string) is allowed as a prediction.
        n_best: Start and end positions considered in each window.
        max_answer_length: Longest answer, in tokens.
        own_words: Whether gold answers may be in the annotators' own words, with -1 for their offset: they count in
            scores, and are not trained on.
    """

    no_answer: bool = False
    n_best: int = Field(20, ge=1, le=LONGEST)
    max_answer_length: int = Field(30, ge=1, le=LONGEST)
    own_words: bool = False

    @model_serializer(mode="wrap")
    def _tell(self, serialize: SerializerFunctionWrapHandler) -> dict[str, Any]:
        # Runs keep the keys that they had before there was a choice.
        told: dict[str, Any] = serialize(self)
        return {name: value for name, value in told.items() if name != "own_words" or value}


@KINDS.register("span_qa")
class SpanQA(KindDefaults):
    """SQuAD-style question answering over windows of the context (Devlin et al. 2019, section 4.2).

    A window without the answer is trained to point at its first token, whose score is also the score of "no answer"; of
    a causal model, at its last one, which alone has seen the question and the context.
    """

    name = "span_qa"
    options: SpanQAOptions
    untranslatable = None
    unscorable_in_translation = (
        "answers are spans of the English translation, and the gold ones are spans of the original"
    )
    translated_columns = ("context", "question")

    def __init__(self, options: dict[str, Any]) -> None:
        self.options = validate(SpanQAOptions, options, where="options of span_qa")

    @property
    def metrics(self) -> Mapping[str, str]:
        """Exact match and F1; where questions can be without answer, also F1 of those with and without."""
        return _METRICS_WITH_NO_ANSWER if self.options.no_answer else _METRICS

    @property
    def usual_metric(self) -> str:
        """SQuAD's, of the version that has questions without answer or that has none."""
        return "squad_v2" if self.options.no_answer else "squad"

    @classmethod
    def starting_options(cls, rows: Iterable[Row], told: Mapping[str, Any]) -> dict[str, Any]:
        """Whether there are questions without answer."""
        return {"no_answer": True} if any(not row["answers"]["text"] for row in rows) else {}

    def group(self, row: Row) -> str:
        """Questions on the same paragraph."""
        return row["context"]

    def translate(self, row: Row, into: Into) -> dict[str, Any]:
        """Context, question, and the first answer, which is the one that is trained on; see `Kind.translate`."""
        found: dict[str, Any] = {"question": into.text(row["question"])}
        answers = row["answers"]
        if not answers["text"]:
            return {**found, "context": into.text(row["context"])}
        start = answers["answer_start"][0]
        context, begin, end = into.with_span(row["context"], start, start + len(answers["text"][0]))
        return {**found, "context": context, "answers": {"text": [context[begin:end]], "answer_start": [begin]}}

    @staticmethod
    def features() -> Any:
        """id, context, question, answers {text[], answer_start[]}, language; as `datasets.Features`."""
        from datasets import Features, List, Value

        text = Value("string")
        answers = {"text": List(text), "answer_start": List(Value("int32"))}
        return Features({"id": text, "context": text, "question": text, "answers": answers, "language": text})

    def head(self) -> HeadSpec:
        """Two scores for each token: start and end."""
        return HeadSpec(name="span", outputs=2)

    def unlabelled(self, row: Row) -> bool:
        """No answer means "there is none" where questions can be without, unless there is an offset alone."""
        return not row["answers"]["text"] and (not self.options.no_answer or bool(row["answers"]["answer_start"]))

    def stand_in(self, rows: Sequence[Row]) -> str | None:
        """No answer at all."""
        return None if any(row["answers"]["text"] for row in rows) else "questions are without answer"

    def without_gold(self, row: Row) -> dict[str, Any]:
        """With an offset and no answer, which no data have."""
        return {**row, "answers": {"text": [], "answer_start": [-1]}}

    def check_encoding(self, encoding: Encoding) -> None:
        """No token of a context may lie between two windows."""
        # <s> question </s></s> context </s>: what lies between the starts of two windows has to fit into the first.
        room = encoding.max_length - encoding.max_query_length - 4
        if encoding.stride > room:
            raise ValueError(
                f"stride {encoding.stride} skips tokens: a window of max_length {encoding.max_length} has room for "
                f"{max(room, 0)} after a question of up to max_query_length {encoding.max_query_length} tokens"
            )

    def check(self, row: Row) -> None:
        """Refuses questions without answer where the task has none, and answers that are not at their offset."""
        answers = row["answers"]
        if not answers["text"] and not self.options.no_answer:
            raise ValueError("the question has no answer, and this task has answerable questions only")
        for text, start in zip(answers["text"], answers["answer_start"], strict=True):
            if start == _OWN_WORDS and self.options.own_words:
                continue
            found = row["context"][max(start, 0) : max(start, 0) + len(text)]
            if start < 0 or found != text:
                raise ValueError(f"the answer {text!r} is not at offset {start}, where the context has {found!r}")

    def encode(
        self,
        rows: Mapping[str, list],
        indices: Sequence[int],
        *,
        tokenizer: Any,
        encoding: Encoding,
        labels: bool,
    ) -> dict[str, list]:
        """Cuts each context into windows behind its question; see `Kind.encode` and `windows`.

        All features have `no_answer` (token index). With `labels`, they have `start_positions` and `end_positions`
        (token indices); without, `context_start` (token index), `spans` (first and last character of each context
        token, flattened) and `central` (1 for each context token of which no other window has more context).
        """
        questions = _cut_questions(rows["question"], tokenizer, encoding.max_query_length)
        cut = windows(questions, rows["context"], tokenizer=tokenizer, encoding=encoding)
        made = [(row, window) for row, found in enumerate(cut) for window in found]
        empty = [len(window.ids) - 1 if encoding.causal else 0 for _, window in made]
        features: dict[str, list] = {
            "input_ids": [window.ids for _, window in made],
            "row": [indices[row] for row, _ in made],
            "no_answer": empty,
        }
        if "token_type_ids" in tokenizer.model_input_names:
            features["token_type_ids"] = [window.types for _, window in made]
        if labels:
            places = [
                _label(rows["answers"][row], window, no_answer)
                for (row, window), no_answer in zip(made, empty, strict=True)
            ]
            return features | {
                "start_positions": [start for start, _ in places],
                "end_positions": [end for _, end in places],
            }
        return features | {
            "context_start": [window.first for _, window in made],
            "spans": [[character for span in window.spans for character in span] for _, window in made],
            "central": [[int(one) for one in window.central] for _, window in made],
        }

    @property
    def observes(self) -> Observes:
        """One token is the right start, and one the right end."""
        return "choices"

    def observed(self, feature: Row) -> Observed:
        """Start and end of the answer, beside other tokens of the window, which are always the same ones.

        There are far more of these in a long window than it takes to tell what a start is like.
        """
        length, ends = len(feature["input_ids"]), (feature["start_positions"], feature["end_positions"])
        others = np.random.default_rng(feature["row"]).permutation(length)[:_OBSERVED_TOKENS]
        places = sorted({*ends, *others.tolist()})
        return Observed(np.array([[place == end for end in ends] for place in places], dtype=float), places)

    def calibrate(self, rows: Sequence[Row], features: Sequence[Row], logits: Sequence[np.ndarray]) -> dict[str, float]:
        """How far the empty answer's score has to exceed the best span's for the best F1 on these rows."""
        if not self.options.no_answer:
            return {}
        texts, margins = self._best_answers(rows, features, logits)
        compare = METRICS.get("squad_v2").load(rows[0]["language"]).compare
        golds = [row["answers"]["text"] for row in rows]
        # As "answered" spreads from the most certain question on, each adds what its answer is worth more than none.
        gain = np.array(
            [compare(text, gold)["f1"] - compare("", gold)["f1"] for text, gold in zip(texts, golds, strict=True)]
        )
        order = np.argsort(margins, kind="stable")
        totals = np.concatenate([[0.0], np.cumsum(gain[order])])
        answered = int(np.argmax(totals))
        ordered = margins[order]
        if answered == 0:
            return {NO_ANSWER_THRESHOLD: float(ordered[0] - 1.0)}
        following = ordered[answered] if answered < len(ordered) else ordered[-1] + 1.0
        return {NO_ANSWER_THRESHOLD: float((ordered[answered - 1] + following) / 2)}

    def decode(
        self,
        rows: Sequence[Row],
        features: Sequence[Row],
        logits: Sequence[np.ndarray],
        calibration: Mapping[str, float],
    ) -> dict[str, str]:
        """Takes the best-scoring span over all windows of each row; see `Kind.decode`.

        Answers are cut out of the context by character offsets, so no detokenisation can change them.
        """
        texts, margins = self._best_answers(rows, features, logits)
        threshold = self.threshold(calibration)
        return {
            row["id"]: "" if margin > threshold else text
            for row, text, margin in zip(rows, texts, margins, strict=True)
        }

    def threshold(self, calibration: Mapping[str, float]) -> float:
        """By how much the empty answer's score has to exceed the best span's for it to be the answer."""
        return calibration.get(NO_ANSWER_THRESHOLD, 0.0) if self.options.no_answer else np.inf

    def _best_answers(
        self, rows: Sequence[Row], features: Sequence[Row], logits: Sequence[np.ndarray]
    ) -> tuple[list[str], np.ndarray]:
        """The best span of each row, and by how much the empty answer's score exceeds its."""
        spans, margins = self.best_spans(rows, features, logits)
        return [row["context"][start:end] for row, (start, end) in zip(rows, spans, strict=True)], margins

    def best_spans(
        self, rows: Sequence[Row], features: Sequence[Row], logits: Sequence[np.ndarray]
    ) -> tuple[list[tuple[int, int]], np.ndarray]:
        """Character offsets of each row's best span, and by how much the empty answer's score exceeds its.

        White space at its ends is not part of a span, and marks on its last letter are, even where tokens leave them
        out. A row without any token of its context has an empty one.
        """
        spans: dict[int, tuple[float, tuple[int, int]]] = {}
        empty: dict[int, float] = {}
        for feature, scores in zip(features, logits, strict=True):
            row = feature["row"]
            empty[row] = min(empty.get(row, np.inf), float(scores[feature["no_answer"]].sum()))
            score, span = self._best_span(feature, scores)
            if score > spans.get(row, (-np.inf, (0, 0)))[0]:
                context = rows[row]["context"]
                spans[row] = (score, _stripped(context, span[0], _with_marks(context, span[1], feature["spans"])))
        # Without any token of its context a row cannot be answered.
        best = [spans.get(index, (-np.finfo(np.float64).max, (0, 0))) for index in range(len(rows))]
        margins = np.array([empty[index] - score for index, (score, _) in enumerate(best)])
        return [span for _, span in best], margins

    def best_score(self, feature: Row, scores: np.ndarray) -> float:
        """The score of the best span of one window."""
        return self._best_span(feature, scores)[0]

    def _best_span(self, feature: Row, scores: np.ndarray) -> tuple[float, tuple[int, int]]:
        """Best (score, (first character, end character)) of one window."""
        spans = np.asarray(feature["spans"], dtype=np.int64).reshape(-1, 2)
        if not len(spans):
            return -np.inf, (0, 0)
        first = feature["context_start"]
        context = scores[first : first + len(spans)].astype(np.float64)
        # A token that another window has more context of starts an answer there, as in the published scripts.
        starts = np.argsort(-context[:, START], kind="stable")
        starts = starts[np.asarray(feature["central"], dtype=bool)[starts]][: self.options.n_best]
        ends = np.argsort(-context[:, END], kind="stable")[: self.options.n_best]
        total = context[starts, START][:, None] + context[ends, END][None, :]
        length = ends[None, :] - starts[:, None] + 1
        total[(length < 1) | (length > self.options.max_answer_length)] = -np.inf
        start, end = np.unravel_index(int(np.argmax(total)), total.shape)
        return float(total[start, end]), (int(spans[starts[start], 0]), int(spans[ends[end], 1]))

    def score(self, predictions: Mapping[str, str], rows: Sequence[Row], *, metric: str, language: str) -> Scores:
        """Exact match and F1 in percent; see `Kind.score`."""
        ids = [row["id"] for row in rows]
        given = paired(predictions, ids, what="question", language=language)
        gold = [(row["id"], row["answers"]["text"]) for row in rows]
        result = METRICS.get(metric).score(given, gold, language=language)
        items = dict(zip(ids, result.pop("items"), strict=True))
        return Scores(metrics=result, items=items)

    def collapse(
        self,
        rows: Sequence[Row],
        features: Sequence[Row],
        logits: Sequence[np.ndarray],
        answers: Mapping[str, Any],
    ) -> str | None:
        """No answer to any question, or equal scores for all tokens; see `Kind.collapse`."""
        if any(any(row["answers"]["text"]) for row in rows) and not any(answers.values()):
            return "no answer to any question"
        if all(np.ptp(scores, axis=0).max() <= STILL for scores in logits):
            return "the same score to every token"
        return None

    def constant(self, rows: Sequence[Row]) -> dict[str, Any] | None:
        """No answer, where there may be none."""
        return dict.fromkeys((row["id"] for row in rows), "") if self.options.no_answer else None

    def main_score(self, metrics: Mapping[str, float]) -> float:
        """Mean of exact match and F1, as XTREME averages question answering."""
        return (metrics["exact_match"] + metrics["f1"]) / 2

    def write_predictions(self, predictions: Mapping[str, str], path: Path) -> None:
        """Writes `{id: answer}` as JSON."""
        submission.write_answers(predictions, path)

    def read_predictions(self, path: Path, ids: Sequence[str]) -> dict[str, str]:
        """Reads `{id: answer}`."""
        return submission.read_answers(path)

    def write_labels(self, rows: Sequence[Row], path: Path) -> None:
        """Writes the gold answers as SQuAD JSON."""
        submission.write_gold_answers({row["id"]: row["answers"]["text"] for row in rows}, path)


def _stripped(context: str, start: int, end: int) -> tuple[int, int]:
    """A span without the white space at its ends."""
    text = context[start:end]
    begin = start + len(text) - len(text.lstrip())
    return begin, begin + len(text.strip())


def _with_marks(context: str, end: int, spans: Sequence[int]) -> int:
    """The end of a span with what belongs to its last letter and to no token.

    Tokenizers that compose letters, such as XLM-R's, place a letter and its accent where the letter alone is, and those
    that strip accents have no place for them at all. What is at the beginning of another token stays there.

    Args:
        spans: First and last character of each token, flattened.
    """
    following = min((start for start in spans[::2] if start >= end), default=len(context))
    while end < following and unicodedata.category(context[end])[0] == "M":
        end += 1
    return end


def _cut_questions(questions: Sequence[str], tokenizer: Any, limit: int) -> list[str]:
    """Cuts each question to at most `limit` tokens, by characters, so that the text stays as written."""
    cut = [question.strip() for question in questions]
    while True:
        encoded = tokenizer(cut, add_special_tokens=False, return_offsets_mapping=True)["offset_mapping"]
        long = [index for index, offsets in enumerate(encoded) if len(offsets) > limit]
        if not long:
            return cut
        for index in long:
            # Where one character gives several tokens, the cut text can still be too long: then once more.
            end = min(encoded[index][limit][0], len(cut[index]) - 1)
            cut[index] = cut[index][:end].rstrip()


def _label(answers: Mapping[str, list], window: Window, no_answer: int) -> tuple[int, int]:
    """Token indices of the first gold answer, or twice `no_answer` when the window does not hold all of it."""
    spans = window.spans
    if not answers["text"] or not spans:
        return no_answer, no_answer
    text, start = answers["text"][0], answers["answer_start"][0]
    begin, end = _stripped(text, 0, len(text))
    covered = [token for token, (left, right) in enumerate(spans) if left < start + end and right > start + begin]
    # No token may have the marks on the last letter.
    while end > begin and unicodedata.category(text[end - 1])[0] == "M":
        end -= 1
    if start + begin < spans[0][0] or start + end > spans[-1][1] or not covered:
        return no_answer, no_answer
    return window.first + covered[0], window.first + covered[-1]
