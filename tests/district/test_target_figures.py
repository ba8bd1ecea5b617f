"""Targets are shown as people say them: shares in per cent, no zero where the source has no figure; sizes by size."""

from __future__ import annotations

import pytest

from factory_kit.district.definitions import Target
from factory_kit.district.tables import in_order
from factory_kit.district.target_figures import figure, is_share, wanted
from factory_kit.model.definition import Source, Text


@pytest.mark.parametrize(
    ("measure", "least", "most", "shown"),
    [
        ("diagnosed", "576", None, "576"),
        ("products:listed", "20", "30", "20–30"),
        ("diagnosed_share", "1", None, "100%"),
        ("transformed_share", "0.85", None, "85%"),
        ("sme_share:2", "0.905", None, "90.5%"),
        ("", "0.8", None, "80%"),
        ("", "1", None, "1"),
        ("certificates:dsmm", "0", None, "–"),
    ],
)
def test_what_is_wanted_is_shown_as_people_say_it(measure: str, least: str, most: str | None, shown: str) -> None:
    """A share by its measure, or since it lies between 0 and 1; a target of nothing is a dash."""
    source = Source(title="notice", confidence="verified")
    target = Target.model_validate(
        {"id": "t", "due": "2025-12-31", "measure": measure, "at_least": least, "up_to": most, "name": Text(zh="甲", en="a"), "source": source}
    )  # fmt: skip

    assert wanted(target) == shown
    assert is_share(target) == shown.endswith("%")


def test_what_was_counted_is_short() -> None:
    """Three places at most, a share to a tenth of a per cent, nothing as a dash."""
    assert [figure(text) for text in ("25", "1/3", "0.5", None)] == ["25", "0.333", "0.5", "–"]
    assert [figure(text, share=True) for text in ("1/3", "0", None)] == ["33.3%", "0%", "–"]


def test_sizes_are_in_order_of_size() -> None:
    """Large before micro, not given last; other rows stay as they are."""
    rows = ["", "large", "medium", "micro", "small"]

    assert in_order("size", rows, str) == ["large", "medium", "small", "micro", ""]
    assert in_order("division", rows, str) == rows
