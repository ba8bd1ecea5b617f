"""The samples of a connector run through the decoder: what proves that a table of points is right. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from factory_kit.collect.decode import Decoded, Decoder, Slot
from factory_kit.errors import Problem
from factory_kit.i18n import N_
from factory_kit.model.connector import Connector, Point
from factory_kit.model.registers import ModbusAddress, modbus_address, registers_of, scale_point
from factory_kit.model.samples import ConnectorSample, ConnectorSamples

__all__ = ["sample_problems", "sample_values"]

Value = int | float | bool | str | None


def sample_problems(connector: Connector, samples: ConnectorSamples, file: str) -> list[Problem]:
    """Where the samples do not give what they promise, and which points no sample speaks of."""
    problems = [
        problem
        for position, sample in enumerate(samples.root)
        for problem in _sample_problems(connector, sample, position, file)
    ]
    tried = {name for sample in samples.root for name in sample.expect}
    missing = [point.name for point in connector.points if point.name not in tried]
    if missing:
        problems.append(Problem(file, 0, "", N_("no sample speaks of: {names}"), {"names": ", ".join(missing)}))
    return problems


def sample_values(connector: Connector, sample: ConnectorSample) -> dict[str, Value]:
    """The value of every point of *connector* that *sample* holds, None where it holds no value of the type."""
    points = {point.name: point for point in connector.points}
    return _from_words(points, sample) if sample.words else _from_values(points, sample)


def _sample_problems(connector: Connector, sample: ConnectorSample, position: int, file: str) -> Iterator[Problem]:
    points = {point.name: point for point in connector.points}
    found = sample_values(connector, sample)
    for name, expected in sample.expect.items():
        path = f"[{position}].expect.{name}"
        if name not in points:
            yield Problem(file, 0, path, N_("the connector has no point of this name"))
        elif name not in found:
            yield Problem(file, 0, path, N_("the sample holds nothing at {address}"), {"address": points[name].address})
        elif found[name] != expected:
            yield Problem(
                file, 0, path, N_("gives {found}, expected {expected}"), {"found": found[name], "expected": expected}
            )


def _from_words(points: Mapping[str, Point], sample: ConnectorSample) -> dict[str, Value]:
    values: dict[str, Value] = {}
    for start, words in sample.words.items():
        slots = _slots(points, modbus_address(start), len(words))
        if slots:
            decoded = Decoder(list(slots.values()), len(words))(np.array(words, dtype=np.uint16))
            values |= {name: _said(decoded, place) for place, name in enumerate(slots)}
    return values


def _slots(points: Mapping[str, Point], first: ModbusAddress, count: int) -> dict[str, Slot]:
    """Where the points lie that are whole, with their scale factors, inside *count* words from *first* on; dates are read as UTC."""
    inside: dict[str, tuple[Point, ModbusAddress]] = {}
    for name, point in points.items():
        address = modbus_address(point.address)
        offset = address.number - first.number
        if address.table == first.table and offset >= 0 and offset + registers_of(point) <= count:
            inside[name] = point, address
    inside = {name: each for name, each in inside.items() if not scale_point(each[0]) or scale_point(each[0]) in inside}
    order = {name: place for place, name in enumerate(inside)}
    return {
        name: Slot(point, address.number - first.number, address.bit, address.top, order.get(scale_point(point)))
        for name, (point, address) in inside.items()
    }


def _said(decoded: Decoded, place: int) -> Value:
    if decoded.text is not None and decoded.text[place] is not None:
        return decoded.text[place]
    return float(decoded.value[place]) if decoded.known[place] else None


def _from_values(points: Mapping[str, Point], sample: ConnectorSample) -> dict[str, Value]:
    """OPC UA gives numbers and texts as they are; only the scale of the point changes them."""
    return {
        point.name: _scaled(point, sample.values[point.address])
        for point in points.values()
        if point.address in sample.values
    }


def _scaled(point: Point, raw: Value) -> Value:
    if isinstance(raw, str) or raw is None or (point.scale == 1 and point.offset == 0):
        return raw
    return float(raw) * float(point.scale) + float(point.offset)
