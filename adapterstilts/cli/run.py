"""`astilts run`."""

from __future__ import annotations

from pathlib import Path

import click

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command("run", context_settings={"ignore_unknown_options": True})
@click.argument("file", type=_FILE)
@click.argument("more", nargs=-1, type=click.UNPROCESSED)
@click.pass_context
def run(context: click.Context, file: Path, more: tuple[str, ...]) -> None:
    """Run the command that FILE describes, or one after the other if it has several documents.

    Its keys are the command's flags without dashes, and `command` is its name. Flags after FILE are added, and win.
    `--save-config FILE` of a command writes such a file.

    \b
    Examples:
      astilts run experiment.yaml
      astilts run experiment.yaml --seeds 5 --plan
    """
    from adapterstilts.cli.run_file import read_commands

    root = context.find_root().command
    assert isinstance(root, click.Group)
    for words in read_commands(file, root):
        at = words.index("--") if "--" in words else len(words)
        root.main(args=[*words[:at], *more, *words[at:]], prog_name="astilts", standalone_mode=False)
