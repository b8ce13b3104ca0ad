"""The Hub's own client against a loopback Hub, without waits."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from adapterstilts.sharing import hub_calls
from tests.hub_server import running
from tests.writable_hub import WritableHub

TOKEN = "hf_" + "SecretOfAnna" * 3
OTHER = "hf_" + "SecretOfBert" * 3
REPOSITORY = "anna/squad-adapter"


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[WritableHub]:
    """A Hub with the users anna, who is logged in, and bert."""
    from huggingface_hub import constants
    from huggingface_hub.utils import reset_sessions

    settings = {
        "HF_HUB_CACHE": str(tmp_path / "hf/hub"), "HF_ASSETS_CACHE": str(tmp_path / "hf/assets"),
        "HF_HUB_DISABLE_XET": True, "HF_HUB_OFFLINE": False, "HF_TOKEN_PATH": str(tmp_path / "hf/token"),
        "DOWNLOAD_CHUNK_SIZE": 4_000,
    }  # fmt: skip
    for name, value in settings.items():
        monkeypatch.setattr(constants, name, value)
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    monkeypatch.setattr(hub_calls, "FIRST_WAIT", 0.0)
    # The waits of the client itself.
    for module in ("utils._http", "file_download"):
        monkeypatch.setattr(f"huggingface_hub.{module}.time", SimpleNamespace(sleep=lambda _: None))
    with running(WritableHub({TOKEN: "anna", OTHER: "bert"})) as server:
        monkeypatch.setattr(constants, "ENDPOINT", server.url)
        template = server.url + "/{repo_id}/resolve/{revision}/{filename}"
        monkeypatch.setattr("huggingface_hub.file_download.HUGGINGFACE_CO_URL_TEMPLATE", template)
        reset_sessions()  # one that was opened while the Hub was out of reach stays so
        yield server
    reset_sessions()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder such as a push makes of a run."""
    return write(tmp_path / "folder", package())


def package(seed: int = 0) -> dict[str, bytes]:
    card = (
        "---\nlanguage: [en, de]\nbase_model: FacebookAI/xlm-roberta-base\n"
        f"tags: [adapterstilts, stilts, 'task:squad', 'method:lora']\n---\nAn adapter, number {seed}.\n"
    )
    return {
        "README.md": card.encode(),
        "adapter.safetensors": (bytes(range(seed, 250)) * 200)[:40_000],
        "adapter_config.json": json.dumps({"seed": seed}).encode(),
        "astilts.json": json.dumps({"seed": seed}).encode(),
        "parts/squad/adapter.safetensors": (bytes(range(seed + 1, 240)) * 100)[:20_000],
    }


def write(folder: Path, files: dict[str, bytes]) -> Path:
    for name, data in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return folder


def read(folder: Path) -> dict[str, bytes]:
    """Everything in a folder, also what is hidden; a link is no file of it."""
    found = {}
    for path in folder.rglob("*"):
        assert not path.is_symlink(), path
        if path.is_file():
            found[path.relative_to(folder).as_posix()] = path.read_bytes()
    return found
