"""What mkdocstrings cannot read from the source: what the keywords of the public functions mean.

Their signatures are in `adapterstilts/__init__.pyi`, which it reads. What help says of each keyword is made of the
fields of options when the functions are imported.
"""

from __future__ import annotations

import inspect
from typing import Any

import griffe

import adapterstilts


class Keywords(griffe.Extension):
    """Gives the functions of the stub the documentation that `help` shows."""

    def on_package(self, *, pkg: griffe.Module, **_: Any) -> None:
        """Adds it when the package and its stub are read."""
        if pkg.name == "adapterstilts":
            for name in adapterstilts.__all__:
                found = pkg.members.get(name)
                if found is not None and not found.is_alias and found.is_function:
                    text = inspect.getdoc(getattr(adapterstilts, name)) or ""
                    found.docstring = griffe.Docstring(text, parent=found)  # type: ignore[arg-type]
