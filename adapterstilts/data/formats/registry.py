"""The formats by name, and what every reader is given and gives."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias, get_args, get_origin, get_type_hints

from adapterstilts.data.bad_rows import BadRows
from adapterstilts.errors import DataError, unknown
from adapterstilts.registry import Registry

Records: TypeAlias = Iterator[tuple[str, dict[str, Any]]]
"""(where in the file, record) of every record: `line 12`, or `question 'a' of paragraph 3 of article 0`."""

Reader: TypeAlias = Callable[..., Records]
"""Arguments: the files, the language that is wanted, what to do with bad records, and the format's options."""


@dataclass(frozen=True)
class Format:
    """A format's reader, which checks what it is given before it reads.

    Attributes:
        files: What the files are, in the order in which they are given.
        required: How many of them must be given.
        more: Whether any number of files may follow.
    """

    name: str
    reader: Reader
    files: tuple[str, ...]
    required: int
    more: bool = False

    @property
    def options(self) -> tuple[str, ...]:
        """Names of the options that a recipe can set."""
        parameters = inspect.signature(self.reader).parameters.values()
        return tuple(one.name for one in parameters if one.kind is inspect.Parameter.KEYWORD_ONLY)

    def __call__(self, paths: tuple[Path, ...], language: str, bad: BadRows, **options: Any) -> Records:
        """Reads the records.

        Args:
            paths: Files, in the order of `files`.
            language: ISO 639-1 code, for formats that hold several languages or write one into ids.
            options: Keyword arguments of the reader, from the recipe.

        Raises:
            DataError: The wrong number of files, a missing or unreadable one, or a bad record that is not skipped.
            UsageError: The format has no such option, or the option no such value.
        """
        if len(paths) < self.required or (len(paths) > len(self.files) and not self.more):
            raise DataError(
                f"Format {self.name!r} reads {' + '.join(self.files)}, and was given {len(paths)} files.",
                remedy="Mend 'splits' in the recipe.",
            )
        types = get_type_hints(self.reader)
        for name, value in options.items():
            if name not in self.options:
                raise unknown(f"option of format {self.name!r}", name, self.options)
            if get_origin(types[name]) is Literal and value not in get_args(types[name]):
                raise unknown(f"{name} of format {self.name!r}", str(value), get_args(types[name]))
        return self.reader(paths, language, bad, **options)


FORMATS: Registry[Format] = Registry("file format")


def register(name: str, *files: str, required: int | None = None, more: bool = False) -> Callable[[Reader], Format]:
    """Decorator that makes a reader the format `name`.

    Args:
        files: What its files are, in order.
        required: How many of them must be given; all, if not said.
        more: Whether any number of files may follow.
    """

    def add(reader: Reader) -> Format:
        count = len(files) if required is None else required
        return FORMATS.add(name, Format(name=name, reader=reader, files=files, required=count, more=more))

    return add
