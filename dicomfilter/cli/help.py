"""The help of a command: plain lines in 80 columns, its options in groups."""

from __future__ import annotations

import re
from functools import cache
from inspect import cleandoc
from itertools import islice
from typing import Any, get_args, get_origin

import typer
from typer.core import TyperArgument, TyperCommand, TyperOption

from dicomfilter.cli import profiles
from dicomfilter.cli.options import Quiet
from dicomfilter.cli.profiles import TABLE_VARIABLE

_OTHERS = "Options"
"""The head above options that belong to no group."""
_COLUMNS = 78
_STATUSES = (
    "0 done, 2 wrong use, 3 nothing matched, 4 the remote side, 5 the operation failed, "
    "6 findings, 7 a cost limit, 8 it goes on, 9 a gate; see docs/commands.md."
)
"""What a command exits with that does not say it otherwise."""


class _AsGiven:
    """Takes values that need no reading as they are, and reads others as Typer does.

    Typer reads every value by pydantic, whose import takes as long as everything else that a small
    command does. A text is a text without it.
    """

    def __init__(self, parameter: Any) -> None:  # noqa: ANN401 - Typer hides the type
        annotation = parameter.type_descriptor.annotation
        self._type = get_args(annotation)[0] if get_origin(annotation) is list else annotation

    def coerce(self, value: Any, param: Any, ctx: Any) -> Any:  # noqa: ANN401 - likewise
        """Give a value of the parameter's type."""
        several = param.multiple or param.nargs == -1
        if value is None:
            return () if several else None
        values = value if several and isinstance(value, list | tuple) else [value]
        if all(type(one) is self._type for one in values):
            return list(values) if several else value
        param._runtime_param = None  # noqa: SLF001 - Typer makes its own where there is none
        try:
            return param.get_runtime_param().coerce(value, param=param, ctx=ctx)
        finally:
            param._runtime_param = self  # noqa: SLF001 - likewise


def _whole(value: str) -> list[str]:
    """Take a variable as one name, blanks and all, where Typer would cut it into several."""
    return [value]


def read_lightly(parameters: list[Any]) -> list[Any]:
    """Let parameters be read without pydantic where their values need no reading."""
    for parameter in parameters:
        if parameter.envvar == TABLE_VARIABLE:
            parameter.split_envvar_value = _whole
        # A release of Typer that keeps its readers elsewhere is slower, and right.
        if getattr(parameter, "_runtime_param", False) is None:
            parameter._runtime_param = _AsGiven(parameter)  # noqa: SLF001 - there is no other way
    return parameters


class Command(TyperCommand):
    """A command whose options are listed under the names of their groups.

    Typer itself has groups in boxes only, which leave the half of a line to the words.
    """

    def get_params(self, ctx: Any) -> list[Any]:  # noqa: ANN401 - Typer hides the type
        """Give the parameters, those that Typer adds too."""
        parameters = super().get_params(ctx)
        profile, quiet = _added()
        takes_quiet = any("--quiet" in one.opts for one in parameters)
        return read_lightly(
            [
                *([profile] if profiles.takes_profile(parameters) else []),
                *parameters,
                *([] if takes_quiet else [quiet]),
            ]
        )

    def format_help_text(self, ctx: Any, formatter: Any) -> None:  # noqa: ANN401, ARG002 - Typer hides both types
        """Write what the command does, and an example that can be pasted as it stands."""
        said, example, _ = self._parts()
        formatter.write_paragraph()
        with formatter.indentation():
            formatter.write_text(said)
            if example:
                formatter.write("\n" + _unfolded(f"Example: {example}"))

    def format_epilog(self, ctx: Any, formatter: Any) -> None:  # noqa: ANN401, ARG002 - likewise
        """Write the exit statuses."""
        with formatter.section("Exit status"):
            formatter.write_text(self._parts()[2] or _STATUSES)

    def _parts(self) -> tuple[str, str, str]:
        """Cut a docstring into what the command does, an example, and statuses of its own."""
        said, _, rest = cleandoc(self.help or "").partition("\n\nExample: ")
        example, _, statuses = rest.partition("\n\nExit status: ")
        return said, " ".join(example.split()), " ".join(statuses.split())

    def format_options(self, ctx: Any, formatter: Any) -> None:  # noqa: ANN401 - Typer hides both types
        """Write the arguments, then the options group by group."""
        groups: dict[str, list[tuple[str, str]]] = {}
        for parameter in self.get_params(ctx):
            record = parameter.get_help_record(ctx)
            if record is None:
                continue
            name, text = record
            group = _OTHERS
            if isinstance(parameter, TyperArgument):
                # The type of an argument is said by its name, not by Python's.
                group, name = "Arguments", parameter.display_name_raw
            elif isinstance(parameter, TyperOption) and parameter.rich_help_panel:
                group = parameter.rich_help_panel
            groups.setdefault(group, []).append((name, text))
        groups[_OTHERS] = groups.pop(_OTHERS)  # last: --help is one of them
        for group, rows in groups.items():
            with formatter.section(group):
                formatter.write_dl(rows)


@cache
def _added() -> list[Any]:
    """Make the options that commands have without naming them: a profile, and to be quiet.

    A command that says nothing but its result is quiet anyway.
    """
    carrier = typer.Typer(add_completion=False, rich_markup_mode=None)

    @carrier.command()
    def _(profile: profiles.ProfileOption = None, quiet: Quiet = False) -> None: ...

    options: list[Any] = list(typer.main.get_command(carrier).params[:2])
    for option in options:
        option.expose_value = False
    options[0].callback, options[0].is_eager = profiles.apply, True
    return options


def _unfolded(example: str) -> str:
    """Break a command between its options, where a shell takes it as one."""
    lines = [""]
    for part in re.split(r" (?=-)", example):
        if lines[-1] and len(lines[-1]) + len(part) > _COLUMNS - 4:
            lines[-1] += " \\"
            lines.append(f"  {part}")
        else:
            lines[-1] += f" {part}" if lines[-1] else part
    return "".join(f"  {line}\n" for line in lines)


class TextCommand(Command):
    """A command that takes a text of SQL, which may begin with a comment or a sign."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:  # noqa: ANN401 - Typer hides the type
        """Tell texts from options: no option has a blank in its name."""
        options = [one for one in self.get_params(ctx) if isinstance(one, TyperOption)]
        names = {name for option in options for name in option.opts}
        valued = {name for option in options if not option.is_flag for name in option.opts}
        told: list[str] = []
        rest = iter(args)
        for arg in rest:
            name = arg.partition("=")[0]
            is_text = arg.startswith("-") and name not in names and len(arg.split()) > 1
            told.append(f"\n{arg}" if is_text else arg)
            if arg == "--":
                break
            if arg in valued:
                told += islice(rest, 1)
        return super().parse_args(ctx, [*told, *rest])
