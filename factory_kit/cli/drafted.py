"""What a discovery shows while it asks, and what one does with the drafts it leaves."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from factory_kit.cli.options import WorkspaceFolder
from factory_kit.i18n import N_, _

__all__ = ["ADOPT", "adopt", "asking", "say_next", "show_sends"]

ADOPT = N_(
    "Take the connectors that discover drafted into the workspace, and show the lines for its site.yaml.\n\n"
    "Example: factory-kit connectors adopt discover/192.0.2.20_502/20260901T080000Z"
)


def show_sends(
    plan: Mapping[str, object], remarks: Iterable[str], *, service: Callable[[str], str] = str, as_json: bool
) -> None:
    """The dry run: each *service* that *plan* would send, why and how often, to whom and with whose permission, then *remarks*."""
    from factory_kit.cli.console import note, print_json, print_table

    if as_json:
        print_json(plan)
        return
    sends = plan["sends"]
    assert isinstance(sends, list)  # noqa: S101 - made by the planning of the discovery
    rows = [(service(each["service"]), _(each["why"]), each["at_most"]) for each in sends]
    print_table((_("Service"), _("Why"), _("Requests at most")), rows, title=_("What would be sent"), numbers={2: True})
    note(_("To {address}, allowed by {allowed}.").format(address=plan["address"], allowed=plan["allowed"]))
    for remark in remarks:
        note(remark)
    note(_("Nothing was sent. To send just this, add --go."))


@contextmanager
def asking(seconds: float) -> Iterator[Callable[[], None]]:
    """Something to call with every request: a terminal shows how many there were and for how long; nothing is written to a file."""
    from factory_kit.cli.console import stderr

    began, count = time.monotonic(), 0
    text = _("{count} requests, {passed} s of at most {most} s; Ctrl-C ends it")

    def said() -> str:
        return text.format(count=count, passed=round(time.monotonic() - began), most=round(seconds))

    if not stderr().is_terminal:
        yield lambda: None
        return
    with stderr().status(said()) as status:

        def tell() -> None:
            nonlocal count
            count += 1
            status.update(said())

        yield tell


def say_next(folder: Path, workspace: Path) -> None:
    """How the drafts in *folder* get into *workspace*; nothing where there are none."""
    from factory_kit.cli.console import note
    from factory_kit.cli.pasted import of_workspace, pasted

    if (folder / "connectors").is_dir():
        note(_("Next: correct the drafts there, then take them into the workspace:"))
        pasted("factory-kit", "connectors", "adopt", folder, *of_workspace(workspace))


def adopt(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help=N_("The folder that discover named."))],
    workspace: WorkspaceFolder = Path(),
) -> None:
    from factory_kit.cli.console import note, success
    from factory_kit.cli.pasted import pasted
    from factory_kit.errors import UsageError
    from factory_kit.load.workspace import Workspace

    place = Workspace.at(workspace)
    shelf = place.root / "connectors"
    drafts = sorted(path.parent for path in (folder / "connectors").glob("*/connector.yaml"))
    if not drafts:
        raise UsageError("{folder}: holds no drafted connectors; name the folder that discover named", folder=folder)
    for draft in drafts:
        if (shelf / draft.name).exists():
            note(_("{name}: is in the workspace already and stays as it is").format(name=draft.name))
            continue
        shutil.copytree(draft, shelf / draft.name)
        success(_("{name}: is now in {folder}").format(name=draft.name, folder=shelf))
    fragment = folder / "site-fragment.yaml"
    if fragment.is_file():
        note(_("Put these lines under the same headings of {file}, then:").format(file=shelf.parent / "site.yaml"))
        pasted("factory-kit", "check", *([] if workspace == Path() else [workspace]), "--timing")
        known = set(place.site()[0].servers)
        typer.echo(_without_servers(fragment.read_text(encoding="utf-8"), known), nl=False)


def _without_servers(fragment: str, known: set[str]) -> str:
    """*fragment* without the servers that the site file has already."""
    head, _servers, rest = fragment.partition("servers:\n")
    servers, _equipment, machines = rest.partition("equipment:\n")
    new = [line for line in servers.splitlines(keepends=True) if line.strip().partition(":")[0] not in known]
    return head + ("servers:\n" + "".join(new) if new else "") + "equipment:\n" + machines
