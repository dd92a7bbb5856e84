"""Reading our own documents: the marked parts, tables and commands of a Markdown text."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = {path.stem: path.read_text(encoding="utf-8") for path in sorted(ROOT.glob("docs/*.md"))}
DOCUMENTS = "\n".join((README, *PAGES.values()))
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")


def part(name: str, text: str = DOCUMENTS) -> str:
    """Cut out what stands between ``<!-- name -->`` and ``<!-- end -->``."""
    return text.split(f"<!-- {name} -->\n", maxsplit=1)[1].split("<!-- end -->", maxsplit=1)[0]


def cells(table: str) -> list[list[str]]:
    r"""Read the rows of a table without its head; ``\|`` is a stroke.

    >>> cells("| a | b |\n|---|---|\n| 1 \\| 2 | 3 |\n")
    [['1 | 2', '3']]
    """
    rows = [line for line in table.splitlines() if line.startswith("|")]
    return [
        [cell.strip().replace(r"\|", "|") for cell in re.split(r"(?<!\\)\|", row)[1:-1]]
        for row in rows[2:]
    ]


def table_below(head: str, text: str = DOCUMENTS) -> list[list[str]]:
    """Read the table that begins with a head, ``| status |``, up to the next empty line."""
    return cells(head + text.split(head, maxsplit=1)[1].split("\n\n", maxsplit=1)[0])


def codes(text: str) -> list[str]:
    """List what stands between backticks.

    >>> codes("write `a b ` or `c`")
    ['a b ', 'c']
    """
    return re.findall(r"`([^`]+)`", text)


def fenced(language: str, text: str = DOCUMENTS) -> list[str]:
    """List the fenced blocks of a language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", text, flags=re.MULTILINE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class Example:
    """A command of a console block, and what it prints there.

    Args:
        command: As typed.
        printed: Its lines; a part that varies is written ``…``.
    """

    command: str
    printed: str

    def shows(self, text: str) -> bool:
        """Tell whether a text is what is printed here."""
        pattern = ".+".join(re.escape(piece) for piece in self.printed.split("…"))
        return re.fullmatch(pattern, text) is not None


def examples(console: str) -> list[Example]:
    """Read a console block: each ``$ `` begins a command."""
    pieces = re.split(r"^\$ ", console, flags=re.MULTILINE)[1:]
    return [Example(*piece.split("\n", maxsplit=1)) for piece in pieces]


def indented(word: str, text: str = DOCUMENTS) -> list[str]:
    """List the commands of indented blocks that begin with a word; fences and synopses aside."""
    plain = re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)
    plain = re.sub(r"<!-- commands -->.*?<!-- end -->", "", plain, flags=re.DOTALL)
    return re.findall(rf"^ {{4}}({word} .+)$", plain, flags=re.MULTILINE)


def shell(text: str) -> str:
    r"""Join the indented blocks of a text.

    >>> shell("Type\n\n    make it\n\n    # now\n    run it\n\nand wait.")
    'make it\n# now\nrun it\n'
    """
    return "".join(f"{line}\n" for line in re.findall(r"^ {4}(.+)$", text, flags=re.MULTILINE))
