"""Shared fixtures: a tiny random backbone, release files in the real formats, and the optional folder of real data."""

from __future__ import annotations

import gc
import importlib.util
import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

# On models of a few thousand weights a second thread costs more than it brings. Read when torch is imported.
os.environ["OMP_NUM_THREADS"] = "1"

from adapterstilts.mini.generators.span_qa import span_qa
from adapterstilts.modeling.backbone import Backbone, locate_backbone
from adapterstilts.runs.memory import FOLDER
from adapterstilts.settings import Optimisation
from tests.selection import (  # noqa: F401  # they are hooks
    pytest_addoption,
    pytest_collection_modifyitems,
    pytest_configure,
    pytest_report_header,
)

SHARED = Path(__file__).resolve().parents[2] / "shared"
LANGUAGES = ("en", "de", "es", "ru", "zh", "sw")

# Settings with which a stage on the tiny backbone takes seconds.
QUICK: dict[str, Any] = {
    "epochs": 1,
    "batch_size": 8,
    "learning_rate": 1e-3,
    "max_length": 96,
    "max_validation_examples": 16,
}
# What question answering needs besides.
WINDOWS = {"stride": 16, "max_query_length": 32}


@pytest.fixture(autouse=True)
def no_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tables as wide as they are, wherever the tests are run, and whatever a library has set."""
    monkeypatch.delenv("COLUMNS", raising=False)


def without_training(options: dict[str, Any]) -> dict[str, Any]:
    """The options that say something about targets that no model is trained for."""
    about_training = {*Optimisation.model_fields, "max_train_examples", "method"}
    return {name: value for name, value in options.items() if name not in about_training}


@pytest.fixture(scope="session", autouse=True)
def no_environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What the caller's environment and cache say is not the tests' business. The processes of a run share a cache."""
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("ASTILTS_")]:
            patch.delenv(name)
        patch.setenv(FOLDER, str(of_the_run(tmp_path_factory) / "facts"))
        yield


def of_the_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that the processes of one run of the tests share."""
    folder = tmp_path_factory.getbasetemp()
    return folder.parent if "PYTEST_XDIST_WORKER" in os.environ else folder


@pytest.fixture(autouse=True)
def set_aside() -> None:
    """Every training collects garbage; what has been loaded and made by now need not be looked through each time."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder with slices of real releases; tests that need it are skipped where it is not."""
    if not SHARED.is_dir():
        pytest.skip("the slices of real data are not beside the project")
    return SHARED


def save_tiny_backbone(folder: Path, *, seed: int = 0, hidden_size: int = 32, layers: int = 2) -> Path:
    """Writes an XLM-R of a few thousand weights with the embedded suite's tokenizer."""
    import torch
    from transformers import XLMRobertaConfig, XLMRobertaForMaskedLM

    from adapterstilts.mini.tokenizer import build_tokenizer

    tokenizer = build_tokenizer()
    torch.manual_seed(seed)
    config = XLMRobertaConfig(
        vocab_size=len(tokenizer),
        hidden_size=hidden_size,
        num_hidden_layers=layers,
        num_attention_heads=2,
        intermediate_size=2 * hidden_size,
        max_position_embeddings=130,
    )
    XLMRobertaForMaskedLM(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def tiny_backbone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_tiny_backbone(tmp_path_factory.mktemp("backbone"))


@pytest.fixture(scope="session")
def still(tiny_backbone: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny backbone without dropout, whose draws depend on how a step is computed."""
    folder = tmp_path_factory.mktemp("still") / "backbone"
    shutil.copytree(tiny_backbone, folder)
    config = json.loads((folder / "config.json").read_text())
    config |= {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
    (folder / "config.json").write_text(json.dumps(config))
    return folder


@pytest.fixture(scope="session")
def other_backbone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Same architecture as `tiny_backbone`, other weights."""
    return save_tiny_backbone(tmp_path_factory.mktemp("other"), seed=1)


@pytest.fixture(scope="session")
def decoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A language model of large random weights, so that what it finds likely depends on the words."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    from adapterstilts.mini.tokenizer import build_tokenizer

    folder, tokenizer = tmp_path_factory.mktemp("decoder"), build_tokenizer()
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=len(tokenizer), hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=64,
        max_position_embeddings=512, bos_token_id=0, pad_token_id=1, eos_token_id=2, initializer_range=0.5,
    )  # fmt: skip
    LlamaForCausalLM(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def backbones(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Backbone]:
    """A random backbone of each family."""
    from tests.backbones import FAMILIES

    root = tmp_path_factory.mktemp("families")
    return {name: locate_backbone(str(family.save(root / name))) for name, family in FAMILIES.items()}


def write_squad(path: Path, rows: list[dict[str, Any]], *, titles: bool = True) -> Path:
    """Writes rows as SQuAD JSON, the questions of a context in one paragraph."""
    paragraphs: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        answers = [
            {"text": text, "answer_start": start}
            for text, start in zip(row["answers"]["text"], row["answers"]["answer_start"], strict=True)
        ]
        paragraphs.setdefault(row["context"], []).append(
            {"id": row["id"], "question": row["question"], "answers": answers}
        )
    article: dict[str, Any] = {"title": "Stories"} if titles else {}
    article["paragraphs"] = [{"context": context, "qas": qas} for context, qas in paragraphs.items()]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"version": "1.1", "data": [article]}, ensure_ascii=False), encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def releases(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder in XTREME's layout, filled with the embedded suite's stories."""
    root = tmp_path_factory.mktemp("releases")
    write_squad(root / "squad/train-v1.1.json", span_qa(split="train", language="en", size=160))
    write_squad(root / "squad/dev-v1.1.json", span_qa(split="test", language="en", size=24))
    for language in LANGUAGES:
        test = span_qa(split="test", language=language, size=24)
        write_squad(root / f"xquad/xquad.{language}.json", test)
        write_squad(root / f"mlqa/MLQA_V1/dev/dev-context-{language}-question-{language}.json", test)
    return root


@pytest.fixture
def quick(tiny_backbone: Path, releases: Path, tmp_path: Path) -> dict[str, Any]:
    """Options for API calls on the tiny backbone and the release files, with a store of the test's own."""
    return {"backbone": str(tiny_backbone), "data_dir": releases, "store": tmp_path / "store", **QUICK, **WINDOWS}


@pytest.fixture
def suite(tiny_backbone: Path, tmp_path: Path) -> dict[str, Any]:
    """Options for the suite's data on the tiny backbone, with a store of the test's own."""
    settings = {name: value for name, value in QUICK.items() if name != "max_length"}
    backbone, store = str(tiny_backbone), tmp_path / "store"
    return {**settings, "profile": "mini", "backbone": backbone, "store": store, "max_train_examples": 24}


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 4 MB in memory."""
    folder = tmp_path / "disk"
    folder.mkdir()
    try:
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(folder)], capture_output=True)
    except OSError:
        pytest.skip("there is no mount here")
    if done.returncode:
        pytest.skip("no file system can be mounted here")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)  # tokenised data are still mapped


@pytest.fixture(scope="session")
def bucket() -> Iterator[str]:
    """A bucket of a server on this machine, which forgets it."""
    if not (importlib.util.find_spec("moto") and importlib.util.find_spec("s3fs")):
        pytest.skip("moto or s3fs is not installed")
    import fsspec

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    settings = {
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}", "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "secret-key", "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
    }  # fmt: skip
    process = subprocess.Popen(
        [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=os.environ | settings,
    )  # fmt: skip
    with pytest.MonkeyPatch.context() as patch:
        for name, value in settings.items():
            patch.setenv(name, value)
        try:
            files = fsspec.filesystem("s3")
            wait_for(lambda: socket.create_connection(("127.0.0.1", port), 1).close())
            files.mkdir("adapters")
            yield "s3://adapters/shared"
        finally:
            process.terminate()
            process.wait()


def wait_for(action: Callable[[], object], seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while True:
        try:
            action()
            return
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.05)


@pytest.fixture(params=["folder", "file", "memory", "s3"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty place."""
    if request.param == "s3":
        return f"{request.getfixturevalue('bucket')}/{tmp_path.name}"
    return {
        "folder": str(tmp_path / "a [place]*"),
        "file": f"file://{tmp_path}/place",
        "memory": f"memory://{tmp_path.name}",
    }[request.param]


@pytest.fixture(scope="session")
def trained(tiny_backbone: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Options as those of `suite`, with a store that has an intermediate run of squad; nothing is to be added to it."""
    import adapterstilts

    settings = {name: value for name, value in QUICK.items() if name != "max_length"}
    store = tmp_path_factory.mktemp("trained")
    options = {
        **settings, "profile": "mini", "backbone": str(tiny_backbone), "store": store, "max_train_examples": 24,
    }  # fmt: skip
    adapterstilts.train_intermediate("squad", **options)
    _FOR_ALL.append(store)
    return options


_FOR_ALL: list[Path] = []  # stores of the session, and not of tests that have a `trained` of their own


@pytest.fixture(autouse=True)
def nothing_added(request: pytest.FixtureRequest) -> Iterator[None]:
    """A test that adds to the store that others start from fails, and not the one that comes next."""
    store = request.getfixturevalue("trained")["store"] if "trained" in request.fixturenames else None
    before = sorted(path.name for path in store.iterdir()) if store in _FOR_ALL else None
    yield
    if before is not None:
        assert sorted(path.name for path in store.iterdir()) == before, "the store of `trained` has changed"


@pytest.fixture(scope="session")
def shared_folder(trained: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """That run as a shared model; it is not to be changed."""
    import adapterstilts

    folder = tmp_path_factory.mktemp("shared") / "squad"
    adapterstilts.pull("squad", folder, store=trained["store"])
    return folder


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, Any]:
    """A small study, planned, and its result; its store is not to be changed. The processes of a run share it."""
    from tests.studies.made import make_small

    return make_small(of_the_run(tmp_path_factory) / "small-study")
