"""Marks and the finding of them: attacks, wrong keys, and a copy that leaked."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow.parquet as pq
import pytest

from factory_kit.errors import FactoryKitError, UsageError
from factory_kit.load.product import ProductTemplate
from factory_kit.pack.build import Built
from factory_kit.pack.release import Recipient, mark_package, read_recipients, write_recipient
from factory_kit.pack.tracing import trace_file
from factory_kit.pack.watermark import Marking, mark_key, marked, residuals, signs, trace

from .conftest import site
from .test_recipe import PSEUDONYM, Make, make, product

__all__ = ["make"]  # the fixture

SECOND = 1_000_000
WINDOW = 64 * SECOND
COUNT = 40_000
STEP = 0.02
TIMES = np.arange(COUNT, dtype=np.int64) * SECOND
CHANCE = np.random.default_rng(3)
ORIGINAL = np.round(50 + 10 * np.sin(np.arange(COUNT) / 500) + CHANCE.normal(0, 3.5, COUNT), 3)
KEYS = {name: mark_key(b"m" * 32, "p", "1.0.0", name) for name in ("A", "B")}
Floats = npt.NDArray[np.float64]
Leak = tuple[npt.NDArray[np.int64], Floats]


def copy_of(name: str) -> Floats:
    """The copy for *name*."""
    return marked(ORIGINAL, signs(KEYS[name], "s", TIMES // WINDOW), Marking(STEP, 3))


COPY = copy_of("A")


def every(seconds: int) -> Leak:
    """Means over so many seconds."""
    whole = COUNT // seconds * seconds
    return TIMES[:whole:seconds], COPY[:whole].reshape(-1, seconds).mean(axis=1)


def some(share: int) -> Leak:
    """One row in *share*, at random."""
    chosen = np.sort(np.random.default_rng(5).choice(COUNT, COUNT // share, replace=False))
    return TIMES[chosen], COPY[chosen]


def smoothed(over: int) -> Leak:
    """A moving average over so many rows, each at the time of its middle."""
    return TIMES[over // 2 : COUNT - (over - 1 - over // 2)], np.convolve(COPY, np.ones(over) / over, "valid")


def moved(leak: Leak, seconds: int) -> Leak:
    """All times moved by the same."""
    return leak[0] + seconds * SECOND, leak[1]


def faded() -> Floats:
    """Exponential smoothing, three tenths of the new value each second."""
    made = COPY.copy()
    for place in range(1, COUNT):
        made[place] = 0.3 * COPY[place] + 0.7 * made[place - 1]
    return made


def mixed(share: float) -> Leak:
    """So much of other data that is as noisy mixed in."""
    return TIMES, (1 - share) * COPY + share * np.random.default_rng(9).normal(50, 3.5, COUNT)


def noisy(times_step: float) -> Leak:
    """Normal noise of so many steps."""
    return TIMES, COPY + np.random.default_rng(6).normal(0, STEP * times_step, COUNT)


ATTACKS: dict[str, Callable[[], Leak]] = {
    "none": lambda: (TIMES, COPY),
    "10 % random rows": lambda: some(10),
    "10 % slice": lambda: (TIMES[8000:12000], COPY[8000:12000]),
    "1 % random rows": lambda: some(100),
    "noise sd = step/4": lambda: noisy(0.25),
    "noise sd = step/2": lambda: noisy(0.5),
    "noise sd = 5 steps": lambda: noisy(5),
    "rounding to 2 decimals": lambda: (TIMES, np.round(COPY, 2)),
    "rounding to 1 decimal": lambda: (TIMES, np.round(COPY, 1)),
    "rounding to whole numbers": lambda: (TIMES, np.round(COPY)),
    "unknown affine rescale": lambda: (TIMES, (COPY - 17.3) / 83.1),
    "10x mean down-sampling": lambda: every(10),
    "60x mean down-sampling": lambda: every(60),
    "10x mean, rescaled, rounded": lambda: (every(10)[0], np.round(every(10)[1] / 7.3, 3)),
    "limits cut off": lambda: (TIMES, np.clip(COPY, 45, 55)),
    "60th rows alone": lambda: (TIMES[::60], COPY[::60]),
    "300x mean down-sampling": lambda: every(300),
    "900x mean down-sampling": lambda: every(900),
    "moving average over 5": lambda: smoothed(5),
    "moving average over 60, rescaled, rounded": lambda: (smoothed(60)[0], np.round(smoothed(60)[1] / 7.3, 3)),
    "exponential smoothing": lambda: (TIMES, faded()),
    "rows in another order": lambda: (TIMES[::-1], COPY[::-1]),
    "times moved by a day": lambda: moved((TIMES, COPY), 86_400),
    "slice moved by seven seconds, rescaled": lambda: moved((TIMES[8000:12000], COPY[8000:12000] / 3 + 2), 7),
    "a tenth of other data mixed in": lambda: mixed(0.1),
}  # fmt: skip


@pytest.mark.parametrize("attack", ATTACKS)
def test_the_recipient_is_named_after(attack: str) -> None:
    """The prototype lost means, unknown rescaling and coarse rounding; the right key is found, the other is not."""
    found = trace([residuals("s", (TIMES, ORIGINAL), ATTACKS[attack](), WINDOW)], KEYS)

    assert [each.recipient for each in found if each.names(2)] == ["A"]
    assert next(each for each in found if each.recipient == "B").p_value > 1e-3


LOST: dict[str, Callable[[], Leak]] = {
    "means over an hour: 56 windows in one, 11 rows": lambda: every(3600),
    "smoothed over more than 65 rows": lambda: smoothed(120),
    "three tenths of other data": lambda: mixed(0.3),
    "logarithm": lambda: (TIMES, np.log(COPY)),
}


@pytest.mark.parametrize("attack", LOST)
def test_what_takes_the_marks_off_names_nobody(attack: str) -> None:
    """These the marks do not survive; nobody is accused in their place."""
    found = trace([residuals("s", (TIMES, ORIGINAL), LOST[attack](), WINDOW)], KEYS)

    assert [each.recipient for each in found if each.names(2)] == []


TOGETHER: dict[str, Callable[[Floats, Floats, Floats], Floats]] = {
    "two averaged": lambda a, b, _c: (a + b) / 2,
    "two, the larger": lambda a, b, _c: np.maximum(a, b),
    "two, row by row": lambda a, b, _c: np.where(np.random.default_rng(7).random(COUNT) < 0.5, a, b),
    "three averaged": lambda a, b, c: (a + b + c) / 3,
    "three, the middle one": lambda a, b, c: np.median([a, b, c], axis=0),
}


@pytest.mark.parametrize("how", TOGETHER)
def test_copies_put_together_name_all_who_gave_one(how: str) -> None:
    """Who mixes copies betrays everybody whose copy it was, and nobody else."""
    keys = KEYS | {name: mark_key(b"m" * 32, "p", "1.0.0", name) for name in ("C", "D")}
    copies = [marked(ORIGINAL, signs(keys[name], "s", TIMES // WINDOW), Marking(STEP, 3)) for name in ("A", "B", "C")]
    found = trace([residuals("s", (TIMES, ORIGINAL), (TIMES, TOGETHER[how](*copies)), WINDOW)], keys)

    assert sorted(each.recipient for each in found if each.names(4)) == ["A", "B", "C"][: 3 if "three" in how else 2]


ASKED = ["none", "noise sd = step/2", "moving average over 5", "300x mean down-sampling"]


@pytest.mark.parametrize("attack", [*ATTACKS, *LOST] if os.environ.get("FACTORY_KIT_LONG") else ASKED)
def test_wrong_keys_accuse_nobody(attack: str) -> None:
    """10,000 wrong keys over four attacks (the long form: 2,500 over each): none is named, and small p-values are as rare as they say."""
    found = residuals("s", (TIMES, ORIGINAL), (ATTACKS | LOST)[attack](), WINDOW)
    wrong = {str(number): mark_key(b"w" * 32, attack, "1", str(number)) for number in range(2500)}
    results = trace([found], wrong)

    assert [each for each in results if each.names(1)] == []
    assert sum(each.p_value <= 0.01 for each in results) <= 25


def test_the_unmarked_original_accuses_nobody() -> None:
    """No residual, no window, no name."""
    (first, *_) = trace([residuals("s", (TIMES, ORIGINAL), (TIMES, ORIGINAL), WINDOW)], KEYS)

    assert (first.windows, first.p_value) == (0, 1.0)


def test_no_value_changes_by_more_than_the_step_and_a_line_at_rest_keeps_its_values() -> None:
    """Zero stays zero, what repeats stays, limits hold."""
    values = np.array([0.0, 5.0, 5.0, 5.0, 5.5, 9.99, np.nan, 5.0])
    plus = np.ones(len(values), np.int8)
    changed = marked(values, plus, Marking(0.02, 3, (0, 10)))

    np.testing.assert_array_equal(changed, [0.0, 5.02, 5.0, 5.0, 5.52, 9.99, np.nan, 5.02])
    assert marked(values[2:3], plus[:1], Marking(0.02, 3), before=5.0).tolist() == [5.0]
    assert np.abs(COPY - ORIGINAL).max() <= STEP + 1e-9


def test_signs_are_those_of_the_key_in_any_order() -> None:
    """The sign of a window does not depend on what else was asked, and half of them are plus."""
    windows = np.arange(-300, 2000, dtype=np.int64)
    whole = signs(KEYS["A"], "s", windows)

    np.testing.assert_array_equal(signs(KEYS["A"], "s", windows[::-7]), whole[::-7])
    assert abs(int(whole.sum())) < 200
    assert abs(int((whole * signs(KEYS["B"], "s", windows)).sum())) < 200


WATERMARK = {"fields": {"load": "0.02"}, "window_s": 120}


@pytest.fixture
def moving() -> ProductTemplate:
    """Power by the minute, as integers that move, with marks."""
    made = product([PSEUDONYM], load={"places": 3}, watermark=WATERMARK)
    return ProductTemplate(
        made.product, made.sql.replace("s.value AS load", "s.value + minute(s.time) AS load"), made.checks
    )


@pytest.fixture
def original(make: Make, moving: ProductTemplate) -> Built:
    """The unmarked product with its papers."""
    from factory_kit.pack.describe import write_papers

    built = make(moving)
    write_papers(built)
    return built


def copied(original: Built, template: ProductTemplate, folder: Path, to: str) -> Built:
    """A copy of the folder of *original*, marked."""
    import shutil

    shutil.copytree(original.folder, folder)
    return mark_package(folder, template, site(), b"m" * 32, to)


def line(name: str, sha256: str = "0" * 64) -> Recipient:
    """A line of the register."""
    return Recipient(name, "minutes", "1.0.0", sha256, "2026-01-01T00:00:00+00:00")


def test_a_leaked_csv_names_its_recipient(tmp_path: Path, original: Built, moving: ProductTemplate) -> None:
    """A slice of the copy of B, as CSV with other decimals: B, and not A who has another copy."""
    copied(original, moving, tmp_path / "a", "A")
    part = copied(original, moving, tmp_path / "b", "B").parts[0]
    leaked = tmp_path / "leaked.csv"
    slice_of = f"SELECT time, machine, round(load, 2) AS load FROM '{part}' WHERE hour(time) < 20"  # noqa: S608 - our own file
    duckdb.sql(f"COPY ({slice_of}) TO '{leaked}' (HEADER)")
    register = [line("A"), line("B"), line("C"), line("another package", "1" * 64)]
    found = trace_file(leaked, original.parts, moving, register, b"m" * 32, "0" * 64)

    assert {each.recipient for each in found} == {"A", "B", "C"}
    assert [each.recipient for each in found if each.names(3)] == ["B"]


def test_a_copy_has_the_same_rows_and_says_that_it_is_marked(
    tmp_path: Path, original: Built, moving: ProductTemplate
) -> None:
    """Only the marked field changes, by the declared step at most; the papers tell it and the quality stays."""
    copy = copied(original, moving, tmp_path / "a", "A")
    one, other = (pq.read_table(built.parts[0]) for built in (original, copy))
    change = np.abs(one["load"].to_numpy() - other["load"].to_numpy())

    assert one.drop_columns("load") == other.drop_columns("load")
    assert 0.019 < change.max() <= 0.02 + 1e-9
    assert copy.provenance["watermark"] == {
        "scheme": "window signs 1",
        "window_s": 120,
        "largest_change": {"load": "0.02"},
    }
    assert [row.score for row in copy.quality] == [row.score for row in original.quality]


def test_a_file_without_the_marked_field_is_one_line(tmp_path: Path, original: Built, moving: ProductTemplate) -> None:
    """The message names what is missing."""
    leaked = tmp_path / "leaked.csv"
    leaked.write_text("time,machine\n2026-01-01,x\n", encoding="utf-8")

    with pytest.raises(FactoryKitError, match=r"leaked\.csv: lacks the columns load"):
        trace_file(leaked, original.parts, moving, [], b"m" * 32, "")


@pytest.mark.parametrize("time", ["'06.02.2025 00:00'", "'soon'", "17", "1.5", "TIME '10:00:00'", "true"])
def test_times_that_cannot_be_read_are_one_line(
    tmp_path: Path, original: Built, moving: ProductTemplate, time: str
) -> None:
    """Whatever stands there instead of times."""
    leaked = tmp_path / "leaked.parquet"
    rows = f"SELECT {time} AS time, machine, load FROM '{original.parts[0]}'"  # noqa: S608 - our own file
    duckdb.sql(f"COPY ({rows}) TO '{leaked}'")
    with pytest.raises(FactoryKitError, match=r"^leaked\.parquet: cannot be read \(Con.*\)$"):
        trace_file(leaked, original.parts, moving, [line("A")], b"m" * 32, "0" * 64)


def test_spoiled_times_of_some_rows_hide_nobody(tmp_path: Path, original: Built, moving: ProductTemplate) -> None:
    """A word instead of a time here and there, and empty ones: the other rows tell whose copy it is."""
    part = copied(original, moving, tmp_path / "b", "B").parts[0]
    leaked = tmp_path / "leaked.csv"
    time = "CASE minute(time) WHEN 7 THEN 'x' WHEN 8 THEN NULL ELSE CAST(time AS VARCHAR) END AS time"
    duckdb.sql(f"COPY (SELECT {time}, machine, load FROM '{part}') TO '{leaked}' (HEADER)")  # noqa: S608 - our own file
    found = trace_file(leaked, original.parts, moving, [line("A"), line("B")], b"m" * 32, "0" * 64)
    assert [each.recipient for each in found if each.names(2)] == ["B"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"calibration": True}, "a product for calibration is never marked"),
        ({"watermark": {"fields": {"machine": "0.1"}}}, "machine is no decimal or number field"),
        ({"watermark": {"fields": {"load": "0.0001"}}}, "load may change by 0.0001, less than its last place"),
    ],
)
def test_marks_that_would_do_harm_are_mistakes(changes: dict[str, Any], message: str) -> None:
    """Calibration, names and digits that are not shown are never marked."""
    with pytest.raises(ValueError, match=message):
        product([PSEUDONYM], **({"watermark": WATERMARK} | changes))


def test_a_product_without_marks_cannot_be_released_to_somebody(built: Built) -> None:
    """Copies that are all the same would accuse whoever is asked first."""
    with pytest.raises(UsageError, match="energy-hourly: has no watermark"):
        mark_package(built.folder, built.template, site(), b"m" * 32, "A")


def test_the_register_keeps_each_recipient_once(tmp_path: Path) -> None:
    """The same copy made again is the same line; a damaged register is said."""
    register = tmp_path / "recipients.jsonl"
    for name in ("A", "B", "A"):
        write_recipient(register, line(name))
    assert [each.recipient for each in read_recipients(register)] == ["A", "B"]

    register.write_text(json.dumps({"recipient": "A"}), encoding="utf-8")
    with pytest.raises(FactoryKitError, match="is no register of recipients"):
        read_recipients(register)
