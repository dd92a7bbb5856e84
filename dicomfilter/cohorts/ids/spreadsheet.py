"""What spreadsheets do to identifiers: recognised and said, never repaired.

A spreadsheet takes an identifier for a number or a date, writes it in its own way and keeps only
15 digits. What was there before cannot be known from what is left.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pyarrow as pa


@dataclass(frozen=True, slots=True)
class Damage:
    """A way in which a spreadsheet spoils identifiers.

    Args:
        pattern: What a spoilt value looks like, as a regular expression of RE2.
        what: What is seen and what it means, as the start of a sentence.
        in_uids: Whether to look for it among UIDs, which hold dots as dates and numbers do.
    """

    pattern: str
    what: str
    in_uids: bool = True


@dataclass(frozen=True, slots=True)
class Finding:
    """Damage that was seen, without the values, as they are a patient's.

    Args:
        what: What is seen and what it means.
        count: How many distinct values look like that.
        first: The position of the first among all rows, from 0.
    """

    what: str
    count: int
    first: int


_DATES = (
    r"(?:19|20)[0-9]{2}-(?:0?[1-9]|1[0-2])-(?:0?[1-9]|[12][0-9]|3[01])(?:[ T].*)?",
    r"[0-9]{1,2}/[0-9]{1,2}/(?:[0-9]{2}|[0-9]{4})(?: .*)?",
    r"[0-9]{1,2}\.[0-9]{1,2}\.(?:19|20)[0-9]{2}",
    r"[0-9]{1,2}-[A-Za-z]{3}(?:-[0-9]{2,4})?",
    r"[A-Za-z]{3}-[0-9]{2}",
)
DAMAGES = (
    Damage(
        r"[+-]?[0-9](?:[.,][0-9]+)?[eE][+-][0-9]{1,3}",
        "scientific notation, as 1.2E+5, whose digits are lost",
    ),
    Damage(r"[1-9][0-9]{14}0+", "only zeros after 15 digits, where the rest was rounded away"),
    Damage(r"[0-9]+\.0+", "a trailing .0, as of a whole number taken for a fraction", False),
    Damage(
        r"[0-9]{1,3}(?:[,' \x{a0}\x{202f}\x{2019}][0-9]{3})+|[0-9]{1,3}(?:\.[0-9]{3}){2,}",
        "separators of thousands",
        False,
    ),
    Damage(
        r"#(?:N/A|NAME\?|REF!|VALUE!|DIV/0!|NUM!|NULL!|#+)",
        "an error of a spreadsheet in place of a value",
    ),
    Damage(r"=.*", "a formula, or a value behind ="),
    Damage("|".join(_DATES), "a date where an identifier should be", False),
)
_NO_UID = "characters that no UID holds"
_FEWEST_DIGITS = 5
_FEW_VALUES = 10


def find_damage(
    values: pa.Array, *, rows: pa.Array | pa.ChunkedArray, is_uid: bool
) -> Iterator[Finding]:
    """Say what a spreadsheet seems to have done to identifiers.

    Args:
        values: The distinct identifiers, none of them empty.
        rows: Those of all rows, in the file's order, to find the first bad one in.
        is_uid: Whether they are meant to be UIDs.

    Yields:
        One finding a kind of damage.
    """
    from pyarrow import compute as pc

    kinds = [kind for kind in DAMAGES if kind.in_uids or not is_uid]
    # One pass over all values; the others only over those that look bad.
    suspects = _like("|".join(kind.pattern for kind in kinds), values)
    found = [(kind.what, _like(kind.pattern, suspects)) for kind in kinds if len(suspects)]
    if is_uid:
        found.append((_NO_UID, values.filter(pc.invert(_matches("[0-9.]+", values)))))
    else:
        found.append(_shorter(values))
    for what, bad in found:
        if len(bad):
            yield Finding(what, len(bad), pc.index(rows, bad[0]).as_py())


def _shorter(values: pa.Array) -> tuple[str, pa.Array]:
    """Suspect that leading zeros are gone where only numbers are left, of unequal length.

    One that kept its zero, or a letter, tells that they were treated as text.
    """
    from pyarrow import compute as pc

    lengths = pc.utf8_length(values)
    longest = pc.max(lengths).as_py()
    shorter = values.filter(pc.less(lengths, longest))
    is_suspect = (
        longest >= _FEWEST_DIGITS
        # In a list of any length, numbers that were made of equal length are so mostly still.
        and (len(values) < _FEW_VALUES or len(shorter) * 2 <= len(values))
        and pc.all(_matches("[1-9][0-9]*", values)).as_py()
    )
    what = f"numbers of fewer than {longest} digits, whose leading zeros may be lost"
    return what, shorter if is_suspect else values.slice(0, 0)


def _matches(pattern: str, values: pa.Array) -> pa.Array:
    from pyarrow import compute as pc

    return pc.match_substring_regex(values, f"^(?:{pattern})$")


def _like(pattern: str, values: pa.Array) -> pa.Array:
    return values.filter(_matches(pattern, values))
