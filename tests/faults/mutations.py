"""Files and words with a fault in them: what a disk, a download, an editor or a stranger makes of good ones.

Everything is drawn from a `random.Random`, so that a test of hypothesis and a script find the same fault again by its
seed.
"""

from __future__ import annotations

import copy
import json
import os
import pickle
import shutil
import tarfile
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a2146\nsize 12345\n"
PAGE = b"<!DOCTYPE html>\n<html><head><title>Log in</title></head><body>403</body></html>\n"

CANARY = "ASTILTS_CANARY"
"""The environment variable that names a file which only code of a stranger would make."""


class _Payload:
    """What makes the file when its pickle is read."""

    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, (f'touch "${CANARY}"',)


_CODE = f"import os\nopen(os.environ[{CANARY!r}], 'w').close()\n".encode()
# Files that would be run by a reader that trusts them, by a name that readers look for.
EXECUTABLE = {
    "pytorch_model.bin": pickle.dumps(_Payload()), "pytorch_adapter.bin": pickle.dumps(_Payload()),
    "adapter_model.bin": pickle.dumps(_Payload()), "modeling.py": _CODE, "configuration.py": _CODE,
    "sitecustomize.py": _CODE,
    "tokenizer.pkl": pickle.dumps(_Payload()),
    "task.yaml": f"!!python/object/apply:os.system ['touch ${CANARY}']".encode(),
}  # fmt: skip

# Values that stand where another one is due.
VALUES: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 2**31, 2**63, -(2**63), 10**40, 0.5, -0.0, 1e-320, 1e300, float("nan"), float("inf"),
    float("-inf"), "", " ", "\0", "\x1b[2J", "a\rb\nc\td", "é" * 3, "\U0001f600", "‮abc", "../../etc/passwd", "~",
    "none",
    "NaN", "1e400", "9" * 500, "x" * 5000, [], [[]], [None], {}, {"": None}, {"a": {"a": {}}}, list(range(300)),
)  # fmt: skip
# Bytes that are put into a file.
PIECES = (
    b"\0", b"\0\0\0\0", b"\xff", b"\xfe\xff", b"\xef\xbb\xbf", b"\x1b[31m", b"\x9b31m", b"\r", b"\r\n", b"\n", b"\n\n",
    b"\t",
    b'"', b"'", b"\\", b"{", b"}", b"[", b"]", b",", b":", b"---\n", b"&a [*a]", b"!!python/name:os.system", b"-",
    b"1e400",
    b"NaN", b".inf", b"9" * 5000, b"[" * 100_000, b'{"a":' * 2000, b"\\ud800", "é".encode("cp1252"), b"x" * 5000,
)  # fmt: skip


def _cut(content: bytes, rng: Random) -> bytes:
    return content[: rng.randrange(len(content) + 1)]


def _flip(content: bytes, rng: Random) -> bytes:
    if not content:
        return content
    at = rng.randrange(len(content))
    return content[:at] + bytes([content[at] ^ (1 << rng.randrange(8))]) + content[at + 1 :]


def _insert(content: bytes, rng: Random) -> bytes:
    at = rng.randrange(len(content) + 1)
    return content[:at] + rng.choice(PIECES) + content[at:]


def _delete(content: bytes, rng: Random) -> bytes:
    first, last = sorted(rng.randrange(len(content) + 1) for _ in range(2))
    return content[:first] + content[last:]


def _repeat(content: bytes, rng: Random) -> bytes:
    first, last = sorted(rng.randrange(len(content) + 1) for _ in range(2))
    return content[:last] + content[first:]


def _other(content: bytes, rng: Random) -> bytes:
    """The same text in another form, or something else in its place."""
    text = content.decode("utf-8", "replace")
    return rng.choice([
        text.encode("utf-16"), text.encode("utf-16-le"), text.encode("utf-32"), text.encode("cp1252", "replace"),
        content.replace(b"\n", b"\r"), content.replace(b"\n", b"\r\n"), b"\xef\xbb\xbf" + content, POINTER, PAGE, b"",
        b" \n",
        b"\0" * 600, content * 2, b"\x1f\x8b" + content, b"PK\x03\x04" + content, b"%PDF-1.7\n", b"PAR1",
    ])  # fmt: skip


_BYTES: tuple[Callable[[bytes, Random], bytes], ...] = (_cut, _flip, _insert, _insert, _delete, _repeat, _other)


def mutated_bytes(content: bytes, rng: Random) -> bytes:
    """The content of a file with one fault or a few; JSON is often changed where its values are."""
    if rng.random() < 0.5:
        try:
            return json.dumps(mutated_value(json.loads(content), rng)).encode()
        except (ValueError, RecursionError):
            pass
    for _ in range(rng.choice((1, 1, 1, 2, 4))):
        content = rng.choice(_BYTES)(content, rng)
    return content


def mutated_value(value: Any, rng: Random) -> Any:
    """A value of JSON or YAML of which a part is left out, doubled, or of another type."""
    found = copy.deepcopy(value)
    for _ in range(rng.choice((1, 1, 2))):
        places = list(_places(found))
        if not places:
            return _value(rng)
        holder, name = rng.choice(places)
        match rng.randrange(5):
            case 0:
                del holder[name]
            case 1 if hasattr(holder, "keys"):
                holder[rng.choice(("", "extra", "\x1b[2J", "id", "name", "options"))] = _value(rng)
            case 2:
                inside = holder[name]
                for _ in range(rng.choice((1, 50, 300))):
                    inside = [inside]
                holder[name] = inside
            case _:
                holder[name] = _value(rng)
    return found


def _value(rng: Random) -> Any:
    return copy.deepcopy(rng.choice(VALUES))


def _places(value: Any, depth: int = 0) -> Any:
    """(holder, name or number) of every value inside."""
    if depth > 20:
        return
    match value:
        case dict():
            names: list[Any] = list(value)
        case list():
            names = list(range(len(value)))
        case _:
            return
    for name in names:
        yield value, name
        yield from _places(value[name], depth + 1)


def mutated_words(words: str, rng: Random) -> str:
    """Words of a command or an option with a fault in them; no word begins with a dash that did not."""
    piece = rng.choice((
        "", " ", ",", "=", "[", "]", "@", "+", "-", "/", ".", "#", ":", "..", "~", "%", "{x}", "{", "\t", "\n",
        "\x1b[2J", "é",
        "中",
        "NaN", "inf", "-inf", "1e400", "1e-400", "-1", "0", "1" * 30, "9" * 5000, "null", "true", "none", "all",
        "0-99999999999",
        "[" * 3000, "x" * 5000, "\ud800", "‮",
    ))  # fmt: skip
    first, last = sorted(rng.randrange(len(words) + 1) for _ in range(2))
    return rng.choice(
        (words[:first] + piece + words[first:], words[:first] + piece + words[last:], piece, words[:first])
    )


def mutate_place(path: Path, rng: Random) -> str:
    """Puts something that is no file in the place of one; says what."""
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
    what = rng.choice(("absent", "folder", "pipe", "loop", "device", "dangling"))
    if what == "folder":
        path.mkdir()
    elif what == "pipe":
        os.mkfifo(path)
    elif what in ("loop", "device", "dangling"):
        path.symlink_to({"loop": path.name, "device": "/dev/zero", "dangling": "nowhere"}[what])
    return what


def mutate_file(path: Path, rng: Random) -> str:
    """Changes a file in place, or what lies in its place; says what was done."""
    if rng.random() < 0.1:
        return mutate_place(path, rng)
    path.write_bytes(mutated_bytes(path.read_bytes(), rng))
    return "content"


def mutate_folder(folder: Path, rng: Random) -> str:
    """Changes one of a folder's files, or adds one; says which."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    if not files or rng.random() < 0.05:
        (folder / rng.choice(("extra.json", "x\x1b[2J", "é", ".hidden", "a b"))).write_bytes(rng.choice(PIECES))
        return "an additional file"
    if rng.random() < 0.1:
        name = rng.choice(sorted(EXECUTABLE))
        (folder / name).write_bytes(EXECUTABLE[name])
        return f"{name} with code"
    path = rng.choice(files)
    return f"{path.relative_to(folder)}: {mutate_file(path, rng)}"


def evil_archive(original: Path, file: Path, rng: Random) -> str:
    """Writes a tar file with the members of another, of which one is somewhere else or something else."""
    with tarfile.open(original) as read, tarfile.open(file, "w") as write:
        members = read.getmembers()
        chosen = rng.randrange(len(members))
        what = rng.choice(("outside", "absolute", "link", "hard link", "device", "pipe", "twice", "large", "folder"))
        for number, member in enumerate(members):
            content = read.extractfile(member) if member.isfile() else None
            if number == chosen:
                _make_evil(member, what, file.with_name("elsewhere"))
                content = content if member.isfile() else None
                if what == "twice":
                    write.addfile(member, read.extractfile(member) if content else None)
            write.addfile(member, content)
    return what


def _make_evil(member: tarfile.TarInfo, what: str, elsewhere: Path) -> None:
    match what:
        case "outside":
            member.name = f"../../../../{member.name}"  # out of the store
        case "absolute":
            member.name = f"{elsewhere}/{member.name}"
        case "link" | "hard link":
            member.type = tarfile.SYMTYPE if what == "link" else tarfile.LNKTYPE
            member.linkname, member.size = "../../../etc/passwd", 0
        case "device" | "pipe" | "folder":
            member.type = {"device": tarfile.CHRTYPE, "pipe": tarfile.FIFOTYPE, "folder": tarfile.DIRTYPE}[what]
            member.size = 0
        case "large":
            member.name += "x" * 5000
