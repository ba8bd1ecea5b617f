"""The exception tree of Factory Kit; every error a user can meet is one of these.

    FactoryKitError                 exit code 1
    ├── UsageError                  exit code 2: the command was used wrongly
    ├── DefinitionError             a file written by people has mistakes; holds all of them (exit code 2)
    ├── NotAuthorised               no valid authorisation record covers this address (exit code 2)
    ├── MissingExtra                an optional part is not installed (exit code 2)
    ├── DeviceError
    │   ├── DeviceUnavailable       no answer now; trying again may help
    │   └── DeviceRefused           a clear no; the site file, the user or the device must change
    ├── StoreError
    │   ├── StoreBusy               another process writes; trying again may help
    │   ├── StoreFull               the disk is full; trying again after making room may help
    │   └── StoreDamaged            a file is not what the manifest says
    ├── LakeError                   an object store or a shared folder refuses
    │   ├── LakeUnavailable         no answer now; trying again may help
    │   └── LakeChanged             somebody else pushed meanwhile; trying again helps
    ├── QueryError                  the SQL of a user or an indicator cannot run
    ├── Inconclusive                too little machine data for a number
    ├── AssessmentError             answers, model and evidence do not fit together
    └── SealError
        ├── Altered                 content differs from what was sealed
        ├── UnsafeArchive           an archive breaks a limit or leaves its folder
        └── KeyRefused              a key is missing, revoked, foreign or its passphrase is wrong

The message is a template (``str.format``) and its details are kept apart, so that the command line can show it in
Chinese. This module imports nothing of the package.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

__all__ = [
    "Altered",
    "AssessmentError",
    "DefinitionError",
    "DeviceError",
    "DeviceRefused",
    "DeviceUnavailable",
    "FactoryKitError",
    "Inconclusive",
    "KeyRefused",
    "LakeChanged",
    "LakeError",
    "LakeUnavailable",
    "MissingExtra",
    "NotAuthorised",
    "Problem",
    "QueryError",
    "Reasons",
    "SealError",
    "StoreBusy",
    "StoreDamaged",
    "StoreError",
    "StoreFull",
    "UnsafeArchive",
    "UsageError",
]


class FactoryKitError(Exception):
    """Something a user can understand and act on, said in one line.

    *message* is a literal template in English, ``<where>: <what is wrong>, expected <what>; <what to do>``; *details*
    fill it. ``retry`` tells whether the same call may succeed later without anybody changing anything.
    """

    exit_code = 1
    retry = False

    def __init__(self, message: str, /, **details: object) -> None:
        super().__init__(message)
        self.message = message
        self.details = details

    def __str__(self) -> str:
        return self.message.format(**self.details)


class Reasons(tuple[FactoryKitError, ...]):
    """Errors that are a detail of another, which shows them one after the other."""

    __slots__ = ()

    def __str__(self) -> str:
        return "; ".join(map(str, self))


class UsageError(FactoryKitError):
    """A command, option or argument was used wrongly."""

    exit_code = 2


@dataclass(frozen=True, order=True)
class Problem:
    """One mistake in one file: where it stands, the path of the value inside the file, and what is wrong.

    ``line`` counts from 1; 0 means the file as a whole. *message* is a template filled by *details*.
    """

    file: str
    line: int
    path: str
    message: str
    details: dict[str, object] = field(default_factory=dict, compare=False)

    def __str__(self) -> str:
        return self.located(self.message)

    def located(self, message: str) -> str:
        """``file:line: path: what`` with *message* (a translation of the template) filled in."""
        place = f"{self.file}:{self.line}" if self.line else self.file
        what = message.format(**self.details)
        return f"{place}: {self.path}: {what}" if self.path else f"{place}: {what}"


class DefinitionError(FactoryKitError):
    """A file written by people has mistakes; all of them are in ``problems``, in file order."""

    exit_code = 2

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(sorted(problems))
        super().__init__("{count} mistakes found", count=len(self.problems))

    def __str__(self) -> str:
        return "\n".join(str(problem) for problem in self.problems)


class NotAuthorised(FactoryKitError):
    """No valid authorisation record covers what was about to be read."""

    exit_code = 2


class MissingExtra(FactoryKitError):
    """An optional part is not installed; the message names the pip command."""

    exit_code = 2


class DeviceError(FactoryKitError):
    """A machine, meter or server could not be read."""


class DeviceUnavailable(DeviceError):
    """There is no answer now; trying again may help."""

    retry = True


class DeviceRefused(DeviceError):
    """The device said no: credentials, security policy, address or service; trying again does not help."""


class StoreError(FactoryKitError):
    """The store of a workspace cannot do what was asked."""


class StoreBusy(StoreError):
    """Another process writes to the store."""

    retry = True


class StoreFull(StoreError):
    """The disk under the store is full."""

    retry = True


class StoreDamaged(StoreError):
    """A file of the store is not what its checksum or manifest says."""


class LakeError(FactoryKitError):
    """An object store or a shared folder cannot take or give what was asked."""


class LakeUnavailable(LakeError):
    """The object store does not answer now; trying again may help."""

    retry = True


class LakeChanged(LakeError):
    """Somebody else pushed to the same place meanwhile."""

    retry = True


class QueryError(FactoryKitError):
    """A piece of SQL was refused or failed."""


class Inconclusive(FactoryKitError):
    """There is too little machine data for a number."""


class AssessmentError(FactoryKitError):
    """Answers, model and evidence do not fit together."""


class SealError(FactoryKitError):
    """A sealed file cannot be made or read."""


class Altered(SealError):
    """Content differs from what was sealed."""


class UnsafeArchive(SealError):
    """An archive breaks a limit or tries to leave its folder."""


class KeyRefused(SealError):
    """A key is missing, revoked, foreign, or its passphrase is wrong."""
