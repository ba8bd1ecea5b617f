from __future__ import annotations

from typing import Any

import pytest


@pytest.mark.wire
def test_the_guide_for_connectors_leads_to_values(follower: Any) -> None:
    """Who writes what it says has a connector that is right, and reads three values with it."""
    follower.follow("contributing-connector.md")

    assert len(follower.commands) == 6


@pytest.mark.wire
def test_the_guide_for_drivers_leads_to_values(follower: Any) -> None:
    """A protocol that the house does not know is read by a package of somebody else's."""
    follower.follow("contributing-driver.md")

    assert len(follower.commands) == 6


def test_the_guide_for_indicators_leads_to_a_figure(follower: Any) -> None:
    """The new indicator is tried over nothing, and then gives one of two."""
    follower.follow("contributing-indicator.md")

    assert len(follower.commands) == 4


def test_the_guide_for_models_leads_to_a_score(follower: Any) -> None:
    """The new model proves its cases, and a plant is scored with it."""
    follower.follow("contributing-model.md")

    assert len(follower.commands) == 5


def test_the_guide_for_data_products_leads_to_a_package(follower: Any) -> None:
    """The new product is planned over nothing, built of two days, and verified."""
    follower.follow("contributing-product.md")

    assert len(follower.commands) == 6
