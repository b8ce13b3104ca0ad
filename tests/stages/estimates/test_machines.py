"""The table of machines."""

from __future__ import annotations

import pytest

from adapterstilts.errors import CompatibilityError, UsageError
from adapterstilts.stages.estimates.machines import machine, machines, watts_of


def test_every_machine_says_where_its_numbers_are_from() -> None:
    assert {"h100", "h200", "a100", "l40s", "rtx4090", "v100", "t4", "laptop"} <= machines().keys()
    for name, one in machines().items():
        assert len(one.source) > 20 and one.watts > 0 and one.memory > 1e9, name
        assert all(1e11 < rate < 1e16 for rate in one.flops.values()), name
        assert one.rate("fp32") < one.flops["fp32"], name


def test_a_machine_without_a_number_format_says_so() -> None:
    with pytest.raises(CompatibilityError, match=r"V100 SXM2 32 GB has no bf16\. Give --precision fp32"):
        machine("v100").rate("bf16")
    with pytest.raises(UsageError, match=r"Unknown machine 'h10'.*'h100'"):
        machine("h10")


def test_the_power_of_a_device_is_told_by_the_name_that_torch_has_for_it() -> None:
    assert watts_of("NVIDIA H100 80GB HBM3") == 700 and watts_of("x86_64") is None
