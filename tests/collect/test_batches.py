"""Many small batches as one, and their values in the units of their connector."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from decimal import Decimal
from typing import Any

import numpy as np

from factory_kit.collect.batches import bad, joined, selected
from factory_kit.collect.plan import plan_site
from factory_kit.collect.units import Units
from factory_kit.model.connector import Connector
from factory_kit.model.sample import Quality, SampleBatch
from factory_kit.model.site import Site


def bare(*rows: tuple[int, int, float]) -> SampleBatch:
    """Good samples, point, time and value each, with no column that may be left out."""
    point, time, value = (list(column) for column in zip(*rows, strict=True))
    return SampleBatch(
        np.array(point, np.int32), np.array(time, np.int64), np.array(value, np.float64), np.zeros(len(rows), np.int8)
    )


def full() -> SampleBatch:
    """Three samples with every column."""
    return SampleBatch(
        point=np.array([7, 8, 9], np.int32),
        time=np.array([70, 80, 90], np.int64),
        value=np.array([0.5, np.nan, np.nan]),
        quality=np.array([0, 1, 2], np.int8),
        has_value=np.array([True, True, False]),
        text=["a", None, "c"],
        status=np.array([1, 2, 3], np.int64),
        server_time=np.array([71, 81, 91], np.int64),
        received_time=np.array([72, 82, 92], np.int64),
    )


def told(batch: SampleBatch) -> dict[str, Any]:
    """The columns as lists; NaN as a word, so that it equals itself."""
    columns = {each.name: getattr(batch, each.name) for each in fields(batch)}
    lists = {name: None if column is None else list(column) for name, column in columns.items()}
    return {**lists, "value": [str(value) for value in lists["value"]]}


def test_batches_are_joined_in_their_order_and_missing_columns_are_filled() -> None:
    """A batch that left a column out gets what it means: a value unless NaN, no text, status 0, its own time as both other times."""
    found = joined([bare((1, 10, 1.5), (2, 20, np.nan)), full()])

    assert told(found) == {
        "point": [1, 2, 7, 8, 9],
        "time": [10, 20, 70, 80, 90],
        "value": ["1.5", "nan", "0.5", "nan", "nan"],
        "quality": [0, 0, 0, 1, 2],
        "has_value": [True, False, True, True, False],
        "text": [None, None, "a", None, "c"],
        "status": [0, 0, 1, 2, 3],
        "server_time": [10, 20, 71, 81, 91],
        "received_time": [10, 20, 72, 82, 92],
    }
    assert told(joined([full(), bare((1, 10, 1.5))]))["text"] == ["a", None, "c", None]


def test_what_every_batch_leaves_out_stays_out() -> None:
    """A column that none of the batches has is None, not filled."""
    found = joined([bare((1, 10, 1.5)), bare((2, 20, 2.5))])

    assert (found.has_value, found.text, found.status, found.server_time, found.received_time) == (None,) * 5
    assert found.value.tolist() == [1.5, 2.5]


def test_one_batch_is_handed_on_as_it_is() -> None:
    """Nothing is copied where there is nothing to join."""
    only = full()

    assert joined([only]) is only


def test_rows_are_selected_by_flags_or_by_places() -> None:
    """Both ways take the same rows of every column; places also set the order."""
    by_flags = selected(full(), np.array([True, False, True]))

    assert told(by_flags) == {
        "point": [7, 9], "time": [70, 90], "value": ["0.5", "nan"], "quality": [0, 2], "has_value": [True, False], "text": ["a", "c"],
        "status": [1, 3], "server_time": [71, 91], "received_time": [72, 92],
    }  # fmt: skip
    assert told(selected(full(), np.array([2, 0]))) == {name: column[::-1] for name, column in told(by_flags).items()}
    without = selected(bare((1, 10, 1.5), (2, 20, 2.5)), np.array([False, True]))
    assert told(without) == told(bare((2, 20, 2.5)))


def test_a_failed_read_is_a_bad_sample_of_each_point() -> None:
    """No value, bad quality, the status of what failed, and when it was tried and noticed."""
    found = bad(np.array([4, 5], np.int32), time=100, received=130, status=0x800A0000)

    assert told(found) == {
        "point": [4, 5], "time": [100, 100], "value": ["nan", "nan"], "quality": [Quality.BAD, Quality.BAD], "has_value": [False, False],
        "text": None, "status": [0x800A0000, 0x800A0000], "server_time": None, "received_time": [130, 130],
    }  # fmt: skip


def units_of(
    make_site: Callable[..., Site], make_connector: Callable[..., Connector], *changes: dict[str, str]
) -> Units:
    """The units of a server whose points have these scales and offsets."""
    rows = [{"name": f"p{place}", "address": f"ns=2;i={place}", "type": "float64"} for place in range(len(changes))]
    connector = make_connector("opcua", *rows)
    points = tuple(
        point.model_copy(update={name: Decimal(number) for name, number in each.items()})
        for point, each in zip(connector.points, changes, strict=True)
    )
    connector = connector.model_copy(update={"points": points})
    site = make_site(
        {"ua": {"driver": "opcua", "url": "opc.tcp://10.0.0.6"}}, [{"id": "m", "connector": "opcua", "server": "ua"}]
    )
    (plan,) = plan_site(site, {"opcua": connector}).servers
    return Units(plan)


def test_values_of_a_stream_get_their_scale_and_offset_exactly(
    make_site: Callable[..., Site], make_connector: Callable[..., Connector]
) -> None:
    """Each point its own, 2301 tenths are 230.1 and not a little more; others and NaN stay; the batch that came is not changed."""
    units = units_of(make_site, make_connector, {}, {"scale": "0.1"}, {"offset": "-40"}, {"scale": "2", "offset": "1"})
    came = bare((0, 1, 5.0), (1, 2, 2301.0), (2, 3, 60.0), (3, 4, 7.0), (1, 5, np.nan), (1, 6, np.inf))

    found = units(came)

    assert [str(value) for value in found.value] == ["5.0", "230.1", "20.0", "15.0", "nan", "inf"]
    assert (found.time.tolist(), came.value.tolist()[:2]) == ([1, 2, 3, 4, 5, 6], [5.0, 2301.0])


def test_without_a_scale_a_batch_is_handed_on_as_it_is(
    make_site: Callable[..., Site], make_connector: Callable[..., Connector]
) -> None:
    """Most servers give values in their units."""
    came = bare((0, 1, 5.0))

    assert units_of(make_site, make_connector, {}, {})(came) is came
