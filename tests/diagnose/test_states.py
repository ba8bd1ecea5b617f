"""States and anomalies of machines as ``diagnosis.yaml`` asks for them, and what is refused."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from factory_kit.diagnose.inference import PowerModel
from factory_kit.diagnose.models import read_model, write_model
from factory_kit.diagnose.run import Known, diagnose
from factory_kit.diagnose.settings import Settings, settings_file
from factory_kit.errors import DefinitionError, UsageError
from factory_kit.model.connector import MachineState
from factory_kit.model.run import CataloguePoint, Run
from factory_kit.model.sample import Origin, SampleBatch
from factory_kit.store import Store
from factory_kit.testing.recorded import demo_site

from .conftest import DAY, HOUR, MINUTE, indicators

STEP = 10_000_000
MACHINE = "cnc-09"


def moment(hours: float) -> str:
    """ISO 8601 of so many hours after the day began."""
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=DAY.start + int(hours * HOUR))).isoformat()


def written(store: Store, columns: dict[str, tuple[str, np.ndarray]], times: np.ndarray) -> None:
    """Points of the machine that tells no state."""
    with store.writer(Run("r", DAY.start, Origin.SIMULATED, "demo", "collect")) as writer:
        for name, (role, values) in columns.items():
            unit = "kW" if role == "active_power" else "bar"
            (point,) = store.register([CataloguePoint(MACHINE, name, role, unit, "float32", name, "c", "1", "s")])
            zeros = np.zeros(len(times), np.int8)
            writer.append(SampleBatch(np.full(len(times), point, np.int32), times, values, zeros))


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """A day of a machine: off until 6, producing at 8 kW until 14, idle at 2 kW until 18, producing; its pressure breaks at 20."""
    store = Store(tmp_path_factory.mktemp("silent") / "store")
    chance = np.random.default_rng(9)
    times = np.arange(DAY.start, DAY.end, STEP, dtype=np.int64)
    hour = (times - DAY.start) / HOUR
    level = np.select([hour < 6, hour < 14, hour < 18], [0.1, 8.0, 2.0], 8.0)
    power = level + chance.normal(0, 0.02 + 0.02 * level)
    pressure = 6.0 + 0.05 * power + chance.normal(0, 0.02, len(times)) - np.where((hour > 20) & (hour < 21), 0.5, 0.0)
    written(store, {"power": ("active_power", power), "pressure": ("pressure", pressure)}, times)
    return store


def looked(store: Store, folder: Path = Path(), **settings: Any) -> Any:
    """The diagnosis with *settings*."""
    site, connectors = demo_site()
    store.describe(site.equipment, connectors)
    known = Known(Settings.model_validate({"diagnosis": 1, **settings}), None, folder)
    return diagnose(indicators(), store, DAY, site, lambda: DAY.end, known=known)


LABELS = (
    {"from": moment(1), "until": moment(1.1), "state": "off"},
    {"from": moment(7), "until": moment(7.2), "state": "producing"},
    {"from": moment(15), "until": moment(15.1), "state": "idle"},
)
THRESHOLDS = ({"from": "0", "state": "off"}, {"from": "1", "state": "idle"}, {"from": "5", "state": "producing"})


@pytest.mark.parametrize("how", [{"labels": LABELS}, {"thresholds": THRESHOLDS}])
def test_a_machine_without_states_tells_them_by_its_power(store: Store, how: dict[str, Any]) -> None:
    """From labels and from thresholds: the hours of the day, with confidence; its waiting becomes a loss at its power point."""
    found = looked(store, states=({"machine": MACHINE, "point": f"{MACHINE}/power", **how},))
    (told,) = found.told
    hours = [told.hours(state) for state in (MachineState.OFF, MachineState.PRODUCING, MachineState.IDLE)]
    assert hours == pytest.approx([6, 14, 4], abs=0.05)
    assert told.confidence > 0.95
    (waiting,) = [each for each in found.findings if (each.kind, each.subject) == ("waiting", MACHINE)]
    assert waiting.points == (f"{MACHINE}/power",)
    assert waiting.hours == pytest.approx(10, abs=0.1)


def test_without_labels_nothing_is_guessed(store: Store) -> None:
    """The machine is named with what to do, and has no states and no losses."""
    found = looked(store)
    (told,) = found.told
    assert told.model is None
    assert "label two or three minutes" in str(told.refused)
    assert MACHINE not in found.material.segments


def test_states_of_the_same_power_are_refused(store: Store) -> None:
    """Two labels in the same stretch of work cannot be told apart, and are named."""
    same = ({**LABELS[1], "state": "setup"}, LABELS[0], {"from": moment(8), "until": moment(8.2), "state": "producing"})
    (told,) = looked(store, states=({"machine": MACHINE, "point": f"{MACHINE}/power", "labels": same},)).told
    assert "draw nearly the same" in str(told.refused)


def test_a_saved_model_gives_the_same_states(store: Store, tmp_path: Path) -> None:
    """Learned, saved as JSON, read again: equal stretches; one changed digit is noticed."""
    rule = {"machine": MACHINE, "point": f"{MACHINE}/power"}
    (told,) = looked(store, states=({**rule, "labels": LABELS},)).told
    write_model(tmp_path / "states.json", told.model)
    (again,) = looked(store, tmp_path, states=({**rule, "model": "states.json"},)).told
    assert again.stretches == told.stretches
    assert again.model.trained == told.model.trained
    text = (tmp_path / "states.json").read_text(encoding="utf-8")
    (tmp_path / "states.json").write_text(text.replace('"dwell_us": 20', '"dwell_us": 21'), encoding="utf-8")
    with pytest.raises(UsageError, match="sha256 differs"):
        read_model(tmp_path / "states.json", PowerModel)


def test_signals_that_part_are_found_when_they_did(store: Store) -> None:
    """Normal from seven to ten; at 20 the pressure leaves the power for an hour: one stretch, and the signal is named."""
    points = (f"{MACHINE}/power", f"{MACHINE}/pressure")
    rule = {"machine": MACHINE, "points": points, "normal": (moment(7), moment(10))}
    states = ({"machine": MACHINE, "point": points[0], "thresholds": THRESHOLDS},)
    found = looked(store, states=states, anomalies=(rule,))
    (unusual,) = [each for each in found.findings if each.kind == "unusual"]
    assert unusual.numbers["signal"] == points[1]
    (stretch,) = unusual.when
    assert abs(stretch.start - DAY.start - 20 * HOUR) < 5 * MINUTE
    assert abs(stretch.end - DAY.start - 21 * HOUR) < 20 * MINUTE
    assert len(unusual.extra["model"]) == 64


def test_too_short_a_normal_time_is_refused(store: Store) -> None:
    """Ten minutes of ten-second steps are no normal running; nothing is said of the day."""
    rule = {
        "machine": MACHINE,
        "points": (f"{MACHINE}/power", f"{MACHINE}/pressure"),
        "normal": (moment(7), moment(7.2)),
    }
    (watched,) = looked(store, anomalies=(rule,)).watched
    assert "too few" in str(watched.refused)
    assert watched.abnormal == ()


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("limits:\n  - {point: cnc-99/x, above: '1', because: y}", 3, "'cnc-99' is not in the ledger"),
        ("limits:\n  - {point: cnc-01/x, because: y}", 3, "either above or below"),
        ("states:\n  - {machine: cnc-09, point: cnc-09/p}", 3, "exactly one of labels, thresholds and model"),
        ("states:\n  - {machine: cnc-09, point: cnc-09/p, model: a}\n  - {machine: cnc-09, point: cnc-09/p, model: b}", 4, "given twice"),
        ("anomalies:\n  - machine: cnc-01\n    points: [cnc-01/a, cnc-01/b]\n    normal: [2026-09-02T00:00:00+08:00, 2026-09-01T00:00:00+08:00]", 3, "does not come after"),
        ("anomalies:\n  - machine: cnc-01\n    points: [cnc-01/a]\n    normal: [2026-09-01T00:00:00+08:00, 2026-09-02T00:00:00+08:00]", 4, "expected at least 2"),
    ],
)  # fmt: skip
def test_mistakes_in_the_settings_name_their_line(tmp_path: Path, text: str, line: int, said: str) -> None:
    """Equipment that is not in the ledger, half a limit, two ways at once: file, line, what was expected."""
    (tmp_path / "diagnosis.yaml").write_text(f"diagnosis: 1\n{text}\n", encoding="utf-8")
    with pytest.raises(DefinitionError) as refused:
        settings_file(tmp_path / "diagnosis.yaml", {"cnc-01", "cnc-09"})
    texts = [str(each) for each in refused.value.problems]
    assert any(each.startswith(f"diagnosis.yaml:{line}: ") and said in each for each in texts), texts


def test_a_point_that_is_not_there_is_named(store: Store) -> None:
    """A limit of a point the store does not have: one line with those it has."""
    limit = {"point": f"{MACHINE}/vibration", "above": "4.5", "because": "manual"}
    with pytest.raises(
        UsageError, match=f"{MACHINE}/vibration: the store has no such point, expected one of power, pressure"
    ):
        looked(store, limits=(limit,))
