"""The catalogue of messages is made from the code, and leaves nothing out."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest

from factory_kit.errors import DefinitionError, FactoryKitError
from factory_kit.load.indicator import indicator_folder
from factory_kit.load.site import site_file
from factory_kit.seal import open_sealed
from factory_kit.shipped import data_dir, search_path
from factory_kit.store import Store
from tests.docs.blocks import ROOT


@pytest.fixture(scope="module")
def known() -> set[str]:
    """All templates of the catalogue of messages."""
    spec = importlib.util.spec_from_file_location("docs_reference", ROOT / ".ci" / "reference.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["docs_reference"] = module
    spec.loader.exec_module(module)
    return {each.template for each in module.templates()}


def test_what_a_broken_site_file_says_is_in_the_catalogue(known: set[str], tmp_path: Path) -> None:
    """Seven mistakes of seven kinds, from the parser, the definition and the loader; each template is one of the catalogue."""
    path = tmp_path / "site.yaml"
    text = (data_dir("examples") / "demo-plant" / "site.yaml").read_text(encoding="utf-8")
    for right, wrong in (
        ("kind: demo", "kind: fake"),
        ("timezone: Asia/Shanghai", "timezone: Asia/Nowhere"),
        ("site: 1", "site: 1\nnonsense: 1"),
        ("connector: sim-compressor", "connector: sim-nothing"),
        ("server: machines, base: CNC01", "server: nowhere, base: CNC01"),
        ("granted_on: 2026-01-01", "granted_on: yesterday"),
        ("{id: cnc-02,", "{id: cnc-01,"),
    ):
        assert right in text
        text = text.replace(right, wrong, 1)
    path.write_text(text, encoding="utf-8")

    with pytest.raises(DefinitionError) as caught:
        site_file(path, search_path("connectors"))

    assert {problem.message for problem in caught.value.problems} - known == set()
    assert len(caught.value.problems) >= 5


def test_what_other_errors_say_is_in_the_catalogue(known: set[str], tmp_path: Path) -> None:
    """A query that is none, a file that is not sealed, and a folder without an indicator."""
    (tmp_path / "plant.zip").write_bytes(b"no zip at all" * 20)
    said = []
    for fail in (
        lambda: Store(tmp_path).query("DELETE FROM samples"),
        lambda: open_sealed(tmp_path / "plant.zip"),
        lambda: indicator_folder(tmp_path),
    ):
        with pytest.raises(FactoryKitError) as caught:
            fail()
        error = caught.value
        said += [each.message for each in error.problems] if isinstance(error, DefinitionError) else [error.message]

    assert set(said) - known == set()
    assert len(said) >= 3
