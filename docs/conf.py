"""The site: Sphinx over the Markdown of this folder, the command line's help and the docstrings."""

from __future__ import annotations

import inspect
import re
from typing import TYPE_CHECKING, Any

import typer

from dicomfilter.cli import app as command_line
from dicomfilter.version import __version__

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sphinx.application import Sphinx

project = "dicomfilter"
version = release = __version__
html_title = f"dicomfilter {__version__}"
html_theme = "furo"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_copyright = html_show_sphinx = False
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
myst_heading_anchors = 3  # as deep as pages link
highlight_language = "none"
show_warning_types = True
autodoc_typehints = "description"  # signatures stay short
autodoc_typehints_description_target = "documented"
autodoc_member_order = "bysource"
autodoc_class_signature = "mixed"
autodoc_preserve_defaults = True
napoleon_custom_sections = [("Shape", "notes"), ("Source", "notes")]
napoleon_use_ivar = True


def _commands(group: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:  # noqa: ANN401 - Typer's
    """List the commands that there are, those of groups as ``export gcs``."""
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from _commands(command, f"{prefix}{name} ")
        elif not command.hidden:
            yield f"{prefix}{name}", command


def _cell(text: str) -> str:
    """Write a text as a cell of a Markdown table."""
    return " ".join(text.split()).replace("|", r"\|").replace("*", r"\*").replace("<", r"\<")


def _options() -> str:
    """Write what each command takes, from its own help."""
    lines: list[str] = []
    for name, command in _commands(typer.main.get_command(command_line)):
        about, _, example = inspect.cleandoc(command.help or "").partition("Example:")
        lines += [f"### dicomfilter {name}", "", about.replace("\b", "").strip(), ""]
        if example:
            lines += ["```bash", " ".join(example.split()), "```", ""]
        lines += ["| argument or option | what it is |", "|---|---|"]
        context = typer.Context(command)
        for parameter in command.params:
            if not parameter.hidden and (record := parameter.get_help_record(context)):
                lines.append(f"| `{_cell(record[0]).replace(chr(92), '')}` | {_cell(record[1])} |")
        lines.append("")
    return "\n".join(lines)


def _generate(_app: Sphinx, page: str, source: list[str]) -> None:
    """Put into a page what is generated for it."""
    # What lies beside this folder is no page: the site offers it as a file.
    source[0] = re.sub(r"\[(\w+)\]\((\.\./[A-Z]+\.md)\)", r"{download}`\1 <\2>`", source[0])
    if page == "commands":
        source[0] = source[0].replace("<!-- options -->", _options())


def setup(app: Sphinx) -> None:
    """Register what is generated."""
    app.connect("source-read", _generate)
