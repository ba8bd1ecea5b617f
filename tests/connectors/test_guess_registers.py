"""Registers whose types are known and hidden: the proposals must find them, or say that they cannot tell."""

from __future__ import annotations

import random
import struct
from dataclasses import dataclass

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from factory_kit.collect.guess_registers import Proposal, Reading, propose

ROUNDS = 24
NEVER_NEGATIVE = {"uint16": "int16", "int16": "uint16", "uint32": "int32", "int32": "uint32"}


@dataclass(frozen=True)
class Hidden:
    """One value of a known type: what it was in each round."""

    type: str
    order: str
    values: tuple[float | int | str, ...]

    @property
    def size(self) -> int:
        return {"uint16": 1, "int16": 1, "uint32": 2, "float32": 2, "float64": 4}.get(self.type, 0) or self._text_size

    @property
    def _text_size(self) -> int:
        return (len(str(self.values[0])) + 1) // 2

    def words(self, place: int) -> list[int]:
        value = self.values[place]
        if self.type == "string":
            data = str(value).encode().ljust(2 * self.size, b"\0")
        else:
            form = {"uint16": "H", "int16": "h", "uint32": "I", "float32": "f", "float64": "d"}[self.type]
            data = struct.pack(f">{form}", value)
        words = list(struct.unpack(f">{len(data) // 2}H", data))
        if self.order in {"CDAB", "DCBA"}:
            words.reverse()
        return [(word & 0xFF) << 8 | word >> 8 for word in words] if self.order in {"BADC", "DCBA"} else words


def _floats(chance: random.Random, kind: str = "float32") -> Hidden:
    """A measured value with a noise of about a percent."""
    level = 10 ** chance.uniform(-1, 6) * chance.choice((1, 1, 1, -1))
    order = chance.choice(("ABCD", "CDAB", "BADC", "DCBA") if kind == "float32" else ("ABCD", "CDAB"))
    return Hidden(kind, order, tuple(level * (1 + chance.uniform(-0.02, 0.02)) for _ in range(ROUNDS)))


def _counter(chance: random.Random) -> Hidden:
    """A counter of 32 bits whose low register rolls over while it is watched."""
    value = chance.randrange(1, 30000) * 65536 - chance.randrange(200, 4000)
    values = []
    for _ in range(ROUNDS):
        values.append(value)
        value += chance.randrange(100, 900)
    return Hidden("uint32", chance.choice(("ABCD", "CDAB")), tuple(values))


def _measured(chance: random.Random) -> Hidden:
    level = chance.randrange(50, 12000)
    return Hidden("uint16", "ABCD", tuple(max(0, level + chance.randrange(-20, 21)) for _ in range(ROUNDS)))


def _signed(chance: random.Random) -> Hidden:
    return Hidden("int16", "ABCD", tuple(chance.randrange(-60, 60) for _ in range(ROUNDS)))


def _constant(chance: random.Random) -> Hidden:
    return Hidden("uint16", "ABCD", (chance.choice((0, 1, 7, 50, 1000, 17000, 20000, 65535)),) * ROUNDS)


def _text(chance: random.Random) -> Hidden:
    return Hidden(
        "string", "ABCD", ("".join(chance.choice("ABCDEFGHKLMNPRSTUVWX0123456789-") for _ in range(8)) + "XY",) * ROUNDS
    )


KINDS = (_floats, lambda chance: _floats(chance, "float64"), _counter, _measured, _signed, _constant, _text)


def _laid(
    hidden: list[Hidden], first: int = 100, gap: int = 0
) -> tuple[dict[int, list[int]], list[tuple[int, Hidden]]]:
    registers: dict[int, list[int]] = {}
    places = []
    at = first
    for each in hidden:
        places.append((at, each))
        for offset in range(each.size):
            registers[at + offset] = [each.words(place)[offset] for place in range(ROUNDS)]
        at += each.size + gap
    return registers, places


def _says(proposal: Proposal, reading: Reading) -> list[tuple[str, str, int]]:
    return [(each.type, each.order, each.size) for each in (reading, *proposal.others)]


def _covering(proposals: list[Proposal], address: int) -> Proposal:
    return next(each for each in proposals if each.address <= address < each.address + each.reading.size)


def _same(hidden: Hidden, reading: Reading) -> bool:
    """Equal, where a number that was never negative may have either sign."""
    types = {hidden.type}
    if hidden.type in NEVER_NEGATIVE and all(isinstance(value, int) and value >= 0 for value in hidden.values):
        types.add(NEVER_NEGATIVE[hidden.type])
    return reading.type in types and (reading.order == hidden.order or reading.size == 1)


@given(seed=st.integers(0, 2**32), kinds=st.lists(st.integers(0, len(KINDS) - 1), min_size=1, max_size=7))
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_what_is_called_clear_is_right(seed: int, kinds: list[int]) -> None:
    """Whatever lies side by side: a proposal without an alternative is the truth, and registers are covered once."""
    chance = random.Random(seed)  # noqa: S311 - repeatable, no secret
    registers, places = _laid([KINDS[kind](chance) for kind in kinds])

    proposals = propose(registers)

    covered = [proposal.address + each for proposal in proposals for each in range(proposal.reading.size)]
    assert sorted(covered) == sorted(registers)
    for address, hidden in places:
        proposal = _covering(proposals, address)
        if proposal.clear:
            assert proposal.address == address, (hidden, proposal)
            assert _same(hidden, proposal.reading), (hidden, proposal)


@given(seed=st.integers(0, 2**32))
@settings(max_examples=200, deadline=None)
def test_a_value_that_stands_alone_is_found(seed: int) -> None:
    """With a gap on both sides noisy floats, counters that roll over, texts and moving registers are proposed right."""
    chance = random.Random(seed)  # noqa: S311 - repeatable, no secret
    registers, places = _laid(
        [
            _floats(chance),
            _counter(chance),
            _measured(chance),
            _signed(chance),
            _text(chance),
            _floats(chance, "float64"),
        ],
        gap=1,
    )

    proposals = {proposal.address: proposal for proposal in propose(registers)}

    for address, hidden in places:
        readings = (proposals[address].reading, *proposals[address].others)
        assert any(_same(hidden, each) for each in readings), (hidden, proposals[address])
        if hidden.type in {"uint32", "uint16", "int16", "string"}:
            assert _same(hidden, proposals[address].reading), (hidden, proposals[address])


def test_floats_of_a_meter_in_a_row_are_found() -> None:
    """Three voltages, three currents and a power side by side, with the noise of a grid: type and order of each, and clear."""
    chance = random.Random(7)  # noqa: S311 - repeatable, no secret
    for order in ("ABCD", "CDAB", "BADC", "DCBA"):
        levels = (230.4, 231.2, 229.6, 87.3, 85.9, 88.8, 58321.0)
        hidden = [
            Hidden("float32", order, tuple(level * (1 + chance.gauss(0, 0.01)) for _ in range(ROUNDS)))
            for level in levels
        ]
        registers, places = _laid(hidden)

        proposals = propose(registers)

        assert [(each.address, each.reading, each.clear) for each in proposals] == [
            (address, Reading("float32", order, 2), True) for address, _hidden in places
        ]


def test_what_never_moved_is_called_ambiguous() -> None:
    """A float that stood still looks like two numbers too, and the proposal says so."""
    registers = {0: [0x4366] * ROUNDS, 1: [0x8000] * ROUNDS}

    [proposal] = propose(registers)

    assert str(proposal.reading) == "float32"
    assert Reading("uint16") in proposal.others
    assert not proposal.clear
    assert not proposal.moves


def test_a_zero_before_a_small_number_may_be_one_number() -> None:
    """Without a roll-over nobody can tell 32 bits from 16: both are named."""
    registers = {10: [0] * ROUNDS, 11: [2300 + place for place in range(ROUNDS)]}

    proposals = propose(registers)

    assert not any(proposal.clear for proposal in proposals)
    assert Reading("uint32", "ABCD", 2) in (proposals[0].reading, *proposals[0].others)


def test_measured_values_of_one_register_are_found_side_by_side() -> None:
    """Five values that move by little, one beside the other, are five values and nothing else."""
    chance = random.Random(3)  # noqa: S311 - repeatable, no secret
    registers, _places = _laid([_measured(chance) for _ in range(5)])

    proposals = propose(registers)

    assert [(each.reading.size, each.clear, each.others) for each in proposals] == [(1, True, ())] * 5
