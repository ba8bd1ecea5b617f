"""A client that sends exactly what it is told to; both applications are tested with it."""

from __future__ import annotations

import http.client
import json
from dataclasses import dataclass, field
from typing import Any, ClassVar


@dataclass
class Answered:
    """What a server answered."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)

    @property
    def text(self) -> str:
        """The body as text."""
        return self.body.decode()


@dataclass
class Client:
    """A client with a cookie and a token of its own."""

    patience_s: ClassVar[float] = 240

    port: int
    name: str = ""
    cookie: str = ""
    csrf: str = ""
    extra: dict[str, str] = field(default_factory=dict)

    def ask(self, method: str, path: str, body: bytes | None = None, **headers: str) -> Answered:
        """The answer to one request; a header of an empty text is left out."""
        sent = {"Cookie": self.cookie, "X-CSRF-Token": self.csrf, **self.extra}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=self.patience_s)
        try:
            connection.request(method, path, body, {name: value for name, value in sent.items() if value})
            response = connection.getresponse()
            named = {name.lower(): value for name, value in response.getheaders()}
            return Answered(response.status, named, response.read())
        finally:
            connection.close()
