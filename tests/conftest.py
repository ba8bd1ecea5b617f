"""What all tests share."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable

import pytest
from hypothesis import settings

settings.register_profile(
    "house", deadline=None
)  # a busy machine is no finding; how long things take is measured in benchmarks/
settings.load_profile("house")

CLEAN = os.environ.get("CI") == "true"


@pytest.fixture
def system_tool() -> Callable[[str], str]:
    """The path of a tool of the system; the test is skipped when a user's machine lacks it, and fails when the clean run does."""

    def found(name: str) -> str:
        path = shutil.which(name)
        if path is None:
            message = f"{name} is not installed on this machine"
            if CLEAN:
                pytest.fail(message)
            pytest.skip(message)
        return path

    return found
