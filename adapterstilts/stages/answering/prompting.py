"""A decoder that is asked as it is: lm-eval's templates, its log-likelihoods, and nothing trained."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stderr
from functools import cached_property
from io import StringIO
from typing import TYPE_CHECKING, Any

import numpy as np

from adapterstilts.errors import DataError
from adapterstilts.modeling.precision import choose_device
from adapterstilts.pretrained import load_pretrained
from adapterstilts.runs.rivals import Prompted
from adapterstilts.runs.specs import EvaluateSpec
from adapterstilts.stages.answering.harness import TEMPLATES, TOKENS_OF_A_ROW
from adapterstilts.stages.answering.predictor import Predictor, Track
from adapterstilts.stages.devices.group import Group
from adapterstilts.stages.setup import Setup
from adapterstilts.tasks.kind import Kind, Row

if TYPE_CHECKING:
    from datasets import Dataset

_SPLIT = "rows"
# Rows that are asked together; longer lists need more memory and show no progress.
_TOGETHER = 64


class PromptPredictor(Predictor):
    """What an evaluation asks in place of a model with a trained head.

    Args:
        rival: The templates.
    """

    def __init__(
        self, spec: EvaluateSpec, setup: Setup, kind: Kind, rival: Prompted, *, track: Track, group: Group
    ) -> None:
        super().__init__(spec, setup, kind, track=track, group=group)
        self._rival = rival
        self._template = TEMPLATES[spec.task]

    @property
    def parameters(self) -> dict[str, int]:
        """Number of `trained` parameters, which is 0, and of all."""
        return {"trained": 0, "total": sum(one.numel() for one in self._harness.model.parameters())}

    @property
    def calibration(self) -> Mapping[str, float]:
        """Nothing is chosen."""
        return {}

    @property
    def told(self) -> dict[str, Any]:
        """With what it was asked."""
        rival = self._rival
        return {"rival": {"name": rival.name, "harness": f"lm-eval {rival.harness}", "templates": rival.templates}}

    def logits(self, features: Dataset, rows: Dataset, language: str) -> list[np.ndarray]:
        """The log-likelihood of every answer to every row, in the order of the kind's labels or the row's choices."""
        asked = self._asked(rows.to_list(), language)
        if labels := self._template.labels:
            order = [labels.index(name) for name in self.kind.decisive_options()["labels"]]
            asked = [found[order] for found in asked]
        return [asked[row] for row in features["row"][:]]

    def _asked(self, rows: Sequence[Row], language: str) -> list[np.ndarray]:
        found: list[np.ndarray] = []
        chunks = [list(range(first, min(first + _TOGETHER, len(rows)))) for first in range(0, len(rows), _TOGETHER)]
        for chunk in self.track(chunks, len(chunks), label=f"{self.spec.task} {language}"):
            with _quiet():
                found += self._likelihoods([rows[at] for at in chunk], language)
        return found

    def _likelihoods(self, rows: Sequence[Row], language: str) -> list[np.ndarray]:
        try:
            task = self._task(rows, language)
        except Exception as error:  # a template is code that may trip over any row
            raise DataError(
                f"lm-eval's template {self._rival.templates[language]} cannot read the rows from "
                f"{rows[0]['id']!r} on: {type(error).__name__}: {error}.",
                remedy="Score other languages with --languages, or leave prompt out.",
            ) from error
        kept = [document["row"] for document in task.eval_docs]
        if kept != list(range(len(rows))):
            lost = next(number for number in range(len(rows)) if number not in kept)
            raise DataError(
                f"lm-eval's template {self._rival.templates[language]} leaves out the row {rows[lost]['id']!r}, which "
                "would have no answer to compare.",
                remedy="Score other languages with --languages, or leave prompt out.",
            )
        task.build_all_requests()
        found = self._harness.loglikelihood(task.instances, disable_tqdm=True)
        answers: list[list[float]] = [[] for _ in rows]
        for one, (likelihood, _) in zip(task.instances, found, strict=True):
            answers[one.doc_id].append(likelihood)
        return [np.array(own) for own in answers]

    def _task(self, rows: Sequence[Row], language: str) -> Any:
        """The harness' task of a language, on rows of ours."""
        import datasets
        from lm_eval.api.task import ConfigurableTask
        from lm_eval.tasks._yaml_loader import load_yaml

        recipe = self.setup.catalogue.recipe(self.spec.task)
        documents = [{**self._template.document_of(row), "row": number} for number, row in enumerate(rows)]
        own = {
            "custom_dataset": lambda **_: {_SPLIT: datasets.Dataset.from_list(documents)},
            "test_split": _SPLIT,
            "validation_split": None,
            "training_split": None,
            "fewshot_split": None,
        }
        return ConfigurableTask(config={**load_yaml(self._template.path(recipe, language)), **own})

    @cached_property
    def _harness(self) -> Any:
        """The harness' own class of models, around the decoder."""
        import torch
        from lm_eval.models.huggingface import HFLM
        from transformers import AutoModelForCausalLM, AutoTokenizer

        backbone = self.setup.backbone
        dtype = {"fp32": torch.float32, "bf16": torch.bfloat16}[self.spec.precision]
        model = load_pretrained(AutoModelForCausalLM, backbone.path, revision=backbone.revision, dtype=dtype)
        tokenizer = load_pretrained(AutoTokenizer, backbone.path, revision=backbone.revision)
        together = max(1, self.setup.tokens_per_batch // TOKENS_OF_A_ROW)
        with _quiet():
            device = choose_device(self.setup.device)
            return HFLM(pretrained=model.to(device).eval(), tokenizer=tokenizer, batch_size=together)


@contextmanager
def _quiet() -> Iterator[None]:
    """The harness without the bars and warnings of its own, which would stand between those of a command."""
    logger = logging.getLogger("lm_eval")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with redirect_stderr(StringIO()):
            yield
    finally:
        logger.setLevel(level)
