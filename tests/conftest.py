"""What all tests share."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable

import pytest
from hypothesis import settings

CLEAN = os.environ.get("CI") == "true"

# A busy machine is no finding (how long things take is measured in benchmarks/). The clean run tries the same examples every
# time, so that what it says is about the change; everybody else's run looks for new ones.
settings.register_profile("house", deadline=None)
settings.register_profile("clean", deadline=None, derandomize=True, print_blob=True)
settings.load_profile("clean" if CLEAN else "house")


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
