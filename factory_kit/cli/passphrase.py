"""Passphrases: from FACTORY_KIT_PASSPHRASE or typed at a prompt, never from the command line or a file."""

from __future__ import annotations

import os
import sys

from factory_kit.errors import UsageError
from factory_kit.i18n import _

__all__ = ["asked_passphrase", "chosen_passphrase"]

VARIABLE = "FACTORY_KIT_PASSPHRASE"


def asked_passphrase(file: object) -> str:
    """The passphrase of the key in *file*."""
    return os.environ.get(VARIABLE) or _typed(_("Passphrase of {file}: ").format(file=file))


def chosen_passphrase(file: object) -> str:
    """A new passphrase for the key in *file*, typed twice."""
    if os.environ.get(VARIABLE):
        return os.environ[VARIABLE]
    first = _typed(_("New passphrase for {file} (at least 8 characters): ").format(file=file))
    if first != _typed(_("Once more: ")):
        raise UsageError("the two passphrases differ; nothing was written")
    return first


def _typed(prompt: str) -> str:
    import getpass

    if not sys.stdin.isatty():
        raise UsageError("a passphrase is needed and nobody can type it here; set {variable}", variable=VARIABLE)
    return getpass.getpass(prompt)
