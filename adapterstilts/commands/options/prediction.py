"""Options of the commands that use a trained model: to answer, and to leave for other programs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from adapterstilts.commands.options.language_sums import AdapterAssignments
from adapterstilts.commands.options.shared import MachineOptions, SourceOptions, StoreOptions
from adapterstilts.commands.options.sharing import SharedModelOptions
from adapterstilts.commands.options.values import LOCAL, LanguageName, Names, PathText
from adapterstilts.declared import Flag, Group
from adapterstilts.settings import MOST, Strict


class TrainedModelReference(Strict):
    """Which model `predict`, `load` and `export_model` are for."""

    reference: Annotated[PathText, Flag(metavar="RUN|REF", positional=True)] = Field(
        description="A trained model: a run's key or folder, TASK or TASK@KEY, or a shared one: USER/NAME[@REVISION] "
        "on the Hub, a folder such as ./adapter, or REGISTRY#NAME."
    )


class TrainedModelOptions(SharedModelOptions, StoreOptions, SourceOptions, MachineOptions):
    """How a trained model is loaded."""

    backbone: Annotated[
        PathText | None, Flag(Group.MODEL, metavar="ID|DIR", unset="the one that it was trained on")
    ] = Field(None, description="Where the model's backbone is, if it is no longer where it was.")
    task: Annotated[str | None, Flag(Group.MODEL, metavar="TASK", unset="its only one")] = Field(
        None, description="Which head of a model of several tasks; or what the head of another library's model is for."
    )
    tokens_per_batch: Annotated[int, Flag(Group.RUN, unit="tokens")] = Field(
        8192, ge=1, le=MOST, description="Padded tokens in a batch. They decide memory and speed."
    )


class LoadOptions(TrainedModelOptions):
    """Options of `load`."""

    language: Annotated[
        LanguageName | None, Flag(Group.LANGUAGE_ADAPTERS, metavar="CODE", unset="that of its training")
    ] = Field(None, description="Language of the texts: for models over a language adapter, or with language modules.")
    language_adapter: Annotated[
        AdapterAssignments | None, Flag(Group.LANGUAGE_ADAPTERS, metavar="CODE=KEY|REF|SUM,...")
    ] = Field(
        None,
        description="Which language adapter is used for a language that has several in the store, a shared one, or a "
        "weighted sum such as `0.6*de+0.4*en`.",
    )
    calibrate: Annotated[bool, Flag(Group.EVALUATION)] = Field(
        True,
        description="Divide scores by a temperature that is fitted on English validation rows, once for each run.",
    )


class PredictOptions(LoadOptions):
    """Options of `predict`."""

    input: Annotated[PathText, Flag(Group.DATA, metavar="FILE|-")] = Field(
        "-", description="Rows to answer: a file, or - for standard input with a text a line, or JSON lines."
    )
    format: Annotated[str | None, Flag(Group.DATA, metavar="NAME", unset="by its name and content")] = Field(
        None, description="Format of the input, such as csv, tsv, jsonl, json, parquet, excel or text."
    )
    text: Annotated[Names | None, Flag(Group.DATA, metavar="COLUMN[,COLUMN]", unset="what they look like")] = Field(
        None, description="Column of the text, or of both texts of a pair."
    )
    question: Annotated[str | None, Flag(Group.DATA, metavar="COLUMN", unset="what it looks like")] = Field(
        None, description="Column of the questions."
    )
    context: Annotated[str | None, Flag(Group.DATA, metavar="COLUMN", unset="what it looks like")] = Field(
        None, description="Column of the contexts."
    )
    choices: Annotated[Names | None, Flag(Group.DATA, metavar="COLUMN,...", unset="what they look like")] = Field(
        None, description="Columns of the choices, or one column with lists of them."
    )
    tokens: Annotated[str | None, Flag(Group.DATA, metavar="COLUMN", unset="what it looks like")] = Field(
        None, description="Column of the words of a sentence: a list, or a text that is split at spaces."
    )
    skip_bad_rows: Annotated[bool, Flag(Group.DATA)] = Field(
        False, description="Leave out rows that cannot be read, and count them, instead of stopping."
    )
    out: Annotated[Path | None, LOCAL, Flag(Group.RUN, metavar="FILE", unset="standard output")] = Field(
        None, description="File to write. The same command goes on with what an interrupted one has left beside it."
    )
    format_out: Annotated[
        Literal["csv", "jsonl", "plain"] | None, Flag(Group.RUN, unset="by the suffix of `out`, or plain")
    ] = Field(None, description="Format of the output.")
    chunk: Annotated[int, Flag(Group.RUN, unit="rows")] = Field(
        2000, ge=1, le=MOST, description="Rows that are read, answered and written at a time. They decide memory."
    )
    force: Annotated[bool, Flag(Group.RUN)] = Field(False, description="Write over a file that is there.")


class ExportModelOptions(TrainedModelOptions):
    """Options of `export_model`."""

    to: Annotated[Path, LOCAL, Flag(Group.RUN, metavar="DIR")] = Field(description="Folder to make.")
    format: Annotated[Literal["transformers", "onnx"], Flag(Group.RUN)] = Field(
        "transformers", description="What loads it: transformers (with the adapter's library where it has to), or onnx."
    )
    int8: Annotated[bool, Flag(Group.RUN)] = Field(
        False, description="For `format=onnx`: weights of eight bits, with what that costs on English validation rows."
    )
