"""``district serve`` and ``district user``: the pages of a district, and who may log in there."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from factory_kit.i18n import N_, _

if TYPE_CHECKING:
    from collections.abc import Callable

    from factory_kit.web.district.desk import Desk
    from factory_kit.web.district.gate import Place
    from factory_kit.web.district.snapshot import Snapshots
    from factory_kit.web.district.users import Users

__all__ = ["add_pages"]

DistrictFolder = Annotated[
    Path,
    typer.Option("--district", "-d", metavar="DIR", help=N_("The folder of the district; by default the current one.")),
]
ROLE_WORDS = {"provider": N_("provider"), "officer": N_("officer"), "reader": N_("reader")}
"""What the roles are called."""
UserName = Annotated[str, typer.Argument(metavar="NAME", help=N_("The name the user logs in with."))]


def serve(
    district: DistrictFolder = Path(),
    port: Annotated[
        int, typer.Option("--port", metavar="N", min=0, max=65535, help=N_("Port; by default a free one."))
    ] = 0,
    host: Annotated[
        str,
        typer.Option(
            "--host", metavar="ADDRESS", help=N_("Address to listen at; another than this computer needs --url.")
        ),
    ] = "127.0.0.1",
    url: Annotated[
        str,
        typer.Option(
            "--url", metavar="URL", help=N_("The address that browsers use when a reverse proxy stands in front.")
        ),
    ] = "",
    proxy: Annotated[
        list[str] | None,
        typer.Option("--proxy", metavar="ADDRESS", help=N_("A reverse proxy whose headers are believed; repeatable.")),
    ] = None,
    user_header: Annotated[
        str,
        typer.Option(
            "--user-header",
            metavar="NAME",
            help=N_("The header in which the reverse proxy names the user it let in; passwords are then not asked."),
        ),
    ] = "",
) -> None:
    from factory_kit.cli.clock import now
    from factory_kit.cli.console import note, results
    from factory_kit.cli.district_rebuilt import rebuilt
    from factory_kit.i18n import language
    from factory_kit.web.district.app import create_app
    from factory_kit.web.district.desk import desk_of
    from factory_kit.web.district.snapshot import Snapshots
    from factory_kit.web.serving import hosts_of, listening
    from factory_kit.web.serving import serve as serve_pages

    desk = desk_of(district, rebuilt, now)
    if not desk.users.all():
        note(_("Nobody can log in yet; add somebody with factory-kit district user add NAME --role officer"))
    sock = listening(port, host)
    place, hosts = _place(hosts_of(sock), sock.getsockname()[1], host, url, tuple(proxy or ()), user_header)

    snapshots = Snapshots(desk)

    def ready() -> None:
        results().print(place.origins[0] + "/", markup=False, soft_wrap=True)
        sys.stdout.flush()
        _count_ahead(desk, snapshots)

    serve_pages(create_app(desk, place, hosts, language(), snapshots), sock, ready, MOST_AT_ONCE)


MOST_AT_ONCE = 512
MUCH = 8 << 20
"""Bytes of a ledger over which counting takes longer than people wait for a page: some five thousand receipts."""


def _count_ahead(desk: Desk, snapshots: Snapshots) -> None:
    """Count a large district before its first reader comes, and say so: that can take a minute."""
    from factory_kit.cli.console import note, success

    path = desk.office.ledger_file
    if not path.exists() or path.stat().st_size < MUCH:
        return
    note(_("Counting for the first time; until it is done, pages with figures wait, all others open."))
    began = time.monotonic()
    said = _("Everything is counted ({seconds} s).")
    snapshots.begin(desk.settings.campaign.id, lambda: success(said.format(seconds=round(time.monotonic() - began))))


def _place(
    own: tuple[str, ...], port: int, host: str, url: str, proxies: tuple[str, ...], header: str
) -> tuple[Place, tuple[str, ...]]:
    """Where the pages are for browsers, and the names they are asked for by."""
    from urllib.parse import urlsplit

    from factory_kit.errors import UsageError
    from factory_kit.web.district.gate import Place

    if header and not proxies:
        raise UsageError("--user-header needs --proxy with the address of the reverse proxy that sets it")
    if not url:
        if host not in {"127.0.0.1", "localhost"}:
            raise UsageError(
                "--host {host} needs --url with the https address of the reverse proxy in front", host=host
            )
        return Place(tuple(f"http://{each}" for each in own), port, header=header, proxies=proxies), own
    parts = urlsplit(url)
    if parts.scheme != "https" or not parts.netloc or parts.path not in {"", "/"} or parts.query or "@" in parts.netloc:
        raise UsageError("{url}: is no address such as https://diagnosis.example.gov", url=url)
    place = Place((f"https://{parts.netloc.lower()}",), port, secure=True, header=header, proxies=proxies)
    return place, (parts.netloc.lower(),)


def add_user(
    name: UserName,
    role: Annotated[str, typer.Option("--role", metavar="ROLE", help=N_("provider, officer or reader."))],
    provider: Annotated[
        str, typer.Option("--provider", metavar="NAME", help=N_("The provider a provider's user speaks for."))
    ] = "",
    provider_code: Annotated[
        str, typer.Option("--provider-code", metavar="CODE", help=N_("The credit code of that provider."))
    ] = "",
    no_password: Annotated[
        bool, typer.Option("--no-password", help=N_("For somebody who comes in by a reverse proxy only."))
    ] = False,
    district: DistrictFolder = Path(),
) -> None:
    from factory_kit.cli.console import success
    from factory_kit.cli.passphrase import chosen_passphrase
    from factory_kit.errors import UsageError
    from factory_kit.web.district.users import ROLES, User, hashed

    wanted = next((each for each in ROLES if each == role), None)
    if wanted is None:
        raise UsageError("{role}: is no role; provider, officer or reader", role=role)
    password = "" if no_password else hashed(chosen_passphrase(name))
    user = User(name, wanted, password, provider, provider_code)
    _on_record(district, "user added", name, lambda users: users.add(user))
    success(_("{name} can log in as {role}.").format(name=name, role=_role(role)))


def _role(role: str) -> str:
    """What *role* is called, with the word the commands take where it is another one."""
    word = _(ROLE_WORDS[role])
    return word if word == role else f"{word} ({role})"


def list_users(district: DistrictFolder = Path()) -> None:
    from factory_kit.cli.console import print_table
    from factory_kit.district.office import Office
    from factory_kit.web.district.users import Users

    found = Users(Office.at(district).path).all().values()
    rows = [(each.name, _role(each.role), each.provider, _("disabled") if each.disabled else "") for each in found]
    print_table((_("Name"), _("Role"), _("Provider"), _("State")), rows)


def disable_user(name: UserName, district: DistrictFolder = Path()) -> None:
    from factory_kit.cli.console import success

    _on_record(district, "user disabled", name, lambda users: users.disable(name))
    success(_("{name} cannot log in any more.").format(name=name))


def change_password(name: UserName, district: DistrictFolder = Path()) -> None:
    from factory_kit.cli.console import success
    from factory_kit.cli.passphrase import chosen_passphrase

    password = chosen_passphrase(name)
    _on_record(district, "password changed", name, lambda users: users.change_password(name, password))
    success(_("{name} has a new password.").format(name=name))


def _on_record(district: Path, event: str, name: str, change: Callable[[Users], None]) -> None:
    """*change* is made, and stands in the journal of the district."""
    from factory_kit.cli.clock import now
    from factory_kit.district.journal import Journal
    from factory_kit.district.office import Office
    from factory_kit.web.district.users import Users

    office = Office.at(district)

    def make(_cases: object) -> dict[str, str]:
        change(Users(office.path))
        return {"user": name}

    Journal(office.path, now).decide(event, "command line", "-", make)


def add_pages(group: typer.Typer) -> None:
    """The commands of this module join *group*."""
    group.command(
        "serve",
        help=N_(
            "Serve the district's pages: providers send bundles, officers review and publish, readers see statistics.\n\n"
            "Example: factory-kit district serve -d songjiang --port 8321"
        ),
    )(serve)
    users = typer.Typer(help=N_("Who may log in to the district's pages."), no_args_is_help=True, rich_markup_mode=None)
    users.command(
        "add",
        help=N_(
            "Add a user; the password is asked for, or taken from FACTORY_KIT_PASSPHRASE.\n\n"
            "Example: factory-kit district user add li --role officer -d songjiang"
        ),
    )(add_user)
    users.command("list", help=N_("Who may log in.\n\nExample: factory-kit district user list -d songjiang"))(
        list_users
    )
    users.command(
        "disable",
        help=N_(
            "End the access of a user; receipts stay.\n\nExample: factory-kit district user disable li -d songjiang"
        ),
    )(disable_user)
    users.command(
        "password",
        help=N_("Set a new password.\n\nExample: factory-kit district user password li -d songjiang"),
    )(change_password)
    group.add_typer(users, name="user")
