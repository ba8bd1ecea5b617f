"""Faults planted in the simulated plant are found, and a clean plant has none."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import pytest

from factory_kit.model.connector import MachineState

SOAK = "FACTORY_KIT_SOAK" in os.environ
HOUR = 3_600_000_000
PLANTED = [
    ("counter-reset", "cnc-05"),
    ("idle-load", "meter-03"),
    ("no-answer", "cnc-03"),
    ("no-answer", "compressor-01"),
    ("stuck-sensor", "cnc-06"),
]


@pytest.fixture(scope="module")
def faulty(diagnosed: Callable[..., Any]) -> Any:
    """A plant with its five planted faults."""
    return diagnosed(1, faults=True)


@pytest.mark.parametrize("seed", range(1, 11) if SOAK else (2, 5))
def test_every_planted_fault_is_found_and_nothing_else(seed: int, diagnosed: Callable[..., Any]) -> None:
    """The five faults of the simulated plant, and no other."""
    assert diagnosed(seed, faults=True).faults == PLANTED


@pytest.mark.parametrize("seed", range(1, 21) if SOAK else (3, 11))
def test_a_clean_plant_has_no_fault(seed: int, diagnosed: Callable[..., Any]) -> None:
    """Nothing is broken, so nothing is called broken."""
    assert diagnosed(seed, faults=False).faults == []


def test_each_fault_is_placed_in_time(faulty: Any) -> None:
    """Where a fault was planted, there the finding points, to the minute."""
    planted = {(fault.what, fault.equipment): fault for fault in faulty.model.planted_faults}
    for kind, what, subject in (
        ("no-answer", "no answer", "cnc-03"),
        ("no-answer", "no answer", "compressor-01"),
        ("stuck-sensor", "stuck sensor", "cnc-06"),
    ):
        (stretch,) = faulty.found(kind)[subject].when
        fault = planted[what, subject]
        assert abs(stretch.start - fault.start) <= 2 * 60_000_000
        assert abs(stretch.end - fault.end) <= 2 * 60_000_000
    (moment,) = faulty.found("counter-reset")["cnc-05"].when
    assert moment.start < planted["counter reset", "cnc-05"].start <= moment.end


def test_the_wasted_energy_is_what_the_meter_took(faulty: Any) -> None:
    """Eight hours of the night lie in the day; 19 kW of half load against machines that stand at 14 % else."""
    finding = faulty.found("idle-load")["meter-03"]
    taken = faulty.model.meters["meter-03"].energy
    hours = sum(part.length for part in finding.when) / HOUR
    kwh = sum(taken(part.end) - taken(part.start) for part in finding.when)

    assert hours == pytest.approx(8, abs=0.2)
    assert finding.numbers["kw"] == pytest.approx(kwh / hours, rel=0.01)
    assert finding.kwh == pytest.approx(hours * (kwh / hours - float(finding.numbers["normal"])), rel=0.01)


def test_losses_are_what_the_machines_really_lost(diagnosed: Callable[..., Any]) -> None:
    """On a clean plant each machine's breakdowns and changeovers have the hours and counts of the truth."""
    plant = diagnosed(7, faults=False)
    checked = 0
    for kind, state in (("breakdowns", MachineState.DOWN), ("changeovers", MachineState.SETUP)):
        for subject, finding in plant.found(kind).items():
            parts = [
                each
                for each in plant.model.machines[subject].segments(plant.interval.start, plant.interval.end)
                if each.state is state
            ]
            assert finding.hours == pytest.approx(sum(each.end - each.start for each in parts) / HOUR)
            checked += 1
            if kind == "breakdowns":
                longest: dict[int, int] = {}
                for each in parts:
                    longest[each.alarm] = longest.get(each.alarm, 0) + each.end - each.start
                assert finding.numbers["reason"] == str(max(longest, key=longest.__getitem__))
    assert checked > 5


def test_findings_read_well_in_both_languages(faulty: Any) -> None:
    """Every placeholder of every text has a number, and the gravest findings come first."""
    findings = faulty.diagnosis.findings
    for finding in findings:
        for language in ("zh", "en"):
            texts = (finding.title(language), finding.says(language), finding.to_do(language))
            assert all(texts)
            assert "{" not in "".join(texts)
    order = ["high", "middle", "low"]
    assert [order.index(each.severity) for each in findings] == sorted(order.index(each.severity) for each in findings)
