"""Options that several commands have."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, model_validator

from adapterstilts.commands.options.values import LOCAL, Folders, PathText, Places
from adapterstilts.declared import Flag, Group
from adapterstilts.settings import MOST, Strict

if TYPE_CHECKING:
    from adapterstilts.runs.store import RunStore

Benchmark = Literal["xtreme", "xtreme-r"]


class CatalogueOptions(Strict):
    """Which tasks there are."""

    tasks: Annotated[Folders, Flag(Group.DATA, env="ASTILTS_TASKS")] = Field(
        (), description="Folder of tasks beside the package's."
    )


class StoreOptions(Strict):
    """Where finished runs are."""

    store: Annotated[Path, LOCAL, Flag(Group.RUN, env="ASTILTS_STORE")] = Field(
        Path("astilts-runs"), description="Folder of the run store."
    )
    read_store: Annotated[Places, Flag(Group.RUN, env="ASTILTS_READ_STORE")] = Field(
        (),
        description="Another store, in which finished runs are found too, and nothing is written; from one at a URL, "
        "such as s3://BUCKET/FOLDER, they are brought when they are needed.",
    )

    def open_store(self) -> RunStore:
        """The store with all that it is read from.

        Raises:
            UsageError: One to read is not there, or may not be read.
        """
        from adapterstilts.runs.store import RunStore

        return RunStore.open(self.store, self.read_store)


class ProfileOptions(Strict):
    """Where everything comes from that is not given."""

    profile: Annotated[str, Flag(Group.MODEL, metavar="NAME")] = Field(
        "paper", description="Set of defaults: paper, xtreme, laptop or mini."
    )


class BackboneOptions(ProfileOptions):
    """Which backbone."""

    backbone: Annotated[PathText | None, Flag(Group.MODEL, metavar="BACKBONE", unset="the profile's")] = Field(
        None, description="Hugging Face id, checkpoint folder, or one that ships here, such as mini."
    )
    revision: Annotated[str | None, Flag(Group.MODEL, metavar="COMMIT")] = Field(
        None, description="Commit of a backbone on the Hub."
    )


class DoctorOptions(BackboneOptions):
    """Options of `doctor`."""

    store: Annotated[Path | None, LOCAL, Flag(Group.RUN, metavar="DIR", unset="none")] = Field(
        None, description="Folder to try what a run store needs of its file system; `backbone` is looked at if given."
    )

    @model_validator(mode="after")
    def _check(self) -> DoctorOptions:
        if self.store is not None and self.backbone is None:
            for name in sorted(self.model_fields_set & {"profile", "revision"}):
                raise ValueError(f"--{name} has no meaning with --store alone: it is about a --backbone")
        return self


class MethodsOptions(BackboneOptions, CatalogueOptions):
    """Options of `methods`."""

    method: Annotated[str | None, Flag(Group.METHOD, metavar="NAME[OPTION=VALUE,...]", unset="all of them")] = Field(
        None, description="Only this one, with these options."
    )


class SourceOptions(CatalogueOptions):
    """Where a task's data come from."""

    data_dir: Annotated[Path | None, Flag(Group.DATA, unset="the profile's source")] = Field(
        None, description="Folder with the releases' own files, in XTREME's download layout."
    )


class RowsOptions(SourceOptions):
    """Which rows of a task's data."""

    max_train_examples: Annotated[int | None, Flag(Group.DATA, unit="examples", unset="the profile's, if any")] = Field(
        None, ge=1, le=MOST, description="Upper bound on training examples."
    )
    skip_bad_rows: Annotated[bool, Flag(Group.DATA)] = Field(
        False, description="Leave out rows that do not follow their format, and count them, instead of stopping."
    )


class MachineOptions(Strict):
    """What decides how fast a result is there, and in which numbers it is computed."""

    precision: Annotated[Literal["auto", "fp32", "bf16"], Flag(Group.RUN)] = Field(
        "auto", description="Number format; auto: bf16 where it is faster."
    )
    device: Annotated[str, Flag(Group.RUN, metavar="NAME")] = Field("auto", description="Where: auto, cpu or cuda.")
