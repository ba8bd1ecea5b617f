"""What the option parser says by itself, in the language in force: its usage lines, its own help option, its refusals."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import typer

from factory_kit.cli.broken_lines import definitions, paragraphs
from factory_kit.i18n import N_, _

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["speak_like_us", "wrong_use"]

SAYINGS = (
    (r"No such option: (?P<name>\S+)(?: \(Possible options: (?P<near>.+)\))?", N_("no such option: {name}")),
    (r"No such command '(?P<name>.*?)'\.(?: Did you mean (?P<near>.+)\?)?", N_("no such command: {name}")),
    (r"Missing command\.", N_("a command is missing")),
    (r"Missing argument '(?P<name>.*?)'\..*", N_("the argument {name} is missing")),
    (r"Missing option '(?P<name>.*?)'\..*", N_("the option {name} is missing")),
    (r"Got unexpected extra argument\(s\) \((?P<name>.*)\)", N_("more than was expected: {name}")),
    (r"Option '(?P<name>.*)' requires .*", N_("the option {name} needs a value")),
    (r"Option '(?P<name>.*)' does not take a value\.", N_("the option {name} takes no value")),
    (r"Invalid value for '(?P<name>.*?)': '(?P<value>.*)' is not one of (?P<choices>.*)\.", N_("{name}: {value!r} is not one of {choices}")),
    (r"Invalid value for '(?P<name>.*?)': File '(?P<value>.*)' does not exist\.", N_("{name}: the file {value} does not exist")),
    (r"Invalid value for '(?P<name>.*?)': Directory '(?P<value>.*)' does not exist\.", N_("{name}: the folder {value} does not exist")),
    (r"Invalid value for '(?P<name>.*?)': Path '(?P<value>.*)' does not exist\.", N_("{name}: the path {value} does not exist")),
    (r"Invalid value for '(?P<name>.*?)': Input should be a valid integer.*", N_("{name} takes a whole number")),
    (r"Invalid value for '(?P<name>.*?)': Input should be a valid number.*", N_("{name} takes a number")),
    (r"Invalid value for '(?P<name>.*?)': Input should be greater than or equal to (?P<value>.*)", N_("{name} takes at least {value}")),
    (r"Invalid value for '(?P<name>.*?)': Input should be greater than (?P<value>.*)", N_("{name} takes more than {value}")),
    (r"Invalid value for '(?P<name>.*?)': Input should be less than or equal to (?P<value>.*)", N_("{name} takes at most {value}")),
    (r"Invalid value for '(?P<name>.*?)': Input should be less than (?P<value>.*)", N_("{name} takes less than {value}")),
    (r"Invalid value for '(?P<name>.*?)': (?P<value>.*)", N_("{name}: {value}")),
)  # fmt: skip
"""The parser's sentences, which are not made to be translated, and ours for them; the first that fits is taken."""


def wrong_use(error: typer.TyperException) -> str:
    """One line for what the parser refuses: what is wrong, and which help tells how it is right."""
    context = getattr(error, "ctx", None)
    command = context.command_path if context is not None else "factory-kit"
    return _("{said}; how it is used: {command} --help").format(said=_said(error.format_message()), command=command)


def _said(message: str) -> str:
    for pattern, template in SAYINGS:
        found = re.fullmatch(pattern, message, re.DOTALL)
        if found is None:
            continue
        near = found.groupdict().get("near")
        said = _(template).format(**found.groupdict())
        return said if near is None else _("{said} (perhaps {near})").format(said=said, near=near)
    return message.rstrip(".")


def speak_like_us(command: Any) -> None:
    """Makes the usage line and the help option of *command*, and of those below it, speak our language."""
    context = command.context_class(command, info_name=command.name, help_option_names=["--help", "-h"])
    command.get_help_option(context).help = _("Show this message and stop.")
    command.context_class.formatter_class = _formatter(context.formatter_class)
    for child in getattr(command, "commands", {}).values():
        speak_like_us(child)


USAGE_WORDS = (N_("[OPTIONS]"), N_("COMMAND [ARGS]..."))
"""What the parser's usage line says beside names."""


def _named(words: str) -> str:
    """*words* of a list of options or arguments without the parser's names of types, which tell a user nothing."""
    if words.startswith("-"):
        words = re.sub(r"<(int|float)( range)?>", "N", words)
        return words.replace("<str>", "TEXT").replace("<path>", "PATH")
    return re.sub(r" <\w+( \w+)?>$", "", words)


def _formatter(parsers: type[Any]) -> type[Any]:
    """The parser's own formatter, with our word for usage."""
    if hasattr(parsers, "ours"):
        return parsers

    class Formatter(parsers):  # type: ignore[misc] # the parser's, which has no public name
        ours = True

        def write_usage(self, prog: str, args: str = "", prefix: str | None = None) -> None:
            for word in USAGE_WORDS:
                args = args.replace(word, _(word))
            super().write_usage(prog, args, prefix or _("Usage: "))

        def write_text(self, text: str) -> None:
            self._write_lines(paragraphs(text, self.width - self.current_indent))

        def write_dl(self, rows: Any, *_args: Any, **_kwargs: Any) -> None:
            named = [(_named(first), second) for first, second in rows]
            self._write_lines(definitions(named, self.width - self.current_indent))

        def _write_lines(self, lines: Sequence[str]) -> None:
            self.write("".join((" " * self.current_indent + line).rstrip() + "\n" for line in lines))

    return Formatter
