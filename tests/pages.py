"""Pages of the documentation as text: blocks, and the commands in them."""

from __future__ import annotations

import re
import sys
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
PAGES = (ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "SECURITY.md", *sorted(DOCS.rglob("*.md")))


def blocks(page: Path, language: str) -> list[str]:
    """The fenced blocks of a language, with or without a title."""
    text = page.read_text(encoding="utf-8")
    return re.findall(rf"^```{language}(?: [^\n]*)?\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL)


def commands(page: Path) -> list[str]:
    """Every `astilts` command of a page, without comments; those of `console` begin with `$`."""
    lines = [line for block in blocks(page, "bash") for line in block.splitlines()]
    console = [block.replace("\\\n", "") for block in blocks(page, "console")]
    lines += [line[2:] for block in console for line in block.splitlines() if line.startswith("$ ")]
    found = [re.search(r"^(?:.*\| )?(astilts .*?)(?:\s#.*|\s\|.*|\s>.*)?$", line) for line in lines]
    return [one[1] for one in found if one]


def script(name: str) -> ModuleType:
    """A file of `scripts/` as a module."""
    loader = SourceFileLoader(name, str(ROOT / "scripts" / name))
    spec = spec_from_loader(name, loader)
    assert spec
    module = module_from_spec(spec)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "dont_write_bytecode", True)
        loader.exec_module(module)
    return module
