"""The tags by which shared models are found on the Hub."""

from __future__ import annotations

from adapterstilts.sharing.manifest import Manifest

OURS = "adapterstilts"
_LIBRARY_TAGS = {"adapters": "adapter-transformers", "peft": "peft", "transformers": "transformers"}


def hub_tags(manifest: Manifest) -> list[str]:
    """All tags of a model."""
    return [
        OURS,
        "stilts",
        _LIBRARY_TAGS[manifest.library],
        *(task_tag(task) for task in manifest.tasks),
        method_tag(manifest.spec.method.name),
    ]


def task_tag(task: str) -> str:
    """The tag of a task."""
    return f"task:{task}"


def method_tag(method: str) -> str:
    """The tag of a tuning method."""
    return f"method:{method.replace(':', '-')}"
