"""The questionnaire as a web application: which address does what."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection
from functools import partial

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route

from factory_kit.assess.attachments import LARGEST
from factory_kit.assess.forms import NOT_ASSESSED
from factory_kit.assess.scored import Scored
from factory_kit.assess.sheet import Saved, version_of
from factory_kit.i18n import Language, speaking
from factory_kit.reports.wording import Wording
from factory_kit.web.entry import Door, Entry
from factory_kit.web.guard import App, Guard, Refused, body_of
from factory_kit.web.pages import Pages, handlers
from factory_kit.web.questionnaire.board import board
from factory_kit.web.questionnaire.desk import Desk
from factory_kit.web.questionnaire.ladder_pages import ladder_routes
from factory_kit.web.questionnaire.panel import panel
from factory_kit.web.questionnaire.signal import lanes, picture
from factory_kit.web.questionnaire.wishes import LONGEST_JSON, Sent

__all__ = ["create_app"]

SVG = "image/svg+xml"
SANDBOX = "default-src 'none'; sandbox"
CONFLICT = 409
POST = ("POST",)

Endpoint = Callable[[Request], Awaitable[Response]]


def create_app(desk: Desk, entry: Entry, hosts: Collection[str], usual: Language) -> App:
    """The application for *desk* at *hosts*, for whoever comes in by *entry*; pages are in *usual* until the reader chooses."""
    pages = Pages("factory_kit.web.questionnaire", "questionnaire", usual)
    served = Served(desk, pages, entry)
    routes = [
        Route("/", served.whole),
        Route("/changes", served.changes),
        Route("/questions/{code}", served.question),
        Route("/questions/{code}/answer", served.answer, methods=POST),
        Route("/questions/{code}/evidence", served.evidence, methods=POST),
        Route("/questions/{code}/evidence/{number}/remove", served.remove, methods=POST),
        Route("/questions/{code}/file", served.file, methods=POST),
        Route("/questions/{code}/decision", served.decision, methods=POST),
        Route("/files/{sha256}", served.attachment),
        Route("/signals/{record}", served.signal),
        *ladder_routes(desk, pages, entry),
        Route("/language", served.language),
        Route("/static/{name}", served.static),
    ]
    app = Starlette(routes=routes, exception_handlers=handlers(pages))
    return Guard(Door(app, entry, pages, free=("/static/",)), hosts)


class Served:
    """What each address answers; everything that touches the disk runs beside the loop."""

    def __init__(self, desk: Desk, pages: Pages, entry: Entry) -> None:
        self._desk = desk
        self._pages = pages
        self._entry = entry

    async def whole(self, request: Request) -> Response:
        """The page."""
        return await run_in_threadpool(self._whole, self._pages.language(request))

    async def changes(self, request: Request) -> Response:
        """What is new since the page was shown, if anything is."""
        return await run_in_threadpool(self._changes, request)

    async def question(self, request: Request) -> Response:
        """One question, as a part of the page."""
        return await run_in_threadpool(self._question, request)

    async def answer(self, request: Request) -> Response:
        """An answer is saved."""
        sent = Sent.json(await body_of(request, LONGEST_JSON))
        code, choice = self._code(request), sent.choice()
        return await run_in_threadpool(self._saved, request, code, partial(self._desk.answer, code, choice, sent.seen))

    async def evidence(self, request: Request) -> Response:
        """Evidence in words joins an answer."""
        sent = Sent.json(await body_of(request, LONGEST_JSON))
        code, added = self._code(request), sent.added(note_needed=True)
        save = partial(self._desk.add_evidence, code, added, sent.seen)
        return await run_in_threadpool(self._saved, request, code, save)

    async def remove(self, request: Request) -> Response:
        """Evidence leaves an answer."""
        sent = Sent.json(await body_of(request, LONGEST_JSON))
        number = Sent({"number": request.path_params["number"]}).number("number")
        code = self._code(request)
        save = partial(self._desk.drop_evidence, code, number, sent.seen)
        return await run_in_threadpool(self._saved, request, code, save)

    async def file(self, request: Request) -> Response:
        """A photo or file, sent as it is, joins an answer; what is said about it stands in the query."""
        sent = Sent(dict(request.query_params))
        code, added, name, seen = self._code(request), sent.added(note_needed=False), sent.text("name"), sent.seen
        data = await body_of(request, LARGEST)
        save = partial(self._desk.add_file, code, added, seen, data, name)
        return await run_in_threadpool(self._saved, request, code, save)

    async def decision(self, request: Request) -> Response:
        """A decision joins the log."""
        sent = Sent.json(await body_of(request, LONGEST_JSON))
        return await run_in_threadpool(self._decided, request, self._code(request), sent)

    async def attachment(self, request: Request) -> Response:
        """A file that was added, for this page only: what is no photo is saved, not shown."""
        found = await run_in_threadpool(self._desk.attachment, request.path_params["sha256"])
        if found is None:
            raise Refused(404, "refused.nothing")
        how = "inline" if found.photo else f'attachment; filename="{found.sha256[:12]}{found.path.suffix}"'
        headers = {"content-security-policy": SANDBOX, "content-disposition": how}
        return FileResponse(found.path, media_type=found.media_type, headers=headers)

    async def signal(self, request: Request) -> Response:
        """The picture of the signal under a machine record."""
        return await run_in_threadpool(self._signal, request)

    async def language(self, request: Request) -> Response:
        """The other language."""
        return self._pages.switch(request)

    async def static(self, request: Request) -> Response:
        """Scripts and styles of ours."""
        return self._pages.static(request)

    def _whole(self, language: Language) -> Response:
        revision, scored = self._desk.revision(), self._desk.scored()
        with speaking(language):
            shown = board(scored, self._pages.words(language), self._desk.differences(scored))
        about = {"scored": scored, "desk": self._desk, "csrf": self._entry.csrf, "revision": revision}
        return self._pages.page("questionnaire.html", language, {"board": shown, **about})

    def _changes(self, request: Request) -> Response:
        language, revision = self._pages.language(request), self._desk.revision()
        if request.query_params.get("since") == revision:
            return JSONResponse({"revision": revision, "changed": False})
        scored = self._desk.scored()
        code = request.query_params.get("code", "")
        content = {"revision": revision, "changed": True, "version": _version(scored, code)}
        return JSONResponse({**content, "parts": self._parts(scored, language)})

    def _question(self, request: Request) -> Response:
        language, scored = self._pages.language(request), self._desk.scored()
        return self._pages.page("panel.html", language, self._panel(scored, self._known(scored, request), language))

    def _panel(self, scored: Scored, code: str, language: Language) -> dict[str, object]:
        with speaking(language):
            return {"q": panel(self._desk, scored, code, self._pages.words(language)), "desk": self._desk}

    def _saved(self, request: Request, code: str, save: Callable[[], Saved]) -> Response:
        self._known(self._desk.scored(), request)
        saved = save()
        content = self._now(request, code)
        if saved.done:
            return JSONResponse(content)
        return self._conflict(request, content)

    def _decided(self, request: Request, code: str, sent: Sent) -> Response:
        self._known(self._desk.scored(), request)
        done = self._desk.decide(code, sent.verdict(), sent.seen)
        content = self._now(request, code)
        return JSONResponse(content) if done else self._conflict(request, content)

    def _conflict(self, request: Request, content: dict[str, object]) -> Response:
        words = self._pages.words(self._pages.language(request))
        return JSONResponse({**content, "message": words("conflict.message")}, CONFLICT)

    def _now(self, request: Request, code: str) -> dict[str, object]:
        """How everything stands after a write: version of the answer, revision, and the parts of the page that may look different."""
        language, revision = self._pages.language(request), self._desk.revision()
        scored = self._desk.scored()
        found = self._panel(scored, code, language)
        parts = self._parts(scored, language)
        for part in ("machines", "items", "decision"):
            parts[part] = self._pages.render(f"{part}.html", language, found)
        return {"revision": revision, "version": _version(scored, code), "parts": parts}

    def _parts(self, scored: Scored, language: Language) -> dict[str, str]:
        with speaking(language):
            shown = board(scored, self._pages.words(language), self._desk.differences(scored))
        about = {"board": shown, "scored": scored, "desk": self._desk}
        return {
            part: self._pages.render(f"{part}.html", language, about) for part in ("score", "places", "lists", "todo")
        }

    def _signal(self, request: Request) -> Response:
        words: Wording = self._pages.words(self._pages.language(request))
        wanted = request.path_params["record"]
        record = next((each for each in self._desk.scored().evidence if each.id == wanted), None)
        if record is None:
            raise Refused(404, "refused.nothing")
        return Response(picture(record, lanes(self._desk.store_folder, record), words), media_type=SVG)

    def _code(self, request: Request) -> str:
        return str(request.path_params["code"])

    def _known(self, scored: Scored, request: Request) -> str:
        code = self._code(request)
        if code not in scored.model.criteria:
            raise Refused(404, "refused.nothing")
        return code


def _version(scored: Scored, code: str) -> str:
    return version_of(scored.answers.answers.get(code, NOT_ASSESSED))
