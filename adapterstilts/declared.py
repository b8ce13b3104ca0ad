"""What the fields of a model say of themselves: command line, Python functions and their help are made of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from enum import Enum
from functools import cache
from pathlib import Path
from types import MappingProxyType, NoneType, UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel


class Group(Enum):
    """A heading in a command's help, of which these are the order.

    Attributes:
        default: What holds where a field of the group is not given, if that is the same for all of them.
    """

    ARGUMENTS = "Arguments"
    TASKS = "Tasks"
    MODEL = "Model"
    METHOD = "Method"
    SHARING = "Shared models"
    DATA = "Data"
    OWN = "Own data"
    TRANSLATIONS = "Translations"
    MIXING = "Several tasks"
    TRAINING = "Training"
    HYPERPARAMETERS = ("Hyperparameters", "the profile's, or else the recipe's")
    LANGUAGE_ADAPTERS = "Language adapters"
    EVALUATION = "Evaluation"
    FEW_SHOTS = "Few shots"
    SERVER = "Server"
    BASELINES = "Baselines"
    RANKING = "Ranking"
    CLUSTER = "Cluster"
    RUN = "Run"

    def __init__(self, title: str, default: str | None = None) -> None:
        self.title = title
        self.default = default


@dataclass(frozen=True)
class Flag:
    """What a field needs on the command line beside its name, type, default and description.

    Attributes:
        group: The heading that it stands under. Arguments are words in their place, without a flag.
        metavar: What stands for its value; of a number, the unit does.
        unit: What a number counts: `tokens`, `steps`, `examples`, or that it is a `share` of 1.
        unset: What holds where it is not given and has no default, in words.
        env: The environment variable that is read where it is not given.
        positional: Whether it can be given to a Python function without its name.
        repeated: Whether it can be given several times on the command line.
        fields_of: The model whose fields are the keys of this one, a mapping: each of them is a flag instead of it.
    """

    group: Group = Group.ARGUMENTS
    metavar: str | None = None
    unit: str | None = None
    unset: str | None = None
    env: str | None = None
    positional: bool = False
    repeated: bool = False
    fields_of: type[BaseModel] | None = None


@dataclass(frozen=True)
class OrPath:
    """Part of a type of text that can be given as a path, too."""


@dataclass(frozen=True)
class Declared:
    """A field that is a flag and a keyword.

    Attributes:
        form: Its type, without None and without what validates it.
        default: Its default; None where it has none.
        text: Its description. Other fields stand in it between backticks, perhaps with a value: `name=value`.
        owner: The model that it is a field of.
        or_path: Whether a path can be given for its text.
        within: The field, a mapping, that it is a key of.
    """

    name: str
    form: Any
    required: bool
    default: Any
    text: str
    flag: Flag
    owner: type[BaseModel]
    or_path: bool = False
    within: str | None = None

    @property
    def spelled(self) -> str:
        """Its name on the command line."""
        if self.flag.group is Group.ARGUMENTS:
            return self.flag.metavar or self.name.upper()
        # A name of Python's own has `_` behind it.
        return f"--{self.name.rstrip('_').replace('_', '-')}"

    @property
    def is_paths(self) -> bool:
        """Whether it is several folders, each of which can also be a place told by a URL where the type says so."""
        return self.form in (tuple[Path, ...], tuple[Path | str, ...])

    @property
    def unset(self) -> str | None:
        """What holds where it is not given."""
        return self.flag.unset or (self.flag.group.default if self.default is None else None)


@cache
def declared_by(*models: type[BaseModel]) -> Mapping[str, Declared]:
    """Name to field of everything that models can be given, in the order of their groups."""
    found = [one for model in models for one in _fields(model)]
    order = list(Group)
    return MappingProxyType({one.name: one for one in sorted(found, key=lambda one: order.index(one.flag.group))})


def _fields(model: type[BaseModel]) -> Iterator[Declared]:
    for name, field in model.model_fields.items():
        flag = next(one for one in field.metadata if isinstance(one, Flag))
        if flag.fields_of is not None:
            for key in _fields(flag.fields_of):
                yield replace(key, required=False, default=None, within=name)
        else:
            required = field.is_required()
            default = None if required else field.default
            or_path = any(isinstance(one, OrPath) for one in (*field.metadata, *_told(field.annotation)))
            form, text = _form(field.annotation), field.description or ""
            yield Declared(name, form, required, default, text, flag, model, or_path)


def _told(annotation: Any) -> Iterator[Any]:
    """What stands beside types in `Annotated`, anywhere in one."""
    yield from getattr(annotation, "__metadata__", ())
    for one in get_args(annotation):
        yield from _told(one)


def _form(annotation: Any) -> Any:
    """A type without `| None` and `Annotated`."""
    if get_origin(annotation) is Annotated:
        return _form(get_args(annotation)[0])
    if get_origin(annotation) not in (Union, UnionType):
        return annotation
    members = [_form(one) for one in get_args(annotation) if one is not NoneType]
    return Union[tuple(members)]  # noqa: UP007 -- the members are known when this runs
