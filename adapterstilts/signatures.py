"""Python functions whose keywords, and what help says of them, are the fields of options."""

from __future__ import annotations

import inspect
import re
import textwrap
from collections.abc import Callable, Iterable
from functools import wraps
from inspect import Parameter, Signature
from pathlib import Path
from typing import Any, Literal, TypeVar, get_args, get_origin

from adapterstilts.commands.options import read_all
from adapterstilts.declared import Declared, declared_by
from adapterstilts.settings import Strict

Result = TypeVar("Result")


class _Annotation(str):
    """An annotation in words, which help shows without quotes."""

    __repr__ = str.__str__


_FOLDER = "str | PathLike[str]"
# What can be given for a field of each type, where that is more than its own values.
_ACCEPTED: dict[Any, str] = {
    int | str: "int | str",
    Path: _FOLDER,
    tuple[str, ...]: "str | Sequence[str]",
    tuple[Path, ...]: f"{_FOLDER} | Sequence[{_FOLDER}]",
    tuple[Path | str, ...]: f"{_FOLDER} | Sequence[{_FOLDER}]",
    dict[str, str]: "str | Mapping[str, str]",
    dict[str, float]: "str | Mapping[str, float]",
    dict[str, tuple[int, ...]]: "int | str | Sequence[int | str] | Mapping[str, int | Sequence[int]]",
}
# Keywords that are no options, since a command line has no use for them.
_OWN = {"reporter": "Shows progress; by default only the libraries' own messages appear."}
_WIDTH = 100


def takes(*models: type[Strict]) -> Callable[[Callable[..., Result]], Callable[..., Result]]:
    """Gives a function the fields of `models` as keywords, with types, defaults and documentation.

    The function itself gets an instance of each model, read and validated, and keywords of its own.
    """
    fields = declared_by(*models)
    positional = [one for one in fields.values() if one.flag.positional]
    named = sorted((one for one in fields.values() if not one.flag.positional), key=lambda one: not one.required)

    def decorate(function: Callable[..., Result]) -> Callable[..., Result]:
        plain = inspect.signature(function)
        own = [one for one in plain.parameters.values() if one.kind is Parameter.KEYWORD_ONLY]

        @wraps(function)
        def call(*given: Any, **keywords: Any) -> Result:
            kept = {one.name: keywords.pop(one.name) for one in own if one.name in keywords}
            if len(given) > len(positional):
                counted = f"{len(positional)} positional arguments but {len(given)} were given"
                raise TypeError(f"{function.__name__}() takes {counted}")
            for one, value in zip(positional, given, strict=False):
                if one.name in keywords:
                    raise TypeError(f"{function.__name__}() got multiple values for {one.name}")
                keywords[one.name] = value
            return function(*read_all(models, keywords), **kept)

        parameters = [
            *(_parameter(one, Parameter.POSITIONAL_OR_KEYWORD) for one in positional),
            *(_parameter(one, Parameter.KEYWORD_ONLY) for one in named if one.required),
            *(one.replace(annotation=_Annotation(one.annotation)) for one in own),
            *(_parameter(one, Parameter.KEYWORD_ONLY) for one in named if not one.required),
        ]
        returned = _Annotation(plain.return_annotation)
        call.__signature__ = Signature(parameters, return_annotation=returned)  # type: ignore[attr-defined]
        call.__annotations__ = {one.name: one.annotation for one in parameters} | {"return": returned}
        described = {one.name: _described(one) for one in fields.values()} | _OWN
        lines = [f"{one.name}: {described[one.name]}" for one in parameters]
        call.__doc__ = _documented(inspect.getdoc(function) or "", lines)
        return call

    return decorate


def _parameter(one: Declared, kind: Any) -> Parameter:
    """A field as a parameter, with the type of what can be given for it."""
    accepted = _ACCEPTED.get(one.form) or _name(one.form)
    if one.or_path:
        value = ", {}]" if "Mapping[" in accepted else "{}"  # the names of a mapping are no paths
        accepted = accepted.replace(value.format("str"), value.format(_FOLDER))
    optional = " | None" if one.default is None and not one.required else ""
    default = str(one.default) if one.form is Path and one.default is not None else one.default
    return Parameter(
        one.name,
        kind,
        default=Parameter.empty if one.required else default,
        annotation=_Annotation(f"{accepted}{optional}"),
    )


def _name(form: Any) -> str:
    if get_origin(form) is Literal:
        return f"Literal[{', '.join(map(repr, get_args(form)))}]"
    return str(form.__name__)


def _documented(text: str, keywords: Iterable[str]) -> str:
    """A docstring with a line for each keyword, before what is said of results and errors."""
    wrapper = textwrap.TextWrapper(
        _WIDTH, initial_indent=" " * 4, subsequent_indent=" " * 8, break_on_hyphens=False, break_long_words=False
    )
    head, *rest = re.split(r"^(?=Returns:|Raises:)", text, maxsplit=1, flags=re.MULTILINE)
    return "\n".join([f"{head}Args:", *map(wrapper.fill, keywords), "", *rest])


def _described(one: Declared) -> str:
    unit = f" In {one.flag.unit}." if one.flag.unit and one.flag.unit not in one.text.lower() else ""
    default = f" Default: {one.unset}." if one.unset else ""
    environment = f" Environment variable: {one.flag.env}." if one.flag.env else ""
    return f"{one.text}{unit}{default}{environment}"
