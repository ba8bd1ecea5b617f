"""The KPIs by name: what each is called, its formula, its unit, and where it comes from."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from factory_kit.load.checked import yaml_file
from factory_kit.model.definition import Definition, EitherText, Identifier, Source, Text

__all__ = ["KpiDefinition", "known_kpis"]


class KpiDefinition(Definition):
    """One KPI as it is shown."""

    id: Identifier
    label: Text
    formula: EitherText
    unit: str
    """``1`` for ratios."""
    source: str
    """Its key in the sources of the file."""


class _Catalogue(Definition):
    sources: dict[str, Source]
    kpis: tuple[KpiDefinition, ...]


@cache
def _catalogue() -> _Catalogue:
    return yaml_file(Path(__file__).with_name("kpis.yaml"), _Catalogue)


def known_kpis() -> dict[str, tuple[KpiDefinition, Source]]:
    """Every KPI by id, with its source, in the order in which they are shown."""
    found = _catalogue()
    return {kpi.id: (kpi, found.sources[kpi.source]) for kpi in found.kpis}
