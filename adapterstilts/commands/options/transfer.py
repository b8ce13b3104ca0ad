"""Options of the command that trains and evaluates targets."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from adapterstilts.commands.options.engine import EngineOptions
from adapterstilts.commands.options.few_shots import FewShotOptions
from adapterstilts.commands.options.language_sums import AdapterAssignments, LanguageFallback
from adapterstilts.commands.options.own import OwnDataOptions
from adapterstilts.commands.options.shared import Benchmark
from adapterstilts.commands.options.sharing import SharedModelOptions
from adapterstilts.commands.options.training import TrainingOptions
from adapterstilts.commands.options.values import LanguageNames, Layer, Names, PathNames, PathText
from adapterstilts.declared import Flag, Group
from adapterstilts.settings import MOST, Strict


class TransferTasks(Strict):
    """What `transfer` is for."""

    from_: Annotated[PathNames, Flag(Group.TASKS, metavar="TASK[@KEY]|REF,...", positional=True)] = Field(
        description="Intermediate tasks that are trained: names, TASK@KEY for one of several runs, all for those that "
        "have a run, or none for the baseline alone. Or shared models: USER/NAME[@REVISION] on the Hub, or a folder "
        "such as ./adapter."
    )
    to: Annotated[PathNames, Flag(Group.TASKS, metavar="TASK|FILE,...", positional=True)] = Field(
        description="Target tasks, or a file of one's own with English training rows; xtreme or xtreme-r for those of "
        "a benchmark, all for every one that there are test data of, group:africa and its like for those that have "
        "such languages."
    )


class _LanguageAdapterOptions(TrainingOptions):
    language_adapters: Annotated[bool, Flag(Group.LANGUAGE_ADAPTERS)] = Field(
        False,
        description="Train the target phase over the English language adapter, and evaluate each language with its "
        "own (MAD-X: Pfeiffer et al. 2020).",
    )
    language_adapter: Annotated[
        AdapterAssignments | None, Flag(Group.LANGUAGE_ADAPTERS, metavar="CODE=KEY|REF|SUM,...")
    ] = Field(
        None,
        description="Which run to take for a language that has several, a shared one as in `from_`, or for one "
        "that has none, a weighted sum of others such as `0.6*de+0.4*en`.",
    )
    language_fallback: Annotated[LanguageFallback | None, Flag(Group.LANGUAGE_ADAPTERS, metavar="none|en|CODE|SUM")] = (
        Field(None, description="What languages without a language adapter are evaluated with.")
    )
    language_adapter_drop: Annotated[int, Flag(Group.LANGUAGE_ADAPTERS, unit="layers")] = Field(
        0, ge=0, le=1000, description="Last layers of the backbone in which language adapters are left out."
    )


class _EvaluationOptions(TrainingOptions):
    languages: Annotated[
        LanguageNames | None, Flag(Group.EVALUATION, metavar="CODE,...", unset="all of the target")
    ] = Field(
        None,
        description="Languages to score, groups such as group:africa, pairs CONTEXT-QUESTION such as de-en, or -nqo "
        "for all but that one.",
    )
    benchmark: Annotated[Benchmark | None, Flag(Group.EVALUATION, unset="the first benchmark that has the task")] = (
        Field(None, description="Benchmark whose languages of the target are scored.")
    )
    split: Annotated[
        Literal["test", "validation"] | None,
        Flag(Group.EVALUATION, unset="test where the source has it, or else validation"),
    ] = Field(None, description="Split to score.")
    cross_pairs: Annotated[bool, Flag(Group.EVALUATION)] = Field(
        False, description="Score every pair of context and question language (G-XLT), where the target has them: mlqa."
    )
    preset: Annotated[str | None, Flag(Group.EVALUATION, metavar="NAME")] = Field(
        None, description="Published way of reading the vectors of bucc2018 and tatoeba: jiant or xtreme."
    )
    layer: Annotated[Layer | None, Flag(Group.EVALUATION, metavar="N|A/B")] = Field(
        None, description="Hidden state to pool for them, such as 14, or 14/24 of the backbone's depth."
    )
    margin: Annotated[Literal["ratio", "absolute", "distance"] | None, Flag(Group.EVALUATION)] = Field(
        None, description="Score of mined pairs."
    )
    max_eval_examples: Annotated[int | None, Flag(Group.EVALUATION, unit="examples")] = Field(
        None, ge=1, le=MOST, description="Upper bound on scored examples of a language; corpora to mine stay whole."
    )


class TransferOptions(
    _EvaluationOptions, _LanguageAdapterOptions, SharedModelOptions, OwnDataOptions, FewShotOptions, EngineOptions
):
    """Options of `transfer`."""

    composition: Annotated[
        str | None, Flag(Group.METHOD, metavar="NAME[OPTION=VALUE,...]", unset="the method's first")
    ] = Field(
        None,
        description="How intermediate weights enter the target phase: stack or continue one; fuse, average or merge "
        "all of them together.",
    )
    head: Annotated[Literal["new", "reuse"], Flag(Group.METHOD)] = Field(
        "new", description="Start from a new head, or go on with the intermediate one where it has the same form."
    )
    train_languages: Annotated[LanguageNames | None, Flag(Group.TRANSLATIONS, metavar="CODE,...", unset="en")] = Field(
        None,
        description="Languages to train the target in: en, and others in which there are translations of its rows "
        "(translate-train).",
    )
    translations: Annotated[Path | None, Flag(Group.TRANSLATIONS, unset="with the embedded suite, its own")] = Field(
        None, description="Folder of translations, as astilts translate makes them and XTREME publishes them."
    )
    translate_test: Annotated[Path | None, Flag(Group.TRANSLATIONS, metavar="DIR|mini")] = Field(
        None,
        description="Folder of English translations of the test sets, or mini for the embedded suite's English rows: "
        "they are scored instead of other languages' own.",
    )
    seeds: Annotated[int | None, Flag(Group.TRAINING, unset="the profile's: 3, or 1 with mini")] = Field(
        None, ge=1, le=1000, description="Repeat the target phase with so many seeds, from `seed` upwards."
    )
    intermediate_seeds: Annotated[int | None, Flag(Group.TRAINING, unset="as many as those")] = Field(
        None,
        ge=1,
        le=1000,
        description="Repeat the intermediate phase with so many seeds, from that of the run in `from_` upwards, one "
        "for each seed of the target phase; 1 for that run alone. Missing ones are trained.",
    )
    average_seeds: Annotated[bool, Flag(Group.TRAINING)] = Field(
        False,
        description="Draw the new weights of all `seeds` alike, and add for each row of `from_` the mean of its seeds' "
        "models (Schmidt et al. 2023).",
    )
    baseline: Annotated[bool, Flag(Group.BASELINES)] = Field(
        True, description="Also run without the intermediate phase, and report the difference."
    )
    compare: Annotated[Names | None, Flag(Group.BASELINES, metavar="NAME,...")] = Field(
        None,
        description="Baselines beside them: full, mlm, mlm-mixed, translate-intermediate, translate-target, "
        "multi-task, longer-target, untrained, or all. The intermediate runs that they need are trained. knn "
        "and logreg need none: nearest neighbours and logistic regression on the backbone's frozen vectors; nor does "
        "prompt, which asks the decoder of --prompt-model with the templates of lm-eval.",
    )
    prompt_model: Annotated[PathText | None, Flag(Group.BASELINES, metavar="ID|DIR")] = Field(
        None, description="Decoder that prompt asks: its folder, or its id on the Hub."
    )
    against: Annotated[str | None, Flag(Group.BASELINES, metavar="ROW", unset="the one without intermediate task")] = (
        Field(
            None,
            description="Row that the others are compared with: its name in the table or a part of it, such as squad, "
            "or full for the full fine-tune.",
        )
    )
    match: Annotated[Literal["none", "steps", "compute"], Flag(Group.BASELINES)] = Field(
        "none",
        description="Train what the rows of --from are compared with as long as these: intermediate phases as the "
        "first one's, targets without one as both of its phases together; in optimiser steps, or in tokens.",
    )
    compare_languages: Annotated[
        LanguageNames | None, Flag(Group.BASELINES, metavar="CODE,...", unset="those that are scored")
    ] = Field(None, description="Languages of their text and translations beside English.")
    mlm_rate: Annotated[float | None, Flag(Group.BASELINES, unit="share", unset="0.1")] = Field(
        None, gt=0, lt=1, description="Share of the batches that are masked language modelling in mlm-mixed."
    )
    select: Annotated[bool, Flag(Group.BASELINES)] = Field(
        False, description="Also report the row with the best English validation score, and that of an oracle."
    )
