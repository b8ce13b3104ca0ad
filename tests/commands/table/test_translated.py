"""Where there can be no translations to train on: `all` leaves the baseline out, and whoever names it is told why."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from adapterstilts.commands.models.intermediate_runs import Intermediates
from adapterstilts.commands.options import IntermediateOptions, TransferOptions, read_options
from adapterstilts.commands.table.baselines import chosen_names
from adapterstilts.commands.train_intermediate import plan_intermediate
from adapterstilts.data.sources.files import FileRows
from adapterstilts.data.sources.mini import MiniRows
from adapterstilts.data.sources.rows import Source
from adapterstilts.errors import UsageError
from tests.package_tasks import recipe

OF_TAGS = "the words of a translation are others"
# intermediate task, target, whether their rows are of the suite: what cannot be translated
CASES: dict[str, tuple[str, str, bool, dict[str, str]]] = {
    "english": ("mnli", "xnli", True, {}),
    "suite": ("udpos", "panx", True, {}),
    "chinese": (
        "ocnli",
        "xnli",
        True,
        {"translate-intermediate": "translates English rows, and those of ocnli are in"},
    ),
    "tags": ("udpos", "panx", False, {"translate-intermediate": OF_TAGS, "translate-target": OF_TAGS}),
    "tagged_target": ("mnli", "panx", False, {"translate-target": OF_TAGS}),
    "tagged_intermediate": ("udpos", "xnli", False, {"translate-intermediate": OF_TAGS}),
    "untrained": ("mnli", "tatoeba", False, {"translate-target": "needs a target with training data"}),
}


@pytest.fixture
def data(tmp_path: Path) -> Path:
    for name, text in (
        ("udpos/train-en.tsv", "Anna\tPROPN\n\nruns\tVERB\n"),
        ("udpos/dev-en.tsv", "Anna\tPROPN\n"),
        ("xnli/train-en.tsv", "A\tB\tneutral\nC\tD\tentailment\n"),
        ("xnli/dev-en.tsv", "A\tB\tneutral\n"),
    ):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


def planned(name: str, backbone: Path, data: Path, *, suite: bool, **given: Any) -> Intermediates:
    source = {"profile": "mini"} if suite else {"profile": "mini", "data_dir": data}
    options = {"backbone": str(backbone), "store": data / "store", **source, **given}
    return tuple(plan_intermediate([name], read_options(IntermediateOptions, options)).graph.results)


@pytest.mark.parametrize("case", CASES)
def test_all_leaves_out_what_cannot_be_translated(case: str, tiny_backbone: Path, data: Path) -> None:
    name, target, suite, lacking = CASES[case]
    source: Source = MiniRows() if suite else FileRows(data)
    intermediates, notes = planned(name, tiny_backbone, data, suite=suite), list[str]()

    def chosen(compared: str) -> list[str]:
        options = read_options(TransferOptions, {"compare": (compared,)})
        return chosen_names(options, intermediates, [recipe(target)], source=source, note=notes.append)

    translated = {"translate-intermediate", "translate-target"}
    assert translated - set(chosen("all")) == set(lacking)
    for baseline in translated:
        if baseline not in lacking:
            assert chosen(baseline) == [baseline]
            continue
        with pytest.raises(UsageError, match=f"--compare {baseline} .*{lacking[baseline]}"):
            chosen(baseline)
        if "training data" not in lacking[baseline]:
            assert any(f"without {baseline}: it " in note and lacking[baseline] in note for note in notes)


def test_one_target_that_can_be_translated_is_enough(tiny_backbone: Path, data: Path) -> None:
    intermediates = planned("mnli", tiny_backbone, data, suite=False)
    options, targets = (
        read_options(TransferOptions, {"compare": ("translate-target",)}),
        [recipe("panx"), recipe("xnli")],
    )
    assert chosen_names(options, intermediates, targets, source=FileRows(data)) == ["translate-target"]


@pytest.mark.parametrize("languages", [("en",), ("zh",), ("en", "de")])
def test_languages_have_no_meaning_for_rows_of_another_one(
    languages: tuple[str, ...], tiny_backbone: Path, data: Path
) -> None:
    """`en` was not heard, and for the others English rows were asked for, of which there are none."""
    with pytest.raises(UsageError, match=r"ocnli is trained on its own rows, which are in Chinese.*Leave it out"):
        planned("ocnli", tiny_backbone, data, suite=True, languages=languages)
