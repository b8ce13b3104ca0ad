"""Options of the command that translates."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from adapterstilts.commands.options.shared import MachineOptions, ProfileOptions, RowsOptions
from adapterstilts.commands.options.values import LOCAL, LanguageNames, PathText
from adapterstilts.declared import Flag, Group
from adapterstilts.settings import MOST, Strict


class TranslatedTask(Strict):
    """What `translate` is for."""

    task: Annotated[str, Flag(metavar="TASK", positional=True)] = Field(description="Task whose rows are translated.")


class TranslationOptions(MachineOptions, RowsOptions, ProfileOptions):
    """Options of `translate`."""

    to: Annotated[LanguageNames, Flag(Group.TRANSLATIONS, metavar="CODE,...")] = Field(
        min_length=1, description="Languages to translate into; either these or `from_` is en."
    )
    from_: Annotated[LanguageNames, Flag(Group.TRANSLATIONS, metavar="CODE,...")] = Field(
        ("en",), description="Languages to translate from."
    )
    model: Annotated[PathText, Flag(Group.MODEL, metavar="ID|DIR")] = Field(
        description="Sequence-to-sequence model of transformers: Hugging Face id or checkpoint folder."
    )
    revision: Annotated[str | None, Flag(Group.MODEL, metavar="COMMIT")] = Field(
        None, description="Commit of a model on the Hub."
    )
    beams: Annotated[int, Flag(Group.MODEL)] = Field(1, ge=1, le=1000, description="Beams of the search; 1 is greedy.")
    max_cut_short: Annotated[float, Flag(Group.MODEL, unit="share")] = Field(
        0.1, ge=0, le=1, description="Refuse a model that leaves more of the translations unfinished than this."
    )
    split: Annotated[
        Literal["train", "validation", "test"] | None,
        Flag(Group.DATA, unset="train from English, test into English"),
    ] = Field(None, description="Split to translate.")
    max_train_examples: Annotated[int | None, Flag(Group.DATA, unit="rows")] = Field(
        None, ge=1, le=MOST, description="Upper bound on rows: those that are trained on with the same bound."
    )
    out: Annotated[Path, LOCAL, Flag(Group.RUN)] = Field(
        Path("translations"), description="Folder for the translations."
    )
    tokens_per_batch: Annotated[int, Flag(Group.RUN, unit="tokens")] = Field(
        4096, ge=1, le=MOST, description="Padded tokens in a batch, all beams together."
    )
    force: Annotated[bool, Flag(Group.RUN)] = Field(
        False, description="Translate again, and write over other translations."
    )
