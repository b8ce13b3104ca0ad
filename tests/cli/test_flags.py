"""Commands made of fields: every type of value, help, and where a value comes from."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any, Literal

import click
import pytest
from click.testing import CliRunner
from pydantic import Field

from adapterstilts.cli.flags import GroupedCommand, GroupedGroup, fields
from adapterstilts.commands.options.values import Assignments, Folders, Layer, Names, Weights
from adapterstilts.declared import Flag, Group
from adapterstilts.errors import UsageError
from adapterstilts.settings import Strict


class Words(Strict):
    names: Annotated[Names, Flag(metavar="NAME...")] = Field(description="Names of things.")


class Forms(Strict):
    text: Annotated[str | None, Flag(Group.RUN, unset="nothing")] = Field(None, description="Some text.")
    count: Annotated[int, Flag(Group.TRAINING, unit="steps")] = Field(3, ge=1, description="A count, see `rate=0.5`.")
    rate: Annotated[float | None, Flag(Group.TRAINING, unit="share")] = Field(None, description="A rate.")
    quiet: Annotated[bool, Flag(Group.RUN)] = Field(False, description="Say nothing.")
    checked: Annotated[bool, Flag(Group.RUN)] = Field(True, description="Check it.")
    form: Annotated[Literal["long", "short"] | None, Flag(Group.RUN)] = Field(None, description="A choice.")
    from_: Annotated[Names, Flag(Group.DATA, metavar="CODE,...")] = Field(("en",), description="Several names.")
    keys: Annotated[Assignments | None, Flag(Group.DATA, metavar="A=B,...")] = Field(None, description="A mapping.")
    weights: Annotated[Weights | None, Flag(Group.DATA, metavar="A=W,...")] = Field(None, description="Numbers.")
    layer: Annotated[Layer | None, Flag(Group.MODEL, metavar="N|A/B")] = Field(None, description="A layer.")
    out: Annotated[Path, Flag(Group.RUN, env="ASTILTS_OUT")] = Field(Path("out"), description="A folder.")
    folders: Annotated[Folders, Flag(Group.DATA, env="ASTILTS_IN")] = Field((), description="Folders.")


@click.command("probe", cls=GroupedCommand)
@fields(Words, Forms)
def probe(words: Words, forms: Forms) -> tuple[Words, Forms]:
    """Give back what was read."""
    return words, forms


def read(*words: str) -> tuple[Words, Forms]:
    result = CliRunner().invoke(probe, list(words), catch_exceptions=False, standalone_mode=False)
    assert result.return_value is not None, result.output
    return result.return_value


@pytest.mark.parametrize(
    ("flags", "values"),
    [
        ([], Forms().model_dump()),
        (["--text", "x", "--count", "5", "--rate", "0.5"], {"text": "x", "count": 5, "rate": 0.5}),
        (["--quiet", "--no-checked", "--form", "short"], {"quiet": True, "checked": False, "form": "short"}),
        (["--checked", "--from", "de, zh", "--layer", "7"], {"checked": True, "from_": ("de", "zh"), "layer": 7}),
        (["--keys", "a=b,c=d", "--weights", "a=1"], {"keys": {"a": "b", "c": "d"}, "weights": {"a": 1.0}}),
        (["--out", "x", "--folders", "a", "--folders", "b"], {"out": Path("x"), "folders": (Path("a"), Path("b"))}),
    ],
)  # fmt: skip
def test_every_type_has_a_flag(flags: list[str], values: dict[str, Any]) -> None:
    words, forms = read("one", "two", *flags)
    assert words.names == ("one", "two")
    assert forms.model_dump() == {**Forms().model_dump(), **values}


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (
            ["--count", "0"],
            "--count: Input should be greater than or equal to 1 (given: 0). Numbers from 1 are allowed.",
        ),
        (["--from", "de,"], "--from: A name is empty (given: 'de,')."),
        (["--keys", "a"], "--keys: It is not of the form NAME=VALUE,NAME=VALUE with each name once (given: 'a')."),
    ],
)
def test_a_wrong_value_is_named_by_its_flag(flags: list[str], message: str) -> None:
    with pytest.raises(UsageError) as error:
        read("one", *flags)
    assert str(error.value) == message


def test_help_is_made_of_the_fields() -> None:
    shown = CliRunner().invoke(probe, ["--help"], terminal_width=80).output
    assert shown.splitlines()[5:] == [
        "  NAME...                   Names of things.",
        "",
        "Model:",
        "  --layer N|A/B             A layer.",
        "",
        "Data:",
        "  --from CODE,...           Several names.  [default: en]",
        "  --keys A=B,...            A mapping.",
        "  --weights A=W,...         Numbers.",
        "  --folders DIR             Folders. May be repeated.  [env var: ASTILTS_IN]",
        "",
        "Training:",
        "  --count STEPS             A count, see --rate 0.5.  [default: 3]",
        "  --rate SHARE              A rate.",
        "",
        "Run:",
        "  --text TEXT               Some text. Default: nothing.",
        "  --quiet                   Say nothing.",
        "  --checked / --no-checked  Check it.  [default: checked]",
        "  --form [long|short]       A choice.",
        "  --out DIR                 A folder.  [env var: ASTILTS_OUT; default: out]",
        "  --help                    Show this message and exit.",
    ]


def test_a_flag_wins_over_that_of_the_group_and_both_over_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    @click.group(cls=GroupedGroup)
    @fields(Forms)
    def several(forms: Forms) -> None:
        """Give nothing back."""

    several.add_command(probe)

    def out(*words: str) -> tuple[Path, tuple[Path, ...]]:
        forms = CliRunner().invoke(several, list(words), catch_exceptions=False, standalone_mode=False).return_value[1]
        return forms.out, forms.folders

    monkeypatch.setenv("ASTILTS_OUT", "environment")
    monkeypatch.setenv("ASTILTS_IN", os.pathsep.join(["a", "b"]))
    assert out("probe", "one") == (Path("environment"), (Path("a"), Path("b")))
    assert out("--out", "group", "--folders", "c", "probe", "one") == (Path("group"), (Path("c"),))
    assert out("--out", "group", "probe", "one", "--out", "own")[0] == Path("own")


def test_a_flag_of_the_group_that_the_command_does_not_have_is_refused() -> None:
    @click.group(cls=GroupedGroup)
    @fields(Forms)
    def several(forms: Forms) -> None:
        """Give nothing back."""

    @several.command("plain")
    @fields(Words)
    def plain(words: Words) -> Words:
        """Give the words back."""
        return words

    assert CliRunner().invoke(several, ["plain", "one"], standalone_mode=False).return_value.names == ("one",)
    with pytest.raises(UsageError, match=r"^--count has no meaning for `several plain`\. Leave it out\.$"):
        CliRunner().invoke(several, ["--count", "4", "plain", "one"], catch_exceptions=False, standalone_mode=False)


def test_a_wrong_value_of_the_environment_is_named_by_its_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    class Counted(Strict):
        count: Annotated[int, Flag(Group.RUN, env="ASTILTS_COUNT")] = Field(3, ge=1, description="A count.")

    command = click.command("count", cls=GroupedCommand)(fields(Counted)(lambda counted: counted.count))
    monkeypatch.setenv("ASTILTS_COUNT", "0")
    with pytest.raises(UsageError, match=r"^ASTILTS_COUNT: Input should be greater than or equal to 1 \(given: '0'\)"):
        CliRunner().invoke(command, [], catch_exceptions=False, standalone_mode=False)
    assert CliRunner().invoke(command, ["--count", "2"], standalone_mode=False).return_value == 2
