"""Loads what a model repository holds, and never runs what it says.

A repository can name code in two ways. `auto_map` names files of its own; where nothing is said about them,
`transformers` asks on standard input, and `y` runs them. `_attn_implementation` and its kin, at any depth of
`config.json`, name another repository, whose kernel `transformers` 4 fetches and runs unasked.
"""

from __future__ import annotations

from typing import Any

from adapterstilts.errors import CompatibilityError


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


def _config(name: str, safe: dict[str, Any]) -> Any:
    from transformers import CONFIG_MAPPING, AutoConfig, PretrainedConfig

    content, _ = PretrainedConfig.get_config_dict(name, **safe)
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
