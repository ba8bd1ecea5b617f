"""The parts of the watermark, each against its definition: keys, signs, marks, and what is made of a leaked series."""

from __future__ import annotations

import hashlib
import hmac
import math

import numpy as np
import numpy.typing as npt
import pytest

from factory_kit.pack import watermark
from factory_kit.pack.watermark import (
    LONGEST_GRID,
    Marking,
    Residuals,
    Trace,
    _averaged,
    _explained,
    _explanation,
    _fit,
    _made,
    _on_grid,
    _pace,
    _shift,
    _smoothed,
    _there,
    _unscaled,
    mark_key,
    marked,
    residuals,
    signs,
    trace,
)

KEY = bytes(range(32))
COUNT = 600
TIMES = np.arange(COUNT, dtype=np.int64) * 10 + 5000
CHANCE = np.random.default_rng(12)
TRUTH = np.round(100 + np.cumsum(CHANCE.normal(0, 1, COUNT)), 3)
BUMPS = np.where(np.arange(COUNT) // 30 % 2 == 0, 0.01, -0.01)
"""Half of the windows of 300 µs are up, half down."""


def test_keys_of_recipients_are_what_they_were() -> None:
    """Copies given out years ago are traced with the same keys."""
    assert mark_key(KEY, "energy-hourly", "1.0.0", "某公司").hex() == (
        "8b85f54d8a6f13e7221af978c86e0525f6571cba6451693821d21681ce9db66d"
    )


def test_signs_are_the_bits_of_one_hash_for_256_windows() -> None:
    """By window number, highest bit first, whatever the order, before the epoch too."""
    windows = np.array([0, 255, 256, -1, -256, -257, 700, 0, 10**12], np.int64)
    expected = []
    for window in windows.tolist():
        digest = hmac.new(KEY, f"a|b|{window // 256}".encode(), hashlib.sha256).digest()
        expected.append(1 if int.from_bytes(digest) >> 255 - window % 256 & 1 else -1)

    assert signs(KEY, "a|b", windows).tolist() == expected
    assert signs(KEY, "a|b", windows[:0]).tolist() == []


@pytest.mark.parametrize(
    ("values", "how", "expected"),
    [
        ([5.0004, 6.0], Marking(0.02, 3), [5.02, 6.02]),
        ([5.0004, 6.0], Marking(0.02), [5.0004 + 0.02, 6.02]),
        ([0.5, 1.0, 1.5], Marking(0.5, None, (1.0, 1.5)), [1.0, 1.5, 1.5]),
        ([0.25, 1.0, 1.5], Marking(0.5, None, (1.0, 1.5)), [0.25, 1.5, 1.5]),
        ([5.0, 7.0, 7.0, 6.0, 6.0, 5.0, 5.0], Marking(0.5), [5.5, 7.5, 7.0, 6.5, 6.0, 5.5, 5.0]),
        ([math.inf, 1.0, math.nan, 1.0, 0.0], Marking(0.5), [math.inf, 1.5, math.nan, 1.5, 0.0]),
    ],
)
def test_marks_keep_to_places_and_limits(values: list[float], how: Marking, expected: list[float]) -> None:
    """The limits themselves may be reached; what is no number stays."""
    np.testing.assert_array_equal(marked(np.array(values), np.ones(len(values), np.int8), how), expected)
    down = marked(np.array(values), -np.ones(len(values), np.int8), Marking(how.step))
    assert down[1] == values[1] - how.step


def by_window(found: Residuals) -> npt.NDArray[np.float64]:
    """The sums of all twenty windows."""
    assert found.windows.tolist() == list(range(5000 // 300, 5000 // 300 + 21))
    return found.sums


def sums_of(left: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """*left* summed by window of 300 µs."""
    return np.bincount(TIMES // 300 - 5000 // 300, weights=left)


MARKED = TRUTH + BUMPS


@pytest.mark.parametrize(
    ("leaked", "near"),
    [
        ((TIMES, MARKED), 0.01),
        ((TIMES, 3 * MARKED + 2), 0.01),
        ((TIMES[::-1], MARKED[::-1]), 0.01),
        ((TIMES + 10 * 86_400, MARKED), 0.01),
        ((TIMES - 70, MARKED / 7), 0.01),
        ((np.append(TIMES, TIMES[-1] + 10), np.append(MARKED, np.nan)), 0.01),
        ((np.append(TIMES[0] - 3, TIMES), np.append(-99.0, MARKED)), 0.05),
        ((TIMES, np.where(np.arange(COUNT) == 77, 500.0, MARKED)), 0.05),
    ],
    ids=["as it is", "rescaled", "in another order", "a day later", "moved and rescaled", "a gap", "a row more", "a wild value"],
)  # fmt: skip
def test_what_is_left_are_the_marks(leaked: tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]], near: float) -> None:
    """Window by window, whatever was done to the file; a wild value costs its own row only."""
    found = residuals("s", (TIMES, TRUTH), leaked, 300)

    assert found.series == "s"
    assert found.rows in {COUNT, COUNT + 1}
    np.testing.assert_allclose(by_window(found), sums_of(BUMPS), atol=near)


def test_means_stand_for_all_their_rows() -> None:
    """Each leaked mean over five rows gives a fifth of what is left to each of them, also where the rows are not whole."""
    means, at = MARKED.reshape(-1, 5).mean(axis=1), TIMES[::5]
    found = residuals("s", (TIMES, TRUTH), (at, means), 300)
    np.testing.assert_allclose(by_window(found) * 5, sums_of(BUMPS), atol=0.01)
    assert found.rows == COUNT // 5

    whole = np.delete(np.arange(COUNT), np.s_[100:105])
    gap = residuals("s", (TIMES[whole], TRUTH[whole]), (at, means), 300)
    assert gap.rows == COUNT // 5 - 1
    np.testing.assert_allclose(
        by_window(gap) * 5, sums_of(np.where(np.isin(np.arange(COUNT), whole), BUMPS, 0)), atol=0.02
    )


def test_hardly_any_row_tells_nothing() -> None:
    """Two rows, two moments of the original, or values that never move leave no window."""
    for original, leaked in [
        ((TIMES[:2], TRUTH[:2]), (TIMES, MARKED)),
        ((TIMES, TRUTH), (TIMES[:2], MARKED[:2])),
        ((TIMES, TRUTH), (TIMES, TRUTH)),
        ((TIMES, np.full(COUNT, 7.0)), (TIMES, np.full(COUNT, 9.0))),
    ]:
        found = residuals("s", original, leaked, 300)
        assert (found.windows.tolist(), found.sums.tolist()) == ([], [])
        assert found.rows == (0 if len(leaked[0]) < 3 or len(original[0]) < 3 else COUNT)


@pytest.mark.parametrize("by", [0, 10, -10, 5990, -5990, 123_450])
def test_a_shift_of_all_times_is_found(by: int) -> None:
    """Forwards and backwards, of a part with rows missing as of the whole."""
    part = np.delete(np.arange(100, 500), np.s_[::7])

    assert _shift(TIMES, TRUTH, TIMES - by, 2 * TRUTH + 1) == by
    assert _shift(TIMES, TRUTH, TIMES[part] - by, TRUTH[part]) == by


SLOW = {
    "a trend": np.linspace(0, 100, COUNT),
    "a wave": 100 * np.sin(np.arange(COUNT) / 150),
    "steps": np.repeat(np.random.default_rng(3).normal(0, 5, COUNT // 20), 20),
    "a walk": np.cumsum(np.random.default_rng(4).normal(0, 1, COUNT)),
}


@pytest.mark.parametrize("truth", SLOW.values(), ids=SLOW)
@pytest.mark.parametrize("kept", [np.s_[100:400], np.s_[::1]], ids=["a part", "the whole"])
def test_a_shift_is_found_whatever_is_slow_in_the_values(truth: npt.NDArray[np.float64], kept: slice) -> None:
    """What was cut out of a long rise has another mean, and edges where the original has none."""
    fine = truth + np.random.default_rng(6).normal(0, 0.3, COUNT)
    rows = np.delete(np.arange(COUNT)[kept], np.s_[::7])

    assert _shift(TIMES, fine, TIMES[rows] - 50, 2 * fine[rows] + 1) == 50


@pytest.mark.parametrize("apart", [1, 60_000_000])
def test_a_shift_is_found_on_any_grid(apart: int) -> None:
    """A row each microsecond, or each minute."""
    times = np.arange(COUNT, dtype=np.int64) * apart

    assert _shift(times, TRUTH, times - 70 * apart, TRUTH) == 70 * apart


def test_a_shift_is_looked_for_up_to_the_longest_grid(monkeypatch: pytest.MonkeyPatch) -> None:
    """As many steps as it has, and no more."""
    for longest, found in [(COUNT - 1, 70), (COUNT - 2, 0)]:
        monkeypatch.setattr(watermark, "LONGEST_GRID", longest)
        assert _shift(TIMES, TRUTH, TIMES - 70, TRUTH) == found


def test_a_shift_is_not_looked_for_on_an_endless_grid() -> None:
    """One row years away, or all rows at one moment."""
    far = TIMES.copy()
    far[-1] += 10 * (LONGEST_GRID + 1)

    assert _shift(far, TRUTH, TIMES - 50, TRUTH) == 0
    assert _shift(TIMES, TRUTH, far - 50, TRUTH) == 0
    assert _shift(np.zeros(COUNT, np.int64), TRUTH, TIMES, TRUTH) == 0


def test_the_line_that_fits_leaves_far_values_out() -> None:
    """Slope and base of the rest, once they were seen to lie off; where x never moves, the difference alone."""
    x = np.arange(40.0)
    y = 3 * x - 7 + np.where(np.arange(40) % 2 == 0, 0.25, -0.25)
    assert _fit(x, y) == pytest.approx(tuple(np.polyfit(x, y, 1)))
    wild = np.where(x == 20, 900, y)
    assert _fit(x, wild) == pytest.approx(_fit(np.delete(x, 20), np.delete(y, 20)))
    assert _fit(np.full(5, 2.0), np.arange(5.0)) == (1.0, 0.0)


def test_a_scale_is_undone_where_that_brings_values_nearer() -> None:
    """A line that lies flat cannot be undone."""
    x = np.array([1.0, 2.0, 4.0, 8.0])

    np.testing.assert_allclose(_unscaled(5 * x - 3, x), x)
    np.testing.assert_array_equal(_unscaled(np.full(4, 3.0), x), np.full(4, 3.0))
    cut = np.minimum(np.arange(16.0), 6)
    np.testing.assert_array_equal(_unscaled(cut, np.arange(16.0)), cut)


def test_a_trace_is_hoeffding_s_bound() -> None:
    """Each series counts alike; T = sum s R / |R|, p = exp(-T^2 / 2), 1 for whom it speaks against; the most telling first."""
    windows = np.arange(40, dtype=np.int64)
    own = signs(KEY, "a", windows) * np.linspace(1, 2, 40)
    other = 1000.0 * signs(KEY, "b", windows[:10])
    silent = Residuals("c", windows, np.zeros(40), 40)
    empty = Residuals("d", windows[:0], np.zeros(0), 0)
    found = [silent, empty, Residuals("a", windows, own, 40), Residuals("b", windows[:10], other, 10)]
    first, second, third = trace(found, {"Z": KEY, "Y": KEY, "N": bytes(32)})

    scaled = np.append(np.abs(own) / np.sqrt((own**2).mean()), np.ones(10))
    statistic = scaled.sum() / np.sqrt((scaled**2).sum())
    assert (first.recipient, second.recipient, third.recipient) == ("Y", "Z", "N")
    assert first.statistic == pytest.approx(statistic)
    assert first.p_value == pytest.approx(math.exp(-(statistic**2) / 2))
    assert first.windows == 50
    (against,) = trace([Residuals("a", windows, -own, 40)], {"Z": KEY})
    assert against.statistic < -6
    assert against.p_value == 1.0
    for left, p_value in [([1.0], math.exp(-0.5)), ([3.0, -1.0], math.exp(-0.2)), ([-3.0, 1.0], 1.0)]:
        few = windows[: len(left)]
        (hardly,) = trace([Residuals("a", few, signs(KEY, "a", few) * np.array(left), 9)], {"Z": KEY})
        assert hardly.p_value == pytest.approx(p_value)
    assert trace([silent, empty], {"Z": KEY}) == [Trace("Z", 0.0, 1.0, 0)]


@pytest.mark.parametrize(
    ("p_value", "windows", "registered", "expected"),
    [
        (1e-9, 20, 1, True), (1e-9, 20, 0, True), (1e-9, 19, 1, False), (1.01e-9, 20, 1, False), (1.0, 20, 0, False),
        (1e-9 / 8, 20, 8, True), (1e-9 / 8, 20, 9, False),
    ],
)  # fmt: skip
def test_a_name_takes_twenty_windows_and_a_p_value_below_the_alarm(
    p_value: float, windows: int, registered: int, expected: bool
) -> None:
    """One in a thousand million, shared by all who are registered."""
    assert Trace("A", 9.0, p_value, windows).names(registered) is expected


def averaged_over_five(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """A moving average, without two rows at either end."""
    return np.convolve(values, np.ones(5) / 5, "valid")


@pytest.mark.parametrize(("count", "found"), [(2000, True), (COUNT, False)])
def test_smoothing_is_undone_where_there_are_rows_enough(count: int, found: bool) -> None:
    """The weights are fitted on more rows than they could explain by chance; with fewer they are not looked for, and less is found."""
    times = np.arange(count, dtype=np.int64) * 10
    truth = np.round(100 + np.random.default_rng(5).normal(0, 3, count), 3)
    bumps = np.where(np.arange(count) // 50 % 2 == 0, 0.02, -0.02)
    leaked = (times[2:-2], averaged_over_five(truth + bumps) * 4 + 9)
    left = residuals("s", (times, truth), leaked, 500)

    assert left.rows == (count - 64 if found else count - 4)
    expected = np.bincount(times // 500, weights=bumps)[left.windows]
    likeness = float(np.corrcoef(left.sums, expected)[0, 1])
    assert (likeness > 0.95) is found


MANY = 1364
"""As many rows as the weights of 65 neighbours take: twenty each, and 32 at either end."""
LONG_TIMES = np.arange(MANY, dtype=np.int64) * 10
NOISE = np.random.default_rng(8).normal(0, 3, MANY)


def test_the_parts_of_an_explanation() -> None:
    """Moments that are there, the usual distance of rows, values on a grid, and what is typically left as a share of the spread."""
    times = np.array([100, 110, 130, 170], np.int64)

    assert [each.tolist() for each in _there(times, np.array([90, 110, 120, 170, 999], np.int64))] == [[1, 3], [1, 3]]
    assert (_pace(times), _pace(times[:2]), _pace(times[:1]), _pace(times[::3])) == (20, 10, 1, 70)
    assert _on_grid(times[:3], np.array([1.0, 2.0, 6.0]), 10).tolist() == [-2, -1, 0, 3]
    left = np.arange(1.0, 6.0)
    assert _made(np.array([0.0, 0, 0, 0, 10]) - left, left, ()).typical == 0.5
    assert _made(left, -left, ()).typical == 0


def test_a_mean_is_looked_for_on_a_regular_coarser_grid() -> None:
    """At least twice as far apart, and more than nine in ten rows as far from the next; each row stands for all within it."""
    even = TIMES[:400:2]
    found = _averaged(TIMES, TRUTH, even, MARKED[:400].reshape(-1, 2).mean(axis=1))
    assert found is not None
    ((rows, places, weights),) = found.shares
    assert isinstance(rows, np.ndarray)
    assert rows.tolist() == np.repeat(np.arange(200), 2).tolist()
    assert places.tolist() == list(range(400))
    assert isinstance(weights, np.ndarray)
    assert set(weights.tolist()) == {0.5}
    assert _averaged(TIMES, TRUTH, 5000 + 19 * np.arange(200), TRUTH[:200]) is None
    for uneven, there in ((9, True), (10, False)):
        apart = np.where(np.arange(100) < uneven, 70, 50)
        at = 5000 + np.concatenate(([0], np.cumsum(apart)))
        assert (_averaged(TIMES, TRUTH, at, TRUTH[:101]) is not None) is there


def test_a_mean_may_be_of_one_row() -> None:
    """Where the original has only one row until the next mean, that row is what is left of it."""
    there = np.delete(np.arange(COUNT), np.s_[101:105])
    found = _averaged(TIMES[there], TRUTH[there], TIMES[::5], TRUTH.reshape(-1, 5).mean(axis=1))

    assert found is not None
    ((_, places, weights),) = found.shares
    assert isinstance(weights, np.ndarray)
    assert weights[places == 100].tolist() == [1.0]
    assert len(found.left) == COUNT // 5


def test_means_that_were_cut_off_are_taken_as_they_are() -> None:
    """No line fits them; most of them are the very means of the original."""
    cut = np.minimum(TRUTH.reshape(-1, 5).mean(axis=1), np.quantile(TRUTH, 0.6))
    found = _averaged(TIMES, TRUTH, TIMES[::5], cut)

    assert found is not None
    assert found.typical < 1e-9


@pytest.mark.parametrize(("rows", "there", "found"), [(10, 5, True), (10, 4, False), (4, 3, True), (4, 2, False)])
def test_half_of_the_rows_have_their_moment(rows: int, there: int, found: bool) -> None:
    """And three at least; else nothing is explained in this way."""
    times = np.where(np.arange(rows) < there, TIMES[:rows], TIMES[:rows] + 3)

    assert (_explained(TIMES, TRUTH, times, MARKED[:rows]) is not None) is found


def test_three_rows_are_explained() -> None:
    """Two, one or none are not, whether of the original or of the leaked file."""
    short = TIMES[:3], TRUTH[:3]

    assert _explanation(*short, *short) is not None
    for count in range(3):
        assert _explanation(TIMES[:count], TRUTH[:count], *short) is None
        assert _explanation(*short, TIMES[:count], TRUTH[:count]) is None


def test_smoothing_is_told_by_its_weights() -> None:
    """Of 65 neighbours each, on 1,300 rows at least: those that were mixed in have their share, the others none."""
    found = _smoothed(LONG_TIMES, NOISE, LONG_TIMES, MIXED)

    assert found is not None
    assert found.typical < 0.01
    weights = [weight for _, _, weight in found.shares]
    np.testing.assert_allclose(weights, [0] * 31 + [0.25, 0.5, 0.25] + [0] * 31, atol=1e-3)
    assert [places.tolist() for _, places, _ in found.shares] == [list(range(at, at + 1300)) for at in range(65)]
    assert _smoothed(LONG_TIMES[1:], NOISE[1:], LONG_TIMES, MIXED) is None


def test_what_fits_no_better_is_no_explanation() -> None:
    """Values that have nothing to do with the original: moved times and weights of neighbours explain by chance a little more, not twice as much."""
    other = np.random.default_rng(9).normal(0, 3, MANY)
    found = _explanation(LONG_TIMES, NOISE, LONG_TIMES, other)

    assert found is not None
    ((_, places, _),) = found.shares
    assert places.tolist() == list(range(MANY))
    assert len(found.left) == MANY


OTHER = np.random.default_rng(9).normal(0, 3, MANY)
MIXED = 0.25 * np.roll(NOISE, 1) + 0.5 * NOISE + 0.25 * np.roll(NOISE, -1) + 7


@pytest.mark.parametrize(("noise", "rows"), [(0.7, MANY - 100), (0.9, MANY)])
def test_moved_times_explain_twice_as_well(noise: float, rows: int) -> None:
    """Or they stay where they are."""
    found = _explanation(LONG_TIMES, NOISE, LONG_TIMES, np.roll(NOISE, -100) + noise * OTHER)

    assert found is not None
    ((_, places, _),) = found.shares
    assert isinstance(places, np.ndarray)
    assert places.tolist() == list(range(MANY - rows, MANY))


@pytest.mark.parametrize(("noise", "rows"), [(0.15, MANY - 64), (0.3, MANY)])
def test_weights_of_neighbours_explain_twice_as_well(noise: float, rows: int) -> None:
    """Or each row is its moment's."""
    found = _explanation(LONG_TIMES, NOISE, LONG_TIMES, MIXED + noise * OTHER)

    assert found is not None
    assert len(found.left) == rows


def test_smoothing_is_undone_after_times_were_moved_back() -> None:
    """Both at once, as a careful thief would."""
    found = _explanation(LONG_TIMES, NOISE, LONG_TIMES - 990, MIXED)

    assert found is not None
    assert found.typical < 0.01
    weights = [weight for _, _, weight in found.shares]
    np.testing.assert_allclose(weights, [0] * 31 + [0.25, 0.5, 0.25] + [0] * 31, atol=1e-3)


def test_times_that_would_move_out_of_sight_stay() -> None:
    """Where only forty of a hundred rows would find their moment, the first explanation is kept."""
    values = np.append(OTHER[:60] / 100, NOISE[:40])
    assert _shift(LONG_TIMES, NOISE, LONG_TIMES[:100], values) == -600

    found = _explanation(LONG_TIMES, NOISE, LONG_TIMES[:100], values)
    assert found is not None
    assert len(found.left) == 100


@pytest.mark.parametrize(("leaked", "rows"), [(MIXED, MANY - 64), (np.roll(NOISE, -100) + OTHER / 2, MANY - 100)])
def test_what_is_close_enough_is_the_explanation(
    monkeypatch: pytest.MonkeyPatch, leaked: npt.NDArray[np.float64], rows: int
) -> None:
    """The simplest that leaves no more than a fiftieth of the spread; a better one is looked for beyond that only."""
    simple = _explained(LONG_TIMES, NOISE, LONG_TIMES, leaked)
    assert simple is not None

    for close, expected in [(simple.typical, MANY), (simple.typical * 0.99, rows)]:
        monkeypatch.setattr(watermark, "CLOSE", close)
        found = _explanation(LONG_TIMES, NOISE, LONG_TIMES, leaked)
        assert found is not None
        assert len(found.left) == expected
