"""Tariffs: every minute has one price, and energy costs what it cost at its hour."""

from __future__ import annotations

from datetime import date
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from factory_kit.diagnose.energy import HOUR, Register
from factory_kit.diagnose.tariff import cost, priced, tariff_file
from factory_kit.errors import DefinitionError
from factory_kit.kpi.interval import days_between
from factory_kit.kpi.timemodel import Stretch

ZONE = "Asia/Shanghai"
HOURS = """
      - {from: "22:00", until: "06:00", price: valley}
      - {from: "06:00", until: "08:00", price: flat}
      - {from: "08:00", until: "11:00", price: peak}
      - {from: "11:00", until: "22:00", price: flat}
"""


def season(first: str, last: str, hours: str = HOURS, peak: str = "1.2") -> str:
    """One season as people write it."""
    return f"""
  - from: {first}
    until: {last}
    source: {{title: Example decree, confidence: own}}
    prices: {{peak: "{peak}", flat: "0.7", valley: "0.3"}}
    hours:{hours}"""


def written(folder: Path, *seasons: str) -> Path:
    """The file of a tariff."""
    path = folder / "tariff.yaml"
    text = "tariff: 1\nname: {zh: 示例电价, en: Example tariff}\nseasons:" + "".join(seasons)
    path.write_text(text, encoding="utf-8")
    return path


def steady(start: int, hours: int, kw: float = 10.0) -> Register:
    """A register read every hour under a steady load."""
    time = start + HOUR * np.arange(hours + 1, dtype=np.int64)
    return Register(time, kw * np.arange(hours + 1.0))


def test_a_night_costs_what_its_hours_cost(tmp_path: Path) -> None:
    """By hand: 10 kW from 21:00 to 09:00 are 1 h flat, 8 h valley, 2 h flat, 1 h peak; above 4 kW six tenths of it."""
    tariff = tariff_file(written(tmp_path, season("2026-01-01", "2026-12-31")))
    start = days_between(date(2026, 9, 1), date(2026, 9, 1), ZONE).start + 21 * HOUR
    register, night = steady(start, 12), [Stretch(start, start + 12 * HOUR)]
    yuan = 10 * (3 * 0.7 + 8 * 0.3 + 1 * 1.2)
    assert cost(tariff, ZONE, register, night) == pytest.approx(yuan)
    assert cost(tariff, ZONE, register, night, less_kw=4.0) == pytest.approx(0.6 * yuan)
    kinds = [each.kind for each in priced(tariff, ZONE, night[0])]
    assert kinds == ["flat", "valley", "valley", "flat", "peak"]


def test_prices_change_with_the_season_and_end_with_the_file(tmp_path: Path) -> None:
    """The last day of August and the first of September have their own peak; beyond the last season there is no cost."""
    path = written(tmp_path, season("2026-08-01", "2026-08-31", peak="2"), season("2026-09-01", "2026-09-01"))
    tariff = tariff_file(path)
    days = days_between(date(2026, 8, 31), date(2026, 9, 1), ZONE)
    peaks = [each.yuan for each in priced(tariff, ZONE, days.window) if each.kind == "peak"]
    assert peaks == [Fraction(2), Fraction("1.2")]
    over = [Stretch(days.end - HOUR, days.end + HOUR)]
    assert cost(tariff, ZONE, steady(days.end - HOUR, 2), over) is None


@pytest.mark.parametrize(("day", "length"), [(date(2026, 3, 29), 23), (date(2026, 10, 25), 25)])
def test_every_hour_of_a_changed_clock_has_one_price(tmp_path: Path, day: date, length: int) -> None:
    """In a zone with daylight saving the day of the change is covered without hole and without overlap."""
    tariff = tariff_file(written(tmp_path, season("2026-01-01", "2026-12-31")))
    window = days_between(day, day, "Europe/Berlin").window
    parts = priced(tariff, "Europe/Berlin", window)
    assert [each.end for each in parts[:-1]] == [each.start for each in parts[1:]]
    assert (parts[0].start, parts[-1].end, window.length) == (window.start, window.end, length * HOUR)


@pytest.mark.parametrize(
    ("seasons", "line", "said"),
    [
        ([season("2026-01-01", "2026-12-31", HOURS.replace("11:00", "10:00", 1))], 8, "no price from 10:00 to 11:00"),
        ([season("2026-01-01", "2026-12-31", HOURS.replace("11:00", "12:00", 1))], 12, "overlaps with line 11 at 11:00"),
        ([season("2026-01-01", "2026-12-31", HOURS.replace("peak", "sharp"))], 11, "'sharp' is none of the prices"),
        ([season("2026-01-01", "2026-05-31"), season("2026-07-01", "2026-12-31")], 14, "from 2026-06-01 to 2026-06-30"),
        ([season("2026-01-01", "2026-07-31"), season("2026-07-01", "2026-12-31")], 14, "ends on 2026-07-31"),
        ([season("2026-12-31", "2026-01-01")], 5, "lies before from"),
        ([season("2026-01-01", "2026-12-31", HOURS.replace('"06:00", until', '"06:00:30", until'))], 10, "finer than a minute"),
    ],
)  # fmt: skip
def test_holes_and_overlaps_are_refused_with_their_line(
    tmp_path: Path, seasons: list[str], line: int, said: str
) -> None:
    """A tariff that leaves a minute or a day without a price, or gives two, names the file, the line and the time."""
    with pytest.raises(DefinitionError) as refused:
        tariff_file(written(tmp_path, *seasons))
    texts = [str(each) for each in refused.value.problems]
    assert any(text.startswith(f"tariff.yaml:{line}: ") and said in text for text in texts), texts


def test_the_tariff_of_the_demonstration_prices_every_hour(demo_folder: Path) -> None:
    """It is right, says that it is made up, and holds on any day on which somebody runs the demonstration."""
    tariff = tariff_file(demo_folder / "tariff.yaml")
    day = days_between(date(2031, 2, 3), date(2031, 2, 3), "Asia/Shanghai")
    assert sum(each.end - each.start for each in priced(tariff, day.zone, day.window)) == day.window.length
    assert "made up" in tariff.name.en
