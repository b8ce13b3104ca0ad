"""Reading options: from keywords and the environment, with the name of what is wrong."""

from __future__ import annotations

import os
import re
import shlex
from pathlib import Path
from typing import Annotated, Any, get_args, get_type_hints

import click
import pytest
from click.testing import CliRunner
from pydantic import TypeAdapter

import adapterstilts
import adapterstilts.commands.options as options_room
from adapterstilts.cli.flags import GroupedCommand, fields
from adapterstilts.commands.options import (
    ExportOptions,
    IntermediateOptions,
    StoreOptions,
    TrainedModelReference,
    TrainingOptions,
    TransferOptions,
    TransferTasks,
    as_flags,
    read_all,
    read_options,
)
from adapterstilts.commands.options.language_sums import read_sum
from adapterstilts.declared import declared_by
from adapterstilts.errors import UsageError
from adapterstilts.modeling.blocks import MergeOptions
from adapterstilts.profiles import Profile, profile_names
from adapterstilts.settings import Encoding, Optimisation, Settings, Strict
from adapterstilts.studies.definition import ClaimText
from adapterstilts.tasks.catalogue import KINDS
from adapterstilts.tasks.sources import HoldOut

MODELS = [found for found in vars(options_room).values() if isinstance(found, type) and issubclass(found, Strict)]


def test_every_field_says_what_it_is() -> None:
    assert len(MODELS) == 55
    for model in MODELS:
        for one in declared_by(model).values():
            assert one.text.endswith(".") and one.text[0].isupper(), one


@pytest.mark.parametrize("model", MODELS)
def test_whatever_can_be_a_path_can_be_given_as_one(model: type[Strict]) -> None:
    for one in declared_by(model).values():
        several, mapping = one.form == tuple[str, ...], one.form == dict[str, str]
        if (several or mapping or one.form is str) and re.search(
            r"DIR|FILE|BACKBONE|REF|\bRUN\b", one.flag.metavar or ""
        ):
            assert one.or_path, (model, one.name)
        if one.or_path:
            field, place = model.model_fields[one.name], Path("some/where")
            read: Any = TypeAdapter(Annotated[(field.annotation, *field.metadata)])
            if mapping:
                assert read.validate_python({"de": place}) == {"de": str(place)}
                continue
            assert read.validate_python(place) == ((str(place),) if several else str(place))


def numbers(model: type[Strict]) -> dict[str, Any]:
    """The fields of a model that are one number."""
    kinds = {name: {*(get_args(one.annotation) or (one.annotation,))} for name, one in model.model_fields.items()}
    return {
        name: model.model_fields[name]
        for name, kind in kinds.items()
        if kind & {int, float} and not kind - {int, float, type(None)}
    }


def kinds_options() -> list[type[Strict]]:
    return [get_type_hints(kind)["options"] for kind in (KINDS.get(name) for name in KINDS.names())]


def test_every_profile_is_named() -> None:
    names = declared_by(StoreOptions, TrainingOptions)["profile"].text.rstrip(".").partition(": ")[2]
    assert sorted(re.split(", | or ", names)) == profile_names()


def test_every_number_has_both_ends() -> None:
    """Of options, hyperparameters, what recipes and profiles say, and how models are composed."""
    models = [*MODELS, Settings, Optimisation, Encoding, Profile, HoldOut, ClaimText, MergeOptions, *kinds_options()]
    found = {(model, name): field for model in models for name, field in numbers(model).items()}
    assert len(found) > 100
    for (model, name), field in found.items():
        ends = {
            end for end in ("gt", "ge", "lt", "le") for one in field.metadata if getattr(one, end, None) is not None
        }
        assert (ends & {"gt", "ge"} and ends & {"lt", "le"}) or (model, name) in UNBOUNDED, (model, name)


# The seed that a profile of the package has.
UNBOUNDED = {(Profile, "seed")}
HOSTILE = [
    "inf",
    "-inf",
    "nan",
    "1e300",
    "1e400",
    "9" * 5000,
    "-1",
    float("inf"),
    float("nan"),
    10**400,
    "x",
    True,
    [],
    {},
]


@pytest.mark.parametrize(
    "name", [name for name, one in declared_by(TransferOptions).items() if one.form in (int, float)]
)
def test_a_number_that_means_nothing_is_refused_with_the_range(name: str) -> None:
    for value in HOSTILE:
        if value is True:  # which pydantic takes for 1
            continue
        with pytest.raises(UsageError, match=f"^{name}: ") as raised:
            read_options(TransferOptions, {name: value})
        assert len(str(raised.value)) < 500
    with pytest.raises(UsageError, match=r"Numbers (from|above) [\d.]+ (to|below) [\d,.]+ are allowed"):
        read_options(TransferOptions, {name: 1e12 if declared_by(TransferOptions)[name].form is float else 10**12})


@pytest.mark.parametrize("name", ["weights", "shots", "temperature", "mlm_rate", "language_adapter"])
def test_numbers_in_lists_are_finite_too(name: str) -> None:
    forms = {"weights": "squad={}", "shots": "de={}", "language_adapter": "qu={}*de+1*en"}
    model = TransferOptions if name in ("shots", "language_adapter") else IntermediateOptions
    for value in ("inf", "nan", "1e400", "9" * 5000):
        given = forms.get(name, "{}").format(value)
        with pytest.raises(UsageError, match=f"^{name}") as raised:
            read_options(model, {name: given})
        assert len(str(raised.value)) < 500


def test_paths_that_no_file_system_takes_are_refused(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to("loop")
    for path, says in {
        "x" * 300: "too long", "/x" * 3000: "too long", "a\0b": "null byte", str(tmp_path / "loop"): "Too many levels",
    }.items():  # fmt: skip
        for name in ("store", "data_dir"):
            with pytest.raises(UsageError, match=rf"(?s)^{name} .*{says}") as raised:
                read_options(TransferOptions, {name: path})
            assert len(str(raised.value)) < 500
    assert read_options(TransferOptions, {"store": tmp_path / "new" / "store"}).store == tmp_path / "new" / "store"


def test_hyperparameters_are_options_and_kept_apart() -> None:
    options = read_options(TransferOptions, {"profile": "mini", "epochs": "3", "languages": ["en"], "seed": None})
    assert options.profile == "mini" and options.settings == {"epochs": 3.0} and options.seed is None
    assert {name for name, one in declared_by(TransferOptions).items() if one.within} == set(Settings.model_fields)
    with pytest.raises(UsageError, match="Unknown option 'epoch'. Did you mean 'epochs'"):
        read_options(TransferOptions, {"epoch": 3})


@pytest.mark.parametrize(
    ("given", "read"),
    [
        ({"languages": "en, de"}, ("en", "de")),
        ({"languages": ["en", "de"]}, ("en", "de")),
        ({"language_adapter": "de=0a, en=1b"}, {"de": "0a", "en": "1b"}),
        ({"language_adapter": {"de": "0a"}}, {"de": "0a"}),
        ({"slurm_option": "nodelist=a,b"}, {"nodelist": "a,b"}),
        ({"slurm_option": ("account=me", "--exclusive")}, {"account": "me", "exclusive": ""}),
        ({"slurm_option": {"account": "me"}}, {"account": "me"}),
        ({"layer": "14"}, 14),
        ({"shots": "50"}, {"all": (50,)}),
        ({"shots": "de=50,10, sw=20"}, {"de": (10, 50), "sw": (20,)}),
        ({"shots": ("de=10", "50")}, {"de": (10,), "all": (50,)}),
        ({"shots": {"de": [10, 50], "sw": 5}}, {"de": (10, 50), "sw": (5,)}),
        ({"shots": [10, 50]}, {"all": (10, 50)}),
        ({"train_more": {"de": Path("x.csv")}}, {"de": "x.csv"}),
        ({"layer": "14/24"}, "14/24"),
        ({"languages": ["en", Path("x")]}, ("en", "x")),
        ({"store": "here"}, Path("here")),
        ({"tasks": "mine"}, (Path("mine"),)),
        ({"tasks": ["mine", Path("theirs")]}, (Path("mine"), Path("theirs"))),
    ],
)
def test_a_string_is_read_as_on_the_command_line(given: dict[str, Any], read: Any) -> None:
    (name,) = given
    assert getattr(read_options(TransferOptions, given), name) == read


def test_paths_are_names() -> None:
    assert read_options(TransferTasks, {"from_": Path("run"), "to": ["mlqa", Path("own.csv")]}).from_ == ("run",)
    assert read_options(TrainedModelReference, {"reference": Path("runs/a")}).reference == "runs/a"


def test_weights_are_numbers() -> None:
    assert read_options(IntermediateOptions, {"weights": "squad=2,mnli=1"}).weights == {"squad": 2.0, "mnli": 1.0}


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"epochs": -1}, "epochs: Input should be greater than 0 (given: -1)."),
        ({"languages": "en,"}, "languages: A name is empty (given: 'en,')."),
        ({"languages": 3}, "languages: Input should be a valid tuple (given: 3)."),
        ({"language_adapter": "de"}, "language_adapter: It is not of the form NAME=VALUE,NAME=VALUE"),
        ({"language_adapter": "qu=de*0.5"}, "language_adapter: 'de*0.5' is not of the form WEIGHT*ADAPTER+WEIGHT"),
        ({"language_adapter": "qu=0.5*de+es"}, "language_adapter: '0.5*de+es' is not of the form WEIGHT*ADAPTER"),
        (
            {"language_adapter": "qu=de+es"},
            "language_adapter: 'de+es' is not of the form WEIGHT*ADAPTER+WEIGHT*ADAPTER",
        ),
        ({"language_adapter": "qu=0.5*de"}, "language_adapter: '0.5*de' is not of the form WEIGHT*ADAPTER+WEIGHT"),
        ({"language_adapter": "qu=1/0*de+1*es"}, "language_adapter: '1/0*de+1*es' is not of the form WEIGHT*ADAPTER"),
        ({"language_adapter": "qu=nan*de+1*es"}, "language_adapter: 'nan*de+1*es' is not of the form WEIGHT*ADAPTER"),
        ({"language_adapter": "qu=1*de+0*es"}, "language_adapter: '1*de+0*es' has es with the weight 0: leave it out"),
        (
            {"language_adapter": f"qu={'9' * 400}*de+1*es"},
            f"language_adapter: '{'9' * 60}' has de with a weight above 1,",
        ),
        ({"language_adapter": "qu=1*de+2*deu"}, "language_adapter: '1*de+2*deu' has de twice"),
        ({"language_fallback": "0.5*de+"}, "language_fallback: '0.5*de+' is not of the form WEIGHT*ADAPTER+WEIGHT"),
        ({"shots": "de=x"}, "shots: It is not of the form NAME=N,N with whole numbers (given: 'de=x')."),
        ({"shots": "de=5,5"}, "shots: de=5 is given twice (given: 'de=5,5')."),
        ({"shots": 0}, "shots: all needs numbers above 0 (given: 0)."),
        ({"split": "dev"}, "split: Input should be 'test' or 'validation' (given: 'dev')."),
        ({"tokens_per_batch": 0}, "tokens_per_batch: Input should be greater than or equal to 1 (given: 0)."),
    ],
)
def test_a_wrong_value_is_named(given: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError) as error:
        read_options(TransferOptions, given)
    assert str(error.value).startswith(message)


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("de", []),
        ("0123456789ab", []),
        ("0.6*de+.4*deu-Latn-AT", [(0.6, "de"), (0.4, "deu-Latn-AT")]),
        ("1/3*de + 1/3*es + 1/3*0123abcd", [(1 / 3, "de"), (1 / 3, "es"), (1 / 3, "0123abcd")]),
        ("1*qu-0.25*en", [(1.0, "qu"), (-0.25, "en")]),
        ("-2*zh-Hant+3*me/c++-de@v1", [(-2.0, "zh-Hant"), (3.0, "me/c++-de@v1")]),
        ("0.5*./a+b+0.5*registry#name", [(0.5, "./a+b"), (0.5, "registry#name")]),
    ],
)
def test_sums_of_language_adapters_are_read(text: str, terms: list[tuple[float, str]]) -> None:
    assert [(one.weight, one.adapter) for one in read_sum(text)] == terms
    assert read_options(TransferOptions, {"language_adapter": f"qu={text}"}).language_adapter == {"qu": text}
    assert read_options(TransferOptions, {"language_fallback": text}).language_fallback == text


def test_what_is_missing_is_named_and_described() -> None:
    with pytest.raises(UsageError, match=r"^to is missing\. Give it: Target tasks, or a file"):
        read_all([TransferTasks, TransferOptions], {"from_": "squad", "to": None})


def test_the_environment_counts_where_nothing_is_given(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("ASTILTS_STORE", str(tmp_path))
    monkeypatch.setenv("ASTILTS_TASKS", f"mine{os.pathsep}theirs")
    for model in (TrainingOptions, StoreOptions):
        assert read_options(model, {}).store == tmp_path
    assert read_options(TrainingOptions, {}).tasks == (Path("mine"), Path("theirs"))
    given = read_options(TrainingOptions, {"store": "here", "tasks": ["own"]})
    assert given.store == Path("here") and given.tasks == (Path("own"),)
    urls = ["s3://bucket/runs", "sftp://user:word@host:22/runs", "simplecache::webhdfs://host:9870/runs", "file:///x"]
    text = os.pathsep.join(["mine", urls[0], "/theirs", urls[1], "./other", *urls[2:], ""])
    monkeypatch.setenv("ASTILTS_READ_STORE", text)
    read = (Path("mine"), urls[0], Path("/theirs"), urls[1], Path("other"), *urls[2:])
    assert read_options(TrainingOptions, {}).read_store == read
    monkeypatch.setenv("ASTILTS_STORE", "")
    assert read_options(ExportOptions, {"out": "x"}).store == Path("astilts-runs")


@pytest.mark.parametrize("place", ["s3://bucket/runs", "file:///tmp/runs", Path("gs://bucket/runs"), "hf://me/x"])
def test_what_is_written_is_not_written_to_a_folder_named_like_a_url(
    place: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match="(store|--store).* is a URL"):
        adapterstilts.train_intermediate("squad", profile="mini", max_steps=0, store=place)
    with pytest.raises(UsageError, match=r"folder.* is a URL.*\(given: '\w+:/"):
        adapterstilts.pull("squad", place, store="C:/runs")
    assert not list(tmp_path.iterdir())


def test_options_are_written_as_flags_that_mean_them() -> None:
    given = {
        "slurm_option": ["account=a", "qos=b,c", "exclusive"], "engine": "slurm", "shots": "de=10,50",
        "baseline": False, "tasks": ["a b", "c"], "data_dir": "x y", "language_adapter": "de=0.6*en+0.4*fr",
        "learning_rate": 1e-5,
    }  # fmt: skip
    options = read_options(TransferOptions, given)
    seen: list[TransferOptions] = []
    command = click.command("probe", cls=GroupedCommand)(fields(TransferOptions)(seen.append))
    CliRunner().invoke(command, shlex.split(as_flags(options)), catch_exceptions=False)
    assert seen == [options]
    assert seen[0].slurm_option == {"account": "a", "qos": "b,c", "exclusive": ""}


def test_the_home_folder_is_meant_wherever_a_shell_leaves_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("ASTILTS_READ_STORE", f"~/a{os.pathsep}s3://bucket/~/b{os.pathsep}~/c")
    given: dict[str, Any] = {
        "store": "~/runs",
        "data_dir": Path("~/data"),
        "backbone": "~/model",
        "tasks": ["~", "x~/y"],
    }
    found = read_options(TransferOptions, given)
    assert (found.store, found.data_dir) == (tmp_path / "runs", tmp_path / "data")
    assert found.backbone == f"{tmp_path}/model" and found.tasks == (tmp_path, Path("x~/y"))
    assert found.read_store == (tmp_path / "a", "s3://bucket/~/b", tmp_path / "c")
    assert read_options(StoreOptions, {"store": "./~/runs"}).store == Path("~/runs")
    assert read_options(TransferTasks, {"from_": "~/a,squad,~/b", "to": "x"}).from_ == (
        f"{tmp_path}/a", "squad", f"{tmp_path}/b",
    )  # fmt: skip
    files = {"en": f"{tmp_path}/x.csv", "sw": f"{tmp_path}/y.csv"}
    for test in ("en=~/x.csv,sw=~/y.csv", {"en": "~/x.csv", "sw": Path("~/y.csv")}):
        assert read_options(TransferOptions, {"test": test}).test == files


@pytest.mark.parametrize("name", ["test", "train_more"])
def test_a_file_without_its_language_is_told_how_to_say_it(name: str) -> None:
    with pytest.raises(UsageError, match=rf"{name}: .*in which language.*write it first, as de=data/x.csv"):
        read_options(TransferOptions, {name: "data/x.csv"})


def test_where_labels_of_own_data_go_is_said() -> None:
    with pytest.raises(UsageError, match=r"task_option: .*`astilts tasks new NAME --option labels=\[A,B\]`.*task.yaml"):
        read_options(TransferOptions, {"task_option": "labels=[A,B]"})
    assert read_options(TransferOptions, {"task_option": {"labels": "[A,B]"}}).task_option == {"labels": "[A,B]"}
