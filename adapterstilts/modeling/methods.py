"""Tuning methods: what is trained, by which library, and where it can be used."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from types import ModuleType
from typing import Any, Literal

from adapterstilts.errors import CompatibilityError, UsageError
from adapterstilts.modeling.architecture import Facts
from adapterstilts.modeling.option_bounds import check_sizes
from adapterstilts.modeling.option_text import parse_choice
from adapterstilts.registry import Registry
from adapterstilts.runs.specs import MethodSpec

# The learning rate, length and patience that AdapterHub's recipes use for adapters.
_ADAPTER_DEFAULTS = {"learning_rate": 1e-4, "epochs": 15, "patience": 4}
Library = Literal["transformers", "adapterstilts", "adapters", "peft"]


@dataclass(frozen=True)
class Method:
    """One way of tuning a backbone.

    Attributes:
        library_name: The library that implements it; `transformers` stands for the backbone's own weights, and
            `adapterstilts` for differences of some of them.
        family: `full` changes the backbone's weights; `adapter` leaves them and adds others.
        compositions: How its intermediate weights can enter a target phase; the first is the default.
        merges: Kinds of `merge` that are right for it.
        below: Whether it can lie below another adapter in a stack.
        trains: Of the backbone's own weights, `all`, the `biases`, or `none`.
        defaults: Settings that differ from those published for full fine-tuning.
        config: Name of the library's configuration class; it and the next two are as in `LibraryMethod`.
        fixed: Values of its fields that make it this method.
        parts: Names of its parts where it is several configurations in one.
    """

    name: str
    summary: str
    library_name: Library
    compositions: tuple[str, ...]
    merges: tuple[str, ...] = ()
    below: bool = False
    trains: Literal["all", "biases", "none"] = "none"
    defaults: Mapping[str, Any] = field(default_factory=lambda: _ADAPTER_DEFAULTS)
    config: str = ""
    fixed: Mapping[str, Any] = field(default_factory=dict)
    parts: tuple[str, ...] = ()

    @property
    def family(self) -> Literal["full", "adapter"]:
        """Which of the published settings and of the profile's scopes are meant for it."""
        return "full" if self.trains == "all" or self.sparse else "adapter"

    @property
    def sparse(self) -> bool:
        """Whether it adds to some of the backbone's weights, which then are fp32: bf16 rounds small changes away.

        It is fitted twice: with `FIRST_PHASE`, which tells what is trained, and from the start again.
        """
        return self.library_name == "adapterstilts"

    @property
    def adds_adapter(self) -> bool:
        """Whether it puts modules into the backbone."""
        return self.library_name != "transformers"

    @property
    def library(self) -> ModuleType:
        """The module through which its library is used.

        Raises:
            CompatibilityError: The library is not installed.
        """
        if self.library_name == "peft":
            from adapterstilts.modeling import peft_library

            return peft_library
        if self.sparse:
            from adapterstilts.modeling import sparse_library

            return sparse_library
        return adapters_library(f"Method {self.name}")

    @property
    def library_version(self) -> str:
        """The version of its library, on which the defaults of its options depend.

        Raises:
            CompatibilityError: The library is not installed.
        """
        try:
            return version(self.library_name)
        except PackageNotFoundError:
            raise _lacking(f"Method {self.name}", self.library_name, _ABSENT) from None

    @property
    def reallocates(self) -> bool:
        """Whether it takes weights away while it trains, so that its checkpoints are not of one form."""
        return self.config == "AdaLoraConfig"

    @property
    def averages(self) -> bool:
        """Whether the mean of several of its runs is of the same form: that of rotations is no rotation, and of
        differences of other weights one of more of them."""
        return not self.reallocates and not self.sparse and self.config != "LoReftConfig"

    def resolve(self, options: Mapping[str, Any]) -> dict[str, Any]:
        """All options of the method's library, those that are not given at their defaults.

        Raises:
            UsageError: The library does not know one of the options.
        """
        if self.adds_adapter:
            return self.library.resolved_options(self, options)
        if options:
            raise UsageError(f"Method {self.name!r} has no options.", remedy=f"Write --method {self.name}.")
        return {}

    def normalize(self, spec: MethodSpec) -> MethodSpec:
        """The same method with only the options that differ from the library's defaults.

        Raises:
            UsageError: An option is unknown, or the backbone is trained anyway.
        """
        given, defaults = self.resolve(spec.options), self.resolve({})
        if spec.unfreeze_backbone and (self.sparse or not self.adds_adapter):
            raise UsageError(
                f"--unfreeze-backbone has no meaning for method {self.name!r}.",
                remedy="Leave it out, or choose a method that puts an adapter into the backbone.",
            )
        options = {name: given[name] for name in given if given[name] != defaults[name]}
        return spec.model_copy(update={"options": options})


def adapters_library(what: str) -> ModuleType:
    """The module through which the `adapters` library is used, by its methods and by files of its own form alone.

    Args:
        what: What it is needed for, as a message begins.

    Raises:
        CompatibilityError: The library is not installed, or does not work with the others.
    """
    try:
        from adapterstilts.modeling import adapters_library as module
    except ImportError as error:
        reason = f"cannot be imported ({str(error).rstrip('.')})"
        if type(error) is ModuleNotFoundError and error.name == "adapters":
            reason = _ABSENT
        raise _lacking(what, "adapters", reason) from error
    return module


_ABSENT = "is not installed"
_OTHERS = {"adapters": "a method of peft, such as peft:lora", "peft": "a method of adapters, such as seq_bn"}


def _lacking(what: str, library: str, reason: str) -> CompatibilityError:
    install = (
        f"Run `pip install {library}`" if reason == _ABSENT else "Run `pip install adapterstilts` for its versions"
    )
    return CompatibilityError(
        f"{what} needs the {library} library, which {reason}.", remedy=f"{install}, or use {_OTHERS[library]}."
    )


FIRST_PHASE = "full"
"""The method of the first phase of those that have two."""

METHODS: Registry[Method] = Registry("method")
"""A method of `adapters` or `peft` is added by its entry alone, from outside the package too."""


def _own(name: str, summary: str, *, compositions: tuple[str, ...], **values: Any) -> None:
    METHODS.add(name, Method(name, summary, "transformers", compositions, **values))


def _adapters(name: str, config: str, summary: str, *, compositions: tuple[str, ...], **values: Any) -> None:
    values["below"] = values.get("below", False) or "stack" in compositions
    METHODS.add(name, Method(name, summary, "adapters", compositions, config=config, **values))


def _peft(name: str, config: str, summary: str, **values: Any) -> None:
    compositions = ("stack", "continue", *(["merge"] if "merges" in values else []))
    values |= {"below": True, "config": config}
    METHODS.add(f"peft:{name}", Method(f"peft:{name}", summary, "peft", compositions, **values))


_STACKED = ("stack", "continue", "fuse", "average", "merge")
_SUMS = ("linear", "arithmetic")
_THINNED = ("ties", "dare_ties", "dare_linear")

_own("full", "every weight of the backbone (Phang et al. 2020)", compositions=("continue", "merge"),
     merges=(*_SUMS, *_THINNED), trains="all", defaults={})  # fmt: skip
_own("head", "the head alone, on a frozen backbone", compositions=("continue",))
_own("bitfit", "the biases of the backbone (Ben Zaken et al. 2022)", compositions=("continue", "merge"),
     merges=(*_SUMS, *_THINNED), trains="biases")  # fmt: skip
METHODS.add("lt_sft", Method(
    "lt_sft", "those weights of the backbone that full fine-tuning changes most (LT-SFT: Ansell et al. 2022)",
    "adapterstilts", ("add", "continue"), defaults={}, config="SparseConfig",
))  # fmt: skip

# fmt: off
_adapters("seq_bn", "SeqBnConfig", "a bottleneck after each feed-forward block (Pfeiffer et al. 2020)",
          compositions=_STACKED, merges=_SUMS)
_adapters("double_seq_bn", "DoubleSeqBnConfig",
          "bottlenecks after attention and feed-forward blocks (Houlsby et al. 2019)",
          compositions=_STACKED, merges=_SUMS)
_adapters("adapterplus", "AdapterPlusConfig", "a bottleneck with channel-wise scaling (Steitz and Roth 2024)",
          compositions=_STACKED, merges=_SUMS)
_adapters("compacter", "CompacterConfig", "double_seq_bn of low-rank hypercomplex products (Mahabadi et al. 2021)",
          compositions=("stack", "continue", "fuse", "average"))
_adapters("compacter++", "CompacterPlusPlusConfig", "seq_bn of low-rank hypercomplex products (Mahabadi et al. 2021)",
          compositions=("stack", "continue", "fuse", "average"))
_adapters("ia3", "IA3Config", "scaled keys, values and inner activations (Liu et al. 2022)",
          compositions=("stack", "continue", "average", "merge"), merges=_SUMS)
_adapters("prefix_tuning", "PrefixTuningConfig", "trained keys and values before every layer's own (Li and Liang 2021)",
          compositions=("stack", "continue"))
# The others can be continued, or merged into one, and nothing else: in a stack the library gives the output of one LoRA
# to the next instead of adding them up, so that a new one, whose product is zero, takes all effect from those below;
# parallel, prompt and representation methods drop out of it without a word; and of invertible layers it uses the first.
_adapters("par_bn", "ParBnConfig", "a bottleneck beside each feed-forward block (He et al. 2022)",
          compositions=("continue", "merge"), merges=_SUMS)
_adapters("seq_bn_inv", "SeqBnInvConfig",
          "seq_bn and an invertible layer at the embeddings (MAD-X: Pfeiffer et al. 2020)",
          compositions=("continue", "merge"), merges=_SUMS, below=True)
_adapters("double_seq_bn_inv", "DoubleSeqBnInvConfig", "double_seq_bn and an invertible layer at the embeddings",
          compositions=("continue", "merge"), merges=_SUMS, below=True)
_adapters("lora", "LoRAConfig", "low-rank updates of queries and values (Hu et al. 2022)",
          compositions=("continue", "merge"), merges=(*_SUMS, "svd"))
_adapters("dora", "DoRAConfig", "lora with magnitudes of its own (Liu et al. 2024)", compositions=("continue",))
_adapters("vera", "VeraConfig",
          "random low-rank updates between trained full matrices; as published, diagonal ones: peft:vera",
          compositions=("continue",))
_adapters("prompt_tuning", "PromptTuningConfig", "trained embeddings before the text (Lester et al. 2021)",
          compositions=("continue",))
_adapters("loreft", "LoReftConfig", "edits of hidden states in an orthogonal subspace (Wu et al. 2024)",
          compositions=("continue",))
_adapters("noreft", "NoReftConfig", "loreft without orthogonality (Wu et al. 2024)", compositions=("continue",))
_adapters("direft", "DiReftConfig", "noreft without difference to the projection (Wu et al. 2024)",
          compositions=("continue",))
_adapters("mam", "MAMConfig", "prefix_tuning and par_bn together (He et al. 2022)",
          compositions=("continue",), parts=("prefix_tuning", "adapter"))
_adapters("unipelt", "UniPELTConfig", "prefix_tuning, seq_bn and lora behind gates (Mao et al. 2022)",
          compositions=("continue",), parts=("prefix_tuning", "adapter", "lora"))

_peft("lora", "LoraConfig", "low-rank updates of queries and values (Hu et al. 2022)",
      merges=(*_SUMS, *_THINNED, "svd"))
_peft("rslora", "LoraConfig", "lora scaled by the root of its rank (Kalajdzievski 2023)",
      fixed={"use_rslora": True}, merges=(*_SUMS, *_THINNED, "svd"))
_peft("dora", "LoraConfig", "lora with magnitudes of its own (Liu et al. 2024)", fixed={"use_dora": True})
_peft("pissa", "LoraConfig", "lora begun at the principal components of the weights (Meng et al. 2024)",
      fixed={"init_lora_weights": "pissa"})
# The library wants to know the number of steps at once; `begin` tells it the right one.
_peft("adalora", "AdaLoraConfig", "lora whose rank goes where it is needed (Zhang et al. 2023)",
      fixed={"total_step": 1_000_000})
_peft("ia3", "IA3Config", "scaled keys, values and inner activations (Liu et al. 2022)", merges=("linear",))
_peft("vera", "VeraConfig", "scaled random low-rank updates shared by all layers (Kopiczko et al. 2024)")
_peft("oft", "OFTConfig", "orthogonal rotations of the weights (Qiu et al. 2023)")
_peft("loha", "LoHaConfig", "low-rank Hadamard products (Hyeon-Woo et al. 2022)")
_peft("lokr", "LoKrConfig", "low-rank Kronecker products (Yeh et al. 2024)")
_peft("ln_tuning", "LNTuningConfig", "the layer norms (Zhao et al. 2024)")
# fmt: on


def parse_method(text: str, *, unfreeze_backbone: bool = False) -> MethodSpec:
    """Reads a method as `parse_choice` does.

    Raises:
        UsageError: The method is unknown or the text is not of this form.
    """
    choice = parse_choice(text, flag="--method")
    METHODS.get(choice.name)
    return MethodSpec(name=choice.name, options=choice.options, unfreeze_backbone=unfreeze_backbone)


def check_method(method: MethodSpec, facts: Facts, *, backbone: str) -> None:
    """Refuses options that are larger than a backbone has a use for.

    Raises:
        UsageError: See above; the message says the range.
    """
    entry = METHODS.get(method.name)
    check_sizes(entry.config, method.options, facts, what=f"Method {method.name}", backbone=backbone)


def trains_backbone(method: MethodSpec) -> bool:
    """Whether a method changes weights that the backbone was pretrained with."""
    return METHODS.get(method.name).trains != "none" or method.unfreeze_backbone


def computes_otherwise(method: MethodSpec) -> bool:
    """Whether the backbone computes with other weights of its own than the pretrained ones, which fp32 has to hold."""
    return trains_backbone(method) or METHODS.get(method.name).sparse
