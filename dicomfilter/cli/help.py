"""The help of a command: plain lines in 80 columns, its options in groups."""

from __future__ import annotations

from itertools import islice
from typing import Any

from typer.core import TyperArgument, TyperCommand, TyperOption

_OTHERS = "Options"
"""The head above options that belong to no group."""


class Command(TyperCommand):
    """A command whose options are listed under the names of their groups.

    Typer itself has groups in boxes only, which leave the half of a line to the words.
    """

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
