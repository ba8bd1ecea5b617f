"""The command ``factory-kit``: language first, then the command, then every error as one line."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Annotated

import typer

from factory_kit import __version__
from factory_kit.cli.streams import close_stdout, open_streams
from factory_kit.cli.wrong_use import speak_like_us, wrong_use
from factory_kit.errors import DefinitionError, FactoryKitError
from factory_kit.i18n import LOCALE_DIR, N_, _, decide_language, said, use_language

__all__ = ["GROUPS", "command", "main"]

GROUPS = (
    "demo",
    "workspace",
    "doctor",
    "connectors",
    "collect",
    "discover",
    "form",
    "history",
    "query",
    "store",
    "lake",
    "kpi",
    "diagnose",
    "model",
    "assess",
    "seal",
    "pack",
    "district",
)
"""The modules of this package that hold commands, in the order of ``--help``; each offers ``register(app)``."""

INTERRUPTED = 1
FAILED = 1
TRACEBACK = "FACTORY_KIT_TRACEBACK"
"""When this variable is set, what was not foreseen is shown as Python shows it, for developers."""
PARSER_INTERRUPTED = 130
"""What the option parser makes of Ctrl-C."""
NO_WORDS = "NoArgsIsHelpError"
"""How the option parser calls a group without a command: its help is what was meant."""


def main(arguments: Sequence[str] | None = None) -> None:
    """The process ends with 0 done, 1 findings or failed work, 2 wrong use."""
    open_streams()
    try:
        try:
            _run(sys.argv[1:] if arguments is None else arguments)
        finally:
            sys.stdout.flush()
    except FactoryKitError as error:
        _show(error)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        _say(_("Interrupted."))
        sys.exit(INTERRUPTED)
    except BrokenPipeError:
        close_stdout()
        sys.exit(INTERRUPTED)
    except Exception as error:
        if KeyboardInterrupt.__name__ in str(error):  # a library wrapped Ctrl-C into an error of its own
            _say(_("Interrupted."))
            sys.exit(INTERRUPTED)
        if os.environ.get(TRACEBACK):
            raise
        _say(_unforeseen(error))
        close_stdout()
        sys.exit(FAILED)


def _unforeseen(error: Exception) -> str:
    """One line for what no command foresaw: the system's refusals, and mistakes of this program."""
    if isinstance(error, MemoryError):
        return _("The memory of this computer does not suffice; ask for less at once.")
    if isinstance(error, OSError):
        reason = error.strerror or str(error)
        if error.filename is None:
            return _("The system refuses: {reason}; check the disk and where the output goes.").format(reason=reason)
        return _("{file}: {reason}; check the path, its rights and the disk.").format(
            file=error.filename, reason=reason
        )
    said = " ".join(f"{type(error).__name__}: {error}".split())[:300]
    return _("A mistake in Factory Kit itself: {said}; please report it with what {variable}=1 shows.").format(
        said=said, variable=TRACEBACK
    )


def _run(arguments: Sequence[str]) -> None:
    words, asked = _without_language(arguments)
    use_language(decide_language(asked))
    _speak_in_help()
    try:
        code = command().main(words, prog_name="factory-kit", standalone_mode=False)
    except typer.Abort as stop:
        raise KeyboardInterrupt from stop
    except typer.TyperException as error:
        if not words or type(error).__name__ == NO_WORDS:
            typer.echo(error.format_message(), err=True)
        else:
            _say(wrong_use(error))
        sys.exit(error.exit_code)
    if code == PARSER_INTERRUPTED:
        raise KeyboardInterrupt
    sys.exit(code if isinstance(code, int) else 0)


def command() -> typer.core.TyperGroup:
    """The whole command tree, its help in the language in force."""
    app = typer.Typer(
        help=N_(
            "Factory Kit: read a plant safely, score it on evidence from its own data, package what may be shared."
        ),
        no_args_is_help=True,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        add_completion=False,
        context_settings={"help_option_names": ["--help", "-h"], "max_content_width": 110},
    )
    app.callback()(_options)
    for group in GROUPS:
        import_module(f"factory_kit.cli.{group}").register(app)
    tree = typer.main.get_command(app)
    assert isinstance(tree, typer.core.TyperGroup)  # noqa: S101 - a tree with several commands is a group
    _translate(tree)
    speak_like_us(tree)
    return tree


def _show_version(asked: bool) -> None:
    if asked:
        typer.echo(f"factory-kit {__version__}")
        raise typer.Exit


def _options(
    lang: Annotated[
        str,
        typer.Option("--lang", metavar="zh|en", help=N_("Language; otherwise FACTORY_KIT_LANG or the locale decides.")),
    ] = "",
    version: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=_show_version, help=N_("Show the version and stop."))
    ] = False,
) -> None:
    del lang, version  # main() took the language out of the words, since help texts need it before anything is parsed


def _without_language(words: Sequence[str]) -> tuple[list[str], str | None]:
    """*words* without ``--lang X`` or ``--lang=X``, which may stand anywhere, and its value."""
    rest: list[str] = []
    asked = None
    waiting = False
    for position, word in enumerate(words):
        if word == "--":
            return [*rest, *words[position:]], asked
        if waiting:
            asked, waiting = word, False
        elif word == "--lang":
            waiting = True
        elif word.startswith("--lang="):
            asked = word.removeprefix("--lang=")
        else:
            rest.append(word)
    return (rest, asked) if not waiting else ([*rest, "--lang"], None)


def _speak_in_help() -> None:
    """The option parser's own words come from our catalogue too."""
    import gettext

    gettext.bindtextdomain("factory_kit", LOCALE_DIR)
    gettext.textdomain("factory_kit")
    os.environ["LANGUAGE"] = "zh_CN" if _("yes") == "是" else "en"


PARSER_WORDS = (
    N_("yes"), N_("Options"), N_("Commands"), N_("Arguments"), N_("required"), N_("default: {default}"),
)  # fmt: skip
"""What the option parser says by itself and asks gettext for, for the catalogue; its other words are in wrong_use.py."""


def _translate(node: object) -> None:
    """Help texts of *node* and of everything below it, in the language in force."""
    for name in ("help", "short_help", "epilog"):
        text = getattr(node, name, None)
        if isinstance(text, str):
            setattr(node, name, _(text))
    help_text = getattr(node, "help", None)
    if hasattr(node, "short_help") and isinstance(help_text, str):
        node.short_help = help_text.partition("\n")[0]  # whole: the parser's own would be cut at 45 signs
    for parameter in getattr(node, "params", ()):
        _translate(parameter)
    for child in getattr(node, "commands", {}).values():
        _translate(child)


def _show(error: FactoryKitError) -> None:
    _say(said(error))
    if isinstance(error, DefinitionError):
        count = len(error.problems)
        _say(
            _("One mistake found; nothing was changed.")
            if count == 1
            else _("{count} mistakes found; nothing was changed.").format(count=count)
        )


def _say(text: str) -> None:
    from factory_kit.cli.console import fail

    fail(text)
