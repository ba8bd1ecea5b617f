from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from factory_kit.collect.plan import ServerPlan, plan_site
from factory_kit.collect.preview import describe_plan
from factory_kit.drivers import driver
from factory_kit.drivers.base import Context, Identity, NodeItem, Past, Stretch, Value
from factory_kit.drivers.polled import NO_HISTORY, PolledDevice
from factory_kit.errors import DeviceRefused, DeviceUnavailable, MissingExtra
from factory_kit.model.connector import Connector
from factory_kit.model.site import OtherServer, Site

NOW = 1_800_000_000_000_000


class Scale:
    """A device of another package: what it answers is given."""

    def __init__(self, *answers: Sequence[Value] | Exception) -> None:
        self.answers = list(answers)
        self.asked: list[list[str]] = []
        self.closed = 0

    @property
    def address(self) -> str:
        return "192.0.2.7:4305"

    async def connect(self) -> None:
        """Nothing to do."""

    async def identify(self, units: Sequence[int] = ()) -> Identity:
        del units
        return Identity("Maker", "Scale")

    async def read(self, addresses: Sequence[str]) -> Sequence[Value]:
        self.asked.append(list(addresses))
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def aclose(self) -> None:
        self.closed += 1


def polled(scale: Scale, sent: list[tuple[str, str]] | None = None, timeout_ms: int = 5000) -> PolledDevice:
    """*scale* as collections see it."""
    server = OtherServer(driver="scales", address=scale.address, timeout_ms=timeout_ms)
    count = (lambda address, what: sent.append((address, what))) if sent is not None else (lambda _a, _w: None)
    return PolledDevice(scale, server, Context(lambda: NOW, count))


ITEMS = (NodeItem("W", 50.0, 1, polled=True), NodeItem("S", 86_400_000.0, 1, polled=True))


def test_numbers_texts_truths_and_what_is_wrong_become_samples() -> None:
    """A status makes a bad sample, None a bad one without a value; the device's own time stands where it gives one."""
    items = [NodeItem(name, 1000.0, 1, polled=True) for name in "abcde"]
    values = [Value(1.5), Value("run"), Value(True), Value(None, 7), Value(2, time=NOW - 5)]

    async def once() -> list[object]:
        device = polled(Scale(values))
        await device.subscribe(items, 1000.0)
        (arrival,) = await device.arrivals()
        batch = arrival.batch
        assert batch.text is not None
        assert batch.has_value is not None
        assert batch.status is not None
        return [
            batch.point.tolist(), [str(each) for each in batch.value], list(batch.text), batch.quality.tolist(),
            batch.has_value.tolist(), batch.status.tolist(), (batch.time - NOW).tolist(),
        ]  # fmt: skip

    assert asyncio.run(once()) == [
        [0, 1, 2, 3, 4], ["1.5", "nan", "1.0", "nan", "2.0"], [None, "run", None, None, None], [0, 0, 0, 2, 0],
        [True, False, True, False, True], [0, 0, 0, 7, 0], [0, 0, 0, 0, -5],
    ]  # fmt: skip


def test_every_point_is_read_at_its_own_interval_and_every_question_counted_first() -> None:
    """The slow point is asked for once while the fast one is asked for again; connecting and asking who it is count too."""
    sent: list[tuple[str, str]] = []
    scale = Scale([Value(1), Value("x")], [Value(2)], [Value(3)])

    async def thrice() -> list[list[int]]:
        device = polled(scale, sent)
        await device.connect()
        await device.identify()
        await device.subscribe(ITEMS, 1000.0)
        return [arrival.batch.point.tolist() for _ in range(3) for arrival in await device.arrivals()]

    assert asyncio.run(thrice()) == [[0, 1], [0], [0]]
    assert scale.asked == [["W", "S"], ["W"], ["W"]]
    assert [what for _address, what in sent] == ["connect", "identify", "read", "read", "read"]


@pytest.mark.parametrize("trouble", [ConnectionResetError("cable out"), EOFError("closed"), OSError("no route")])
def test_trouble_of_the_network_is_worth_another_try(trouble: Exception) -> None:
    """Whatever a driver lets through of sockets becomes one error of ours, with the address."""

    async def broken() -> None:
        device = polled(Scale(trouble))
        await device.subscribe(ITEMS, 1000.0)
        await device.arrivals()

    with pytest.raises(DeviceUnavailable, match=r"192\.0\.2\.7:4305: "):
        asyncio.run(broken())


def test_a_mistake_in_a_driver_of_others_is_told_and_tried_again() -> None:
    """Other machines are read on; the line names the driver and what it said."""

    async def broken() -> None:
        device = polled(Scale(ValueError("no number: 1O0")))
        await device.subscribe(ITEMS, 1000.0)
        await device.arrivals()

    with pytest.raises(DeviceUnavailable, match=r"the driver scales failed \(ValueError: no number: 1O0\)"):
        asyncio.run(broken())


def test_a_device_that_never_answers_is_given_up_after_the_time_out() -> None:
    """The site says how long; nobody waits for ever."""

    class Silent(Scale):
        async def read(self, addresses: Sequence[str]) -> Sequence[Value]:
            await asyncio.Event().wait()
            return await super().read(addresses)

    async def silent() -> None:
        device = polled(Silent(), timeout_ms=10)
        await device.subscribe(ITEMS, 1000.0)
        await device.arrivals()

    with pytest.raises(DeviceUnavailable, match=r"no answer within 0\.01 s"):
        asyncio.run(silent())


def test_a_driver_that_gives_too_few_values_is_refused() -> None:
    """Values that nobody can assign would land at the wrong points."""

    async def short() -> None:
        device = polled(Scale([Value(1)]))
        await device.subscribe(ITEMS, 1000.0)
        await device.arrivals()

    with pytest.raises(DeviceRefused, match="gave 1 values for 2 addresses"):
        asyncio.run(short())


def test_after_a_break_the_device_is_asked_anew_and_no_history_is_promised() -> None:
    """A lost connection is closed before it is opened again, the stream did not go on, and the past is said not to be there."""
    scale = Scale()

    async def back() -> tuple[bool, list[Past]]:
        device = polled(scale)
        whole = await device.resume()
        await device.know(ITEMS)
        return whole, [each async for each in device.history([Stretch(1, 0, 5)])]

    whole, (past,) = asyncio.run(back())

    assert (whole, scale.closed) == (False, 1)
    assert (past.item, past.status, past.reason, len(past.batch)) == (1, 1, NO_HISTORY, 0)


def plan_of_a_scale() -> tuple[Site, Connector]:
    """A site with one scale, and its connector."""
    text = {"zh": "秤", "en": "Scale"}
    point = {"label": text, "role": "other", "type": "float64"}
    connector = Connector.model_validate(
        {
            "connector": "scale", "version": "1", "label": text, "driver": "scales",
            "sources": ({"title": "m", "version": "1", "confidence": "own"},), "quality": {"grade": "bronze", "because": "x"},
            "points": ({**point, "name": "weight", "address": "{base}.W"}, {**point, "name": "sum", "address": "T", "scan": "slow"}),
        }
    )  # fmt: skip
    plant = {
        "id": "p",
        "name": text,
        "credit_code": "913101170000000000",
        "type": "discrete",
        "industry": {"code": "3484"},
    }
    site = Site.model_validate(
        {
            "site": 1, "kind": "demo", "plant": plant, "servers": {"s": {"driver": "scales", "address": "192.0.2.7:4305"}},
            "equipment": ({"id": "scale-1", "name": text, "connector": "scale", "server": "s", "base": "A"},),
        }
    )  # fmt: skip
    return site, connector


def test_a_server_of_another_driver_is_planned_point_by_point() -> None:
    """Addresses carry the base of the equipment, scan classes give the interval, and the dry run tells both."""
    site, connector = plan_of_a_scale()
    (plan,) = plan_site(site, {"scale": connector}).servers

    assert isinstance(plan, ServerPlan)
    assert [(item.node, item.sampling_ms, item.polled) for item in plan.items] == [
        ("A.W", 1000.0, True),
        ("T", 60_000.0, True),
    ]
    assert [entry.address for entry in plan.catalogue] == ["A.W", "T"]
    rows = describe_plan(site, {"scale": connector})
    assert [(row.driver, row.what, row.points, row.interval_ms) for row in rows] == [
        ("scales", "read", 1, 1000),
        ("scales", "read", 1, 60_000),
    ]


def test_a_driver_that_no_package_offers_is_named() -> None:
    """The message says which it is and which are our own."""
    with pytest.raises(MissingExtra, match="driver scales is not installed; own drivers are opcua, modbus"):
        driver("scales")
