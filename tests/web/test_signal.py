"""The picture of a signal shows what the store holds: numbers as a line, states as colours, nothing where there was nothing."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from factory_kit.assess.evidence import read_evidence
from factory_kit.assess.folder import AssessmentFolder
from factory_kit.load.workspace import Workspace
from factory_kit.model.evidence import Evidence, PointUsed
from factory_kit.model.run import CataloguePoint, Run
from factory_kit.model.sample import Origin, SampleBatch
from factory_kit.render.theme import COLOURS
from factory_kit.reports.wording import wording
from factory_kit.store import Store
from factory_kit.web.questionnaire.signal import Lane, Slot, height_of, lanes, picture

WORDS = wording("questionnaire", "en", "factory_kit.web.questionnaire")
FIRST = 1_788_192_000_000_000  # 2026-09-01 00:00 in Shanghai
DAY = 86_400_000_000


@pytest.fixture
def record(folder: AssessmentFolder) -> Evidence:
    """The machine record of the assessment."""
    return read_evidence(folder, folder.assessment())[0]


def test_states_hold_until_the_next_and_bad_samples_are_unknown(folder: AssessmentFolder, record: Evidence) -> None:
    """From the mapping of the connector: idle, six days later producing, then a failed reading; before the first nothing is known."""
    workspace = Workspace.at(folder.path.parents[1])
    site, connectors = workspace.site()
    store = Store(workspace.store_folder)
    store.describe(equipment=site.equipment, connectors=connectors)
    (point,) = store.register([CataloguePoint("cnc-02", "state", "state", "1", "int32", "ns=1;i=2", "sim-cnc", "1", "machines")])  # fmt: skip
    batch = SampleBatch(
        np.full(3, point, np.int32),
        np.array([FIRST + 3 * DAY, FIRST + 9 * DAY, FIRST + 20 * DAY], np.int64),
        np.array([1.0, 2.0, 2.0]),
        np.array([0, 0, 2], np.int8),
    )
    with store.writer(Run("run-2", FIRST, Origin.SIMULATED, "demo", "collect", "", "test")) as writer:
        writer.append(batch)

    (found,) = lanes(workspace.store_folder, replace(record, points=(PointUsed("cnc-02", "state", "state"),)))

    states = [slot.state for slot in found.slots]
    assert [found.slots[0].position, len(states)] == [12, 108]
    assert states == ["idle"] * 24 + ["producing"] * 44 + ["unknown"] * 40


def test_each_machine_is_shown_before_any_twice(record: Evidence) -> None:
    """Six lanes at most, one of each machine first; the picture says how many points there are."""
    points = tuple(PointUsed(f"m{number}", name, "x") for number in range(5) for name in ("a", "b"))
    many = replace(record, points=points)

    drawn = picture(many, (), WORDS)

    assert "6 of 10 points" in drawn
    assert "holds no samples" in drawn
    assert f'height="{height_of(many)}"' in drawn


def test_a_line_breaks_where_there_was_nothing(record: Evidence) -> None:
    """Two stretches with a hole between are two lines; poor samples are amber; names are text."""
    slots = (Slot(0, 1.0, 1.0), Slot(1, 1.0, 2.0), Slot(5, 0.2, 3.0), Slot(6, 1.0, 2.0))

    drawn = picture(record, (Lane("<m> & 1", "kW", slots, 1.0, 3.0),), WORDS)

    assert drawn.count("<polyline") == 2
    assert drawn.count(f'fill="{COLOURS["amber"]}"') == 1
    assert "&lt;m&gt; &amp; 1" in drawn


def test_without_a_store_there_is_nothing_to_draw(record: Evidence, tmp_path: Path) -> None:
    """Evidence may come from elsewhere; asking makes no store."""
    assert lanes(tmp_path / "store", record) == ()
    assert not (tmp_path / "store").exists()


def test_one_day_is_told_by_its_hours(record: Evidence) -> None:
    """Days stand at both ends; where they are the same day, its first and last hour."""
    assert all(text in picture(record, (), WORDS) for text in ("2026-09-01<", "2026-09-30<"))

    day = picture(replace(record, end="2026-09-02T00:00:00+08:00"), (), WORDS)

    assert "2026-09-01 00:00<" in day
    assert ">24:00<" in day
