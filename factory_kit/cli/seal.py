"""``key`` and ``verify``: who signs, and whether a sealed file is what was sealed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from factory_kit.cli.options import AsJson
from factory_kit.i18n import N_, _

if TYPE_CHECKING:
    from factory_kit.seal.ring import KeyRing
    from factory_kit.seal.verify import Report

__all__ = ["asked_ring", "register", "report_as_record", "show_report"]

Reasons = Annotated[str, typer.Option("--reason", metavar="retired|lost|compromised", help=N_("Why the key ends."))]
KeyFile = Annotated[Path, typer.Argument(metavar="FILE.key", help=N_("The file of the secret key."))]


def register(app: typer.Typer) -> None:
    """The commands of this module join *app*."""
    keys = typer.Typer(
        help=N_("Keys that sign: make, export, back up, restore, trust, revoke."),
        no_args_is_help=True,
        rich_markup_mode=None,
    )
    keys.command(
        "new",
        help=N_(
            "Make a key; its recovery sheet is for printing and locking away.\n\nExample: factory-kit key new provider.key --sheet recovery.txt"
        ),
    )(key_new)
    keys.command(
        "export",
        help=N_(
            "Print the public key, to be given to everybody who receives your files.\n\nExample: factory-kit key export provider.key"
        ),
    )(key_export)
    keys.command(
        "restore",
        help=N_(
            "Make the key again from its recovery sheet.\n\nExample: factory-kit key restore recovery.txt provider.key"
        ),
    )(key_restore)
    keys.command(
        "trust",
        help=N_(
            "Trust somebody's public key in a role.\n\nExample: factory-kit key trust provider.pub --holder 示例诊断公司 --role provider --ring keys"
        ),
    )(key_trust)
    keys.command(
        "revoke",
        help=N_(
            "Write the statement that a key ends, signed by the key itself.\n\nExample: factory-kit key revoke provider.key --reason retired"
        ),
    )(key_revoke)
    app.add_typer(keys, name="key")
    app.command(
        help=N_(
            "Check a sealed file (a bundle or a package): every byte, every signature, offline.\n\nExample: factory-kit verify plant.zip --ring keys"
        )
    )(verify)


def key_new(
    file: KeyFile,
    sheet: Annotated[
        Path | None,
        typer.Option("--sheet", metavar="FILE", help=N_("Write the recovery sheet here; otherwise it is printed.")),
    ] = None,
) -> None:
    from factory_kit.cli.console import note, success
    from factory_kit.cli.passphrase import chosen_passphrase
    from factory_kit.files import write_atomically
    from factory_kit.seal.keys import new_key

    made = new_key(file, chosen_passphrase(file))
    success(_("{file}: key {key_id}").format(file=file, key_id=made.public.key_id))
    if sheet is None:
        typer.echo(made.sheet)
    else:
        write_atomically(sheet, made.sheet, secret=True)
        note(
            _("Print {sheet}, lock it away, and delete the file: whoever has it can sign in your name.").format(
                sheet=sheet
            )
        )


def key_export(file: KeyFile) -> None:
    from factory_kit.seal.keys import read_public

    typer.echo(read_public(file).to_file().decode(), nl=False)


def key_restore(
    sheet: Annotated[Path, typer.Argument(metavar="SHEET", help=N_("The recovery sheet as a text file."))],
    file: KeyFile,
) -> None:
    from factory_kit.cli.console import success
    from factory_kit.cli.passphrase import chosen_passphrase
    from factory_kit.load.document import read_text
    from factory_kit.seal.keys import restore_key

    made = restore_key(read_text(sheet), file, chosen_passphrase(file))
    success(_("{file}: key {key_id}").format(file=file, key_id=made.public.key_id))


def key_trust(
    public: Annotated[Path, typer.Argument(metavar="FILE.pub", help=N_("The public key."))],
    holder: Annotated[str, typer.Option("--holder", help=N_("Whose key it is."))],
    role: Annotated[
        list[str],
        typer.Option("--role", help=N_("What it may sign as: provider, enterprise, publisher; may be repeated.")),
    ],
    ring: Annotated[Path, typer.Option("--ring", metavar="DIR", help=N_("The folder of trusted keys."))] = Path("keys"),
) -> None:
    from factory_kit.cli.clock import now
    from factory_kit.cli.console import success
    from factory_kit.seal.keys import read_public
    from factory_kit.seal.ring import trust

    ring.mkdir(parents=True, exist_ok=True)
    key = read_public(public)
    trust(ring, key, holder, role, now())
    success(
        _("{key_id} of {holder} is trusted as {roles}.").format(
            key_id=key.key_id, holder=holder, roles=", ".join(map(_, role))
        )
    )


def key_revoke(file: KeyFile, reason: Reasons = "retired") -> None:
    from factory_kit.cli.clock import now
    from factory_kit.cli.console import note, success
    from factory_kit.cli.passphrase import asked_passphrase
    from factory_kit.errors import UsageError
    from factory_kit.files import write_atomically
    from factory_kit.seal.keys import Reason, open_key, revocation

    known: dict[str, Reason] = {"retired": "retired", "lost": "lost", "compromised": "compromised"}
    if reason not in known:
        raise UsageError("{reason!r} is no reason, expected retired, lost or compromised", reason=reason)
    with open_key(file, asked_passphrase(file)) as key:
        out = file.with_name(f"{key.public.key_id}.revoked.minisig")
        write_atomically(out, revocation(key, now(), known[reason], now()))
    success(_("{file} is written.").format(file=out))
    note(_("Give it to everybody who trusts the key; they put it into their folder of trusted keys."))


def verify(
    file: Annotated[Path, typer.Argument(metavar="FILE", help=N_("A sealed file, or the folder it was unpacked to."))],
    ring: Annotated[
        Path | None,
        typer.Option(
            "--ring",
            metavar="DIR",
            help=N_("The folder of trusted keys; without it signatures are checked, but nobody is known."),
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    from factory_kit.seal.verify import verify as check

    report = check(file, asked_ring(ring))
    if as_json:
        from factory_kit.cli.console import print_json

        print_json(report_as_record(report))
    else:
        show_report(report)
    if not report.ok:
        raise typer.Exit(1)


def asked_ring(folder: Path | None) -> KeyRing | None:
    """The key ring in *folder*, None when none was given; ``UsageError`` when it is no folder."""
    from factory_kit.errors import UsageError
    from factory_kit.seal.ring import KeyRing

    if folder is None:
        return None
    if not folder.is_dir():
        raise UsageError(
            "{ring}: is no folder, expected the folder of trusted keys that factory-kit key trust made", ring=folder
        )
    return KeyRing.read(folder)


def report_as_record(report: Report) -> dict[str, object]:
    """*report* as JSON has it."""
    return {
        "file": str(report.path),
        "ok": report.ok,
        "intact": report.intact,
        "kind": report.manifest.kind if report.manifest else None,
        "files": len(report.manifest.files) if report.manifest else 0,
        "findings": [
            {"file": finding.file, "what": finding.what.value, "said": str(finding)} for finding in report.findings
        ],
        "signatures": [
            {
                "role": check.role,
                "state": check.state.value,
                "signer": check.signer,
                "holder": check.holder,
                "time": check.signed,
                "key": check.key_id,
            }
            for check in report.signatures
        ],
    }


def show_report(report: Report) -> None:
    """*report* on the terminal: findings, signatures, and what follows from them."""
    from factory_kit.cli.console import fail, note, print_table, success

    for finding in report.findings:
        fail(_(finding.message).format(**finding.details))
    if report.signatures:
        columns = (_("Role"), _("Signature"), _("Signed as"), _("Key of"), _("Time (UTC)"), _("Key"))
        rows = [
            (_(check.role), _(check.state.value), check.signer, check.holder, check.signed, check.key_id)
            for check in report.signatures
        ]
        print_table(columns, rows)
    states = {check.state.value for check in report.signatures}
    for state, remedy in REMEDIES.items():
        if state in states:
            note(f"! {_(remedy)}")
    if report.ok and report.manifest:
        success(
            _("{file}: {kind}, {count} files, unaltered.").format(
                file=report.path.name, kind=_(report.manifest.kind), count=len(report.manifest.files)
            )
        )
    elif report.intact:
        fail(_("{file}: unaltered, but not every signature counts.").format(file=report.path.name))
    else:
        fail(_("{file}: was altered after it was sealed; do not use it.").format(file=report.path.name))


STATES = (N_("valid"), N_("unknown key"), N_("not allowed"), N_("revoked"), N_("wrong"), N_("missing"))
"""The states of a signature, for the catalogue."""
REMEDIES = {
    "unknown key": N_(
        "unknown key: whoever signed has to hand over the public key; factory-kit key trust takes it into a folder of trusted keys, --ring names it"
    ),
    "not allowed": N_(
        "not allowed: the key is trusted, but not in the role in which it signed; factory-kit key trust --role says which roles it has"
    ),
}
"""What to do where a signature does not count."""
KINDS = (N_("assessment-bundle"), N_("data-package"), N_("provider"), N_("enterprise"), N_("publisher"))
"""Kinds of sealed files and roles of those who sign them, for the catalogue."""
