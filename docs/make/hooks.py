"""Pages that are made of other files when the site is built."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(ROOT))  # this checkout is documented, whatever is installed

import commands
import notebooks
import reference

# Files of the top level that are pages too: page to file.
OUTSIDE = {
    "index.md": "README.md",
    "changelog.md": "CHANGELOG.md",
    "contributing.md": "CONTRIBUTING.md",
    "security.md": "SECURITY.md",
}
MERMAID = "ASTILTS_DOCS_MERMAID"
"""The variable that names a mermaid.min.js for a site that is read without a network."""


def on_config(config: Any) -> Any:
    """Puts the commands into the navigation."""
    names = [name for name in commands.pages() if name != "index"]
    listed = ["commands/index.md", *({f"astilts {name}": f"commands/{name}.md"} for name in names)]
    config["nav"] = _with(config["nav"], "commands/", listed)
    if MERMAID in os.environ:
        config["extra_javascript"].insert(0, "assets/mermaid.min.js")
    return config


def on_files(files: Files, config: Any) -> Files:
    """Adds the pages."""
    made: dict[str, str | bytes] = {
        page: from_the_top((ROOT / source).read_text(encoding="utf-8")) for page, source in OUTSIDE.items()
    }
    made |= {f"commands/{name}.md": text for name, text in commands.pages().items()}
    made |= {f"api/{name}.md": text for name, text in reference.pages().items()}
    for path in sorted((ROOT / "docs" / "notebooks").glob("*.ipynb")):
        text, pictures = notebooks.as_page(path)
        made |= {f"notebooks/{path.stem}.md": text}
        made |= {f"notebooks/{name}": content for name, content in pictures.items()}
    if MERMAID in os.environ:
        made["assets/mermaid.min.js"] = Path(os.environ[MERMAID]).read_bytes()
    for name, content in made.items():
        files.append(File.generated(config, name, content=content))
    return files


def from_the_top(text: str) -> str:
    """A page's text with links that hold from `docs/`."""
    for page, source in OUTSIDE.items():
        text = re.sub(rf"\]\({re.escape(source)}(?=[#)])", f"]({page}", text)
    return re.sub(r"\]\(docs/", "](", text)


def _with(nav: list[Any], name: str, pages: list[Any]) -> list[Any]:
    """A navigation with pages in the place of a name."""
    found = []
    for entry in nav:
        ((title, value),) = entry.items()
        if isinstance(value, list):
            value = _with(value, name, pages)
        found.append({title: pages if value == name else value})
    return found
