"""What works on a backbone, as text for a terminal."""

from __future__ import annotations

from collections.abc import Iterator

from adapterstilts.commands.doctor import BackboneReport

_WIDTH = 14


def doctor_text(report: BackboneReport) -> str:
    """The facts, one a line, then the methods that work, and those that do not with the reason."""
    lines = [f"{name:{_WIDTH}}{value}" for name, value in _facts(report)]
    working = [method.method for method in report.methods if method.obstacle is None]
    lines.append(f"{'methods':{_WIDTH}}{', '.join(working)}")
    reasons = dict.fromkeys(method.obstacle for method in report.methods if method.obstacle)
    for reason in reasons:
        lacking = [method.method for method in report.methods if method.obstacle == reason]
        lines += [f"{'not':{_WIDTH}}{', '.join(lacking)}", f"{'':{_WIDTH}}{reason}"]
    lines += [f"Warning: {warning}" for warning in report.warnings]
    lines += [f"Error: {obstacle}" for obstacle in report.obstacles]
    return "\n".join(lines) + "\n"


def _facts(report: BackboneReport) -> Iterator[tuple[str, str]]:
    sparse = f", {report.experts} experts in each sparse layer" if report.experts else ""
    parameters = "unknown" if report.parameters is None else f"{report.parameters:,}"
    yield "backbone", report.backbone
    yield "architecture", f"{report.architecture}, {report.form}{sparse}"
    some = f", of which a token uses {report.used:,}" if report.experts and report.used else ""
    yield "parameters", f"{parameters}{some}, without heads"
    yield "size", f"{report.layers} layers of width {report.width}"
    yield "positions", "no limit" if report.positions is None else f"{report.positions:,}"
    if report.modules:
        yield "modules", f"of its own for {', '.join(report.modules)}"
    if report.tokenizer:
        special = (("padding", report.tokenizer.padding), ("mask", report.tokenizer.mask))
        tokens = ", ".join(f"{what} {token or 'none'}" for what, token in special)
        yield "tokenizer", f"fast, {report.tokenizer.tokens:,} tokens, {tokens}"
        if report.tokenizer.separator:
            yield "separator", f"{report.tokenizer.separator!r}, since the tokenizer puts nothing between two texts"
    yield "masked LM", "yes" if report.masked_lm else "no"
    yield "pooling", f"{report.pooling} (--pooling)"
    if report.unknown:
        shares = ", ".join(f"{language} {100 * share:.0f}%" for language, share in report.unknown.items())
        yield "unknown", f"{shares} of the embedded suite's characters"
    yield "machine", f"{report.device}, {report.precision} (--precision)"
    yield "4-bit", f"no: {report.no_4bit}" if report.no_4bit else "yes (--load-in-4bit)"
