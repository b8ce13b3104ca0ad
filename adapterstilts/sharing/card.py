"""The model card of a shared model: what it is, what it scored, and how it is loaded with and without adapterstilts."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from adapterstilts import mini
from adapterstilts.languages import LANGUAGES, context_language, is_english, primary_language
from adapterstilts.modeling.backbone import locate_backbone
from adapterstilts.modeling.compositions import MEAN
from adapterstilts.runs.shots import FEW_SHOT, Labelled
from adapterstilts.runs.specs import EvaluateSpec
from adapterstilts.runs.training_data import TaskSpec
from adapterstilts.sharing.contents import CARD
from adapterstilts.sharing.hub import package_tags
from adapterstilts.sharing.licences import Licence
from adapterstilts.sharing.manifest import Base, Manifest, Numbers
from adapterstilts.sharing.references import HUB
from adapterstilts.stages.evaluation_spec import NO_LANGUAGE_ADAPTER
from adapterstilts.tasks.kind import KINDS
from adapterstilts.tasks.recipe import Recipe

_LIBRARY_TAGS = {"adapters": ("adapter-transformers",), "peft": ("peft",)}
_LIBRARIES = {"adapters": "adapter-transformers"}
_PIPELINES = {
    "span_qa": "question-answering",
    "pair_classification": "text-classification",
    "tagging": "token-classification",
    "multiple_choice": "multiple-choice",
    "retrieval": "sentence-similarity",
    "masked_lm": "fill-mask",
}
_SUITE = "mini"
_GENERATED = "generated rows of the embedded suite"
_CITATIONS = {
    "STILTs": "Phang et al. 2018, Sentence Encoders on STILTs (arXiv:1811.01088)",
    "across languages": "Phang et al. 2020, English Intermediate-Task Training Improves Zero-Shot Cross-Lingual "
    "Transfer Too (AACL 2020)",
}


# What stands for the place until the model has one.
_ADDRESS, _FOLDER = "<address>", "<folder>"
# Addresses that a shell takes as they are; in the middle of a word, # is no comment.
_PLAIN = re.compile(r"[\w@%+=:,./#-]+", re.ASCII)


def address_card(folder: Path, address: str) -> None:
    """Puts the place that a model gets into its card.

    Args:
        address: As commands take it: `hf://USER/NAME` or one of its branches, `URL#NAME` of a registry, or a folder.
    """
    card = folder / CARD
    if address.startswith(HUB):
        repository, _, branch = address[len(HUB) :].partition("@")
        given = ", ".join([repr(repository), *([f"revision={branch!r}"] if branch else [])])
        get = f"from huggingface_hub import snapshot_download\n\nFOLDER = snapshot_download({given})"
    else:
        name = address.rpartition("#")[2]
        address = address if _PLAIN.fullmatch(address) else shlex.quote(address)
        get = f"FOLDER = {name!r}" if "#" not in address else f"FOLDER = './{name}'  # astilts pull {address} ./{name}"
    text = card.read_text(encoding="utf-8")
    card.write_text(text.replace(_ADDRESS, address).replace(_FOLDER, get), encoding="utf-8")


@dataclass(frozen=True)
class CardFacts:
    """What a card says beside the manifest.

    Attributes:
        title: Name of the model.
        recipes: Those of its tasks and of what it was begun with.
        scored_on: Those of the tasks that it was scored on.
        loading: Python code that loads it with its library alone, from `FOLDER` and `BASE`.
        limits: What other libraries cannot load, and why.
        labelled: Labelled rows of other languages than English that it, or a model it was begun with, was trained on.
    """

    title: str
    recipes: Sequence[Recipe]
    licence: Licence
    loading: str
    limits: Sequence[str]
    labelled: Sequence[Labelled] = ()
    scored_on: Sequence[Recipe] = ()

    def title_of(self, task: str) -> str:
        """What tables call a task."""
        return next((one.title for one in (*self.recipes, *self.scored_on) if one.name == task), task)

    def differs(self, spec: EvaluateSpec) -> str | None:
        """How the rows of an evaluation differ from the benchmark's."""
        return next((one.differs(spec.source, spec.split) for one in self.scored_on if one.name == spec.task), None)


def model_card(manifest: Manifest, facts: CardFacts) -> str:
    """The card as Markdown with the metadata that the Hub reads."""
    parts = [
        _front_matter(manifest, facts),
        f"# {facts.title}",
        _what(manifest, facts),
        _scores(manifest, facts),
        _training(manifest),
        _use(manifest, facts),
        _limits(manifest, facts),
        _citation(facts),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _front_matter(manifest: Manifest, facts: CardFacts) -> str:
    base = manifest.base
    whole = manifest.library == "transformers"
    codes = [code for task in manifest.spec.tasks for code in task.data.languages]
    codes += [context_language(code) for one in manifest.evaluations for code in one.languages]
    values: dict[str, Any] = {
        "library_name": _LIBRARIES.get(manifest.library, manifest.library),
        "base_model": base.name if base.on_hub else None,
        "base_model_relation": ("finetune" if whole else "adapter") if base.on_hub else None,
        "datasets": list(dict.fromkeys(_data_sets(manifest, facts))),
        "language": list(dict.fromkeys(map(primary_language, codes))),
        "language_bcp47": list(dict.fromkeys(code for code in codes if code != primary_language(code))),
        "license": facts.licence.hub_id,
        "license_name": facts.licence.text if facts.licence.hub_id == "other" else None,
        "pipeline_tag": _PIPELINES.get(manifest.spec.tasks[0].kind),
        "tags": [*package_tags(manifest.tasks, manifest.spec.method.name), *_LIBRARY_TAGS.get(manifest.library, ())],
        "model-index": [{"name": facts.title, "results": list(_results(manifest, facts))}],
    }
    told = {name: value for name, value in values.items() if value}
    return f"---\n{yaml.safe_dump(told, sort_keys=False, allow_unicode=True, width=110)}---"


def _data_sets(manifest: Manifest, facts: CardFacts) -> Iterator[str]:
    """The data sets on the Hub that it was trained on."""
    generated = {task.name for spec in (manifest.spec, *manifest.begun_with) for task in spec.tasks if _of_suite(task)}
    for recipe in facts.recipes:
        if recipe.name not in generated and (hub := recipe.sources.hub):
            yield from (part.path for part in (hub, *hub.also) if "train" in part.splits)


def _of_suite(task: TaskSpec) -> bool:
    """Whether a task's rows are the embedded suite's, and not those of the data set that it is named after."""
    return task.data.source == _SUITE


def _results(manifest: Manifest, facts: CardFacts) -> Iterator[dict[str, Any]]:
    """One entry for each language and data set, as the Hub's `model-index` has them."""
    for one in manifest.evaluations:
        spec, title = one.spec, facts.title_of(one.spec.task)
        for code, metrics in _english_first(one.languages):
            name = f"{title} ({'; '.join((LANGUAGES.get(code, code), *_qualified(spec, facts)))})"
            data = {**_data_set(spec.task, name, spec.source), "config": code, "split": spec.split}
            yield _result(spec.kind, data, _labels(spec.kind, spec.options), metrics)
    selects = "" if manifest.metrics.averaged_checkpoints else ", by which the checkpoint was selected"
    for task in manifest.spec.tasks:
        if metrics := _validation(manifest, task.name):
            suite = f" ({_GENERATED})" if _of_suite(task) else ""
            name = f"{facts.title_of(task.name)}{suite}, {_validated_in(task)} validation rows{selects}"
            data = _data_set(task.name, name, task.data.source)
            data |= {"config": task.data.validation_language, "split": "validation"}
            yield _result(task.kind, data, _labels(task.kind, task.options), metrics)


def _data_set(task: str, name: str, source: str) -> dict[str, str]:
    """What the Hub shows of data, and what it takes for the same data."""
    return {"name": name, "type": f"adapterstilts-{_SUITE}-{task}" if source == _SUITE else task}


def _result(kind: str, data: dict[str, str], labels: Mapping[str, str], metrics: Numbers) -> dict[str, Any]:
    values = [
        {"type": name, "name": label, "value": round(metrics[name], 2)}
        for name, label in labels.items()
        if name in metrics
    ]
    return {"task": {"type": _PIPELINES.get(kind, "other")}, "dataset": data, "metrics": values}


def _qualified(spec: EvaluateSpec, facts: CardFacts) -> Iterator[str]:
    """What sets scores apart from those of the model alone on all rows of a data set."""
    if spec.source == _SUITE:
        yield _GENERATED
    if facts.differs(spec):
        yield "not the benchmark's rows"
    if spec.max_examples:
        yield f"{spec.max_examples:,} rows of each language at most"
    if spec.language_sums or any(one != NO_LANGUAGE_ADAPTER for one in spec.language_adapters.values()):
        yield "with language adapters that are not part of it"
    if spec.translate_test:
        yield "translated into English"


def _english_first(languages: Mapping[str, Numbers]) -> list[tuple[str, Numbers]]:
    """Scores in the order in which they are read, which `astilts.json` does not keep."""
    return sorted(languages.items(), key=lambda one: not is_english(one[0]))


def _labels(kind: str, options: dict[str, Any]) -> Mapping[str, str]:
    """Metric to what tables call it."""
    return KINDS.get(kind)(options).metrics


def _validation(manifest: Manifest, task: str) -> Numbers:
    """The scores on all validation rows of a task."""
    found = manifest.metrics.validation_all
    alone = len(manifest.spec.tasks) == 1
    return found if alone else {name[len(task) + 1 :]: v for name, v in found.items() if name.startswith(f"{task}/")}


def _validated_in(task: TaskSpec) -> str:
    """The language of a task's validation rows."""
    return LANGUAGES.get(task.data.validation_language, task.data.validation_language)


def _what(manifest: Manifest, facts: CardFacts) -> str:
    spec = manifest.spec
    titles = [f"{facts.title_of(task.name)}{f' ({_GENERATED})' * _of_suite(task)}" for task in spec.tasks]
    phase = {
        "train-intermediate": "an intermediate task",
        "train-target": "a target task",
        "train-language": "the text of one language",
        FEW_SHOT: "a target task",
    }[spec.stage]
    whole = "A fine-tuned model" if manifest.library == "transformers" else f"An adapter (`{spec.method}`)"
    codes = dict.fromkeys(code for task in spec.tasks for code in task.data.languages)
    languages = ", ".join(LANGUAGES.get(code, code) for code in codes)
    languages = f"English, and then on {spec.shots}" if spec.shots else languages
    below = "" if spec.composition.name == "none" else f" It was begun from earlier models (`{spec.composition}`)."
    if spec.composition.name == MEAN:
        below = f" Its weights are the mean of {len(spec.inputs)} models that were trained so with several seeds."
    use = "train it (or take it) in English, then train the target task above it in English, and use it elsewhere."
    if spec.stage == "train-language":
        use = f"put it under the adapter of a task that was trained over that of English, and use both in {languages}."
    return (
        f"{whole} for `{manifest.base.name}`, trained on {phase}: {' and '.join(titles)} in {languages}.{below} Made "
        f"with [adapterstilts](https://pypi.org/project/adapterstilts/) for zero-shot transfer across languages: {use}"
    )


def _scores(manifest: Manifest, facts: CardFacts) -> str:
    tables = []
    for one in manifest.evaluations:
        labels = _labels(one.spec.kind, one.spec.options)
        names = [name for name in labels if name in next(iter(one.languages.values()), {})]
        lines = [
            f"On `{one.spec.task}`, {', '.join((f'split `{one.spec.split}`', *_qualified(one.spec, facts)))}:",
            "",
            f"| language | {' | '.join(labels[name] for name in names)} |",
            f"|---|{'---:|' * len(names)}",
            *(
                f"| {LANGUAGES.get(code, code)} ({code}) | {' | '.join(f'{metrics[name]:.1f}' for name in names)} |"
                for code, metrics in _english_first(one.languages)
            ),
        ]
        if differs := facts.differs(one.spec):
            lines += ["", f"Not comparable with the benchmark's scores: {differs}."]
        tables.append("\n".join(lines))
    selected = "no" if manifest.metrics.averaged_checkpoints else "the"
    for task in manifest.spec.tasks:
        if metrics := _validation(manifest, task.name):
            told = ", ".join(
                f"{label} {metrics[name]:.1f}"
                for name, label in _labels(task.kind, task.options).items()
                if name in metrics
            )
            rows = f" ({metrics['examples']:,.0f} rows)" if "examples" in metrics else ""
            few = manifest.spec.settings.max_validation_examples
            which = "which" if metrics.get("examples", few) <= few or selected == "no" else f"{few:,} of which"
            tables.append(
                f"On the {_validated_in(task)} validation rows of `{task.name}`{rows}, {which} selected {selected} "
                f"checkpoint: {told}."
            )
    return "## Scores\n\n" + "\n\n".join(tables) if tables else ""


def _training(manifest: Manifest) -> str:
    spec, made = manifest.spec, manifest.provenance
    settings = {name: value for name, value in spec.settings if value is not None and value is not False}
    versions = ", ".join(f"{name} {made.versions[name]}" for name in ("torch", "transformers", "adapters", "peft")
                         if name in made.versions)  # fmt: skip
    machine = made.hardware.get("cpu" if made.device == "cpu" else "gpu")
    best, averaged = manifest.metrics.best_step, manifest.metrics.averaged_checkpoints
    lines = [
        f"- examples: {manifest.metrics.train_examples:,}, seen {manifest.metrics.examples_seen:,} times in all",
        f"- steps: {manifest.metrics.steps:,}"
        + (f", of which the checkpoint of step {best:,} was kept" if best else "")
        + (f", and the model is the mean of {averaged:,} checkpoints" if averaged else ""),
        f"- settings: {', '.join(f'{name} {value}' for name, value in settings.items())}",
        f"- seed: {spec.seed}; numbers: {spec.precision}",
        f"- trained parameters: {manifest.metrics.parameters['trained']:,} of {manifest.metrics.parameters['total']:,}",
        f"- took {made.train_seconds:,.0f} s on {machine or made.device}",
        f"- made with {manifest.made_with}, {versions}",
        f"- key of the stage: `{manifest.key}`",
    ]
    return "## Training\n\n" + "\n".join(lines)


def _use(manifest: Manifest, facts: CardFacts) -> str:
    parts = [
        "## Use",
        "With adapterstilts, under a target task of your own:",
        f"```bash\nastilts transfer {_above(manifest)}\nastilts verify {_ADDRESS}\n```",
        f"With `{'transformers' if manifest.library == 'adapterstilts' else manifest.library}` alone:",
        f"```python\n{_FOLDER}\nBASE = {manifest.base.name!r}{_base_is(manifest.base)}\n{facts.loading.strip()}\n```",
    ]
    return "\n\n".join(parts)


def _above(manifest: Manifest) -> str:
    """Options of `transfer` that put a target above a model, on its backbone and with its method."""
    spec, base = manifest.spec, manifest.base
    if spec.stage == "train-language":
        code = spec.tasks[0].data.languages[0]
        use = f"--from none --to TARGET --languages {code} --language-adapters --language-adapter {code}={_ADDRESS}"
    else:
        use = f"--from {_ADDRESS} --to TARGET {spec.method.flags}"
        use += " --head reuse" if spec.method.name == "head" else ""
    profile = " --profile mini" if _embedded(base) else ""
    backbone = "" if base.name == "mini" and profile else f" --backbone {shlex.quote(base.name)}"
    backbone += f" --revision {base.revision}" if base.revision else ""
    return use + profile + backbone + (" --load-in-4bit" if manifest.model.quantization else "")


def _embedded(base: Base) -> bool:
    """Whether it is one of the package's, and not a folder that is called so."""
    there = not base.on_hub and base.name in mini.backbone_names()
    return there and locate_backbone(base.name).fingerprint == base.fingerprint


def _base_is(base: Base) -> str:
    """Where the backbone is, if its name does not say that."""
    if _embedded(base):
        return f"  # the folder adapterstilts.mini.backbone_path({base.name!r})"
    return "" if base.on_hub else "  # the folder where you have this backbone"


def _limits(manifest: Manifest, facts: CardFacts) -> str:
    lines = [
        f"It works on this backbone only: `{manifest.base.name}`, fingerprint `{manifest.base.fingerprint[:24]}…`.",
        *(f"**Not zero-shot in {rows.name}**: it was trained on {rows}." for rows in facts.labelled),
        "Scores in languages other than those of its training data are zero-shot; they differ between languages, and "
        "no label of these languages selected anything.",
        f"Licence of the training data: {facts.licence.text}.",
        *facts.limits,
    ]
    return "## Limits\n\n" + "\n".join(f"- {line}" for line in lines)


def _citation(facts: CardFacts) -> str:
    entries = "\n\n".join(dict.fromkeys(task.citation.strip() for task in facts.recipes if task.citation))
    method = "\n".join(f"- {what}: {where}" for what, where in _CITATIONS.items())
    return f"## Citation\n\n{method}\n\n" + (f"```bibtex\n{entries}\n```" if entries else "")
