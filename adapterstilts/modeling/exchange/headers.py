"""The beginning of a safetensors file: names, types and places of its tensors, checked before anything is allocated.

The format: eight bytes with the length of the header (little-endian), the header as JSON, and the numbers, to which the
header's offsets refer (https://github.com/huggingface/safetensors).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path

import torch
from pydantic import StrictInt, StrictStr, TypeAdapter, ValidationError

from adapterstilts.errors import SharingError
from adapterstilts.modeling.exchange.strict_json import parse_object
from adapterstilts.settings import Strict

MOST_HEADER_BYTES = 8 << 20
TYPES = {
    "F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16, "I64": torch.int64, "I32": torch.int32,
    "I16": torch.int16, "I8": torch.int8, "U8": torch.uint8, "BOOL": torch.bool,
}  # fmt: skip
FLOATS = ("F32", "F16", "BF16")
_REMEDY = "The file is damaged or was made to harm: get it again from where it came from."


class Entry(Strict):
    """What a header says of one tensor.

    Attributes:
        data_offsets: Where its bytes begin and end, from behind the header.
    """

    dtype: StrictStr
    shape: tuple[StrictInt, ...]
    data_offsets: tuple[StrictInt, StrictInt]

    @property
    def bytes(self) -> int:
        """The size that type and shape come to."""
        return math.prod(self.shape) * TYPES[self.dtype].itemsize


_ENTRIES = TypeAdapter(dict[str, Entry])
_METADATA = TypeAdapter(dict[str, StrictStr])


def read_header(path: Path) -> dict[str, Entry]:
    """The entries of a safetensors file by the tensors' names, once they are known to cover the file exactly.

    Raises:
        SharingError: The header is longer than the file or than 8 MiB, is not of the format, or its offsets leave a
            gap, overlap, or end elsewhere than the file.
    """
    content, size = _content(path)
    parsed = parse_object(content, what=f"The header of {path}")
    try:
        _METADATA.validate_python(parsed.pop("__metadata__", {}))
        entries = _ENTRIES.validate_python(parsed)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "__metadata__"
        raise SharingError(f"The header of {path}: {where}: {first['msg']}.", remedy=_REMEDY) from None
    for name, entry in entries.items():
        _check_entry(path, name, entry)
    _check_places(path, entries, size)
    return entries


def _content(path: Path) -> tuple[bytes, int]:
    """The header's bytes, and how many follow it."""
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            if size < 8 or length > size - 8:
                raise SharingError(
                    f"{path} has {size:,} bytes, fewer than the {length + 8:,} that its header alone takes.",
                    remedy=_REMEDY,
                )
            if length > MOST_HEADER_BYTES:
                raise SharingError(
                    f"{path} has a header of {length:,} bytes, where {MOST_HEADER_BYTES:,} are the most.",
                    remedy=_REMEDY,
                )
            return file.read(length), size - 8 - length
    except OSError as error:
        raise SharingError(f"{path} cannot be read ({error.strerror}).", remedy=_REMEDY) from error


def _check_entry(path: Path, name: str, entry: Entry) -> None:
    if entry.dtype not in TYPES:
        raise SharingError(
            f"{path}: {name} is of type {entry.dtype!r}; only {', '.join(TYPES)} are read.", remedy=_REMEDY
        )
    start, end = entry.data_offsets
    if min((*entry.shape, start), default=start) < 0 or end - start != entry.bytes:
        raise SharingError(
            f"{path}: {name} of shape {list(entry.shape)} and type {entry.dtype} takes {entry.bytes:,} bytes, and its "
            f"offsets {start} to {end} have {end - start:,}.",
            remedy=_REMEDY,
        )


def _check_places(path: Path, entries: Mapping[str, Entry], size: int) -> None:
    position = 0
    for name, entry in sorted(entries.items(), key=lambda item: item[1].data_offsets):
        start, end = entry.data_offsets
        if start != position:
            what = "overlaps the tensor before it" if start < position else "leaves a gap before it"
            raise SharingError(f"{path}: {name} {what}: it begins at {start}, and {position} is due.", remedy=_REMEDY)
        position = end
    if position != size:
        raise SharingError(
            f"{path}: the tensors end at byte {position:,} of {size:,} that follow the header.", remedy=_REMEDY
        )
