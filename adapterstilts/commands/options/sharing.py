"""Options of the commands that bring models into the house, or out of it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field

from adapterstilts.commands.options.shared import (
    CatalogueOptions,
    SourceOptions,
    StoreOptions,
)
from adapterstilts.commands.options.values import LOCAL, LanguageName, PathNames, PathText
from adapterstilts.declared import Flag, Group
from adapterstilts.settings import MOST, Strict


class RegistryOptions(Strict):
    """Where shared models are looked for by the names of their tasks."""

    registry: Annotated[
        PathNames | None, Flag(Group.SHARING, metavar="DIR|URL,...", env="ASTILTS_REGISTRIES", unset="none")
    ] = Field(None, description="Registries of shared models: folders, or URLs such as s3://bucket/folder.")


class FetchedModelOptions(RegistryOptions):
    """How models are got that others have made."""

    allow_pickle: Annotated[bool, Flag(Group.SHARING)] = Field(
        False, description="Read weights that are there as a pickle alone, as plain tensors."
    )


class SharedModelOptions(FetchedModelOptions):
    """How they are used on a backbone of one's own."""

    base_differs: Annotated[bool, Flag(Group.SHARING)] = Field(
        False, description="Take a model of another backbone of the same form, such as a copy under another name."
    )


class SharedReference(Strict):
    """What `pull`, `info` and `verify` are for."""

    reference: Annotated[PathText, Flag(metavar="REF", positional=True)] = Field(
        description="A shared model: USER/NAME[@REVISION] on the Hub, a folder such as ./adapter, a task in a registry "
        "or in the package, or a run of the store by TASK@KEY."
    )


class PulledFolder(SharedReference):
    """What `pull` is for."""

    folder: Annotated[Path, LOCAL, Flag(metavar="DIR", positional=True)] = Field(description="Folder to make.")


class RunBackboneOptions(Strict):
    """The backbone of a run of the store."""

    backbone: Annotated[PathText | None, Flag(Group.MODEL, metavar="ID|DIR", unset="the one in the run's record")] = (
        Field(None, description="Where the run's backbone is, if it is no longer where it was.")
    )


class PullOptions(RunBackboneOptions, FetchedModelOptions, StoreOptions, CatalogueOptions):
    """Options of `pull` and `info`."""


class PushedRun(Strict):
    """What `push` is for."""

    run: Annotated[PathText, Flag(metavar="RUN|TASK", positional=True)] = Field(
        description="A trained model: a run's key or folder, or a task that the store has one run of."
    )


class PushOptions(RunBackboneOptions, StoreOptions, CatalogueOptions):
    """Options of `push`."""

    to: Annotated[PathText, Flag(Group.SHARING, metavar="USER/NAME|DIR|URL")] = Field(
        description="Where: a repository on the Hub (USER/NAME or hf://USER/NAME), or a registry (a folder such as "
        "./adapters, or a URL such as s3://bucket/adapters)."
    )
    private: Annotated[bool, Flag(Group.SHARING)] = Field(
        False, description="Make the repository private if it is new."
    )
    revision: Annotated[str | None, Flag(Group.SHARING, metavar="BRANCH", unset="main")] = Field(
        None, description="Branch of the repository, made if it is not there."
    )
    create_pr: Annotated[bool, Flag(Group.SHARING)] = Field(
        False, description="Open a pull request instead of changing the branch."
    )
    dry_run: Annotated[bool, Flag(Group.SHARING)] = Field(
        False, description="Say what would be uploaded, and upload nothing."
    )
    license_allows: Annotated[bool, Flag(Group.SHARING)] = Field(
        False, description="Share a model although the licence of its training data is not known to allow it."
    )


class SearchedTask(Strict):
    """What `search` is for."""

    task: Annotated[str | None, Flag(metavar="[TASK]", positional=True)] = Field(
        None, description="Only models of this task."
    )


class SearchOptions(RegistryOptions):
    """Options of `search`."""

    backbone: Annotated[str | None, Flag(Group.SHARING, metavar="ID", unset="any")] = Field(
        None, description="Only models for this backbone."
    )
    method: Annotated[str | None, Flag(Group.SHARING, metavar="NAME", unset="any")] = Field(
        None, description="Only models of this tuning method."
    )
    language: Annotated[LanguageName | None, Flag(Group.SHARING, metavar="CODE", unset="any")] = Field(
        None, description="Only models that were scored in this language."
    )
    hub: Annotated[bool, Flag(Group.SHARING)] = Field(True, description="Also ask the Hugging Face Hub.")
    limit: Annotated[int, Flag(Group.SHARING, unit="models")] = Field(
        50, ge=1, le=MOST, description="The most from each place."
    )


class VerifyOptions(SharedModelOptions, StoreOptions, SourceOptions):
    """Options of `verify`."""

    backbone: Annotated[
        PathText | None, Flag(Group.MODEL, metavar="BACKBONE", unset="the one that it was trained on")
    ] = Field(None, description="Hugging Face id, checkpoint folder, or one that ships here, such as mini.")
    device: Annotated[str, Flag(Group.RUN, metavar="NAME")] = Field("auto", description="Where: auto, cpu or cuda.")
    tokens_per_batch: Annotated[int | None, Flag(Group.RUN, unit="tokens", unset="as when it was measured")] = Field(
        None, ge=1, le=MOST, description="Padded tokens in a micro-batch."
    )
