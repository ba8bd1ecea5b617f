"""The names people may rely on; a change here is a change of the promise."""

from __future__ import annotations

import importlib

import pytest

PUBLIC = {
    "factory_kit": ["__version__"],
    "factory_kit.i18n": [
        "LANGUAGES", "N_", "Language", "_", "decide_language", "language", "retold", "said", "speaking", "use_language",
    ],
    "factory_kit.testing": [
        "Change", "FaultProxy", "MachineTruth", "ManualClock", "NumberedServer", "PlantClock", "PlantModel", "PlantedFault", "Replay", "Request",
        "SimulatedPlant", "Truth", "analog_step",
    ],
}  # fmt: skip

ERRORS = [
    "Altered", "AssessmentError", "DefinitionError", "DeviceError", "DeviceRefused", "DeviceUnavailable", "FactoryKitError", "Inconclusive", "KeyRefused",
    "LakeChanged", "LakeError", "LakeUnavailable", "MissingExtra", "NotAuthorised", "Problem", "QueryError", "Reasons", "SealError", "StoreBusy", "StoreDamaged", "StoreError", "StoreFull", "UnsafeArchive", "UsageError",
]  # fmt: skip


@pytest.mark.parametrize("module", sorted(PUBLIC))
def test_public_names_are_pinned(module: str) -> None:
    """What a module offers is what it promised."""
    assert sorted(importlib.import_module(module).__all__) == sorted(PUBLIC[module])


def test_the_exception_tree_is_pinned() -> None:
    """Every error has its place in the drawn tree: its name, its exit code, and whether trying again may help."""
    errors = importlib.import_module("factory_kit.errors")
    drawn = [name for name in ERRORS if name in (errors.__doc__ or "") or name in {"Problem", "Reasons"}]

    assert sorted(errors.__all__) == ERRORS
    assert drawn == ERRORS
    assert [name for name in ERRORS if getattr(errors, name).__dict__.get("retry")] == [
        "DeviceUnavailable",
        "LakeChanged",
        "LakeUnavailable",
        "StoreBusy",
        "StoreFull",
    ]
