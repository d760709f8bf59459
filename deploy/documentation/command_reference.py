"""The commands of `turnstile` with their options, as its own help states them."""

from collections.abc import Iterator
from typing import Any

import typer.main
from typer.core import TyperArgument, TyperCommand, TyperGroup, TyperOption

from command_line.main import app
from deploy.documentation.marks import code, table


def sections() -> str:
    """Return a section for each command."""
    group = typer.main.get_command(app)
    assert isinstance(group, TyperGroup)
    return "\n".join("\n".join(_section(words, command)) for words, command in _commands(group, ""))


def _commands(group: TyperGroup, before: str) -> Iterator[tuple[str, TyperCommand]]:
    """Yield each command with its words, also those of groups."""
    for name, command in group.commands.items():
        if isinstance(command, TyperGroup):
            yield from _commands(command, f"{before}{name} ")
        elif isinstance(command, TyperCommand):
            yield f"{before}{name}", command


def _section(words: str, command: TyperCommand) -> Iterator[str]:
    yield f"## turnstile {words}\n"
    yield f"{command.help}\n"
    arguments = [one for one in command.params if isinstance(one, TyperArgument)]
    options = [one for one in command.params if isinstance(one, TyperOption)]
    rows = [(code(one.metavar or ""), "", one.help or "") for one in arguments]
    rows += [(_spelling(one), _default(one.default), _meaning(one)) for one in options]
    yield table(("argument or option", "default", "what it does"), rows)
    if command.epilog:
        yield f"{command.epilog}\n"


def _spelling(option: TyperOption) -> str:
    value = "" if option.is_flag else f" {option.metavar or option.type.name.upper()}"
    return ", ".join(code(name + value) for name in option.opts)


def _default(value: Any) -> str:
    return "" if value is None or value is False or callable(value) else code(str(value))


def _meaning(option: TyperOption) -> str:
    variable = f" Environment: {code(str(option.envvar))}." if option.envvar else ""
    return f"{option.help or ''}{variable}".strip()
