"""Text out of bytes, in the character set that a data set names."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

_ESCAPE = b"\x1b"
_FRAGMENT = re.compile(rb"^[^\x1b]+|\x1b[^\x1b]*")
_TERM = re.compile(r"ISO[ _-]?(IR|2022[ _-]IR)[ _-]?([0-9]+)")
_LIMITS = re.compile(rb"[\\^=\r\n\f\t]")
"""What ends the reach of an escape sequence."""
_ALONE = ("ISO_IR 192", "GBK", "GB18030")
"""Terms that leave no room for others."""


@dataclass(frozen=True, slots=True)
class Charset:
    """A Specific Character Set.

    Args:
        codecs: Python's names; the first is that of bytes without an escape sequence.
        unknown: Whether the term is none of the standard's: then only ASCII can be read.
    """

    codecs: tuple[str, ...] = ("iso8859",)
    unknown: bool = False

    def decode(self, value: bytes) -> str:
        r"""Give the text of bytes.

        Raises:
            UnicodeError: They are not in this character set.

        >>> charset_of(b"\\ISO 2022 IR 87").decode(b"=\x1b$B=U\x1b(B^A")
        '=春^A'
        """
        if _ESCAPE not in value:
            if self.unknown and not value.isascii():
                raise UnicodeError
            return value.decode(self.codecs[0])
        return "".join(self._fragment(part) for part in _FRAGMENT.findall(value))

    def _fragment(self, part: bytes) -> str:
        from pydicom.charset import CODES_TO_ENCODINGS, handled_encodings

        if not part.startswith(_ESCAPE):
            return part.decode(self.codecs[0])
        length = 4 if part[1:3] in (b"$(", b"$)") else 3
        codec = CODES_TO_ENCODINGS.get(part[:length])
        if codec is None:
            raise UnicodeError
        # Python's own codecs of these take the escape sequences as they are.
        if codec in handled_encodings and codec != "iso_ir_58":
            return part.decode(codec)
        text = part[length:]
        limit = _LIMITS.search(text)
        stop = limit.start() if limit else len(text)
        return text[:stop].decode(codec) + text[stop:].decode(self.codecs[0])


@lru_cache(maxsize=256)
def charset_of(value: bytes) -> Charset:
    """Read a Specific Character Set as it is stored.

    >>> charset_of(b"ISO_IR 100").codecs, charset_of(b"ISO IR 192 ").codecs
    (('latin_1',), ('UTF8',))
    >>> charset_of(b"KOI8").unknown
    True
    """
    from pydicom.charset import python_encoding

    terms = [_spelled(term) for term in value.decode("ascii", "replace").split("\\")]
    if terms[0] in _ALONE:
        terms = terms[:1]
    found = [python_encoding.get(term) for term in terms]
    known = tuple(codec for codec in found if codec is not None)
    return Charset(known or ("ascii",), unknown=found[0] is None)


def _spelled(term: str) -> str:
    """Put right how a term is misspelt now and then."""
    term = term.strip("\0 ").upper()
    match = _TERM.fullmatch(term)
    if match is None:
        return term
    return f"ISO_IR {match[2]}" if match[1] == "IR" else f"ISO 2022 IR {match[2]}"


DEFAULT = Charset()
