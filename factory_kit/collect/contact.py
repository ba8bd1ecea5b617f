"""First contact with all servers of a site at once: who answers, and of what origin a run with them is."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from factory_kit.collect.job import Job
from factory_kit.drivers.base import Identity
from factory_kit.errors import DeviceError, DeviceRefused, DeviceUnavailable, Reasons, UsageError
from factory_kit.i18n import N_
from factory_kit.model.sample import Origin
from factory_kit.model.site import Kind

__all__ = ["first_contact"]


async def first_contact(jobs: Sequence[Job], kind: Kind) -> tuple[Origin, list[Job]]:
    """The origin of the run, and the jobs worth running: those that answered, and those that may answer later.

    A real site refuses simulated and replayed servers. ``UsageError`` when origins mix; when no server is left the reason,
    as the error of the only server or one line for all.
    """
    answers = await asyncio.gather(*(job.open() for job in jobs), return_exceptions=True)
    origins: dict[str, Origin] = {}
    failures: list[tuple[Job, DeviceError]] = []
    for job, answer in zip(jobs, answers, strict=True):
        verdict = _verdict(job, answer, kind)
        if isinstance(verdict, DeviceError):
            failures.append((job, verdict))
        else:
            origins[job.settings.state.server] = verdict
    if not origins:
        raise _nobody([error for _job, error in failures])
    if len(set(origins.values())) > 1:
        raise UsageError(
            "site.yaml: {servers}; one run has one origin, so put simulated and real servers into two workspaces",
            servers=", ".join(f"{server} is {origin.value}" for server, origin in sorted(origins.items())),
        )
    for job, error in failures:
        job.settings.state.state = "lost" if error.retry else "refused"
        job.settings.complain(error)
    refused = {id(job) for job, error in failures if not error.retry}
    return next(iter(origins.values())), [job for job in jobs if id(job) not in refused]


def _verdict(job: Job, answer: Identity | BaseException, kind: Kind) -> Origin | DeviceError:
    if isinstance(answer, DeviceError):
        return answer
    if isinstance(answer, BaseException):
        raise answer
    if kind == "real" and answer.origin is not Origin.LIVE:
        return _feigned(answer.origin, job.settings.state.address)
    return answer.origin


def _feigned(origin: Origin, address: str) -> DeviceRefused:
    """Why a real site does not read a server whose values are of *origin*, and where they belong."""
    if origin is Origin.SIMULATED:
        return DeviceRefused(
            "{address}: is simulated, this site is real; to practise write kind: demo in the site.yaml of another workspace",
            address=address,
        )
    if origin is Origin.REPLAYED:
        return DeviceRefused(
            "{address}: is replayed, this site is real; to try it out write kind: demo in the site.yaml of another workspace",
            address=address,
        )
    return DeviceRefused("{address}: is imported, this site is real", address=address)


def _nobody(errors: Sequence[DeviceError]) -> DeviceError:
    if len(errors) == 1:
        return errors[0]
    kind = DeviceUnavailable if any(error.retry for error in errors) else DeviceRefused
    return kind(N_("none of {count} servers can be read: {reasons}"), count=len(errors), reasons=Reasons(errors))
