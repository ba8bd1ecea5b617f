"""The addresses of the other gradings: a list of ladders, a page for each, and what is saved there."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from factory_kit.i18n import Language, speaking
from factory_kit.web.entry import Entry
from factory_kit.web.guard import Refused, body_of
from factory_kit.web.pages import Pages
from factory_kit.web.questionnaire.desk import Desk
from factory_kit.web.questionnaire.ladders import (
    answered,
    certificates,
    grading,
    gradings,
    parts_to_leave_out,
    standing,
    with_choice,
)
from factory_kit.web.questionnaire.wishes import GRADES, LONGEST_JSON, Sent

__all__ = ["ladder_routes"]

CONFLICT = 409
POST = ("POST",)


def ladder_routes(desk: Desk, pages: Pages, entry: Entry) -> list[Route]:
    """The routes below ``/ladders``; in a blind rating they answer that there is nothing."""
    served = Ladders(desk, pages, entry)
    return [
        Route("/ladders", served.every),
        Route("/ladders/{key}", served.one),
        Route("/scope/{node}", served.trim, methods=POST),
        Route("/ladders/{key}/begin", served.begin, methods=POST),
        Route("/ladders/{key}/items/{item}", served.item, methods=POST),
        Route("/ladders/{key}/figures", served.figure, methods=POST),
    ]


class Ladders:
    """What each address answers; everything that touches the disk runs beside the loop."""

    def __init__(self, desk: Desk, pages: Pages, entry: Entry) -> None:
        self._desk = desk
        self._pages = pages
        self._entry = entry

    async def every(self, request: Request) -> Response:
        """All ladders and the certificates."""
        return await self._run(request, self._every)

    async def one(self, request: Request) -> Response:
        """One ladder."""
        return await self._run(request, self._one)

    async def begin(self, request: Request) -> Response:
        """The answers to a ladder are begun."""
        return await self._run(request, self._begin)

    async def item(self, request: Request) -> Response:
        """An answer is saved."""
        sent = Sent.json(await body_of(request, LONGEST_JSON))
        return await self._run(request, lambda asked, language: self._item(asked, language, sent))

    async def figure(self, request: Request) -> Response:
        """A figure is saved."""
        sent = Sent.json(await body_of(request, LONGEST_JSON))
        return await self._run(request, lambda asked, language: self._figure(asked, language, sent))

    async def trim(self, request: Request) -> Response:
        """A part of the model is left out, or counts again."""
        sent = Sent.json(await body_of(request, LONGEST_JSON))
        return await self._run(request, lambda asked, _language: self._trim(asked, sent))

    async def _run(self, request: Request, work: Callable[[Request, Language], Response]) -> Response:
        if self._desk.blind:
            raise Refused(404, "refused.nothing")
        language = self._pages.language(request)

        def spoken() -> Response:
            with speaking(language):
                return work(request, language)

        return await run_in_threadpool(spoken)

    def _every(self, _request: Request, language: Language) -> Response:
        words, assessment = self._pages.words(language), self._desk.folder.assessment()
        content = {
            "gradings": gradings(self._desk.ladders, words),
            "certificates": list(certificates(assessment, words)),
            "parts": list(parts_to_leave_out(self._desk.scored(), words)),
            "assessor": self._desk.scored().answers.assessor,
        }
        return self._page("ladders.html", language, content)

    def _one(self, request: Request, language: Language) -> Response:
        words, key = self._pages.words(language), self._begun(request)
        sheet, stand = grading(self._desk.ladders, key, words), self._desk.ladders.stand(key)
        return self._page("ladder.html", language, {"sheet": sheet, "s": standing(stand, words)})

    def _begin(self, request: Request, _language: Language) -> Response:
        self._desk.ladders.begin(self._key(request))
        return JSONResponse({})

    def _item(self, request: Request, language: Language, sent: Sent) -> Response:
        key, item = self._begun(request), str(request.path_params["item"])
        choice, grade, note = sent.choice(), sent.text("grade") or "B", " ".join(sent.text("note").split())
        if grade not in GRADES:
            raise Refused(422, "refused.grade")
        if choice.machine:
            raise Refused(400, "refused.malformed")
        saved = self._desk.ladders.save(key, item, lambda before: with_choice(before, choice, grade, note), sent.seen)
        content = {"version": answered(self._desk.ladders, key, item), "standing": self._standing(key, language)}
        if saved.done:
            return JSONResponse(content)
        message = self._pages.words(language)("conflict.message")
        return JSONResponse({"message": message, "standing": content["standing"]}, CONFLICT)

    def _figure(self, request: Request, language: Language, sent: Sent) -> Response:
        key = self._begun(request)
        self._desk.ladders.save_figures(key, {sent.text("figure"): sent.text("number")})
        return JSONResponse({"standing": self._standing(key, language)})

    def _trim(self, request: Request, sent: Sent) -> Response:
        reason, by = (" ".join(sent.text(name).split()) for name in ("reason", "by"))
        if sent.text("out") and not (reason and by):
            raise Refused(422, "refused.by_why")
        self._desk.sheet.trim(str(request.path_params["node"]), reason if sent.text("out") else "", by)
        return JSONResponse({})

    def _standing(self, key: str, language: Language) -> str:
        found = standing(self._desk.ladders.stand(key), self._pages.words(language))
        return self._pages.render("standing.html", language, {"s": found})

    def _page(self, template: str, language: Language, content: Mapping[str, object]) -> Response:
        about = {"assessment": self._desk.folder.assessment(), "csrf": self._entry.csrf}
        return self._pages.page(template, language, {**content, **about})

    def _key(self, request: Request) -> str:
        key = str(request.path_params["key"])
        if key not in self._desk.ladders.known():
            raise Refused(404, "refused.nothing")
        return key

    def _begun(self, request: Request) -> str:
        key = self._key(request)
        if not self._desk.ladders.begun(key):
            raise Refused(404, "refused.nothing")
        return key
