"""Which options say something about which tasks."""

from __future__ import annotations

import pytest

from adapterstilts.commands.used import check_pooling, check_settings_used
from adapterstilts.errors import UsageError
from tests.package_tasks import recipe


def test_settings_count_where_one_task_depends_on_them() -> None:
    check_settings_used({"stride": 8, "epochs": 1}, [recipe("xnli"), recipe("squad")])
    check_settings_used({"max_length": 8}, [recipe("tatoeba")], trained=False)
    check_settings_used({}, [])
    check_settings_used({"max_steps": 9, "warmup_steps": 2}, [recipe("xnli")], validation_from="none")
    for settings, tasks, message in (
        ({"stride": 8}, ["xnli", "copa"], "--stride has no meaning for xnli, copa"),
        ({"max_query_length": 8}, ["tatoeba"], "--max-query-length has no meaning for tatoeba"),
        ({"learning_rate": 1}, ["tatoeba"], "--learning-rate has no meaning for tatoeba: nothing is trained here"),
    ):
        with pytest.raises(UsageError, match=message):
            check_settings_used(settings, [recipe(name) for name in tasks], trained=tasks != ["tatoeba"])


def test_settings_that_another_one_leaves_without_effect_are_refused() -> None:
    for settings, message in (
        ({"patience": 3}, "--patience 3 has no meaning with --validation-from none"),
        ({"max_validation_examples": 5}, "--max-validation-examples 5 has no meaning with --validation-from none"),
    ):
        with pytest.raises(UsageError, match=message):
            check_settings_used(settings, [recipe("xnli")], validation_from="none")


def test_pooling_counts_where_one_task_reads_a_vector() -> None:
    check_pooling("mean", [recipe("squad"), recipe("mnli")])
    check_pooling(None, [recipe("squad")])
    with pytest.raises(UsageError, match="--pooling has no meaning for squad, panx"):
        check_pooling("mean", [recipe("squad"), recipe("panx")])
