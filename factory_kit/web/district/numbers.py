"""What the district counts, as pages: the overview with its filters, targets, and what is given out."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from markupsafe import Markup
from starlette.responses import FileResponse, RedirectResponse, Response

from factory_kit.district.definitions import Target
from factory_kit.district.publish import LOG, publish
from factory_kit.district.tables import in_order, row_name
from factory_kit.district.target_figures import NOTHING, figure, is_share, wanted
from factory_kit.district.trial import model_name
from factory_kit.i18n import Language
from factory_kit.model.definition import exact
from factory_kit.seal.chain import read_chain
from factory_kit.web.district.frame import Frame
from factory_kit.web.district.gate import Asked
from factory_kit.web.district.snapshot import DIMENSIONS, Group, Snapshot, Snapshots
from factory_kit.web.guard import Refused

__all__ = ["Numbers"]

KEPT = 512
"""Rendered overviews that are kept."""
LISTED = 200
FOLDER = "published"


@dataclass(frozen=True)
class _Wish:
    """What an overview is about: campaign, model, filters; and for whom."""

    campaign: str
    model: str
    filters: tuple[tuple[str, str], ...]
    language: Language
    officer: bool


@dataclass(frozen=True)
class _Aim:
    """A target beside what was counted for it, as it is shown."""

    name: str
    due: str
    wanted: str
    actual: str
    state: str
    part: float | None
    """How much of it is reached, at most 1; None where nothing is counted or there is nothing to reach."""
    source: str
    confidence: str


@dataclass
class Numbers:
    """The pages of figures."""

    frame: Frame
    snapshots: Snapshots
    _rendered: dict[tuple[object, _Wish], Markup] = field(default_factory=dict)
    _rendering: threading.Lock = field(default_factory=threading.Lock)
    _publishing: threading.Lock = field(default_factory=threading.Lock)

    def dashboard(self, asked: Asked) -> Response:
        """The overview of a campaign and model, filtered by what stands in the address."""
        desk = self.frame.desk
        campaign = asked.query.get("campaign", "") or desk.settings.campaign.id
        if campaign not in {each.id for each in desk.settings.campaigns}:
            raise Refused(404, "refused.nothing")
        snapshot = self.snapshots.of(campaign)
        models = list(snapshot.models)
        model = asked.query.get("model", "") or (models[0] if models else "")
        if models and model not in models:
            raise Refused(404, "refused.nothing")
        filters = tuple((name, asked.query[name][:200]) for name in DIMENSIONS if asked.query.get(name))
        wish = _Wish(campaign, model, filters, asked.language, asked.user.role == "officer")
        return self.frame.page(asked, "dashboard.html", content=self._overview(snapshot, wish))

    def targets(self, asked: Asked) -> Response:
        """Each target beside what was counted for it."""
        desk, language = self.frame.desk, asked.language
        snapshot = self.snapshots.of(desk.settings.campaign.id)
        targets = {each.id: each for each in desk.settings.targets.targets}
        rows = [_aim(targets[each["id"]], each, language) for each in snapshot.found["targets"]]
        return self.frame.page(asked, "targets.html", rows=rows, cutoff=snapshot.cutoff)

    def releases(self, asked: Asked) -> Response:
        """What was given out, with the result of each proof, and the way to give out more."""
        office, journal = self.frame.desk.office, self.frame.desk.journal
        path = office.path / "releases" / LOG
        proofs = {link.record["release"]: link.record for link in journal.links if link.record["event"] == "published"}
        releases = [
            (link.record, proofs.get(link.record["release"]), self._files(link.record["release"]))
            for link in (read_chain(path) if path.exists() else ())
        ]
        return self.frame.page(
            asked, "publish.html", releases=releases[::-1], disclosure=self.frame.desk.settings.campaign.disclosure
        )

    def publish(self, asked: Asked) -> Response:
        """A new release, when it is proven that nothing hidden can be worked out; else the reason why there is none."""
        desk = self.frame.desk
        if not self._publishing.acquire(blocking=False):
            raise Refused(409, "refused.publishing")
        try:
            with desk.counting:
                number = len(self._taken()) + 1
                folder = desk.office.path / FOLDER / f"{number:04d}"
                release = publish(desk.office, folder, desk.now, asked.language)
        finally:
            self._publishing.release()
        proof = {
            by: {
                "rows": len(table.rows), "hidden": table.hidden,
                "narrowest": min((each.highest - each.lowest + 1 for each in table.ranges.values()), default=0),
            }
            for by, table in release.tables.items()
        }  # fmt: skip
        user = asked.user
        desk.journal.write("published", user.name, user.role, release=release.number, folder=folder.name, proof=proof)
        return RedirectResponse("/publish", 303)

    def released(self, asked: Asked) -> Response:
        """A file of a release."""
        number, wanted = asked.number("number"), str(asked.request.path_params["file"])
        path = self._files(number).get(wanted)
        if path is None:
            raise Refused(404, "refused.nothing")
        return FileResponse(path, filename=f"{number:04d}-{wanted}")

    def _taken(self) -> list[Any]:
        folder = self.frame.desk.office.path / FOLDER
        return sorted(folder.iterdir()) if folder.is_dir() else []

    def _files(self, release: int) -> Mapping[str, Any]:
        """The files of a release that was made here, by name."""
        for link in self.frame.desk.journal.links:
            if link.record["event"] == "published" and link.record["release"] == release:
                folder = self.frame.desk.office.path / FOLDER / str(link.record["folder"])
                return {path.name: path for path in sorted(folder.iterdir())} if folder.is_dir() else {}
        return {}

    def _overview(self, snapshot: Snapshot, wish: _Wish) -> Markup:
        key = (snapshot.head, wish)
        if (known := self._rendered.get(key)) is not None:
            return known
        with self._rendering:  # who wants the same at the same time waits for the first
            if (known := self._rendered.get(key)) is None:
                while len(self._rendered) >= KEPT:
                    self._rendered.pop(next(iter(self._rendered)))
                known = Markup(self._render(snapshot, wish))  # noqa: S704 - a page of ours, escaped where it is made
                self._rendered[key] = known
        return known

    def _render(self, snapshot: Snapshot, wish: _Wish) -> str:
        desk, language, filters = self.frame.desk, wish.language, dict(wish.filters)
        facts = snapshot.models.get(wish.model)
        groups: Mapping[str, Sequence[Group]] = {}
        whole, choices = None, {}
        if facts is not None:
            at = facts.filtered(filters)
            whole = facts.whole(at)
            groups = {name: in_order(name, facts.groups(name, at), lambda group: group.key) for name in DIMENSIONS}
            choices = {name: in_order(name, filter(None, facts.columns[name][0]), str) for name in DIMENSIONS}

        units = {each.id: each.name.in_(language) for each in desk.settings.units.units}

        def named(by: str, value: str) -> str:
            return units[value] if by == "street" and value in units else row_name(desk.office, by, value, language)

        content = {
            "wish": wish, "filters": filters, "whole": whole, "groups": groups, "choices": choices, "named": named,
            "found": snapshot.found, "cutoff": snapshot.cutoff, "models": list(snapshot.models), "local": self.frame.local,
            "campaigns": desk.settings.campaigns, "listed": LISTED, "share": _share,
            "missing": _of_street(snapshot.found["not_assessed"], filters),
            "near": _near(snapshot, wish, filters), "titles": {each: model_name(each, language) for each in snapshot.models},
        }  # fmt: skip
        return self.frame.pages.render("overview.html", language, content)


def _of_street(rows: Sequence[Mapping[str, Any]], filters: Mapping[str, str]) -> list[Mapping[str, Any]]:
    street = filters.get("street")
    return [each for each in rows if street is None or each["street"] == street]


def _near(snapshot: Snapshot, wish: _Wish, filters: Mapping[str, str]) -> Sequence[Mapping[str, Any]]:
    """Plants close below the next level; only where nothing is filtered, since the list knows no filters."""
    rows: Sequence[Mapping[str, Any]] = (
        snapshot.found["models"][wish.model]["near_next"] if wish.model and not filters else ()
    )
    return rows


def _share(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f}%" if whole else NOTHING


def _aim(target: Target, row: Mapping[str, Any], language: Language) -> _Aim:
    least, actual = exact(row["at_least"]), row["actual"]
    part = None if actual is None or not least else float(min(Fraction(1), exact(actual) / least))
    state = (
        ("no_data" if target.measure else "by_hand") if actual is None
        else "no_figure" if not least else "reached" if row["reached"] else "open"
    )  # fmt: skip
    shown = figure(actual, share=is_share(target))
    name, source = target.name.in_(language), (row["source"], row["confidence"])
    return _Aim(name, row["due"], wanted(target), shown, state, part, *source)
