"""What of an exported model the libraries cannot load, or give otherwise, in words."""

from __future__ import annotations

from adapterstilts.modeling.exchange.loading import NOT_IN_FILES
from adapterstilts.modeling.exchange.plan import Plan
from adapterstilts.modeling.methods import METHODS

# Differences of weights are added to models of it.
_LOADING = {"adapterstilts": "transformers"}
_POOLINGS = {"first": "first token", "mean": "mean over all tokens", "last": "last token"}


def notes(plan: Plan) -> tuple[str, ...]:
    """A sentence for each thing that is to be known."""
    return (*_heads(plan), *_prompt(plan), *_lost(plan), *_backbone(plan))


def _heads(plan: Plan) -> list[str]:
    found = []
    model_type, library = plan.description.model_type, plan.library
    for task in plan.description.heads:
        head, module = plan.description.heads[task], plan.model.heads[task]
        pooling = getattr(module, "pooling", None)
        reads = f" over the {_POOLINGS[pooling]}" if pooling else ""
        if head.name == "masked_lm" and task not in plan.beside and library != "transformers":
            found.append(f"The head of {task} is that of the backbone's pretraining, which is in BASE alone.")
        elif task in plan.beside:
            several = len(plan.description.heads) > 1
            reason = "has places for one head" if several and library != "adapters" else "has no head that is its equal"
            where = "here" if library == "adapters" and _prompt(plan) else f"for {model_type} backbones"
            found.append(
                f"The head of {task} ({head.name}{reads}) is in model_head.safetensors under names that begin with "
                f"heads.{task}, because {_LOADING.get(library, library)} {reason} {where}; adapterstilts loads it."
            )
        elif not any(True for _ in module.parameters()):
            found.append(f"The head of {task} ({head.name}{reads}) has no weights, and is not in the files.")
        elif head.name == "choice" and library == "adapters":
            found.append(
                f"The head of {task} is for as many choices as head_config.json says, and takes them as rows of their "
                "own: input_ids of the shape (rows x choices, tokens)."
            )
    return found


def _prompt(plan: Plan) -> list[str]:
    for adapter in plan.adapters:
        method = METHODS.get(adapter.method.name)
        if method.config == "PromptTuningConfig":
            options = method.resolve(adapter.method.options)
            place = "behind the first token" if options["combine"] == "prefix_after_bos" else "before the text"
            return [
                f"Its hidden states, and scores for tokens, have those of a prompt of {options['prompt_length']} tokens"
                f" {place}, which adapterstilts leaves out."
            ]
    return []


def _lost(plan: Plan) -> list[str]:
    kinds = [METHODS.get(one.method.name).config for one in plan.adapters]
    return [
        f"adapters has no place in its files for what sets {kind} apart, and would read another method without a word: "
        "add the adapter with its configuration before its weights are loaded, as the lines above do."
        for kind in kinds
        if kind in NOT_IN_FILES
    ]


def _backbone(plan: Plan) -> list[str]:
    found = []
    if plan.description.model_type == "xmod":
        found.append("The backbone has a module for each language: choose one with `set_default_language`.")
    if plan.description.quantization:
        found.append(f"It was trained on a backbone in 4 bits ({plan.description.quantization}); load BASE so too.")
    merged = any(part.kind == "merged" for part in plan.parts)
    if merged and plan.description.own_backbone:
        found.append(
            "The backbone has the adapters that are merged in it already; their folders are for adapterstilts."
        )
    return found
