"""The base of everything people write into files: strict, frozen, no unknown keys."""

from __future__ import annotations

from datetime import date, time
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError

__all__ = [
    "Confidence",
    "Definition",
    "EitherText",
    "ExactNumber",
    "Identifier",
    "Language",
    "LaxDate",
    "LaxDecimal",
    "LaxTime",
    "Source",
    "Text",
    "exact",
    "mistake",
]

Language = Literal["zh", "en"]

Identifier = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,63}$")]
"""A short permanent name: lower-case letters, digits, ``.``, ``_``, ``-``; at most 64 signs."""

LaxDate = Annotated[date, Field(strict=False)]
LaxTime = Annotated[time, Field(strict=False)]
LaxDecimal = Annotated[Decimal, Field(strict=False)]


def mistake(template: str, /, **details: object) -> PydanticCustomError:
    """A mistake of a definition to raise in a validator; *template* is a literal, kept whole so that it can be translated."""
    return PydanticCustomError(
        "mistake", "{said}", {"said": template.format(**details), "template": template, **details}
    )


LONGEST_NUMBER = 100
"""Characters of an exact number; nobody measures to more digits, and longer ones take time to compute with."""


@lru_cache(maxsize=4096)
def exact(text: str) -> Fraction:
    """The exact value of a decimal or fraction text such as ``0.8`` or ``1/7``; ``ValueError`` for anything else.

    Powers of ten (``1e9``) are refused: a few characters of them could ask for a number that fills the memory.
    """
    if len(text) > LONGEST_NUMBER or "e" in text.lower():
        raise ValueError(text)
    return Fraction(text)


def _is_exact(text: str) -> str:
    try:
        exact(text)
    except (ValueError, ZeroDivisionError) as error:
        raise mistake("{text!r} is not an exact number such as 0.8 or 1/7", text=text) from error
    return text


ExactNumber = Annotated[str, AfterValidator(_is_exact)]
"""A number kept as the text people wrote, so that no digit is lost; ``exact`` gives its value."""


class Definition(BaseModel):
    """One piece of a file written by people."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", str_strip_whitespace=True)


class Text(Definition):
    """A text shown to users, in Chinese and English."""

    zh: str = Field(min_length=1)
    en: str = Field(min_length=1)

    def in_(self, language: Language) -> str:
        """The text in *language*."""
        return self.zh if language == "zh" else self.en


def _same_in_both(said: object) -> object:
    return {"zh": said, "en": said} if isinstance(said, str) else said


EitherText = Annotated[Text, BeforeValidator(_same_in_both)]
"""A text, written once where it reads the same in both languages, as names and formulas do."""

Confidence = Literal["verified", "secondary", "memory", "estimate", "own"]
"""verified: read in the document itself; secondary: read in a summary; memory: to be checked; own: made by this project."""


class Source(Definition):
    """Where a fact comes from, and how sure it is."""

    title: str = Field(min_length=1)
    version: str = ""
    page: str = ""
    url: str = ""
    confidence: Confidence = "secondary"
