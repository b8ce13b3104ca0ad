"""Baselines that answer without a model that is trained for the target: what they need, and their stages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from adapterstilts.commands.options import TransferOptions
from adapterstilts.data.sources.rows import Source
from adapterstilts.errors import UsageError
from adapterstilts.modeling.architecture import is_causal
from adapterstilts.modeling.backbone import Backbone, locate_backbone
from adapterstilts.runs.memory import Memory
from adapterstilts.settings import Encoding
from adapterstilts.stages.answering.classifiers import form_of
from adapterstilts.stages.answering.harness import TEMPLATES, TOKENS_OF_A_ROW, check_harness, prompted
from adapterstilts.stages.evaluation_spec import Scored, evaluation_languages, plan_evaluation
from adapterstilts.stages.graph import Evaluation, Stage
from adapterstilts.stages.planner import Planner
from adapterstilts.tasks.recipe import Recipe

PROMPT = "prompt"
RIVALS = ("knn", "logreg", PROMPT)
"""The baselines that no model is trained for, so that they need no intermediate task to be compared with."""
# Nothing is decided by it but how many rows are asked at once.
_ENCODING = Encoding(max_length=TOKENS_OF_A_ROW, stride=0, max_query_length=0)

Lack = tuple[str, str]
"""What is not there, to follow a baseline's name, and what to do then."""


def apart(name: str, options: TransferOptions) -> Lack | None:
    """What a rival does not go together with, or lacks an option for, and what to do then."""
    if name not in RIVALS:
        return None
    if name == PROMPT and options.prompt_model is None:
        return "needs a model to ask", "Name one with --prompt-model."
    for given, why in (
        (options.shots or options.train_more, "trains no model, so that --shots has nothing to go on with"),
        (options.language_adapters, "reads the backbone as it is, and not over --language-adapters"),
        (
            name == PROMPT and options.translate_test,
            "asks in the language of the rows, which --translate-test replaces with English ones",
        ),
    ):
        if given:
            return why, "Leave one of the two out."
    return None


def rival_lacks(name: str, targets: Sequence[Recipe], source: Source | None = None) -> Lack | None:
    """What a rival needs that none of some targets has, and what to do then.

    Args:
        source: Where their rows come from, if that is known yet.
    """
    if name == PROMPT:
        asked = [target for target in targets if target.name in TEMPLATES]
        if not asked:
            return f"needs a target that lm-eval has templates of: {', '.join(TEMPLATES)}", "Leave it out."
        if source and not any(TEMPLATES[one.name].suite or source.of(one).name != "mini" for one in asked):
            return "has templates that do not know the questions of the embedded suite", "Give --data-dir, or another."
    if name in RIVALS and not any(form_of(target.build_kind()) for target in targets):
        return "needs a target that classifies texts or pairs of them, or that has choices", "Leave it out."
    return None


def prompt_model(options: TransferOptions) -> Backbone:
    """The decoder of `--prompt-model`.

    Raises:
        UsageError: It is none, or lm-eval is not there.
        HubError: The Hub could not be asked.
    """
    assert options.prompt_model is not None
    check_harness()
    found = locate_backbone(options.prompt_model, flag="--prompt-model")
    told = ("causal", found.fingerprint)
    if not Memory.of_user().recall(*told, find=lambda: is_causal(found.config())):
        raise UsageError(
            f"--prompt-model {options.prompt_model} is no decoder, and only these give texts a likelihood.",
            remedy="Name a causal language model, such as Qwen/Qwen2.5-0.5B-Instruct.",
        )
    return found


def plan_prompting(planner: Planner, task: Recipe, scored: Scored, model: Backbone) -> Evaluation:
    """Plans to ask a decoder about a target, in those languages that the harness has a template in.

    Raises:
        UsageError: It has one in none; and as `plan_evaluation`.
        DataError: See `plan_evaluation`.
    """
    languages = evaluation_languages(planner.setup.source, task, scored)
    rival = prompted(task, languages)
    if not rival.templates:
        raise UsageError(
            f"--compare {PROMPT}: lm-eval {rival.harness} has no template of {task.name} in {', '.join(languages)}.",
            remedy="Score others with --languages, or leave it out.",
        )
    plain = plan_evaluation(planner, task, None, replace(scored, languages=tuple(rival.templates)))
    asked = {
        "backbone": model.fingerprint,
        "options": task.build_kind().decisive_options(),
        "encoding": _ENCODING,
        "quantization": None,
        "rival": rival,
    }
    return Stage(plain.spec.model_copy(update=asked))
