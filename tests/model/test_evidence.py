"""Evidence records: one sequence of bytes, and figures that lose nothing."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from factory_kit.errors import AssessmentError
from factory_kit.model import evidence
from factory_kit.model.evidence import Engine, Evidence, FileUsed, IndicatorUsed, PointUsed, decimal_text, exact_text

RECORD = Evidence(
    indicator=IndicatorUsed("availability", 1, "ab" * 32),
    subject="cnc-07",
    unit="1",
    outcome="value",
    reason=None,
    value="0.708333",
    lower="0.6753",
    upper="0.7546",
    numerator="17",
    denominator="24",
    coverage="0.9533",
    points=(PointUsed("cnc-07", "state", "state"),),
    start="2026-09-01T00:00:00+08:00",
    end="2026-09-02T00:00:00+08:00",
    blocks=1,
    ledger=48,
    origin=("live",),
    files=(FileUsed("data/day.parquet", 86400, "cd" * 32),),
    engine=Engine("0.1", "2.0.0"),
    received="2026-09-03T08:00:00+08:00",
    details={"figures": {"说明": "甲"}},
)
BYTES = (
    '{"blocks":1,"coverage":"0.9533","denominator":"24","details":{"figures":{"说明":"甲"}},"engine":{"duckdb":"2.0.0","factory_kit":"0.1"},'
    '"files":[{"path":"data/day.parquet","rows":86400,"sha256":"' + "cd" * 32 + '"}],"form":1,"grade":"A",'
    '"indicator":{"id":"availability","rev":1,"sql_sha256":"' + "ab" * 32 + '"},'
    '"interval":{"from":"2026-09-01T00:00:00+08:00","to":"2026-09-02T00:00:00+08:00"},"kind":"machine","ledger":{"count":48},"lower":"0.6753",'
    '"numerator":"17","origin":["live"],"outcome":"value","points":[{"equipment":"cnc-07","point":"state","role":"state"}],"reason":null,'
    '"received":"2026-09-03T08:00:00+08:00","subject":"cnc-07","unit":"1","upper":"0.7546","value":"0.708333"}'
).encode()


def test_a_record_has_one_sequence_of_bytes() -> None:
    """Keys in order, no blanks, Chinese as it is (RFC 8785); the id is the hash of those bytes."""
    assert RECORD.canonical() == BYTES
    assert RECORD.id == hashlib.sha256(BYTES).hexdigest()
    assert RECORD.file_name == f"availability-cnc-07-{RECORD.id[:12]}.json"


def test_a_record_is_read_back_whole() -> None:
    """What was written is what is read, to the last field."""
    assert Evidence.read(BYTES, "x.json") == RECORD
    assert RECORD.exact_value == Fraction(17, 24)


@pytest.mark.parametrize(
    "data",
    [
        b"", b"[]", b"\xff", b"{}",
        BYTES.replace(b'"form":1', b'"form":2'),
        BYTES.replace(b'"rows":86400,', b""),
        BYTES.replace(b'"outcome":"value"', b'"outcome":"certain"'),
        BYTES.replace(b'"reason":null', b'"reason":"because"'),
        BYTES + b"\n",
        BYTES.replace(b'"blocks":1,', b'"blocks": 1,'),
        BYTES.replace(b'"unit":"1",', b'"unit":"1","more":"1",'),
    ],
)  # fmt: skip
def test_anything_else_is_refused_with_its_name(data: bytes) -> None:
    """A changed, cut or foreign file is named in one line."""
    with pytest.raises(AssessmentError, match=r"x\.json|^evidence: ") as caught:
        Evidence.read(data, "x.json")
    assert "\n" not in str(caught.value)


CHANGES = [
    (b'"form":1', b'"form":2'),
    (b'"blocks":1', b'"blocks":true'),
    (b'"blocks":1', b'"blocks":1.0'),
    (b'"count":48', b'"count":9007199254740993'),
    (b'"rows":86400,', b'"rows":"86400",'),
    (b'"kind":"machine"', b'"kind":"person"'),
    (b'"point":"state","role":"state"', b'"role":"state","point":"state"'),
    (b'"role":"state"', b'"role":"state","scale":"1"'),
    ('"甲"'.encode(), b'"\\u7532"'),
    ('"甲"'.encode(), b"0.5"),
    ('"说明":"甲"'.encode(), b'"b":1,"a":2'),
    ('"说明":"甲"'.encode(), '"\ufb33":1,"😀":2'.encode()),
    ('"说明":"甲"'.encode(), '"😀":2,"\ufb33":1'.encode()),
    (b'"numerator":"17"', b'"numerator":"17/0"'),
    (b'"unit":"1"', b'"unit":"1","unit":"1"'),
    (b'"2.0.0"', b'"2.0.0\\u0000"'),
    (b"", b""),
]


@pytest.mark.parametrize(("before", "after"), CHANGES)
def test_the_quick_form_takes_no_record_the_slow_way_refuses(
    before: bytes, after: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever is changed in a record, it is read to the same, or refused in the same words, as without the quick form."""
    data = BYTES.replace(before, after, 1)
    quick = _read(data)
    monkeypatch.setattr(evidence, "quick_form", lambda _data: None)
    assert quick == _read(data)


def test_an_honest_record_takes_the_quick_way() -> None:
    """The quick form knows the records this software writes, and gives what the slow way gives."""
    content = evidence.quick_form(BYTES)
    assert content == json.loads(BYTES)
    assert type(content["points"]) is list


def _read(data: bytes) -> object:
    try:
        return Evidence.read(data, "x.json")
    except AssessmentError as error:
        return str(error)


def test_a_record_says_one_thing() -> None:
    """A value with a reason against it, or no value without a reason, cannot be made."""
    with pytest.raises(AssessmentError, match="a value stands without a reason"):
        replace(RECORD, reason="too little")
    with pytest.raises(AssessmentError, match="a value stands without a reason"):
        replace(RECORD, outcome="inconclusive", value=None)


def test_rounding_keeps_bounds_bounds() -> None:
    """Two thirds to the nearest, down and up; a whole number has no decimals."""
    third = Fraction(2, 3)
    assert (decimal_text(third), decimal_text(third, "down"), decimal_text(third, "up")) == (
        "0.666667",
        "0.666666",
        "0.666667",
    )
    assert (decimal_text(Fraction(1)), decimal_text(Fraction(0)), decimal_text(Fraction(-1, 3), "down")) == (
        "1",
        "0",
        "-0.333334",
    )
    assert decimal_text(Fraction(5, 10**7)) == "0"
    assert decimal_text(Fraction(15, 10**7)) == "0.000002"


@given(st.fractions())
def test_bounds_hold_every_number_between_them(number: Fraction) -> None:
    """Rounded down is never above, rounded up never below, and they are at most one unit apart."""
    low, high = Fraction(decimal_text(number, "down")), Fraction(decimal_text(number, "up"))
    assert low <= number <= high
    assert high - low <= Fraction(1, 10**6)
    assert abs(Fraction(decimal_text(number)) - number) <= Fraction(1, 2 * 10**6)


@given(st.integers(-(10**30), 10**30), st.integers(0, 18))
def test_exact_text_loses_no_digit(parts: int, places: int) -> None:
    """A whole number of decimal parts comes back as it was."""
    number = Fraction(parts, 10**places)
    assert Fraction(exact_text(number)) == number


def test_a_number_without_end_has_no_exact_text() -> None:
    """One third is refused rather than cut."""
    with pytest.raises(ValueError, match="has no end"):
        exact_text(Fraction(1, 3))
