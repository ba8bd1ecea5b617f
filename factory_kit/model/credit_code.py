"""Unified social credit codes (统一社会信用代码) by GB 32100-2015: the key of an enterprise, always text.

A well-formed code says nothing about whether the firm exists or where its plant stands.
"""

from __future__ import annotations

import unicodedata
from enum import StrEnum

__all__ = ["Fault", "check_sign", "fault", "normalise", "organisation_sign_fits"]

ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
"""GB 32100-2015, table 1: digits and capitals without I, O, S, V, Z; the position of a sign is its value."""
LENGTH = 18
ORGANISATION = slice(8, 16)
ORGANISATION_WEIGHTS = (3, 7, 9, 10, 5, 8, 4, 2)
ORGANISATION_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"


class Fault(StrEnum):
    """Why a text is no credit code."""

    LENGTH = "length"
    SIGN = "sign"
    CHECK = "check"


def normalise(text: str) -> str:
    """*text* in capitals, full-width signs narrow, blanks and invisible signs left out."""
    narrow = unicodedata.normalize("NFKC", text)
    return "".join(sign for sign in narrow if not sign.isspace() and unicodedata.category(sign) != "Cf").upper()


def fault(code: str) -> Fault | None:
    """What is wrong with *code*, first fault first; None when it is well formed. The first signs may be letters (A, N, Y exist)."""
    if len(code) != LENGTH:
        return Fault.LENGTH
    if not set(code) <= set(ALPHABET):
        return Fault.SIGN
    return None if check_sign(code[:-1]) == code[-1] else Fault.CHECK


def check_sign(first17: str) -> str:
    """The 18th sign that belongs to the first 17: 31 minus the sum of value x 3^(i-1), modulo 31 (GB 32100-2015, annex)."""
    total = sum(ALPHABET.index(sign) * pow(3, position, 31) for position, sign in enumerate(first17))
    return ALPHABET[-total % 31]


def organisation_sign_fits(code: str) -> bool:
    """Whether signs 9 to 17 are an organisation code with the right check sign (GB 11714-1997); old codes exist that fail."""
    total = sum(
        ORGANISATION_ALPHABET.index(sign) * weight
        for sign, weight in zip(code[ORGANISATION], ORGANISATION_WEIGHTS, strict=True)
    )
    return "0123456789X0"[11 - total % 11] == code[16]
