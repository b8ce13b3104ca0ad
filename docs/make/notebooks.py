"""Notebooks as pages, with the outputs that are in them."""

from __future__ import annotations

import re
from pathlib import Path

from nbconvert import MarkdownExporter

_EXPORTER = MarkdownExporter()
# How pandas draws the border of a table by itself; here it is a table like others.
_BORDERS = re.compile(r"<style scoped>.*?</style>\n|(?<=<table) border=\"1\" class=\"dataframe\"", re.DOTALL)


def as_page(path: Path) -> tuple[str, dict[str, bytes]]:
    """The markdown of a notebook with a link to the notebook itself, and its pictures by name."""
    text, resources = _EXPORTER.from_filename(str(path), resources={"unique_key": f"{path.stem}-files"})
    title, _, rest = text.lstrip().partition("\n")
    link = f"[This page as a notebook]({path.name}){{ .notebook }}"
    outputs = {f"{path.stem}-files_{name}": content for name, content in resources["outputs"].items()}
    for name in resources["outputs"]:
        rest = rest.replace(f"({name})", f"({path.stem}-files_{name})")
    return f"{title}\n\n{link}\n{_BORDERS.sub('', rest)}", outputs
