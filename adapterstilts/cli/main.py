"""The command group, and how errors reach the user."""

from __future__ import annotations

import ast
import sys
from importlib import import_module
from importlib.resources import files
from io import StringIO

import click

from adapterstilts import __version__
from adapterstilts.cli.failing import fail
from adapterstilts.cli.processes import among_others
from adapterstilts.errors import AstiltsError, UsageError, unknown
from adapterstilts.printable import printable_message
from adapterstilts.stages.ending import ended_by_signals

# Each is the function of its name in the module of its name, with `_` for `-`.
_COMMANDS = (
    "train-intermediate", "train-language", "recommend", "transfer", "compare", "study", "translate", "predict",
    "serve", "export-model", "score", "export", "run", "runs", "push", "pull", "info", "search", "verify", "tasks",
    "methods", "doctor",
)  # fmt: skip
# The exit code of a process that ended because of Ctrl-C: 128 and the signal's number.
_INTERRUPTED = 130
_GOES_ON = "Interrupted: what is finished is in the store; the same command goes on from the last checkpoint."
# What a word that is no command is meant to do.
_MEANT = {
    **dict.fromkeys(("train", "fit", "finetune", "fine-tune", "pretrain"),
                    "`astilts train-intermediate {0}` trains an intermediate task, `astilts transfer` a target task."),
    **dict.fromkeys(("evaluate", "eval", "test"),
                    "`astilts transfer --from TASK --to TARGET` trains and scores; `astilts score` only scores."),
    **dict.fromkeys(("infer", "inference", "generate", "answer", "ask"), "`astilts predict RUN` answers."),
    **dict.fromkeys(("list", "ls", "status"), "`astilts runs` lists finished runs, `astilts tasks` the tasks."),
    **dict.fromkeys(("upload", "publish", "share"), "`astilts push {0}` shares a run."),
    **dict.fromkeys(("download", "get", "install", "load"), "`astilts pull {0}` brings a shared model here."),
    "languages": "`astilts tasks` shows the languages of every task.",
    "models": "`astilts runs` lists what was trained here, `astilts search` shared models.",
    "backbones": "`astilts doctor --backbone ID` says what works on a backbone.",
    "convert": "`astilts export-model {0}` writes a model of plain transformers, or ONNX.",
}  # fmt: skip


class Commands(click.Group):
    """Commands whose modules are imported when they are used, and near names for those that do not exist."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All of them, in the order in which they are used."""
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Imports a command."""
        if cmd_name not in _COMMANDS:
            return None
        name = cmd_name.replace("-", "_")
        found: click.Command = getattr(import_module(f"adapterstilts.cli.{name}"), name)
        return found

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Writes a line for each, without importing it."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, _summary(name.replace("-", "_"))) for name in _COMMANDS])

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Finds the command that `args` begin with."""
        if args and not args[0].startswith("-") and args[0] not in _COMMANDS:
            if args[0] in _MEANT:
                raise UsageError(f"There is no command {args[0]!r}.", remedy=_MEANT[args[0]].format(" ".join(args[1:])))
            raise unknown("command", args[0], _COMMANDS)
        return super().resolve_command(ctx, args)


def _summary(name: str) -> str:
    """The first line of a command's help, from its source."""
    source = files(__package__).joinpath(f"{name}.py").read_text(encoding="utf-8")
    function = next(node for node in ast.parse(source).body if isinstance(node, ast.FunctionDef) and node.name == name)
    return (ast.get_docstring(function) or "").partition("\n")[0]


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, prog_name="astilts")
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
def astilts(debug: bool) -> None:
    """Intermediate-task training (STILTs) with adapters, for zero-shot cross-lingual transfer.

    \b
    Try it on the embedded suite:
      astilts train-intermediate squad --profile mini
      astilts transfer --from squad --to mlqa --profile mini
    """


def main(arguments: list[str] | None = None) -> None:
    """Runs the command line: exit code 0 for success, 2 for wrong use, 1 for failure, 128 + N for signal N."""
    words = sys.argv[1:] if arguments is None else arguments
    debug = "--debug" in words
    try:
        with ended_by_signals(), among_others() as leads:
            if leads:  # `--debug` works wherever it stands
                words = [word for word in words if word != "--debug"]
                astilts.main(args=words, prog_name="astilts", standalone_mode=False)
    except click.ClickException as error:
        if "--json-lines" in words:
            fail(error, error.format_message(), error.exit_code, json_lines=True)
        text = StringIO()
        error.show(file=text)
        click.echo(printable_message(text.getvalue()), nl=False, err=True)
        sys.exit(error.exit_code)
    except click.exceptions.Exit as error:
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt) as error:
        fail(error, _GOES_ON, getattr(error, "exit_code", _INTERRUPTED))  # SIGTERM has another code
    except AstiltsError as error:
        if debug:
            raise
        fail(error, str(error), error.exit_code)
    except PermissionError as error:
        if debug:
            raise
        fail(error, f"{error.filename} cannot be read or written by this user ({error.strerror}).", 1)
    except Exception as error:
        if debug:
            raise
        from adapterstilts.runs.full_disk import is_full_disk

        if is_full_disk(error):
            where = f"{error.filename}: " if isinstance(error, OSError) and error.filename else ""
            fail(
                error,
                f"{where}No space left. What is finished is untouched: free some space, and repeat the command.",
                1,
            )
        fail(error, f"{type(error).__name__}: {error} (this is unexpected; --debug shows where)", 1)
