"""Who may log in: ``users.json`` of a district, passwords as argon2id hashes (RFC 9106), roles provider, officer and reader."""

from __future__ import annotations

import json
import re
import secrets
import threading
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal, get_args

from cryptography.exceptions import InvalidKey
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from factory_kit.errors import UsageError
from factory_kit.files import write_atomically

__all__ = ["FILE", "LEAST", "LONGEST", "ROLES", "Role", "User", "Users", "hashed"]

Role = Literal["provider", "officer", "reader"]
ROLES: tuple[Role, ...] = get_args(Role)
FILE = "users.json"
NAME = re.compile(r"[a-z0-9][a-z0-9._@-]{1,63}")
LEAST = 12
"""Signs of a password."""
LONGEST = 200
PASSES, LANES, KIBIBYTES = 3, 1, 64 << 10
"""Memory and passes of the second recommended choice of RFC 9106, section 4, in one lane: with several, OpenSSL starts threads of
its own, and two computations at once were seen to wait for each other for ever."""
AT_ONCE = threading.BoundedSemaphore(2)
"""Hashes that are computed at the same time, 64 MiB each: guessing must not take all memory."""


@dataclass(frozen=True)
class User:
    """Somebody who may log in."""

    name: str
    role: Role
    password: str
    """Its hash; empty for who comes in by a proxy only."""
    provider: str = ""
    """The provider a provider's user speaks for."""
    provider_code: str = ""
    """Its credit code, where bundles and register give one."""
    disabled: bool = False


def hashed(password: str) -> str:
    """The hash of *password* with a salt of its own; ``UsageError`` for one that is too short."""
    if not LEAST <= len(password) <= LONGEST:
        raise UsageError("a password has {least} to {most} signs", least=LEAST, most=LONGEST)
    with AT_ONCE:
        kdf = Argon2id(salt=secrets.token_bytes(16), length=32, iterations=PASSES, lanes=LANES, memory_cost=KIBIBYTES)
        return kdf.derive_phc_encoded(password.encode())


def _fits(password: str, expected: str) -> bool:
    with AT_ONCE:
        try:
            Argon2id.verify_phc_encoded(password.encode("utf-8", "replace")[: 4 * LONGEST], expected)
        except (InvalidKey, ValueError):
            return False
        return True


class Users:
    """The users of the district in *folder*, read again whenever the file changes."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / FILE
        self._lock = threading.Lock()
        self._stamp: tuple[int, int] | None = None
        self._found: Mapping[str, User] = {}
        self._nobody = ""

    def all(self) -> Mapping[str, User]:
        """All users by name, disabled ones too."""
        with self._lock:
            stamp = self._written()
            if stamp != self._stamp:
                self._found, self._stamp = self._read(), stamp
            return self._found

    def active(self, name: str) -> User | None:
        """The user *name*, unless disabled."""
        found = self.all().get(name)
        return None if found is None or found.disabled else found

    def logged_in(self, name: str, password: str) -> User | None:
        """The user *name* when the password fits; it takes as long for names that there are none of."""
        found = self.active(name)
        if found is None or not found.password:
            self._nobody = self._nobody or hashed(secrets.token_urlsafe(16))
            _fits(password, self._nobody)
            return None
        return found if _fits(password, found.password) else None

    def add(self, user: User) -> None:
        """*user* may log in from now on. ``UsageError`` for a name that is taken or is none."""
        if not NAME.fullmatch(user.name):
            raise UsageError(
                "{name}: is no name of a user; 2 to 64 small letters, digits, and . _ @ - inside", name=user.name
            )
        if user.name in self.all():
            raise UsageError("{name}: there is a user of this name", name=user.name)
        if (user.role == "provider") != bool(user.provider):
            raise UsageError("users with the role provider, and only they, name the provider they speak for")
        self._keep({**self.all(), user.name: user})

    def disable(self, name: str) -> None:
        """The user *name* cannot log in any more, and is logged out."""
        self._keep({**self.all(), name: replace(self._known(name), disabled=True)})

    def change_password(self, name: str, password: str) -> None:
        """The user *name* logs in with *password* from now on, and is logged out."""
        self._keep({**self.all(), name: replace(self._known(name), password=hashed(password), disabled=False)})

    def _known(self, name: str) -> User:
        found = self.all().get(name)
        if found is None:
            raise UsageError("{name}: there is no user of this name", name=name)
        return found

    def _written(self) -> tuple[int, int] | None:
        try:
            stat = self._path.stat()
        except FileNotFoundError:
            return None
        return stat.st_mtime_ns, stat.st_ino

    def _read(self) -> Mapping[str, User]:
        if not self._path.exists():
            return {}
        try:
            found: list[dict[str, Any]] = json.loads(self._path.read_bytes())["users"]
            return {each["name"]: User(**each) for each in found if each["role"] in ROLES}
        except (ValueError, KeyError, TypeError) as error:
            raise UsageError(
                "{file}: is no list of users; bring the last good one back", file=self._path.name
            ) from error

    def _keep(self, users: Mapping[str, User]) -> None:
        rows = [asdict(users[name]) for name in sorted(users)]
        text = json.dumps({"form": 1, "users": rows}, ensure_ascii=False, indent=1) + "\n"
        write_atomically(self._path, text, secret=True)
