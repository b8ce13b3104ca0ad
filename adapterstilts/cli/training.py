"""`astilts train-intermediate` and `astilts transfer`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

_FOLDER = click.Path(file_okay=False, path_type=Path)
_DEFAULTS = "Default: the profile's, or else the recipe's."


class Names(click.ParamType):
    """Names separated by commas."""

    name = "names"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, ...]:
        """Splits at commas; empty names are errors."""
        if isinstance(value, tuple):
            return value
        names = tuple(name.strip() for name in value.split(","))
        if not all(names):
            self.fail(f"{value!r} has an empty name.", param, ctx)
        return names


class Assignments(click.ParamType):
    """`NAME=VALUE` pairs separated by commas."""

    name = "assignments"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> dict[str, str]:
        """Splits at commas and equals signs; a name that is given twice is an error."""
        if isinstance(value, dict):
            return value
        pairs = [part.strip().partition("=") for part in value.split(",")]
        names = [name for name, _, _ in pairs]
        if not all(name and given for name, _, given in pairs) or len(set(names)) < len(names):
            self.fail(f"{value!r} is not of the form NAME=VALUE,NAME=VALUE with each name once.", param, ctx)
        return {name: given for name, _, given in pairs}


class Layer(click.ParamType):
    """A number, or text that the package reads."""

    name = "layer"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int | str:
        """Turns digits into a number."""
        return int(value) if str(value).isdigit() else str(value)


# One entry for each field of `Settings`, whose range is checked there.
_SETTINGS: dict[str, tuple[type, str]] = {
    "learning_rate": (float, "Peak learning rate."),
    "epochs": (float, "Passes over the training data."),
    "batch_size": (int, "Features per optimiser step."),
    "warmup_ratio": (float, "Share of the steps with rising learning rate."),
    "weight_decay": (float, "Weight decay of AdamW."),
    "max_grad_norm": (float, "Gradients are clipped to this norm."),
    "max_length": (int, "Longest input, in tokens."),
    "stride": (int, "Tokens shared by neighbouring windows."),
    "max_query_length": (int, "Longest question, in tokens."),
    "eval_steps": (int, "Steps between evaluations on English validation data."),
    "patience": (int, "Evaluations without improvement before training stops."),
    "max_validation_examples": (int, "Validation examples used to select the checkpoint."),
}


def training_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds the flags that every training command has."""
    flags = [
        click.option("--profile", default="paper", show_default=True, help="Set of defaults: paper or mini."),
        click.option("--backbone", metavar="ID|DIR", help="Hub id, folder, or mini. Default: the profile's."),
        click.option("--revision", help="Commit of a backbone on the Hub."),
        click.option("--method", metavar="NAME[OPTION=VALUE,...]",
                     help="What is trained; see `astilts methods`. Default: the profile's."),
        click.option("--unfreeze-backbone", is_flag=True, help="Train the backbone's own weights beside the method's."),
        click.option("--data-dir", type=_FOLDER, help="Folder with the releases' files, in XTREME's layout."),
        click.option("--store", type=_FOLDER, default="astilts-runs", envvar="ASTILTS_STORE", show_default=True,
                     show_envvar=True, help="Folder of the run store."),
        click.option("--seed", type=int, help="Seed of initialisation, dropout and batch order."),
        click.option("--precision", type=click.Choice(["auto", "fp32", "bf16"]), default="auto", show_default=True,
                     help="Number format; auto: bf16 where it is faster."),
        click.option("--load-in-4bit", is_flag=True,
                     help="Keep the frozen backbone in 4 bits (QLoRA); for peft methods, on a GPU."),
        click.option("--pooling", type=click.Choice(["first", "mean", "last"]),
                     help="How one vector of a text is read. Default: what suits the backbone."),
        click.option("--device", default="auto", show_default=True, help="auto, cpu or cuda."),
        click.option("--tokens-per-batch", type=int, default=8192, show_default=True,
                     help="Padded tokens in one micro-batch: decides memory and speed."),
        click.option("--max-train-examples", type=int, help="Upper bound on training examples."),
        click.option("--skip-bad-rows", is_flag=True, help="Count malformed rows and leave them out."),
        click.option("--force", is_flag=True, help="Compute again what the store has."),
        click.option("--json", "as_json", is_flag=True, help="Print the result as JSON."),
    ]  # fmt: skip
    for name, (kind, text) in _SETTINGS.items():
        flags.append(click.option(f"--{name.replace('_', '-')}", type=kind, help=f"{text} {_DEFAULTS}"))
    for flag in reversed(flags):
        command = flag(command)
    return command


@click.command("train-intermediate")
@click.argument("tasks", nargs=-1, required=True, metavar="TASK...")
@click.option("--languages", type=Names(), metavar="CODE,...",
              help="Languages to train in: en, and others on translations of its rows. Default: en.")  # fmt: skip
@click.option("--translations", type=_FOLDER, metavar="DIR",
              help="Folder of translations. Default with the embedded suite: its own parallel rows.")  # fmt: skip
@click.option("--sampling", type=click.Choice(["proportional", "uniform", "temperature", "capped", "weights"]),
              help="How often each of several tasks is trained on. Default: proportional to their sizes.")  # fmt: skip
@click.option("--temperature", type=float, metavar="T",
              help="For --sampling temperature: sizes to the power of 1/T; 1 is proportional.")  # fmt: skip
@click.option("--cap", type=int, metavar="N",
              help="For --sampling capped: a task of more than N features counts as if it had N.")  # fmt: skip
@click.option("--weights", type=Assignments(), metavar="TASK=W,...",
              help="For --sampling weights: the share of each task.")  # fmt: skip
@click.option("--mlm-rate", type=float, metavar="R",
              help="Mix masked language modelling in: its share of all batches, 0 to 1.")  # fmt: skip
@click.option("--mlm-languages", type=Names(), metavar="CODE,...",
              help="Languages of the text for --mlm-rate, or for the task mlm itself.")  # fmt: skip
@click.option("--separately", is_flag=True,
              help="Train a model on each task, one after the other, as separate commands would.")  # fmt: skip
@training_options
def train_intermediate(tasks: tuple[str, ...], separately: bool, as_json: bool, **options: Any) -> None:
    """Train an intermediate TASK in English, once, for any number of targets.

    Several tasks, or `all` that have training data here, share one adapter (with --method full, the backbone) and have
    a head each; learning rate, batch size and the like are the first one's. An adapter for each, as `transfer
    --composition fuse` takes them, comes from separate commands or from --separately.

    \b
    Examples:
      astilts train-intermediate squad --profile mini
      astilts train-intermediate squad --backbone xlm-roberta-base
      astilts train-intermediate squad --data-dir download --backbone ./xlm-r --max-train-examples 2000
      astilts train-intermediate squad mnli hellaswag --sampling temperature --temperature 2 --profile mini
      astilts train-intermediate squad mnli --separately --profile mini
      astilts train-intermediate squad --mlm-rate 0.1 --mlm-languages en,de,zh --profile mini
    """
    from adapterstilts import api
    from adapterstilts.cli.progress import Terminal
    from adapterstilts.commands.results import to_json
    from adapterstilts.reporting.tables import training_summary

    if separately:
        results = api.train_separately(tasks, reporter=Terminal(), **options)
        click.echo(to_json(results) if as_json else "\n\n".join(map(training_summary, results)))
    else:
        result = api.train_intermediate(tasks, reporter=Terminal(), **options)
        click.echo(to_json(result) if as_json else training_summary(result))


@click.command("transfer")
@click.option("--from", "sources", type=Names(), required=True, metavar="TASK[@KEY],...",
              help="Intermediate tasks, already trained; all for every one; none for the baseline alone.")  # fmt: skip
@click.option("--to", "targets", type=Names(), required=True, metavar="TASK,...", help="Target tasks.")
@click.option(
    "--languages",
    type=Names(),
    metavar="CODE,...",
    help="Languages to score, or pairs CONTEXT-QUESTION. Default: all of the target.",
)
@click.option("--composition", metavar="NAME[OPTION=VALUE,...]",
              help="How intermediate weights enter: stack or continue one; fuse, average or merge all of --from. "
              "Default: the method's first.")  # fmt: skip
@click.option("--head", type=click.Choice(["new", "reuse"]), default="new", show_default=True,
              help="Start from a new head or go on with the intermediate one.")  # fmt: skip
@click.option("--split", type=click.Choice(["test", "validation"]),
              help="Split to score. Default: test where the source has it, else validation.")  # fmt: skip
@click.option("--baseline/--no-baseline", default=True, show_default=True,
              help="Also run without intermediate task and report the difference.")  # fmt: skip
@click.option("--benchmark", type=click.Choice(["xtreme", "xtreme-r"]),
              help="Whose languages are scored. Default: those of the first benchmark that has the task.")  # fmt: skip
@click.option("--cross-pairs", is_flag=True,
              help="Score every pair of context and question language (G-XLT); for mlqa.")  # fmt: skip
@click.option("--train-languages", type=Names(), metavar="CODE,...",
              help="Languages to train the target in: en, and others on translations (translate-train). Default: en."
              )  # fmt: skip
@click.option("--translations", type=_FOLDER, metavar="DIR", help="Folder of translations for --train-languages.")
@click.option("--translate-test", type=_FOLDER, metavar="DIR|mini",
              help="Score English translations of the test sets, or the embedded suite's English rows.")  # fmt: skip
@click.option("--preset", metavar="NAME", help="Sentence vectors for bucc2018 and tatoeba: jiant or xtreme.")
@click.option(
    "--layer", type=Layer(), metavar="N|A/B", help="Hidden state to pool for them, or its share of the depth."
)
@click.option("--margin", type=click.Choice(["ratio", "absolute", "distance"]), help="Score of mined pairs.")
@click.option(
    "--max-eval-examples", type=int, help="Upper bound on scored examples per language. Corpora to mine stay whole."
)
@click.option("--compare", type=Names(), metavar="NAME,...",
              help="Baselines beside the sources: full, mlm, mlm-mixed, translate-intermediate, translate-target, "
              "multi-task, or all. The intermediate runs that they need are trained.")  # fmt: skip
@click.option("--compare-languages", type=Names(), metavar="CODE,...",
              help="Languages of their text and translations beside English. Default: those evaluated.")  # fmt: skip
@click.option("--mlm-rate", type=float, metavar="R",
              help="Share of masked language modelling in --compare mlm-mixed. Default: 0.1.")  # fmt: skip
@click.option("--select", is_flag=True,
              help="Also report the row with the best English validation score, and an oracle.")  # fmt: skip
@click.option("--seeds", type=int, default=1, show_default=True,
              help="Repeat the target phase with so many seeds; report mean and standard deviation.")  # fmt: skip
@click.option("--language-adapters", is_flag=True,
              help="Train over the English language adapter, evaluate each language with its own (MAD-X).")  # fmt: skip
@click.option("--language-adapter", type=Assignments(), metavar="CODE=KEY,...",
              help="Which run to take for a language that has several language adapters.")  # fmt: skip
@click.option("--language-fallback", metavar="none|en|CODE",
              help="What languages without a language adapter are evaluated with.")  # fmt: skip
@click.option("--language-adapter-drop", type=int, default=0, show_default=True,
              help="Leave language adapters out of the last layers.")  # fmt: skip
@training_options
def transfer(sources: tuple[str, ...], targets: tuple[str, ...], as_json: bool, **options: Any) -> None:
    """Train target tasks in English from intermediate ones, and score them zero-shot in every language.

    \b
    Examples:
      astilts transfer --from squad --to mlqa --profile mini
      astilts transfer --from all --to mlqa --select --seeds 3 --profile mini
      astilts transfer --from squad --to xquad,mlqa --languages en,de,zh --data-dir download --backbone ./xlm-r
    """
    from adapterstilts import api
    from adapterstilts.cli.progress import Terminal
    from adapterstilts.commands.results import to_json
    from adapterstilts.reporting.tables import transfer_tables

    result = api.transfer(sources, targets, reporter=Terminal(), **options)
    click.echo(to_json(result) if as_json else transfer_tables(result))
