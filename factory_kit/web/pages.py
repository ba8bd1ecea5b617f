"""Pages from templates in the reader's language, the files they need, and every refusal as one plain sentence."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib.resources import files
from typing import Any

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response

from factory_kit.errors import FactoryKitError, StoreBusy
from factory_kit.i18n import LANGUAGES, Language, said, speaking
from factory_kit.render.plain import printable
from factory_kit.reports.wording import Wording, wording
from factory_kit.web.guard import Refused

__all__ = ["LANGUAGE_COOKIE", "Pages", "handlers"]

LANGUAGE_COOKIE = "factory_kit_language"
YEAR = 365 * 24 * 3600
MEDIA = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}
SHARED = "factory_kit.web"


@dataclass(frozen=True)
class Pages:
    """The templates, texts and files of *package*, with the shared ones behind them; *usual* is the language where nobody chose one."""

    package: str
    texts: str
    usual: Language

    def language(self, request: Request) -> Language:
        """The language this reader chose."""
        chosen = request.cookies.get(LANGUAGE_COOKIE)
        return chosen if chosen in LANGUAGES else self.usual

    def words(self, language: Language) -> Wording:
        """The texts of the pages."""
        shared, own = wording("shared", language, SHARED), wording(self.texts, language, self.package)
        return Wording(language, {**shared.texts, **own.texts})

    def render(self, template: str, language: Language, content: Mapping[str, object]) -> str:
        """A page or a part of one; everything that is not markup of ours is escaped."""
        with speaking(language):
            return self._environment.get_template(template).render(
                **content, t=self.words(language), language=language, asset=self.asset
            )

    def page(self, template: str, language: Language, content: Mapping[str, object], status: int = 200) -> Response:
        """A page as it is sent."""
        return HTMLResponse(self.render(template, language, content), status)

    def refused(self, request: Request, refused: Refused) -> Response:
        """Why *request* is refused, as a page or for a script."""
        language = self.language(request)
        return self._said(request, language, self.words(language)(refused.key), refused.status)

    def failed(self, request: Request, error: FactoryKitError) -> Response:
        """What a use case says, every mistake on a line of its own; 503 when trying again may help, else 422."""
        language = self.language(request)
        with speaking(language):
            text = said(error)
        return self._said(request, language, text, 503 if isinstance(error, StoreBusy) else 422)

    def switch(self, request: Request) -> Response:
        """The reader's language from now on."""
        wanted = request.query_params.get("to", "")
        if wanted not in LANGUAGES:
            raise Refused(400, "refused.malformed")
        response = RedirectResponse("/", 303)
        response.set_cookie(LANGUAGE_COOKIE, wanted, max_age=YEAR, httponly=True, samesite="strict", path="/")
        return response

    def asset(self, name: str) -> str:
        """The address of a file of ours; it changes with the content, so that browsers may keep it."""
        return f"/static/{name}?{hashlib.sha256(self._assets[name]).hexdigest()[:12]}"

    def static(self, request: Request) -> Response:
        """A file of ours."""
        name = str(request.path_params["name"])
        if name not in self._assets:
            raise Refused(404, "refused.nothing")
        kept = {"cache-control": f"private, max-age={YEAR}, immutable"}
        return Response(self._assets[name], headers=kept, media_type=MEDIA[name[name.rindex(".") :]])

    def _said(self, request: Request, language: Language, text: str, status: int) -> Response:
        typed = request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded")
        if "text/html" in request.headers.get("accept", "") and (request.method in {"GET", "HEAD"} or typed):
            return self.page("refused.html", language, {"lines": text.split("\n")}, status)
        return JSONResponse({"message": text}, status)

    @cached_property
    def _assets(self) -> Mapping[str, bytes]:
        """The files that may be sent, by name; read once, so no path of a request ever reaches the disk."""
        folders = (files(package) / "static" for package in (SHARED, self.package))
        return {each.name: each.read_bytes() for folder in folders for each in folder.iterdir() if each.is_file()}

    @cached_property
    def _environment(self) -> Environment:
        loaders = [PackageLoader(package, "templates") for package in (self.package, SHARED)]
        return Environment(
            loader=ChoiceLoader(loaders),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            finalize=_finalised,
        )


def _finalised(value: Any) -> Any:
    return printable(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def handlers(pages: Pages) -> dict[type[Exception], Callable[..., Awaitable[Response]]]:
    """Every error that was foreseen becomes one sentence; the workspace on disk may be changed under us at any time."""

    async def refused(request: Request, error: Refused) -> Response:
        return pages.refused(request, error)

    async def failed(request: Request, error: FactoryKitError) -> Response:
        return pages.failed(request, error)

    async def no_route(request: Request, error: HTTPException) -> Response:
        key = "refused.nothing" if error.status_code == 404 else "refused.malformed"
        return pages.refused(request, Refused(error.status_code, key))

    async def disk(request: Request, _error: OSError) -> Response:
        return pages.refused(request, Refused(503, "refused.disk"))

    return {Refused: refused, FactoryKitError: failed, HTTPException: no_route, OSError: disk}
