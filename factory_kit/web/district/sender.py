"""What providers do: send bundles, read their receipts and letters, object; the office does the same for those without a log-in."""

from __future__ import annotations

import asyncio
import secrets
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, JSONResponse, RedirectResponse, Response

from factory_kit.assess.attachments import clean_name
from factory_kit.district.cases import Cases, Objection, day_of, last_day
from factory_kit.district.letters import letter, open_returns
from factory_kit.district.receive import LARGEST_FILE
from factory_kit.district.rules import rule_texts
from factory_kit.files import NO_SPACE
from factory_kit.i18n import speaking
from factory_kit.render.document import Document
from factory_kit.seal.stamps import to_text
from factory_kit.web.district.book import Entry
from factory_kit.web.district.frame import Frame
from factory_kit.web.district.gate import Asked
from factory_kit.web.district.intake import check_sender
from factory_kit.web.guard import Refused

__all__ = ["Sender", "paged", "reason_of"]

PAGE = 50
WRITERS = {
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
LEAST_REASON = 5


@dataclass(frozen=True)
class Sender:
    """The pages around one's own bundles."""

    frame: Frame

    def upload_page(self, asked: Asked) -> Response:
        """Where bundles are sent."""
        return self.frame.page(asked, "upload.html", largest=LARGEST_FILE)

    async def upload(self, asked: Asked) -> Response:
        """The receipt of a bundle that is sent as it is; its name stands in the query."""
        desk, request = self.frame.desk, asked.request
        if _told(request) > LARGEST_FILE:
            raise Refused(413, "refused.too_large")
        name = clean_name(asked.query.get("name", "")).replace("..", ".")
        folder = await run_in_threadpool(_own_folder, desk.intake.folder)
        try:
            path = folder / (name if name.strip(".") else "bundle.zip")
            await _written(request, path)
            await run_in_threadpool(check_sender, path, asked.user)
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        receipt = await asyncio.wrap_future(desk.intake.submit(path, asked.user))
        entry = await run_in_threadpool(desk.book.entry, receipt.number)
        seen = entry is not None and desk.sees(asked.user, entry)
        with speaking(asked.language):
            rules = [{"rule": each.rule, "said": each.text()} for each in receipt.rulings]
        outcome = self.frame.pages.words(asked.language)(f"outcome.{receipt.outcome}")
        return JSONResponse(
            {
                "file": receipt.file, "outcome": receipt.outcome, "said": outcome, "number": receipt.number if seen else None,
                "hash": receipt.hash if seen else None, "level": receipt.level, "rules": rules,
            }
        )  # fmt: skip

    def receipts(self, asked: Asked) -> Response:
        """One's receipts, newest first."""
        desk, user = self.frame.desk, asked.user
        wanted = asked.query.get("outcome", "")
        cases = desk.journal.cases
        own = [each for each in reversed(desk.book.entries()) if desk.sees(user, each, cases)]
        counts = {
            outcome: sum(each.outcome == outcome for each in own) for outcome in sorted({each.outcome for each in own})
        }
        found = [each for each in own if not wanted or each.outcome == wanted]
        sent_back = any(not each.accepted or each.number in cases.withdrawn for each in own)
        about = {"counts": counts, "wanted": wanted, "cases": cases, "sent_back": sent_back}
        return self.frame.page(asked, "receipts.html", **about, **paged(asked, found))

    def receipt(self, asked: Asked) -> Response:
        """One receipt, with what the rules said and what the office decided."""
        desk, entry = self.frame.desk, self._entry(asked)
        cases, texts = desk.journal.cases, rule_texts()
        with speaking(asked.language):
            said = [(each, each.text(), texts[each.rule].in_(asked.language)) for each in entry.rulings]
        objections = [each for each in cases.objections.values() if each.receipt == entry.number]
        campaign = desk.settings.campaign
        return self.frame.page(
            asked, "receipt.html", entry=entry, said=said, review=cases.reviews.get(entry.number), objections=objections,
            counts=entry.accepted and entry.number not in cases.withdrawn, erasure=cases.erasures.get(entry.sha256),
            until=str(last_day(_moment(entry, cases), campaign.objection_days, campaign.timezone)), may_object=self._open(entry),
        )  # fmt: skip

    def receipt_file(self, asked: Asked) -> Response:
        """The receipt as it is kept: a file with its number and hash."""
        entry = self._entry(asked)
        path = self.frame.desk.office.receipts_folder / f"{entry.number:06d}.json"
        if not path.is_file():
            raise Refused(404, "refused.nothing")
        return FileResponse(path, media_type="application/json", filename=path.name)

    def letter(self, asked: Asked) -> Response:
        """The letter of return to a provider about everything that is open, as Word or Excel; the office names whose."""
        desk, user, kind = self.frame.desk, asked.user, str(asked.request.path_params["kind"])
        if kind not in WRITERS:
            raise Refused(404, "refused.nothing")
        name = asked.query.get("provider", "") if user.role == "officer" else user.provider
        office = user.role == "officer"
        links = [
            link
            for provider, some in open_returns(desk.office).items()
            for link in some
            if (provider == name if office else self._sees(asked, link.n))
        ]
        if not links:
            raise Refused(404, "refused.no_letter")
        data = _letter_bytes(desk.office.path, kind, letter(desk.office, name, links, asked.language))
        headers = {"content-disposition": f'attachment; filename="letter.{kind}"'}
        return Response(data, media_type=WRITERS[kind], headers=headers)

    def objections(self, asked: Asked) -> Response:
        """One's objections, open ones first, and until when each is answered."""
        desk, user = self.frame.desk, asked.user
        rows = []
        for each in desk.journal.cases.objections.values():
            entry = desk.book.entry(each.receipt)
            if entry is not None and desk.sees(user, entry):
                rows.append((each, entry, self._overdue(each)))
        rows.sort(key=lambda row: (row[0].decision is not None, row[0].due, row[0].number))
        return self.frame.page(asked, "objections.html", **paged(asked, rows))

    def object(self, asked: Asked) -> Response:
        """An objection to a receipt joins the journal, as long as the time for it runs."""
        desk, entry = self.frame.desk, self._entry(asked)
        text, campaign = reason_of(asked), desk.settings.campaign

        def make(cases: Cases) -> dict[str, object]:
            if any(each.receipt == entry.number and each.decision is None for each in cases.objections.values()):
                raise Refused(409, "objection.exists")
            if not self._open(entry, cases):
                raise Refused(409, "objection.late")
            due = last_day(to_text(desk.now()), campaign.decision_days, campaign.timezone)
            return {"receipt": entry.number, "text": text, "due": str(due)}

        desk.journal.decide("objection", asked.user.name, asked.user.role, make)
        return RedirectResponse(f"/receipts/{entry.number}", 303)

    def _entry(self, asked: Asked) -> Entry:
        """The receipt that was asked for; one that is not the user's is not there."""
        entry = self.frame.desk.book.entry(asked.number("number"))
        if entry is None or not self.frame.desk.sees(asked.user, entry):
            raise Refused(404, "refused.nothing")
        return entry

    def _sees(self, asked: Asked, number: int) -> bool:
        entry = self.frame.desk.book.entry(number)
        return entry is not None and self.frame.desk.sees(asked.user, entry)

    def _open(self, entry: Entry, cases: Cases | None = None) -> bool:
        """Whether the time to object to *entry*, or to its last decision, still runs."""
        desk, campaign = self.frame.desk, self.frame.desk.settings.campaign
        until = last_day(_moment(entry, cases or desk.journal.cases), campaign.objection_days, campaign.timezone)
        return day_of(to_text(desk.now()), campaign.timezone) <= until

    def _overdue(self, objection: Objection) -> bool:
        today = day_of(to_text(self.frame.desk.now()), self.frame.desk.settings.campaign.timezone)
        return objection.decision is None and str(today) > objection.due


def paged(asked: Asked, rows: Sequence[object]) -> dict[str, object]:
    """One page of *rows*, which page it is, and how many there are."""
    wanted = asked.query.get("page", "1")
    page = int(wanted) if wanted.isascii() and wanted.isdecimal() and len(wanted) < 7 else 1
    pages = max(1, -(-len(rows) // PAGE))
    page = min(max(1, page), pages)
    return {"rows": rows[(page - 1) * PAGE : page * PAGE], "page": page, "pages": pages, "total": len(rows)}


def reason_of(asked: Asked, name: str = "reason") -> str:
    """Why, in a few words at least."""
    found = asked.text(name)
    if len(found) < LEAST_REASON:
        raise Refused(422, "refused.reason")
    return found


def _moment(entry: Entry, cases: Cases) -> str:
    """From when the time to object runs: the office's last word on the receipt, else the receipt."""
    review = cases.reviews.get(entry.number)
    return review.at if review else entry.received


def _told(request: Request) -> int:
    """The length that the sender told; ``Refused`` when that is no number."""
    length = request.headers.get("content-length", "0")
    if not length.isascii() or not length.isdecimal():
        raise Refused(400, "refused.malformed")
    return int(length[:20])


def _own_folder(parent: Path) -> Path:
    """A new folder that nobody else writes to; ``Refused`` where the disk would be full afterwards."""
    parent.mkdir(exist_ok=True)
    if shutil.disk_usage(parent).free < 2 * LARGEST_FILE:
        raise Refused(503, "refused.full")
    folder = parent / secrets.token_hex(16)
    folder.mkdir()
    return folder


async def _written(request: Request, path: Path) -> None:
    """The body of *request* under *path*, never more of it in memory than one piece; ``Refused`` beyond the largest size."""
    size = 0
    try:
        with path.open("xb") as file:
            async for piece in request.stream():
                size += len(piece)
                if size > LARGEST_FILE:
                    raise Refused(413, "refused.too_large")
                await run_in_threadpool(file.write, piece)
    except ClientDisconnect as gone:
        raise Refused(400, "refused.malformed") from gone
    except OSError as error:
        raise Refused(503, "refused.full" if error.errno in NO_SPACE else "refused.disk") from error


def _letter_bytes(office: Path, kind: str, document: Document) -> bytes:
    from factory_kit.render.excel import write_excel  # noqa: PLC0415 - each format loads its own library
    from factory_kit.render.word import write_word  # noqa: PLC0415 - see above

    with tempfile.TemporaryDirectory(prefix=".letter-", dir=office) as folder:
        path = Path(folder) / f"letter.{kind}"
        (write_word if kind == "docx" else write_excel)(document, path)
        return path.read_bytes()
