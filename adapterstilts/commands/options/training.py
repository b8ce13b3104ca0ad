"""Options of the commands that train before there is a target."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from adapterstilts.commands.options.engine import EngineOptions
from adapterstilts.commands.options.own import OwnDataOptions
from adapterstilts.commands.options.shared import BackboneOptions, MachineOptions, RowsOptions, StoreOptions
from adapterstilts.commands.options.values import LanguageName, LanguageNames, PathNames, PathText, Trackers, Weights
from adapterstilts.declared import Flag, Group
from adapterstilts.settings import MOST, Pooling, Settings, Strict


class TrainingOptions(StoreOptions, MachineOptions, RowsOptions, BackboneOptions):
    """Options of every command that trains. Besides these, every field of `Settings` is one."""

    load_in_4bit: Annotated[bool, Flag(Group.MODEL)] = Field(
        False, description="Keep the frozen backbone in 4 bits (QLoRA: Dettmers et al. 2023); peft methods, on a GPU."
    )
    pooling: Annotated[Pooling | None, Flag(Group.MODEL, unset="what suits the backbone, or the recipe's")] = Field(
        None, description="How one vector of a text is read, in pair classification, multiple choice and retrieval."
    )
    method: Annotated[str | None, Flag(Group.METHOD, metavar="NAME[OPTION=VALUE,...]", unset="the profile's")] = Field(
        None, description="What is trained; the command astilts methods lists them."
    )
    unfreeze_backbone: Annotated[bool, Flag(Group.METHOD)] = Field(
        False, description="Train the backbone's own weights beside those of the method."
    )
    validation_from: Annotated[
        PathText | None, Flag(Group.TRAINING, metavar="train|none|FILE", unset="the task's own, or else train")
    ] = Field(
        None,
        description="English rows that checkpoints are selected by: some of the training rows, none (then the last "
        "checkpoint is taken), or those of a file like the task's training file.",
    )
    seed: Annotated[int | None, Flag(Group.TRAINING, unset="the profile's")] = Field(
        None, ge=0, lt=2**32, description="Seed of initialisation, dropout and batch order."
    )
    settings: Annotated[dict[str, Any], Flag(fields_of=Settings)] = {}
    tokens_per_batch: Annotated[int, Flag(Group.RUN, unit="tokens")] = Field(
        8192,
        ge=1,
        le=MOST,
        description="Padded tokens in a micro-batch. They decide memory and speed; batches stay the same.",
    )
    compile: Annotated[bool, Flag(Group.RUN)] = Field(
        False, description="Compile the backbone before it is trained (torch.compile): for long trainings on a GPU."
    )
    cuda_graphs: Annotated[bool, Flag(Group.RUN)] = Field(
        True, description="Record the steps of a training on one GPU for each shape of batches, and replay them."
    )
    force: Annotated[bool, Flag(Group.RUN)] = Field(False, description="Compute again what the store has.")
    report_to: Annotated[Trackers, Flag(Group.RUN, metavar="NAME,...", unset="none")] = Field(
        (), description="Trackers that training is shown in: tensorboard (below the store), wandb, mlflow."
    )


class Language(Strict):
    """What `train_language` is for."""

    language: Annotated[LanguageName, Flag(metavar="CODE", positional=True)] = Field(
        description="Tag of the language, such as de or zh-Hant."
    )


class LanguageOptions(TrainingOptions):
    """Options of `train_language`."""

    method: Annotated[
        str | None, Flag(Group.METHOD, metavar="NAME[OPTION=VALUE,...]", unset="that of MAD-X, seq_bn_inv")
    ] = Field(None, description="What is trained: a method of the adapters library.")


class IntermediateTasks(Strict):
    """What `train_intermediate` is for."""

    names: Annotated[PathNames, Flag(metavar="TASK|FILE...", positional=True)] = Field(
        description="Intermediate tasks, or all for every one that there are training data of. One can be a file of "
        "one's own with English training rows."
    )


class IntermediateOptions(TrainingOptions, OwnDataOptions, EngineOptions):
    """Options of `train_intermediate`."""

    languages: Annotated[LanguageNames | None, Flag(Group.TRANSLATIONS, metavar="CODE,...", unset="en")] = Field(
        None, description="Languages to train in: en, and others in which there are translations of its rows."
    )
    translations: Annotated[Path | None, Flag(Group.TRANSLATIONS, unset="with the embedded suite, its own")] = Field(
        None, description="Folder of translations, as astilts translate makes them and XTREME publishes them."
    )
    sampling: Annotated[
        Literal["proportional", "uniform", "temperature", "capped", "weights"] | None,
        Flag(Group.MIXING, unset="proportional to their sizes"),
    ] = Field(None, description="How often each of several tasks is trained on.")
    temperature: Annotated[float | None, Flag(Group.MIXING, metavar="T")] = Field(
        None, gt=0, le=MOST, description="For `sampling=temperature`: sizes to the power of 1/T."
    )
    cap: Annotated[int | None, Flag(Group.MIXING, unit="features")] = Field(
        None,
        ge=1,
        le=MOST,
        description="For `sampling=capped`: above so many features (windows) a task counts as no larger.",
    )
    weights: Annotated[Weights | None, Flag(Group.MIXING, metavar="TASK=W,...")] = Field(
        None, description="For `sampling=weights`: the share of each task; only their relation counts."
    )
    mlm_rate: Annotated[float | None, Flag(Group.MIXING, unit="share")] = Field(
        None, gt=0, lt=1, description="Share of all batches that are masked language modelling, beside the tasks."
    )
    mlm_languages: Annotated[LanguageNames | None, Flag(Group.MIXING, metavar="CODE,...")] = Field(
        None, description="Languages of the text for `mlm_rate`, or for the task mlm itself."
    )
