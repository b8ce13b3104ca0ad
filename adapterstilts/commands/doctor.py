"""What works on a backbone, told from its configuration and tokenizer without its weights."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from adapterstilts.commands.methods import every_method
from adapterstilts.commands.results import MethodCost
from adapterstilts.commands.setup import chosen_backbone
from adapterstilts.data.unknown_words import SAMPLE, share_of_unknown
from adapterstilts.errors import CompatibilityError, HubError
from adapterstilts.mini import LANGUAGES
from adapterstilts.mini.generators import generator
from adapterstilts.modeling.architecture import default_pooling, experts, form, has_masked_lm, positions
from adapterstilts.modeling.backbone import Backbone, check_tokenizer, known_backbone
from adapterstilts.modeling.declared_pooling import declared_pooling
from adapterstilts.modeling.precision import choose_device, choose_precision
from adapterstilts.modeling.quantization import no_quantization
from adapterstilts.modeling.weightless import parameters_used
from adapterstilts.profiles import load_profile
from adapterstilts.runs.memory import Memory
from adapterstilts.stages.words import MANY_UNKNOWN, MOSTLY_UNKNOWN
from adapterstilts.tasks.catalogue import in_catalogue
from adapterstilts.tasks.windows import own_separator

_NOT_FETCHED = "The Hub could not be reached: this is the published shape, and the tokenizer was not looked at."


@dataclass(frozen=True)
class TokenizerReport:
    """A tokenizer.

    Attributes:
        tokens: Size of the vocabulary, added tokens included.
        padding: The padding token, None where there is none; `mask` and `unknown` likewise.
        separator: The text that is put between two texts, where it has no token for that; empty where it has.
    """

    tokens: int
    padding: str | None
    mask: str | None
    unknown: str | None
    separator: str


@dataclass(frozen=True)
class BackboneReport:
    """What works on a backbone and what does not.

    Attributes:
        form: Encoder, causal decoder, or the encoder of an encoder-decoder.
        experts: Experts of each sparse layer; 0 for a dense model.
        parameters: All of them, heads aside; None where the architecture cannot be built.
        used: Those that one token uses, which are fewer where it is sent to some experts of many.
        positions: The longest input in tokens; None where there is no limit.
        modules: The languages that it has a module of its own for, as X-MOD has; empty for others.
        tokenizer: None where it cannot be used, or was not looked at.
        masked_lm: Whether masked language modelling works, as far as architecture and tokenizer decide.
        pooling: How one vector of a text is read by default.
        unknown: Language to the share of the characters of the embedded suite's text that have no token, from 0 to 1.
        obstacles: What stops it from being used at all.
        warnings: What stops it from being used well.
        methods: Each tuning method, with what it trains or why it does not work.
        precision: What `--precision auto` chooses on this machine.
        no_4bit: Why `--load-in-4bit` does not work on this machine; None where it does.
    """

    backbone: str
    architecture: str
    form: str
    experts: int
    parameters: int | None
    used: int | None
    layers: int
    width: int
    positions: int | None
    modules: list[str]
    tokenizer: TokenizerReport | None
    masked_lm: bool
    pooling: str
    unknown: dict[str, float]
    obstacles: list[str]
    warnings: list[str]
    methods: list[MethodCost]
    device: str
    precision: str
    no_4bit: str | None


@in_catalogue
def examine(*, profile: str, backbone: str | None, revision: str | None) -> BackboneReport:
    """Reads configuration and tokenizer, and tries every method; see `adapterstilts.doctor`."""
    located = _located(profile, backbone, revision)
    config = located.config()
    obstacles: list[str] = []
    tokenizer: Any = None
    try:
        if not located.known:
            tokenizer = located.tokenizer()
            check_tokenizer(tokenizer, config, name=located.name)
    except CompatibilityError as error:
        obstacles.append(str(error))
    unknown = _unknown(tokenizer) if tokenizer is not None else {}
    methods = every_method(located)
    parameters = next((method.total for method in methods if method.method == "full"), None)
    device = choose_device("auto")
    return BackboneReport(
        backbone=located.name,
        architecture=config.model_type,
        form=form(config),
        experts=experts(config),
        parameters=parameters,
        used=parameters_used(located) if parameters is not None else None,
        layers=config.num_hidden_layers,
        width=config.hidden_size,
        positions=positions(config),
        modules=sorted(config.languages) if config.model_type == "xmod" else [],
        tokenizer=_describe(tokenizer) if tokenizer is not None else None,
        masked_lm=has_masked_lm(config) and (located.known or getattr(tokenizer, "mask_token_id", None) is not None),
        pooling=declared_pooling(located, Memory.of_user()) or default_pooling(config),
        unknown=unknown,
        obstacles=obstacles,
        warnings=[*([_NOT_FETCHED] if located.known else []), *_warnings(unknown)],
        methods=methods,
        device=str(device),
        precision=choose_precision("auto", device="auto", hidden_size=config.hidden_size),
        no_4bit=no_quantization(device),
    )


def _located(profile: str, name: str | None, revision: str | None) -> Backbone:
    """The backbone, or its published shape where the Hub is out of reach.

    Raises:
        HubError: It is, and the shape is not known; or it has answered, and refuses.
        CompatibilityError: Its architecture is known not to be there.
    """
    chosen = load_profile(profile)
    try:
        found = chosen_backbone(chosen, name, revision)
        with suppress(CompatibilityError):  # of its tokenizer, which is told of
            found.tokenizer()
    except HubError as error:
        known = None if revision or _answered(error) else known_backbone(name or chosen.backbone)
        if known is None:
            raise
        return known
    return found


def _answered(error: BaseException | None) -> bool:
    """Whether a server has answered with an error, such as that there is no such thing."""
    while error is not None:
        if getattr(error, "response", None) is not None:
            return True
        error = error.__cause__ or error.__context__
    return False


def _describe(tokenizer: Any) -> TokenizerReport:
    special = (tokenizer.pad_token, tokenizer.mask_token, tokenizer.unk_token)
    return TokenizerReport(len(tokenizer), *special, own_separator(tokenizer))


def _unknown(tokenizer: Any) -> dict[str, float]:
    found = {}
    for language in LANGUAGES:
        rows = generator("span_qa")(split="test", language=language, size=SAMPLE)
        found[language] = share_of_unknown(
            (text for row in rows for text in (row["context"], row["question"])), tokenizer
        )
    return found


def _warnings(unknown: dict[str, float]) -> list[str]:
    refused = [language for language, share in unknown.items() if share > MOSTLY_UNKNOWN]
    poor = [language for language, share in unknown.items() if MANY_UNKNOWN < share <= MOSTLY_UNKNOWN]
    return [
        *([f"Most characters have no token in {', '.join(refused)}: refused."] if refused else []),
        *([f"Many characters have no token in {', '.join(poor)}."] if poor else []),
    ]
