"""What a data set on the Hugging Face Hub has, of which no recipe says anything: commit, configurations, splits."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from adapterstilts.data.sources.hub import loaded
from adapterstilts.errors import HubError, explain_hub

if TYPE_CHECKING:
    from datasets import Dataset

_COMMIT = re.compile(r"[0-9a-f]{40}")


def commit_of(path: str, revision: str | None) -> str:
    """The commit that a revision of a data set is now; a commit is itself, without asking.

    Args:
        revision: Commit, branch or tag; None for the newest state.

    Raises:
        HubError: The Hub cannot be reached, or has no such data set or revision.
    """
    if revision and _COMMIT.fullmatch(revision):
        return revision
    from huggingface_hub import HfApi

    at = f" at {revision}" if revision else ""
    with explain_hub(f"the data set {path}{at}"):
        found = HfApi().dataset_info(path, revision=revision).sha
        if found is None:
            raise FileNotFoundError("it does not say its commit")
        return str(found)


def configurations(path: str, commit: str) -> tuple[list[str], str | None]:
    """The names of a data set's configurations, and the one that is meant where none is named, if there is one."""
    from datasets import get_dataset_config_names, get_dataset_default_config_name

    with _explained(path):
        default = get_dataset_default_config_name(path, revision=commit)
        return list(get_dataset_config_names(path, revision=commit)), default


def split_names(path: str, configuration: str, commit: str) -> list[str]:
    """The names of a configuration's splits."""
    from datasets import get_dataset_split_names

    with _explained(path):
        return list(get_dataset_split_names(path, configuration, revision=commit))


def rows_of_split(path: str, configuration: str, split: str, commit: str) -> Dataset:
    """A whole split, downloaded unless it is in the cache."""
    with _explained(path):
        return loaded(path, configuration, split, commit)


def class_names(feature: Any) -> list[str] | None:
    """What the numbers of a column, or of the lists in it, stand for; None where they stand for themselves."""
    from datasets import ClassLabel

    inner = getattr(feature, "feature", feature)
    return list(inner.names) if isinstance(inner, ClassLabel) else None


def with_names(record: Mapping[str, Any], names: Mapping[str, list[str]]) -> dict[str, Any]:
    """A record with names for the numbers of classes; what is no such number stays."""

    def named(value: Any, own: list[str]) -> Any:
        if isinstance(value, list):
            return [named(one, own) for one in value]
        return own[value] if isinstance(value, int) and 0 <= value < len(own) else value

    return {column: named(value, names[column]) if column in names else value for column, value in record.items()}


@contextmanager
def _explained(path: str) -> Iterator[None]:
    """As `explain_hub`, also of data sets that are programs, which are never run."""
    try:
        with explain_hub(f"the data set {path}"):
            yield
    except RuntimeError as error:
        reason = next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
        raise HubError(
            f"The data set {path} cannot be read without running code of its own, which is never done: "
            f"{reason.rstrip('.')}.",
            remedy=f"Its tables may be at another revision: hf-data://{path}@refs/convert/parquet.",
        ) from error
