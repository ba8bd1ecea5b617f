"""Big answers to Publish are decoded together; that they came is known at once, and none is lost or comes out of turn."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import pytest
from asyncua import ua

from factory_kit.drivers.opcua import publisher as publisher_module
from factory_kit.drivers.opcua.answers import Published
from factory_kit.drivers.opcua.publisher import Publisher
from factory_kit.errors import DeviceError
from factory_kit.testing.rawbytes import Item, Rows, double

MANY = 2000
"""Values of a big answer."""


def _answer(number: int, count: int) -> bytes:
    """A PublishResponse of subscription 7, notification *number*, with *count* values."""
    listed = Rows([Item(double(float(each)), None, 1, None, 1) for each in range(count)], handles=True).encoded(1)
    part = struct.pack("<BBHBi", 1, 0, 811, 1, len(listed) + 4) + listed + bytes(4)
    header = struct.pack("<BBHqIIBiBBB", 1, 0, 829, 0, 5, 0, 0, 0, 0, 0, 0)
    return header + struct.pack("<Ii?Iqi", 7, 0, False, number, 0, 1) + part + bytes(8)


class _Line:
    """A connection on which *answers* come, one for each request; then it stays silent."""

    def __init__(self, answers: Sequence[bytes | Exception]) -> None:
        self._answers = list(answers)

    async def ask(self, _request: Any) -> bytes:
        if not self._answers:
            await asyncio.Event().wait()
        answer = self._answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


class _Heard:
    """What a publisher told of *answers*."""

    def __init__(self, answers: Sequence[bytes | Exception], *, holds: bool = True) -> None:
        self.told: list[int] = []
        self.heard: list[int] = []
        self.failed: list[DeviceError] = []
        client: Any = SimpleNamespace(uaclient=SimpleNamespace(protocol=_Line(answers)))
        heard = self.heard.append if holds else None
        self.publisher = Publisher(client, "x:1", lambda: 1, self._tell, self.failed.append, heard=heard)

    def _tell(self, told: Published) -> None:
        self.told.append(told.sequence)

    async def asked(self) -> None:
        """One request goes out again and again until nothing comes any more."""
        self.publisher.add()
        for _turn in range(50):
            await asyncio.sleep(0)


@pytest.fixture(autouse=True)
def _patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(publisher_module, "HOLD_S", 3600.0)
    monkeypatch.setattr(publisher_module, "BREATH_S", 0.0)


@pytest.mark.parametrize(
    ("answers", "told", "heard"),
    [
        ([_answer(1, MANY), _answer(2, MANY)], [], [7, 7]),
        ([_answer(1, MANY), _answer(2, MANY), _answer(3, 1)], [1, 2, 3], [7, 7]),
        ([_answer(1, 1), _answer(2, MANY)], [1], [7]),
    ],
)
def test_big_answers_wait_for_others_and_small_ones_do_not(
    answers: list[bytes], told: list[int], heard: list[int]
) -> None:
    """A small one brings those before it along, in their order."""

    async def main() -> _Heard:
        found = _Heard(answers)
        await found.asked()
        assert (found.told, found.heard) == (told, heard)
        found.publisher.flush()
        found.publisher.stop()
        return found

    found = asyncio.run(main())

    assert found.told == list(range(1, len(answers) + 1))
    assert found.failed == []


@pytest.mark.parametrize("end", ["stop", "break"])
def test_what_was_held_is_told_before_the_end(end: str) -> None:
    """Neither hanging up nor a broken connection loses an answer that came."""

    async def main() -> _Heard:
        broken = [ConnectionError("gone")] if end == "break" else []
        found = _Heard([_answer(1, MANY), _answer(2, MANY), *broken])
        await found.asked()
        found.publisher.stop()
        return found

    found = asyncio.run(main())

    assert found.told == [1, 2]
    assert len(found.failed) == (end == "break")


def test_an_answer_that_cannot_be_decoded_is_left_out() -> None:
    """It is counted, and what came with it is told."""
    body = _answer(2, MANY)

    async def main() -> _Heard:
        found = _Heard([_answer(1, MANY), body[:-3000], _answer(3, MANY)])
        await found.asked()
        found.publisher.stop()
        return found

    found = asyncio.run(main())

    assert (found.told, found.publisher.unusable, found.failed) == ([1, 3], 1, [])


def test_without_a_listener_nothing_waits() -> None:
    """Who cannot be told that an answer came gets it decoded at once."""

    async def main() -> _Heard:
        found = _Heard([_answer(1, MANY), ua.UaStatusCodeError(ua.StatusCodes.BadTooManyPublishRequests)], holds=False)
        await found.asked()
        found.publisher.stop()
        return found

    assert asyncio.run(main()).told == [1]


def test_no_more_waits_than_a_cache_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    """When too many bytes wait all of them are decoded, however short they waited; what comes then waits again."""
    monkeypatch.setattr(publisher_module, "MOST_HELD", 2 * len(_answer(1, MANY)))

    async def main() -> list[int]:
        found = _Heard([_answer(number, MANY) for number in (1, 2, 3)])
        await found.asked()
        told = list(found.told)
        found.publisher.stop()
        return told

    assert asyncio.run(main()) == [1, 2]
