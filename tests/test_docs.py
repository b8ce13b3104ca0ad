"""Pages in `docs/`: what they say of the program holds, and the site that is made of them is whole."""

from __future__ import annotations

import html
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import click
import pytest

import adapterstilts
from adapterstilts.cli.main import astilts
from adapterstilts.commands.options import TransferOptions
from adapterstilts.declared import declared_by
from adapterstilts.reporting.plan import plan_mermaid
from tests.cli.test_commands import COMMANDS
from tests.pages import DOCS, PAGES, ROOT, blocks, commands

# Commands that train or predict with the backbone and the data of the Hub, where no option says otherwise.
OF_THE_HUB = ("train-intermediate", "transfer", "train-language", "translate", "compare")


def without_keys(text: str) -> str:
    """Keys as numbers in the order in which they appear: they depend on the libraries' versions."""
    keys = list(dict.fromkeys(re.findall(r"\bs[0-9a-f]{12}\b", text)))
    for number, key in enumerate(keys):
        text = text.replace(key, f"stage-{number}")
    return text


def test_the_picture_of_a_graph_is_what_the_command_prints(tmp_path: Path) -> None:
    page = (DOCS / "architecture.md").read_text(encoding="utf-8")
    (picture,) = re.findall(r"^```mermaid\n(.*?)\n^```", page, flags=re.MULTILINE | re.DOTALL)
    plan = adapterstilts.plan(
        adapterstilts.transfer,
        ["squad", "mnli"],
        "mlqa",
        compare=("full", "multi-task"),
        profile="mini",
        store=tmp_path,
    )
    assert without_keys(picture) == without_keys(plan_mermaid(plan))


def test_the_rooms_are_those_of_the_package() -> None:
    page = (DOCS / "architecture.md").read_text(encoding="utf-8")
    rooms = {path.name for path in Path(adapterstilts.__file__).parent.iterdir() if (path / "__init__.py").is_file()}
    assert {f"`{room}/`" for room in rooms} <= set(re.findall(r"`\w+/`", page))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_of_a_page_is_valid(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Commands that need the Hub or files of the user's are parsed, with every flag they use."""
    monkeypatch.chdir(tmp_path)
    Path("experiment.yaml").touch()
    for line in commands(page):
        command, words = astilts, shlex.split(line)[1:]
        while isinstance(command, click.Group) and words:
            context = click.Context(command)
            if words[0] not in command.list_commands(context):
                break
            command = command.get_command(context, words.pop(0))  # type: ignore[assignment]
        command.make_context(line, words)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_that_need_the_hub_are_marked(page: Path) -> None:
    for line in (line for block in blocks(page, "bash") for line in block.splitlines()):
        words = shlex.split(line.partition(" #")[0])
        if words[:1] != ["astilts"] or words[1] not in OF_THE_HUB:
            continue
        here = {"mini", "--plan"} & set(words) or {"--data-dir", "--backbone"} <= set(words)
        assert here or "Hub" in line.partition(" # ")[2], f"{page.name}: {line}"


def test_pages_have_commands_of_every_kind() -> None:
    found = [line.split()[1] for page in PAGES for line in commands(page)]
    assert len(found) > 90
    assert {path[0] for path in COMMANDS if path} <= set(found)


FLAG = r"(?<![\w-])--[a-z][a-z0-9-]+"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_flags_in_a_text_exist(page: Path) -> None:
    options = [one for command in COMMANDS.values() for one in command.params]
    flags = {flag for one in options for flag in (*one.opts, *one.secondary_opts)}
    others = {"--help", "--strict", "--table"}  # of click itself, mkdocs and a script
    for text in re.findall(r"(?<!`)`(?!`)([^`\n]+)`", page.read_text(encoding="utf-8")):
        used = set(re.findall(FLAG, text))
        script = ROOT / text.split()[0]
        of_script = text.startswith("scripts/") and script.is_file()
        known = set(re.findall(FLAG, script.read_text(encoding="utf-8"))) if of_script else flags | others
        assert used <= known, text


def build(root: Path, site: Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--clean", "-d", str(site)]
    command += ["-f", str(root / "docs" / "make" / "mkdocs.yml")]
    return subprocess.run(command, cwd=root, capture_output=True, text=True, check=False, env=environment)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built site."""
    pytest.importorskip("mkdocs")
    folder = tmp_path_factory.mktemp("site")
    done = build(ROOT, folder)
    assert done.returncode == 0 and "WARNING" not in done.stderr, done.stderr
    return folder


def words(page: Path) -> str:
    """What is read on a page."""
    text = page.read_text(encoding="utf-8")
    return html.unescape(re.sub(r"<[^>]+>", "", text[text.index("<article") : text.index("</article>")]))


def test_every_command_and_flag_is_on_the_site(site: Path) -> None:
    count = 0
    for path, command in COMMANDS.items():
        if path and not command.hidden:
            page = site / "commands" / f"{path[0]}.html"
            text = page.read_text(encoding="utf-8")
            assert f">astilts {' '.join(path)}<" in text
            read = words(page)
            for one in command.params:
                anchor = "-".join((*path, one.name or ""))
                assert re.search(rf'<code class="flag" id="{anchor}">|<code id="{anchor}" class="flag">', text), anchor
                names = one.opts if isinstance(one, click.Option) else [one.human_readable_name]
                assert [name for name in names if name not in read] == []
                count += 1
    assert count > 300
    listed = words(site / "commands" / "index.html")
    for path, command in COMMANDS.items():
        assert len(path) != 1 or str(command.help).partition("\n")[0] in listed


def test_every_function_and_keyword_is_on_the_site(site: Path) -> None:
    page = (site / "api" / "functions.html").read_text(encoding="utf-8")
    assert {f'id="adapterstilts.{name}"' for name in adapterstilts.__all__ if name[0].islower()} <= set(
        re.findall(r'id="[\w.]+"', page)
    )
    text = " ".join(words(site / "api" / "functions.html").split())
    for one in declared_by(TransferOptions).values():
        assert one.name in text and " ".join(one.text.replace("`", "").split()) in text, one.name
    results = (site / "api" / "results.html").read_text(encoding="utf-8")
    for name in (name for name in adapterstilts.__all__ if name[0].isupper() and name != "AstiltsError"):
        assert re.search(rf'id="adapterstilts\.[\w.]+\.{name}"', results), name


def test_the_site_loads_nothing_from_elsewhere(site: Path) -> None:
    """But the script that draws mermaid diagrams, which CONTRIBUTING.md says."""
    for page in site.rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        loaded = re.findall(r'<(?:script|img|iframe)[^>]* src="([^"]+)"|<link [^>]*href="([^"]+)"', text)
        assert not [one for both in loaded for one in both if one.startswith(("http", "//"))], page.name


@pytest.mark.slow
def test_a_page_without_entry_and_a_broken_link_are_errors(tmp_path: Path) -> None:
    pytest.importorskip("mkdocs")
    shutil.copytree(DOCS, tmp_path / "docs", ignore=shutil.ignore_patterns("notebooks"))
    for name in ("README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md"):
        shutil.copyfile(ROOT / name, tmp_path / name)
    (tmp_path / "adapterstilts").symlink_to(ROOT / "adapterstilts")
    (tmp_path / "docs" / "lost.md").write_text("# Lost\n\n[a](gone.md) [b](tasks.md#gone)\n", encoding="utf-8")
    done = build(tmp_path, tmp_path / "site")
    said = " ".join(done.stderr.split())
    assert done.returncode != 0
    assert "lost.md" in said.partition('not included in the "nav" configuration')[2]
    assert "link 'gone.md', but the target is not found" in said
    assert "link 'tasks.md#gone', but the doc 'tasks.md' does not contain an anchor '#gone'" in said
