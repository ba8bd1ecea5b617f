"""The shipped indicators as a set."""

from __future__ import annotations

import re
from fractions import Fraction
from pathlib import Path

import pytest

from factory_kit.kpi.reasons import REASONS
from factory_kit.load.document import read_yaml
from factory_kit.model.definition import exact
from factory_kit.model.indicator import Indicator, proposed_score

MODELS = Path(__file__).resolve().parents[2] / "assessments" / "models"
SPOKEN_FOR = {
    "gbt-39116@2020": "gbt-39116/2020/model.yaml",
    "sme-digital@2024": "sme-digital/2024/ladder.yaml",
    "smart-factory@2025": "smart-factory/2025/ladder.yaml",
}
SENTENCE = re.compile(r"THEN '([a-z][^']* [^']*)'")


def test_every_reason_in_the_sql_can_be_translated(shipped: dict[str, Indicator]) -> None:
    """What an indicator may say instead of a figure stands in the list that the catalogue is made from."""
    said = {sentence for indicator in shipped.values() for sentence in SENTENCE.findall(indicator.sql)}
    assert said <= set(REASONS)
    assert len(said) > 10


def test_the_criteria_exist_in_the_model(shipped: dict[str, Indicator]) -> None:
    """Each speaks for criteria that the shipped models and ladders have."""
    texts = {name: (MODELS / path).read_text(encoding="utf-8") for name, path in SPOKEN_FOR.items()}
    for path in SPOKEN_FOR.values():
        read_yaml(MODELS / path)
    for indicator in shipped.values():
        for speaks in indicator.definition.criteria:
            assert re.search(rf"\b{re.escape(speaks.criterion)}\b", texts[speaks.model]), (
                indicator.id,
                speaks.criterion,
            )


@pytest.mark.parametrize(
    ("value", "score"),
    [
        ("1", "1"),
        ("0.95", "1"),
        ("0.949999", "0.8"),
        ("0.8", "0.8"),
        ("0.79", "0.5"),
        ("0.3", "0.5"),
        ("0.29", "0"),
        ("0", "0"),
    ],
)
def test_bands_turn_at_their_edges(value: str, score: str, shipped: dict[str, Indicator]) -> None:
    """0.95 and above is met, 0.8 mostly, 0.3 partly, less is not: the same in every indicator that proposes."""
    banded = [
        speaks.bands for indicator in shipped.values() for speaks in indicator.definition.criteria if speaks.bands
    ]
    assert {proposed_score(bands, exact(value)) for bands in banded} == {score}
    assert len(banded) == 10
    assert proposed_score(banded[0], Fraction(19, 20)) == "1"


def test_every_parameter_is_used_and_every_sql_reads_only_what_it_says(shipped: dict[str, Indicator]) -> None:
    """A parameter that the SQL does not take would be a lie in the record."""
    for indicator in shipped.values():
        used = set(re.findall(r"\$([a-z_]+)", re.sub(r"--[^\n]*", "", indicator.sql)))
        assert used - {"start", "stop"} == set(indicator.parameters), indicator.id


def test_the_list_of_machines_is_the_same_in_all(shipped: dict[str, Indicator]) -> None:
    """What counts as a meter or utility, and so not as a production machine, is one list of words."""
    patterns = {
        match
        for indicator in shipped.values()
        for match in re.findall(r"NOT regexp_matches\(kind, '([^']*)'\)", indicator.sql)
    }
    consumers = "meter|transformer|sensor|gateway"  # what takes energy itself: utilities too
    assert patterns == {"meter|compressor|chiller|boiler|pump|transformer|utility|sensor|gateway", consumers}
