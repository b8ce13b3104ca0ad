"""Which of a backbone's tensors belong to an adapter: those in the containers in which its library keeps adapters.

Names alone do not tell: an adapter can be called as a module is, or as a head.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import accumulate, chain

from torch import nn


def has_part(container: nn.Module, name: str) -> bool:
    """Whether a module has a module, parameter or buffer of this name directly in it."""
    parts = chain(
        container.named_children(), container.named_parameters(recurse=False), container.named_buffers(recurse=False)
    )
    return any(own == name for own, _ in parts)


def paths_in(containers: Iterable[str], paths: Iterable[str], name: str, *, called: str) -> dict[str, str]:
    """Those of `paths` that lie in the part `name` of a container, and what they are where that part is `called` so."""
    parts = {f"{container}.{name}": f"{container}.{called}" for container in containers}
    found = {}
    for path in paths:
        beginnings = accumulate(path.split("."), "{}.{}".format)
        if part := next((one for one in beginnings if one in parts), None):
            found[path] = parts[part] + path[len(part) :]
    return found
