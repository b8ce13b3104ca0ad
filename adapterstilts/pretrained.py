"""Loads what a model repository holds, and never runs what it says.

A repository can name code in two ways. `auto_map` names files of its own; where nothing is said about them,
`transformers` asks on standard input, and `y` runs them. `_attn_implementation` and its kin, at any depth of
`config.json`, name another repository, whose kernel `transformers` 4 fetches and runs unasked.
"""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

from adapterstilts.errors import CompatibilityError

# Architectures that are part of later versions of `transformers`, with the first of these.
_LATER = {"eurobert": "5"}
# Published checkpoints of them, so that they are refused without asking the Hub.
_CHECKPOINTS = {f"EuroBERT/EuroBERT-{size}": "eurobert" for size in ("210m", "610m", "2.1B")}


def load_pretrained(auto_class: Any, name: str, *, revision: str | None = None, **options: Any) -> Any:
    """`auto_class.from_pretrained`, for a class of `transformers` whose name begins with `Auto`.

    Args:
        name: Folder or Hub id.
        revision: Commit on the Hub; None for a folder.
        options: As `from_pretrained` takes them.

    Raises:
        CompatibilityError: The architecture is code of the repository.
        Exception: What `from_pretrained` raises.
    """
    safe = {"revision": revision, "trust_remote_code": False} if revision else {"trust_remote_code": False}
    config = _config(name, safe)
    if auto_class.__name__ == "AutoConfig":
        return config
    if hasattr(auto_class, "from_config"):  # a model; a tokenizer reads nothing of it
        options["config"] = config
    return auto_class.from_pretrained(name, **safe, **options)


def check_published(name: str) -> None:
    """Refuses a checkpoint of the Hub of which it is known that its architecture is not there.

    Raises:
        CompatibilityError: It is part of a later version of `transformers` than the one that is installed.
    """
    if name in _CHECKPOINTS:
        _check_architecture(name, _CHECKPOINTS[name])


def _check_architecture(name: str, model_type: Any) -> None:
    from transformers import CONFIG_MAPPING

    if model_type in _LATER and model_type not in CONFIG_MAPPING:
        raise CompatibilityError(
            f"{name} is of the architecture {model_type!r}, which transformers {version('transformers')} does not have "
            "(its repository names code to run instead, which is not done).",
            remedy="Take an encoder of many languages that it has, such as jhu-clsp/mmBERT-base or "
            f"FacebookAI/xlm-roberta-base. transformers {_LATER[model_type]} has this one, but the adapters library "
            "needs an earlier version.",
        )


def _config(name: str, safe: dict[str, Any]) -> Any:
    from transformers import CONFIG_MAPPING, AutoConfig, PretrainedConfig

    content, _ = PretrainedConfig.get_config_dict(name, **safe)
    _check_architecture(name, content.get("model_type"))
    if content.get("auto_map") and content.get("model_type") not in CONFIG_MAPPING:
        raise CompatibilityError(
            f"{name} is an architecture of its own ({content.get('model_type')!r}): its config.json names code to run, "
            "which is not done.",
            remedy="Choose a model whose architecture is part of transformers.",
        )
    config = AutoConfig.from_pretrained(name, **safe)
    _forget_kernels(config)
    return config


def _forget_kernels(config: Any) -> None:
    """Leaves the choice of the attention's implementation to `transformers`, in the parts of `config` as well."""
    from transformers import PretrainedConfig

    config._attn_implementation_internal = None
    for part in vars(config).values():
        if isinstance(part, PretrainedConfig):
            _forget_kernels(part)
