"""What officers do with single submissions: look, let stand or send back, answer objections, erase what is no longer to be kept."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.responses import FileResponse, RedirectResponse, Response

from factory_kit.district.cases import Cases, day_of, last_day
from factory_kit.district.erasure import GROUNDS, erase
from factory_kit.i18n import said
from factory_kit.seal.chain import verify_chain
from factory_kit.seal.stamps import to_text
from factory_kit.web.district.book import Entry
from factory_kit.web.district.dossier import dossier
from factory_kit.web.district.frame import Frame
from factory_kit.web.district.gate import Asked
from factory_kit.web.district.sender import paged, reason_of
from factory_kit.web.district.snapshot import Snapshots
from factory_kit.web.guard import Refused

__all__ = ["Reviewer"]

VIEWS = ("waiting", "warned", "late", "all")
SHOWN = 100

SIGNERS = ("enterprise", "provider", "assessor", "publisher")
DETAILS = {
    "user": "", "address": "", "receipt": "", "file": "", "provider": "", "outcome": "outcome.", "reason": "", "verdict": "verdict.",
    "objection": "", "answer": "answer.", "text": "", "due": "", "ground": "ground.", "release": "", "folder": "", "proof": "",
}  # fmt: skip
"""What the journal notes of an event, and under which texts its words stand."""


@dataclass(frozen=True)
class Reviewer:
    """The pages of the office about one submission, plant or bundle."""

    frame: Frame
    snapshots: Snapshots

    def queue(self, asked: Asked) -> Response:
        """What nobody of the office looked at yet, oldest first; what the rules warned about can be asked for alone."""
        desk, cases = self.frame.desk, self.frame.desk.journal.cases
        view = asked.query.get("view", "waiting")
        if view not in VIEWS:
            raise Refused(400, "refused.malformed")
        accepted = [each for each in desk.book.entries() if each.accepted]
        waiting = [each for each in accepted if each.number not in cases.reviews]
        found = {
            "waiting": waiting,
            "warned": [each for each in waiting if each.rulings],
            "late": [each for each in waiting if each.outcome == "accepted late"],
            "all": accepted,
        }
        counts = {name: len(rows) for name, rows in found.items()}
        providers = sorted({each.provider for each in desk.book.entries() if not each.accepted and each.provider})
        return self.frame.page(
            asked, "queue.html", view=view, counts=counts, cases=cases, providers=providers, **paged(asked, found[view])
        )

    def review(self, asked: Asked) -> Response:
        """An accepted submission stands, or is sent back with a reason and does not count any more."""
        desk, entry = self.frame.desk, self._accepted(asked)
        verdict = asked.text("verdict", 20)
        if verdict not in {"confirmed", "returned"}:
            raise Refused(400, "refused.malformed")
        reason = reason_of(asked) if verdict == "returned" else asked.text("reason")
        seen = asked.text("seen", 20)

        def make(cases: Cases) -> dict[str, object]:
            before = cases.reviews.get(entry.number)
            if seen != (before.at if before else ""):
                raise Refused(409, "refused.meanwhile")
            return {"receipt": entry.number, "verdict": verdict, "reason": reason}

        desk.journal.decide("review", asked.user.name, asked.user.role, make)
        return RedirectResponse(f"/receipts/{entry.number}", 303)

    def decide(self, asked: Asked) -> Response:
        """An objection is answered, once: upheld, and what the office had sent back counts again, or dismissed."""
        desk, number = self.frame.desk, asked.number("number")
        if number not in desk.journal.cases.objections:
            raise Refused(404, "refused.nothing")
        answer, reason = asked.text("answer", 20), reason_of(asked)
        if answer not in {"upheld", "dismissed"}:
            raise Refused(400, "refused.malformed")

        def make(cases: Cases) -> dict[str, object]:
            if cases.objections[number].decision is not None:
                raise Refused(409, "refused.meanwhile")
            return {"objection": number, "answer": answer, "reason": reason}

        desk.journal.decide("decision", asked.user.name, asked.user.role, make)
        return RedirectResponse("/objections", 303)

    def plants(self, asked: Asked) -> Response:
        """Plants by code or name: those of the register, and those that only a bundle names."""
        desk, wanted = self.frame.desk, asked.query.get("q", "").strip()[:100].casefold()
        found: dict[tuple[str, str], tuple[str, Entry | None]] = {
            key: (row.get("name", ""), None) for key, row in desk.settings.plants.items()
        }
        withdrawn = desk.journal.cases.withdrawn
        for each in desk.book.entries():
            if each.known and each.accepted and each.number not in withdrawn:
                found[each.plant] = (found.get(each.plant, ("", None))[0] or each.name_zh, each)
        rows = [
            (*key, name, last)
            for key, (name, last) in sorted(found.items())
            if wanted in f"{key[0]}-{key[1]} {name} {last.name_en if last else ''}".casefold()
        ]
        return self.frame.page(asked, "plants.html", q=wanted, **paged(asked, rows))

    def plant(self, asked: Asked) -> Response:
        """One plant: everything received of it, how it stands, and the evidence of its last bundle."""
        code, site = str(asked.request.path_params["code"]), str(asked.request.path_params["site"])
        found = dossier(self.frame.desk, code, site, asked.query.get("receipt", ""), asked.language)
        if found is None:
            raise Refused(404, "refused.nothing")
        facts = self.snapshots.of(found.shown.campaign).models.get(found.shown.model) if found.shown else None
        peers = facts.peers(f"{code}-{site}") if facts else None
        return self.frame.page(asked, "plant.html", d=found, peers=peers, signers=SIGNERS)

    def bundle(self, asked: Asked) -> Response:
        """An accepted bundle as it was received."""
        entry = self.frame.desk.book.of_bundle(str(asked.request.path_params["sha256"]))
        path = self.frame.desk.office.bundles_folder / f"{entry.sha256}.zip" if entry else None
        if entry is None or path is None or not path.is_file():
            raise Refused(404, "refused.nothing")
        self._note(asked, "bundle opened", entry)
        return FileResponse(path, media_type="application/zip", filename=f"receipt-{entry.number:06d}.zip")

    def retention(self, asked: Asked) -> Response:
        """Bundles whose time is over, and tombstones of those that are gone."""
        desk, campaign = self.frame.desk, self.frame.desk.settings.campaign
        cases, today = desk.journal.cases, day_of(to_text(desk.now()), campaign.timezone)
        over = [
            (each, str(last_day(each.received, campaign.retention_days, campaign.timezone)))
            for each in desk.book.entries()
            if each.accepted and each.sha256 not in cases.erasures
            and last_day(each.received, campaign.retention_days, campaign.timezone) < today
        ]  # fmt: skip
        gone = sorted(cases.erasures.values(), key=lambda each: each.at, reverse=True)
        return self.frame.page(asked, "retention.html", gone=gone[:SHOWN], erased=len(gone), **paged(asked, over))

    def erase(self, asked: Asked) -> Response:
        """A bundle is erased; its tombstone says by whom, when and why, and the receipt stays."""
        desk, entry = self.frame.desk, self._accepted(asked)
        ground = asked.text("ground", 20)
        if ground not in GROUNDS or asked.text("sure", 10) != str(entry.number):
            raise Refused(422, "refused.not_sure")
        user = asked.user
        erase(desk.office, desk.journal, entry.number, ground, reason_of(asked), (user.name, user.role))
        return RedirectResponse(f"/receipts/{entry.number}", 303)

    def audit(self, asked: Asked) -> Response:
        """The journal, newest first, and whether both chains hold."""
        desk = self.frame.desk
        who, what = asked.query.get("who", "").strip()[:64], asked.query.get("what", "").strip()[:40]
        links = [
            link
            for link in reversed(desk.journal.links)
            if (not who or link.record["by"] == who) and (not what or link.record["event"] == what)
        ]
        events = sorted({link.record["event"] for link in desk.journal.links})
        content = {"who": who, "what": what, "events": events, "details": DETAILS}
        return self.frame.page(asked, "audit.html", **content, **paged(asked, links))

    def check(self, asked: Asked) -> Response:
        """Whether every record of the ledger and of the journal holds, from the first; the first that does not is named."""
        desk = self.frame.desk
        paths = {"ledger": desk.office.ledger_file, "journal": desk.journal.path}
        checked = {name: verify_chain(path) for name, path in paths.items() if path.exists()}
        return self.frame.page(asked, "check.html", checked=checked, said=said)

    def _accepted(self, asked: Asked) -> Entry:
        entry = self.frame.desk.book.entry(asked.number("number"))
        if entry is None:
            raise Refused(404, "refused.nothing")
        if not entry.accepted:
            raise Refused(409, "refused.not_accepted")
        return entry

    def _note(self, asked: Asked, event: str, entry: Entry) -> None:
        self.frame.desk.journal.write(event, asked.user.name, asked.user.role, receipt=entry.number)
