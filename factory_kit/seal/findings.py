"""What a check of a sealed thing found: which file, what is the matter with it, in one line."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from types import TracebackType

from factory_kit.errors import Altered, SealError, UnsafeArchive

__all__ = ["Finding", "What", "collected"]


class What(StrEnum):
    """What is the matter with a file."""

    ALTERED = "altered"
    MISSING = "missing"
    EXTRA = "extra"
    CONTAINER = "container"
    """The zip file around the content is not in the sealed form."""
    UNSAFE = "unsafe"
    """A limit is broken or a name would leave the folder; nothing was read."""


@dataclass(frozen=True)
class Finding:
    """One thing found: the file inside the sealed thing (or the container itself), and a message template with its details."""

    file: str
    what: What
    message: str
    details: dict[str, object] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.message.format(**self.details)

    def error(self) -> SealError:
        """The same as an exception."""
        kind = UnsafeArchive if self.what is What.UNSAFE else Altered
        return kind(self.message, **self.details)


class collected:  # noqa: N801 - reads as what it does, like contextlib.suppress
    """Errors of sealing raised inside the block are added to *findings* under the name *file* instead."""

    def __init__(self, findings: list[Finding], file: str, otherwise: What = What.CONTAINER) -> None:
        self._findings = findings
        self._file = file
        self._otherwise = otherwise

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        if not isinstance(error, SealError):
            return False
        what = What.UNSAFE if isinstance(error, UnsafeArchive) else self._otherwise
        self._findings.append(Finding(self._file, what, error.message, error.details))
        return True
