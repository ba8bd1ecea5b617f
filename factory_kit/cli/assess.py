"""``assess``: an assessment from its first file to its score and the reasons for it; the commands and what they say of themselves."""

from __future__ import annotations

import typer

from factory_kit.cli.assess_bundle import acknowledge, report, rescore, seal
from factory_kit.cli.assess_earlier import earlier
from factory_kit.cli.assess_migrate import migrate
from factory_kit.cli.assess_new import new
from factory_kit.cli.assess_score import accept, explain, override, path, score
from factory_kit.cli.assess_sm2 import sign_sm2, verify_sm2
from factory_kit.cli.beside import agreement, form, import_, ladder, rate
from factory_kit.cli.questionnaire import serve
from factory_kit.i18n import N_

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """The commands of this module join *app*."""
    group = typer.Typer(
        help=N_("Assessments: answers, machine evidence and decisions become a score with its reasons."),
        no_args_is_help=True,
        rich_markup_mode=None,
    )
    for command, text in COMMANDS:
        group.command(command.__name__.rstrip("_").replace("_", "-"), help=text)(command)
    app.add_typer(group, name="assess")


COMMANDS = (
    (
        new,
        N_(
            "Begin an assessment: every requirement of the model in a file to fill in.\n\n"
            "Example: factory-kit assess new 2026-09 --assessor 李工"
        ),
    ),
    (
        score,
        N_(
            "Score an assessment from its answers, decisions and machine evidence.\n\nExample: factory-kit assess score 2026-09"
        ),
    ),
    (
        explain,
        N_(
            "Say why the plant has its level and what would raise it most, what it hangs on, or what stands behind one requirement.\n\n"
            "Example: factory-kit assess explain 2026-09 MP4.3.a"
        ),
    ),
    (
        path,
        N_(
            "Plan the way to the next level: three sets of actions with their estimated cost.\n\nExample: factory-kit assess path 2026-09"
        ),
    ),
    (
        form,
        N_(
            "Write the answers as an Excel form: a sheet per place, drop-downs, and what the machines propose.\n\nExample: factory-kit assess form 2026-09 answers.xlsx"
        ),
    ),
    (
        import_,
        N_(
            "Take the answers of a filled-in form back; every mistake is told with sheet and cell.\n\nExample: factory-kit assess import 2026-09 answers.xlsx"
        ),
    ),
    (
        serve,
        N_(
            "Answer in a browser on this computer, place by place, with machine evidence, photos and the live score; offline.\n\nExample: factory-kit assess serve 2026-09 --open"
        ),
    ),
    (
        earlier,
        N_(
            "Take the result of another platform from its Excel sheets, as declarations of grade D.\n\nExample: factory-kit assess earlier 2026-09 result.xlsx --platform 某平台自评2025-06"
        ),
    ),
    (
        migrate,
        N_(
            "Carry the answers over to another model edition, as a new draft; the old assessment stays as it is.\n\nExample: factory-kit assess migrate 2026-09 2027-09 --to gbt-39116@2020"
        ),
    ),
    (
        ladder,
        N_(
            "Say where the plant stands on a ladder: SME digital level, tiers of smart factories, SIRI, the district's steps.\n\nExample: factory-kit assess ladder 2026-09 sme-digital@2024 --new"
        ),
    ),
    (
        rate,
        N_(
            "Begin a blind rating of one person's own, in the form of the answers.\n\nExample: factory-kit assess rate 2026-09 --rater 李工"
        ),
    ),
    (
        agreement,
        N_(
            "Say how far the raters agree, and where they differ without a reason.\n\nExample: factory-kit assess agreement 2026-09"
        ),
    ),
    (
        accept,
        N_(
            "Take what the machine evidence proposes, as a decision with name and reason.\n\n"
            "Example: factory-kit assess accept 2026-09 MP4.3.a --by 李工 --why 与现场一致"
        ),
    ),
    (
        override,
        N_(
            "Decide on a value yourself; what the machine evidence says stays beside it.\n\n"
            "Example: factory-kit assess override 2026-09 MP4.3.a 0.8 --by 李工 --why 两台新设备尚未联网"
        ),
    ),
    (
        report,
        N_(
            "Write the report for people, in Chinese and English.\n\nExample: factory-kit assess report 2026-09 --in zh"
        ),
    ),
    (
        seal,
        N_(
            "Seal answers, evidence, decisions, score, model and report into one file, with the list of what leaves the plant.\n\n"
            "Example: factory-kit assess seal 2026-09 --key provider.key"
        ),
    ),
    (
        acknowledge,
        N_(
            "Show what would leave the plant, and sign for the enterprise that it may.\n\n"
            "Example: factory-kit assess acknowledge my-plant-2026-09.zip --key enterprise.key"
        ),
    ),
    (
        sign_sm2,
        N_(
            "Sign a bundle with SM2 as well, in a file beside it; by the command of OpenSSL 3.\n\nExample: factory-kit assess sign-sm2 my-plant.zip --key sm2.pem --signer 某某机械"
        ),
    ),
    (
        verify_sm2,
        N_(
            "Check the SM2 signature beside a bundle.\n\nExample: factory-kit assess verify-sm2 my-plant.zip --key sm2.pub.pem"
        ),
    ),
    (
        rescore,
        N_(
            "Rebuild the score from a bundle alone and compare every byte.\n\nExample: factory-kit assess rescore my-plant-2026-09.zip"
        ),
    ),
)
