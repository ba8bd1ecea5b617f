"""Where passwords come from: the environment, the keyring of the system, or somebody who types them. Never a file, never a log."""

from __future__ import annotations

import os
import sys

from factory_kit.drivers.base import password_variable
from factory_kit.i18n import _
from factory_kit.model.site import OpcUaServer, Site

__all__ = ["ask_secrets", "secret"]

SERVICE = "factory-kit"
"""The name under which the keyring keeps them: ``keyring set factory-kit <server>``."""

_typed: dict[str, str] = {}


def secret(server: str) -> str | None:
    """The password for *server* of the site file; asked for once where nobody but a person has it, None without a terminal."""
    given = os.environ.get(password_variable(server))
    if given is not None:
        return given
    kept = _kept(server)
    if kept is not None:
        return kept
    if server not in _typed and sys.stdin is not None and sys.stdin.isatty() and sys.stderr.isatty():
        _typed[server] = _asked(server)
    return _typed.get(server)


def ask_secrets(site: Site) -> None:
    """Every password that only a person has is typed now, before a screen begins to live."""
    for name, server in site.servers.items():
        if isinstance(server, OpcUaServer) and server.user and not server.user_certificate:
            secret(name)


def _kept(server: str) -> str | None:
    """What the keyring of the system holds; None where it is not installed, locked or empty."""
    try:
        import keyring  # type: ignore[import-not-found,unused-ignore]
    except ImportError:
        return None
    try:
        kept: str | None = keyring.get_password(SERVICE, server)
    except Exception:  # noqa: BLE001 - each system's keyring fails in its own way, and then it simply has none
        return None
    return kept


def _asked(server: str) -> str:
    import getpass

    return getpass.getpass(_("Password for {server}: ").format(server=server), stream=sys.stderr)
