"""Finding shared models in registries; on the Hub, `tests/sharing` does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import adapterstilts
from adapterstilts.cli.main import main
from adapterstilts.commands.results import to_json
from adapterstilts.errors import SharingError, UsageError
from adapterstilts.reporting.sharing import search_report
from adapterstilts.reporting.terminal import as_text


@pytest.fixture(scope="module")
def registry(trained: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("registry")
    adapterstilts.push("squad", to=str(folder), store=trained["store"])
    return folder


def test_models_are_found_by_what_they_are(registry: Path) -> None:
    place = str(registry)
    (found,) = adapterstilts.search(registry=place, hub=False)
    assert found.reference.startswith(f"{place}#squad-seq_bn-") and found.task == "squad" and found.score is not None
    for matching in ({"task": "squad"}, {"method": "seq_bn"}, {"language": "en"}, {"backbone": found.backbone}):
        assert adapterstilts.search(registry=place, hub=False, **matching) == [found], matching
    for other in ({"task": "mnli"}, {"method": "lora"}, {"language": "sw"}, {"backbone": "xlm-roberta-large"}):
        assert adapterstilts.search(registry=place, hub=False, **other) == [], other
    assert found.reference in as_text(search_report([found]))
    assert as_text(search_report([])) == "  No shared model fits.\n"


def test_registries_come_from_the_environment_too(registry: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ASTILTS_REGISTRIES", f"{registry},{registry}")
    assert len(adapterstilts.search(hub=False)) == 2


def test_where_nothing_is_looked_through_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(UsageError, match="nowhere to look.*--registry"):
        adapterstilts.search(hub=False)
    main(["search", "--no-hub", "--registry", str(tmp_path / "mistyped")])
    assert f"{tmp_path}/mistyped has no models: it is empty, or no registry" in capsys.readouterr().err


def test_a_place_that_is_none_is_an_error() -> None:
    with pytest.raises(SharingError, match="is no place of a registry"):
        adapterstilts.search(registry="nowhere://x", hub=False)


def test_what_signs_an_address_goes_nowhere(trained: dict[str, Any], tmp_path: Path) -> None:
    """Neither into what is printed, nor into the card, nor into the provenance of who takes the model."""
    secret = "SecretPass99"
    place = f"memory://anna:{secret}@host/registry"
    pushed = adapterstilts.push("squad", to=place, store=trained["store"])
    (found,) = adapterstilts.search(registry=place, hub=False)
    options = {**trained, "store": tmp_path / "store"}
    result = adapterstilts.transfer(
        "squad", "mlqa", registry=place, languages=("en",), max_eval_examples=8, baseline=False, **options
    )
    texts = [pushed.place, pushed.card, found.reference, to_json(result)]
    texts += [path.read_bytes().decode("latin-1") for path in tmp_path.rglob("*") if path.is_file()]
    assert len(texts) > 10 and not any(secret in text for text in texts)
    assert pushed.place.startswith("memory://host/registry#squad-")
