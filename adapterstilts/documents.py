"""Files that people write, such as recipes, studies and commands, read so that what is wrong is said of them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from adapterstilts.errors import AstiltsError, DataError
from adapterstilts.files import CHECK, no_file
from adapterstilts.parsed import check_plain, shortened

_LARGEST = 16 << 20
# Parsers go as deep as brackets and dashes that open one another, and may end the process with it.
_DEEPEST = 500
_BRACKET = re.compile(r"[\[\]{}]")
_DASHES = re.compile(r"(?:[-?:][ \t]+){500}")


def read_document(path: Path, *, error: type[AstiltsError] = DataError, remedy: str = CHECK) -> str:
    """The text of a file that a person has written.

    Args:
        error: What is raised.
        remedy: What to do where the file is not there.

    Raises:
        AstiltsError: It is no file, cannot be read, is too large, or is not in UTF-8.
    """
    if found := no_file(path):
        raise error(f"{path} {found[0]}.", remedy=remedy if found[1] == CHECK else found[1])
    try:
        with path.open("rb") as file:
            content = file.read(_LARGEST + 1)
    except OSError as reason:
        raise error(f"{path} cannot be read ({reason.strerror}).", remedy=remedy) from None
    if len(content) > _LARGEST:
        raise error(f"{path} has more than {_LARGEST >> 20} MiB.", remedy="Check that it is the right file.")
    content = content.removeprefix(b"\xef\xbb\xbf")
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as reason:
        line = content.count(b"\n", 0, reason.start) + 1
        raise error(
            f"{path}, line {line}: byte 0x{content[reason.start]:02x} is not UTF-8.", remedy="Save the file as UTF-8."
        ) from None
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise error(
            f"{path}, line {line}: it has zero bytes, as a file in UTF-16 and one that is no text have.",
            remedy="Save the file as UTF-8.",
        )
    return text


def parse_yaml(text: str, *, where: str, error: type[AstiltsError] = DataError, loader: Any = yaml.SafeLoader) -> Any:
    """The value that a text is as YAML, of which JSON is a part.

    Raises:
        AstiltsError: It is none, or has numbers that are not finite or too long, or values that are nested too deeply.
    """
    (found,) = parse_yaml_documents(text, where=where, error=error, loader=loader, several=False)
    return found


def parse_yaml_documents(
    text: str,
    *,
    where: str,
    error: type[AstiltsError] = DataError,
    loader: Any = yaml.SafeLoader,
    several: bool = True,
) -> list[Any]:
    """The values of all documents of a text; see `parse_yaml`."""
    try:
        if _depth(text) > _DEEPEST or _DASHES.search(text):
            raise ValueError(f"lists and objects are nested more than {_DEEPEST} deep")
        found = list(_values(loader(text), several=several))
        check_plain(found)
    except yaml.MarkedYAMLError as reason:
        mark = reason.problem_mark or reason.context_mark
        place = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
        said = ", ".join(one for one in (reason.context, reason.problem) if one)
        raise error(f"{where} is no YAML: {place}{said}.", remedy="Mend it at that place.") from None
    except (RecursionError, yaml.YAMLError, ValueError, ArithmeticError, LookupError, TypeError, AttributeError) as odd:
        # What YAML makes of a word can be no number, date or name after all: each of its types has an error of its own.
        said = "its values are nested too deeply" if type(odd) is RecursionError else " ".join(str(odd).split())
        raise error(f"{where} is no YAML that can be used: {shortened(said)[1:-1]}.", remedy="Mend the file.") from None
    return found


def _values(loader: Any, *, several: bool) -> Iterator[Any]:
    """As `yaml.load_all` or `yaml.load`, which would silently take the last value of a key that is there twice."""
    try:
        while loader.check_node() if several else True:
            node = loader.get_node() if several else loader.get_single_node()
            _check_keys(node)
            yield None if node is None else loader.construct_document(node)
            if not several:
                return
    finally:
        loader.dispose()


def _check_keys(root: yaml.Node | None) -> None:
    """Refuses mappings that have a key twice, as it is written in them; what is merged into them may have it too."""
    waiting: list[Any] = [root]
    seen: set[int] = set()
    while waiting:
        node = waiting.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        match node:
            case yaml.SequenceNode():
                waiting += node.value
            case yaml.MappingNode():
                names: set[tuple[str, str]] = set()
                for key, value in node.value:
                    waiting += (key, value)
                    name = (key.tag, str(key.value))
                    if name in names:
                        said = f"{shortened(key.value)} is there twice"
                        raise yaml.MarkedYAMLError(problem=said, problem_mark=key.start_mark)
                    names.add(name)


def _depth(text: str) -> int:
    """How many brackets are open at most, those in quotation marks included."""
    deepest = depth = 0
    for found in _BRACKET.finditer(text):
        depth += 1 if found[0] in "[{" else -1
        deepest = max(deepest, depth)
    return deepest
