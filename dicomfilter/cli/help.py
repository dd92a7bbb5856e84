"""The help of a command: plain lines in 80 columns, its options in groups."""

from __future__ import annotations

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
