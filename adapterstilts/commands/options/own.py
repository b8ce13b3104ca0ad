"""Options that say what is in a file that no recipe describes."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from adapterstilts.commands.options.values import KindOptions, Names, PathText, RowFiles
from adapterstilts.declared import Flag, Group
from adapterstilts.settings import Strict


class OwnFileOptions(Strict):
    """How one's own files are read; by default as they look."""

    encoding: Annotated[str | None, Flag(Group.OWN, metavar="NAME", unset="what the file looks like")] = Field(
        None, description="Encoding of the files, such as utf-8 or cp1252."
    )
    delimiter: Annotated[str | None, Flag(Group.OWN, metavar="CHARACTER", unset="what the file looks like")] = Field(
        None, description="What separates the fields of a table."
    )
    sheet: Annotated[str | None, Flag(Group.OWN, metavar="NAME", unset="the first")] = Field(
        None, description="Sheet of an Excel workbook."
    )


class OwnDataOptions(OwnFileOptions):
    """What the columns of one's own files are; by default what they look like."""

    kind: Annotated[str | None, Flag(Group.OWN, metavar="NAME", unset="what the columns look like")] = Field(
        None, description="Form of the task: pair_classification (of one text or two), span_qa, tagging, ..."
    )
    text: Annotated[Names | None, Flag(Group.OWN, metavar="COLUMN[,COLUMN]")] = Field(
        None, description="Column of the text, or of both texts of a pair."
    )
    label: Annotated[str | None, Flag(Group.OWN, metavar="COLUMN")] = Field(
        None, description="Column of the label; of multiple choice, that of the right choice's position."
    )
    question: Annotated[str | None, Flag(Group.OWN, metavar="COLUMN")] = Field(
        None, description="Column of the question."
    )
    context: Annotated[str | None, Flag(Group.OWN, metavar="COLUMN")] = Field(
        None, description="Column of the text that the question is about."
    )
    answers: Annotated[str | None, Flag(Group.OWN, metavar="COLUMN")] = Field(
        None, description="Column of the answers, each with where it begins in the context, as SQuAD has them."
    )
    choices: Annotated[Names | None, Flag(Group.OWN, metavar="COLUMN,...")] = Field(
        None, description="Columns of the choices, or the one that has a list of them."
    )
    tokens: Annotated[str | None, Flag(Group.OWN, metavar="COLUMN")] = Field(
        None, description="Column of the words, a list or text with spaces between them."
    )
    tags: Annotated[str | None, Flag(Group.OWN, metavar="COLUMN")] = Field(
        None, description="Column of their tags, likewise."
    )
    test: Annotated[RowFiles | None, Flag(Group.OWN, metavar="CODE=FILE,...")] = Field(
        None, description="Files of the rows to score, by language; they may be without labels."
    )
    validation: Annotated[
        PathText | None, Flag(Group.OWN, metavar="FILE|SPLIT|SHARE", unset="some of the training rows")
    ] = Field(None, description="English rows to select checkpoints by: a file or split, or a share of training rows.")
    group: Annotated[Names | None, Flag(Group.OWN, metavar="COLUMN,...", unset="rows of equal texts")] = Field(
        None, description="Columns that say which rows belong together, and stay on one side of `validation`."
    )
    task_option: Annotated[KindOptions | None, Flag(Group.OWN, metavar="NAME=VALUE,...")] = Field(
        None, description="Options of the kind, such as multi_label=true."
    )
    metric: Annotated[str | None, Flag(Group.OWN, metavar="NAME", unset="the kind's usual one")] = Field(
        None, description="Metric of the task."
    )
    save_task: Annotated[str | None, Flag(Group.OWN, metavar="NAME")] = Field(
        None, description="Also write it down as tasks/NAME/task.yaml, which --tasks tasks finds."
    )

    def columns(self) -> dict[str, Any]:
        """Canonical column to the file's, as far as it is said."""
        given: dict[str, Any] = {
            name: value
            for name in ("label", "question", "context", "answers", "tokens", "tags")
            if (value := getattr(self, name)) is not None
        }
        if self.choices:
            given["choices"] = self.choices[0] if len(self.choices) == 1 else self.choices
        return given
