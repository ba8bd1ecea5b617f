"""``assess sign-sm2`` and ``assess verify-sm2``: an SM2 signature beside a bundle."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from factory_kit.cli.assess_arguments import Bundle
from factory_kit.i18n import N_, _

__all__ = ["sign_sm2", "verify_sm2"]


def sign_sm2(
    bundle: Bundle,
    key: Annotated[Path, typer.Option("--key", metavar="FILE.pem", help=N_("The SM2 key, as OpenSSL writes it."))],
    signer: Annotated[str, typer.Option("--signer", metavar="NAME", help=N_("Name to sign as."))],
) -> None:
    from factory_kit.cli.clock import now
    from factory_kit.cli.console import success
    from factory_kit.cli.passphrase import VARIABLE
    from factory_kit.seal.sm2 import sign_sm2 as sign

    out = sign(bundle, key, signer, now(), os.environ.get(VARIABLE, ""))
    success(_("{file} is written.").format(file=out))


def verify_sm2(
    bundle: Bundle,
    signature: Annotated[
        Path | None, typer.Argument(metavar="[FILE.sm2]", help=N_("The signature; by default beside the bundle."))
    ] = None,
    key: Annotated[
        Path | None, typer.Option("--key", metavar="FILE.pem", help=N_("The public key that must have signed."))
    ] = None,
) -> None:
    from factory_kit.cli.console import note, success
    from factory_kit.seal.sm2 import SUFFIX
    from factory_kit.seal.sm2 import verify_sm2 as check

    said = check(bundle, signature or bundle.with_name(bundle.name + SUFFIX), key)
    success(_("{file}: the SM2 signature of {name} fits.").format(file=bundle.name, name=said.signer))
    if key is None:
        note(_("Whose key it is, nobody said: give the signer's public key with --key."))
