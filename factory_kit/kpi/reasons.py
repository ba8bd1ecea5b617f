"""Why there is no figure: the sentences that indicators write into records, in English, translated where they are shown."""

from __future__ import annotations

from factory_kit.i18n import N_

__all__ = ["NOTHING_MEASURED", "REASONS", "TOO_LITTLE_KNOWN"]

TOO_LITTLE_KNOWN = N_("less of the interval is known than the indicator needs")
NOTHING_MEASURED = N_("the interval holds nothing to measure")

REASONS: tuple[str, ...] = (
    TOO_LITTLE_KNOWN,
    NOTHING_MEASURED,
    N_("no point tells the state"),
    N_("several points tell the state"),
    N_("no machine has a point that tells the state"),
    N_("no point counts pieces"),
    N_("no point counts good pieces"),
    N_("several points count the same pieces"),
    N_("the ledger gives no ideal cycle"),
    N_("no machine gives figures from which OEE can be computed"),
    N_("pieces were counted while the machine never produced"),
    N_("effectiveness is above 1, so the ideal cycle is wrong"),
    N_("more good pieces than pieces were counted"),
    N_("the ledger names no production machine"),
    N_("the ledger names no metering point"),
    N_("no point is read"),
    N_("no equipment has a point that measures energy"),
    N_("several points measure the energy"),
    N_("the unit of the energy is none of Wh, kWh, MWh"),
)
"""Every sentence a shipped indicator can give; a test finds missing ones."""
