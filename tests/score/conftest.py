"""The shipped model, and small models built from literals."""

from __future__ import annotations

from pathlib import Path

import pytest

from factory_kit.load.maturity import maturity_model
from factory_kit.model.maturity import MaturityModel
from factory_kit.shipped import data_dir


@pytest.fixture(scope="session")
def cmmm_folder() -> Path:
    """The folder of the shipped GB/T 39116-2020."""
    return data_dir("assessments") / "models" / "gbt-39116" / "2020"


@pytest.fixture(scope="session")
def cmmm(cmmm_folder: Path) -> MaturityModel:
    """The shipped GB/T 39116-2020."""
    return maturity_model(cmmm_folder)
