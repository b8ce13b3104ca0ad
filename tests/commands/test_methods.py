"""What each tuning method costs on a backbone."""

from __future__ import annotations

from pathlib import Path

import pytest

from adapterstilts import api
from adapterstilts.errors import CompatibilityError, UsageError
from adapterstilts.modeling.backbone import locate_backbone
from adapterstilts.modeling.methods import METHODS
from adapterstilts.reporting.methods import methods_report
from adapterstilts.reporting.terminal import as_text


def test_every_method_has_a_row_with_what_it_trains_and_stores() -> None:
    found = api.methods(backbone="mini")
    assert {one.method for one in found} == set(METHODS.names())
    libraries = [one.library for one in found]
    assert libraries == sorted(libraries, key=("transformers", "adapterstilts", "adapters", "peft").index)
    by_name = {one.method: one for one in found}
    width = locate_backbone("mini").config().hidden_size
    bottleneck = width // 16
    # A bottleneck of `adapters`: down and up, each with its bias, in each of four layers.
    assert by_name["seq_bn"].trained == 4 * (2 * width * bottleneck + width + bottleneck)
    assert by_name["seq_bn"].stored_bytes == 4 * by_name["seq_bn"].trained
    assert by_name["full"].trained == by_name["full"].total and by_name["head"].trained == 0
    assert all(one.method in as_text(methods_report(found)) for one in found)


ADDITION = """
from adapterstilts.modeling.methods import Method

def register(catalogue):
    catalogue.methods.add("small", Method("small", "Few weights", "adapters", ("continue",), config="SeqBnConfig"))
"""


def test_methods_from_outside_are_in_their_catalogue_alone(tmp_path: Path) -> None:
    (tmp_path / "extension.py").write_text(ADDITION)
    found = api.methods(backbone="mini", tasks=tmp_path)
    assert {one.method for one in found} == {*METHODS.names(), "small"}
    with pytest.raises(UsageError, match="Unknown method 'small'"):
        api.methods(backbone="mini", method="small")
    (tmp_path / "extension.py").write_text(ADDITION.replace("SeqBnConfig", "SeqBnConfigg"))
    with pytest.raises(ValueError, match="method 'small' names 'SeqBnConfigg', which adapters lacks"):
        api.methods(backbone="mini", tasks=tmp_path)


def test_one_method_with_options() -> None:
    ((smaller,), (larger,)) = (
        api.methods(backbone="mini", method=f"seq_bn[reduction_factor={factor}]") for factor in (8, 2)
    )
    assert smaller.trained < larger.trained
    with pytest.raises(CompatibilityError, match="has no weights in mini"):
        api.methods(backbone="mini", method="seq_bn[leave_out=0-3]")
