"""The main tables of a study for a paper, with the rules of `booktabs`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from adapterstilts.reporting.studies.arms import FROM, Arm, arms, language_notes, scored, significant
from adapterstilts.reporting.studies.report import SHARES
from adapterstilts.reporting.transfer_rows import SIGNIFICANT
from adapterstilts.studies.axes import short_names
from adapterstilts.studies.results import Cell, StudyResult

_SPECIAL = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": r"\ensuremath{<}", ">": r"\ensuremath{>}",
    "|": r"\textbar{}", "Δ": r"$\Delta$", "±": r"$\pm$", "·": r"$\cdot$", "–": "--", "…": r"\dots{}", "→": r"$\to$",
}  # fmt: skip


def latex_tables(result: StudyResult) -> str:
    """A `table` for each arm, to be read with `\\input`: score, gain, and a star where it is significant."""
    head = "% Needs \\usepackage{booktabs}.\n"
    return head + "\n".join(_table(result, arm, number) for number, arm in enumerate(arms(result), start=1))


def latex_text(text: str) -> str:
    """Text that LaTeX shows as it is, on one line."""
    return "".join(_SPECIAL.get(letter, letter) for letter in " ".join(text.split()))


def _table(result: StudyResult, arm: Arm, number: int) -> str:
    label = "".join(letter if letter.isalnum() and letter.isascii() else "-" for letter in result.name)
    head = " & ".join(["from", *map(latex_text, arm.targets), r"mean $\Delta$"])
    lines = [
        r"\begin{table}[t]",
        r"\centering\small\setlength{\tabcolsep}{4pt}",
        rf"\begin{{tabular}}{{l{'r' * (len(arm.targets) + 1)}}}",
        r"\toprule",
        rf"{head} \\",
        r"\midrule",
        *_rows(arm, short_names(result.axes.get(FROM, ()))),
        r"\bottomrule",
        r"\end{tabular}",
        rf"\caption{{{_caption(result, arm)}}}",
        rf"\label{{tab:{label}{f'-{number}' if number > 1 else ''}}}",
        r"\end{table}",
    ]
    return "\n".join(lines) + "\n"


def _rows(arm: Arm, short: Mapping[str, str]) -> Iterator[str]:
    for source in arm.sources:
        cells = [_cell(arm.cells.get((source, target))) for target in arm.targets]
        name = latex_text(short.get(source, source))
        yield " & ".join([name, *cells, _mean(arm, source)]) + r" \\"


def _mean(arm: Arm, source: str) -> str:
    mean = arm.mean_gain(source)
    return "" if mean is None else f"${mean:+.1f}$ {arm.share(source)}".rstrip()


def _cell(cell: Cell | None) -> str:
    if cell is None or (value := scored(cell)) is None:
        return ""
    if cell.gain is None:
        return f"{value:.1f}"
    star = "^{*}" if significant(cell) else ""
    half = "" if cell.gain.high is None else rf" \pm {cell.gain.high - cell.gain.mean:.1f}"
    return rf"{value:.1f} {{\scriptsize ${cell.gain.mean:+.1f}{star}{half}$}}"


def _caption(result: StudyResult, arm: Arm) -> str:
    named = f"{result.title} ({arm.name})" if arm.name else result.title
    return (
        rf"{latex_text(named)}. Task score, mean of the languages other than English, and in small type its gain over "
        r"the row without intermediate phase, in points, $\pm$ half of its 95\% interval. "
        rf"$^{{*}}$: $p < {SIGNIFICANT:g}$ after Holm's correction over the study. {_scope(arm)}"
        + "".join(f" {latex_text(note)}" for note in _caption_notes(result, arm))
    )


def _caption_notes(result: StudyResult, arm: Arm) -> Iterator[str]:
    """What a table alone would not say: of what its means are, in which languages, and what names stand for."""
    if any(map(arm.share, arm.sources)):
        yield SHARES
    yield from language_notes([arm])
    for source, shown in short_names(result.axes.get(FROM, ())).items():
        if source in arm.sources:
            yield f"{shown}: {source.replace('+', ', ')}."


def _scope(arm: Arm) -> str:
    """What intervals and stars are about."""
    seeds = sorted({len(cell.row.seeds) for cell in arm.cells.values() if cell.gain is not None})
    if not seeds or seeds == [1]:
        return "Both are about these models alone: one seed was trained."
    several = [count for count in seeds if count > 1]
    counts = " to ".join(str(count) for count in dict.fromkeys((several[0], several[-1])))
    alone = "; where there is one, about this model alone" if seeds[0] == 1 else ""
    return f"Both are over examples and {counts} seeds{alone}."
