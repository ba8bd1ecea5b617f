"""Money as people write it."""

from __future__ import annotations

import pytest

from factory_kit.cli.reasons import money
from factory_kit.i18n import Language


@pytest.mark.parametrize(
    ("unit", "currency", "language", "shown"),
    [
        (10_000, "CNY", "zh", "3–15 万元"),
        (1, "CNY", "zh", "3–15 元"),
        (100_000_000, "CNY", "zh", "3–15 亿元"),
        (1_000, "CNY", "zh", "3–15 × 1000 CNY"),
        (10_000, "EUR", "zh", "3–15 × 10000 EUR"),
        (10_000, "CNY", "en", "3–15 × 10000 CNY"),
        (1, "EUR", "en", "3–15 EUR"),
    ],
)
def test_a_cost_is_shown_in_the_units_of_its_readers(unit: int, currency: str, language: Language, shown: str) -> None:
    """Chinese readers see yuan in tens of thousands; other units and currencies stay as they are."""
    assert money("3", "15", unit, currency, language) == shown
