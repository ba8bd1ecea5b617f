from __future__ import annotations

import random

import pytest

from factory_kit.model.credit_code import ALPHABET, Fault, check_sign, fault, normalise, organisation_sign_fits


def made(seed: int, first: str = "9131011") -> str:
    """A well-formed code beginning with *first*."""
    signs = random.Random(seed)  # noqa: S311 - test data
    body = first + "".join(signs.choice(ALPHABET) for _ in range(17 - len(first)))
    return body + check_sign(body)


def test_the_example_of_the_standard_is_accepted() -> None:
    """91350100M000100Y43, the worked example of GB 32100-2015, is well formed, also inside."""
    assert fault("91350100M000100Y43") is None
    assert organisation_sign_fits("91350100M000100Y43")


def test_every_check_sign_occurs_and_is_accepted() -> None:
    """All 31 signs, 0 among them, are right check signs of some code."""
    codes = [made(seed) for seed in range(600)]
    assert {code[-1] for code in codes} == set(ALPHABET)
    assert [fault(code) for code in codes] == [None] * 600


@pytest.mark.parametrize("first", ["Y1310117", "A1310117", "N2310117"])
def test_codes_may_begin_with_a_letter(first: str) -> None:
    """The registering authority may be a letter."""
    assert fault(made(1, first)) is None


def test_one_wrong_sign_is_always_found() -> None:
    """Changing any one sign of a code to any other is noticed."""
    code = made(7)
    wrong = [code[:place] + sign + code[place + 1 :] for place in range(18) for sign in ALPHABET if sign != code[place]]
    assert {fault(text) for text in wrong} == {Fault.CHECK}


def test_two_swapped_neighbours_are_always_found() -> None:
    """Swapping two different neighbours is noticed."""
    code = made(11)
    swapped = [
        code[:place] + code[place + 1] + code[place] + code[place + 2 :]
        for place in range(17)
        if code[place] != code[place + 1]
    ]
    assert {fault(text) for text in swapped} == {Fault.CHECK}


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("9135010OM000100Y43", Fault.SIGN),
        ("91350100M000100Y4", Fault.LENGTH),
        ("", Fault.LENGTH),
        ("91350100m000100Y43", Fault.SIGN),
    ],
)
def test_each_fault_has_its_name(text: str, wrong: Fault) -> None:
    """The letter O, a missing sign, nothing at all and small letters are told apart."""
    assert fault(text) is wrong


def test_what_people_paste_is_brought_into_form() -> None:
    """Full-width signs, blanks, zero-width signs and small letters become the code itself."""
    assert normalise(" ９１350100 m000\u200b100\u00a0y43\n") == "91350100M000100Y43"


def test_a_wrong_organisation_sign_is_told_apart() -> None:
    """A code whose outer check sign fits may still carry a wrong organisation code."""
    body = "91350100M000100Z4".replace("Z", "X")
    code = body + check_sign(body)
    assert fault(code) is None
    assert not organisation_sign_fits(code)
