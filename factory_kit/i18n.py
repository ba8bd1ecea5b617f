"""Texts in the user's language: gettext catalogues ``zh_CN`` and ``en``; ``--lang``, FACTORY_KIT_LANG or the locale decides."""

from __future__ import annotations

import gettext
import locale
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from pathlib import Path
from typing import Literal

from factory_kit.errors import DefinitionError, FactoryKitError, Reasons

__all__ = [
    "LANGUAGES",
    "N_",
    "Language",
    "_",
    "decide_language",
    "language",
    "retold",
    "said",
    "speaking",
    "use_language",
]

Language = Literal["zh", "en"]
LANGUAGES: tuple[Language, ...] = ("zh", "en")
LOCALE_DIR = Path(__file__).resolve().parent / "locale"
TELLING = 12
"""Letters of its own that a template must have to be recognised in a text."""
CATALOGUE = {"zh": "zh_CN", "en": "en"}

_current: ContextVar[Language] = ContextVar("factory_kit_language", default="en")


def decide_language(asked: str | None = None) -> Language:
    """The language of *asked* (``--lang``), else of FACTORY_KIT_LANG, else of the locale; Chinese for ``zh…``, else English."""
    spoken = asked or os.environ.get("FACTORY_KIT_LANG") or _locale_name()
    return "zh" if spoken.lower().startswith(("zh", "chinese")) else "en"


def use_language(chosen: Language) -> None:
    """Every text from now on is in *chosen*."""
    _current.set(chosen)


@contextmanager
def speaking(chosen: Language) -> Iterator[None]:
    """Texts inside the block are in *chosen*."""
    token = _current.set(chosen)
    try:
        yield
    finally:
        _current.reset(token)


def language() -> Language:
    """The language in force."""
    return _current.get()


def _(message: str) -> str:
    """*message* in the language in force; English itself when the catalogue lacks it (a test finds those)."""
    return _catalogue(_current.get()).gettext(message) if message else ""


def N_(message: str) -> str:  # noqa: N802 - gettext's own name for "translate later"
    """*message* itself, marked for the catalogue."""
    return message


def said(error: FactoryKitError) -> str:
    """The text of *error* in the language in force."""
    if isinstance(error, DefinitionError):
        return "\n".join(problem.located(_(problem.message)) for problem in error.problems)
    return _(error.message).format(**{name: _inner(value) for name, value in error.details.items()})


def _inner(value: object) -> object:
    """A detail as it is shown: an error that is one, or several, in the language in force."""
    if isinstance(value, Reasons):
        return "; ".join(map(said, value))
    return said(value) if isinstance(value, FactoryKitError) else value


def retold(text: str) -> str:
    """*text*, which a program of ours once wrote in English with its details filled in, in the language in force; as it is where unknown."""
    told = _(text)
    if told != text or _current.get() == "en":
        return told
    for pattern, template in _templates(_current.get()):
        found = pattern.fullmatch(text)
        if found is not None:
            return _(template).format(**found.groupdict())
    return text


@cache
def _templates(chosen: Language) -> tuple[tuple[re.Pattern[str], str], ...]:
    """What finds the details in a text again, for every template whose details are plain; those with the most words of their own first."""
    from babel.messages.mofile import read_mo  # noqa: PLC0415 - few texts are told again

    with (LOCALE_DIR / CATALOGUE[chosen] / "LC_MESSAGES" / "factory_kit.mo").open("rb") as file:
        messages = [message.id for message in read_mo(file) if isinstance(message.id, str)]
    found = []
    for message in messages:
        pieces = re.split(r"\{(\w+)\}", message)
        literal, names = "".join(pieces[::2]), pieces[1::2]
        if names and len(set(names)) == len(names) and "{" not in literal and len(literal) >= TELLING:
            body = "".join(re.escape(each) if at % 2 == 0 else f"(?P<{each}>.+?)" for at, each in enumerate(pieces))
            found.append((len(literal), body, message))
    return tuple((re.compile(body, re.DOTALL), message) for _length, body, message in sorted(found, reverse=True))


@cache
def _catalogue(chosen: Language) -> gettext.NullTranslations:
    return gettext.translation("factory_kit", LOCALE_DIR, languages=[CATALOGUE[chosen]], fallback=True)


def _locale_name() -> str:
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        if os.environ.get(name):
            return os.environ[name]
    try:
        return locale.getlocale()[0] or ""
    except ValueError:
        return ""
