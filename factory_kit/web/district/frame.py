"""What stands around every page: who is logged in, where one can go, the token of writes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from starlette.responses import Response

from factory_kit.district.trial import model_name
from factory_kit.web.district.desk import Desk
from factory_kit.web.district.gate import Asked
from factory_kit.web.district.routes import RULES
from factory_kit.web.pages import Pages

__all__ = ["Frame"]

MENU = (
    "/upload",
    "/receipts",
    "/queue",
    "/plants",
    "/objections",
    "/dashboard",
    "/targets",
    "/publish",
    "/retention",
    "/audit",
)


@dataclass(frozen=True)
class Frame:
    """Renders the pages of *desk*."""

    desk: Desk
    pages: Pages

    def page(self, asked: Asked, template: str, status: int = 200, /, **content: object) -> Response:
        """A page as it is sent."""
        return self.pages.page(template, asked.language, {**self._around(asked), **content}, status)

    def _around(self, asked: Asked) -> dict[str, object]:
        user = asked.session.user if asked.session else None
        query = f"?{asked.request.url.query}" if asked.request.url.query else ""
        menu = [
            rule.path
            for path in MENU
            for rule in RULES
            if rule.path == path and user and user.role in rule.roles and not rule.csrf
        ]
        return {
            "user": user, "csrf": asked.csrf, "menu": menu, "here": asked.request.url.path,
            "back": asked.request.url.path + query if asked.request.method == "GET" else "/",
            "local": self.local, "titled": lambda model: model_name(model, asked.language), "campaign": self.desk.settings.campaign, "district": self.desk.settings.units.district,
        }  # fmt: skip

    def local(self, text: str) -> str:
        """A moment (ISO 8601, UTC) as the clock of the campaign's zone shows it."""
        if not text:
            return ""
        zone = ZoneInfo(self.desk.settings.campaign.timezone)
        return f"{datetime.fromisoformat(text).astimezone(zone):%Y-%m-%d %H:%M}"
