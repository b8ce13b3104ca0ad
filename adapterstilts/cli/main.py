"""The command group, and how errors reach the user."""

from __future__ import annotations

import sys
from typing import Any

import click

from adapterstilts import __version__
from adapterstilts.cli.doctor import doctor
from adapterstilts.cli.export import export
from adapterstilts.cli.methods import methods
from adapterstilts.cli.runs import runs
from adapterstilts.cli.score import score
from adapterstilts.cli.tasks import tasks
from adapterstilts.cli.train_language import train_language
from adapterstilts.cli.training import train_intermediate, transfer
from adapterstilts.cli.translate import translate
from adapterstilts.errors import AstiltsError, unknown


class SuggestingGroup(click.Group):
    """A group that suggests near names for an unknown command."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Finds the command that `args` begin with."""
        if args and not args[0].startswith("-") and self.get_command(ctx, args[0]) is None:
            raise unknown("command", args[0], self.list_commands(ctx))
        return super().resolve_command(ctx, args)


@click.group(cls=SuggestingGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, prog_name="astilts")
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
def astilts(debug: bool) -> None:
    """Intermediate-task training (STILTs) with adapters, for zero-shot cross-lingual transfer.

    \b
    Try it on the embedded suite:
      astilts train-intermediate squad --profile mini
      astilts transfer --from squad --to mlqa --profile mini
    """


for command in (train_intermediate, train_language, transfer, translate, score, export, runs, tasks, methods, doctor):
    astilts.add_command(command)


def main(arguments: list[str] | None = None) -> None:
    """Runs the command line: exit code 0 for success, 2 for wrong use, 1 for failure."""
    words = sys.argv[1:] if arguments is None else arguments
    debug = "--debug" in words
    try:
        # `--debug` works wherever it stands.
        astilts.main(args=[word for word in words if word != "--debug"], prog_name="astilts", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except click.exceptions.Exit as error:
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        _fail(
            "Interrupted: what is finished is in the store; the same command goes on from the last checkpoint.",
            1,
        )
    except AstiltsError as error:
        if debug:
            raise
        _fail(str(error), error.exit_code)
    except Exception as error:
        if debug:
            raise
        _fail(f"{type(error).__name__}: {error} (this is unexpected; --debug shows where)", 1)


def _fail(message: Any, code: int) -> None:
    click.secho(f"Error: {message}", fg="red", err=True)
    sys.exit(code)
