"""Languages whose characters the tokenizer does not know."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

import adapterstilts
from adapterstilts.data.unknown_words import share_of_unknown
from adapterstilts.errors import CompatibilityError
from adapterstilts.modeling.backbone import locate_backbone
from adapterstilts.stages.reporter import Silent
from tests.modeling.test_backbones import options
from tests.package_tasks import recipe


class Notes(Silent):
    """A reporter that remembers."""

    def __init__(self) -> None:
        self.seen: list[str] = []

    def note(self, message: str) -> None:
        self.seen.append(message)


def test_scripts_that_the_tokenizer_does_not_know_are_warned_of_or_refused(tiny_backbone: Path, tmp_path: Path) -> None:
    texts = {"en": "Anna sang", "de": "Anna sang ラ", "ja": "アンナは歌った Anna"}
    tokenizer = locate_backbone(str(tiny_backbone)).tokenizer()
    assert {code: round(share_of_unknown([text], tokenizer), 2) for code, text in texts.items()} == {
        "en": 0, "de": 0.11, "ja": 0.55,
    }  # fmt: skip
    (tmp_path / "pawsx").mkdir()
    labels = recipe("pawsx").build_kind().options.labels
    for name in ("train-en", "dev-en", *(f"test-{code}" for code in texts)):
        lines = [f"{number} {texts[name[-2:]]}\t{texts[name[-2:]]}\t{labels[number % 2]}\n" for number in range(8)]
        (tmp_path / f"pawsx/{name}.tsv").write_text("".join(lines), encoding="utf-8")
    given = options(str(tiny_backbone), tmp_path / "store", profile="paper", data_dir=tmp_path, method="peft:lora")
    notes = Notes()
    for _ in range(2):  # the second time, from what the store kept
        with pytest.raises(CompatibilityError, match=r"no token for \d+% of the characters of pawsx in ja. Leave the"):
            adapterstilts.transfer("none", "pawsx", languages=("en", "ja"), reporter=notes, seeds=1, **given)
    assert notes.seen == [] and not list((tmp_path / "store").glob("train-*"))
    adapterstilts.transfer("none", "pawsx", languages=("en", "de"), reporter=notes, seeds=1, **given)
    assert sum("Warning: " in note and "of the characters of pawsx in de" in note for note in notes.seen) == 1
    shutil.copy(tmp_path / "pawsx/test-ja.tsv", tmp_path / "pawsx/train-en.tsv")
    with pytest.raises(CompatibilityError, match="of the characters of pawsx in en"):
        adapterstilts.transfer("none", "pawsx", languages=("en",), reporter=notes, seeds=1, **given)
