"""Functions on texts: case, patterns, joining, parts; DuckDB is laxer."""
# ruff: noqa: TID253 - this module is itself imported inside functions only

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from dicomfilter.googlesql.duckdb import nodes
from dicomfilter.googlesql.types import kinds
from dicomfilter.schema import Kind

if TYPE_CHECKING:
    from collections.abc import Callable

    Translate = Callable[[exp.Expr], exp.Expr]


_NO_LOWER = "[\u0130\u03a3\u1c89\ua7cb\ua7cc\ua7da\ua7dc\U00010d50-\U00010d65]"
"""Letters whose small form DuckDB gets wrong: by their place in a word, or too new for it."""
_NO_UPPER = (
    "[\u0149\u019b\u01f0\u0264\u0390\u03b0\u0587\u1c8a\u1e96-\u1e9a\u1f50\u1f52\u1f54"
    "\u1f56\u1f80-\u1faf\u1fb2-\u1fb4\u1fb6\u1fb7\u1fbc\u1fc2-\u1fc4\u1fc6\u1fc7\u1fcc"
    "\u1fd2\u1fd3\u1fd6\u1fd7\u1fe2-\u1fe4\u1fe6\u1fe7\u1ff2-\u1ff4\u1ff6\u1ff7\u1ffc"
    "\ua7cd\ua7db\ufb00-\ufb06\ufb13-\ufb17\U00010d70-\U00010d85]"
)
"""Letters with a capital form of several letters, or too new for DuckDB; not ß, see `upper`."""


def lower(text: exp.Expr) -> exp.Expr:
    """Write in small letters, or fail on a letter that DuckDB writes otherwise."""
    return _cased("lower", _NO_LOWER, text, lambda plain: nodes.call("lower", plain))


def upper(text: exp.Expr) -> exp.Expr:
    """Write in capitals, sharp s as SS (S18), or fail where DuckDB differs."""

    def capitals(plain: exp.Expr) -> exp.Expr:
        without = nodes.call("replace", plain, nodes.text("ß"), nodes.text("SS"))
        return nodes.call("upper", without)

    return _cased("upper", _NO_UPPER, text, capitals)


def _cased(
    name: str,
    letters: str,
    text: exp.Expr,
    write: Callable[[exp.Expr], exp.Expr],
) -> exp.Expr:
    # ASCII has as many bytes as characters and needs no slower look
    not_ascii = nodes.operate(
        exp.NEQ, nodes.call("strlen", text.copy()), nodes.call("length", text.copy())
    )
    strange = nodes.call("regexp_matches", text.copy(), nodes.text(letters))
    problem = nodes.refusal(f"letters that {name} cannot write as BigQuery does", kinds.STRING)
    return nodes.case((nodes.both(not_ascii, strange), problem), default=write(text))


def like(text: exp.Expr, pattern: exp.Expr) -> exp.Expr:
    r"""Match with a backslash that always escapes (S02), and may not end a pattern.

    DuckDB escapes only where told to, and without an escape it matches much faster, so the
    choice is left to run time, where a bound pattern is a constant.
    """
    ends_open = nodes.call("regexp_matches", pattern.copy(), nodes.text(r"(^|[^\\])(\\\\)*\\$"))
    escape = exp.Escape(
        this=exp.Like(this=nodes.wrap(text.copy()), expression=nodes.wrap(pattern.copy())),
        expression=nodes.text("\\"),
    )
    return nodes.case(
        (ends_open, nodes.error("LIKE pattern ends with a backslash", kinds.BOOL)),
        (nodes.call("contains", pattern.copy(), nodes.text("\\")), escape),
        default=exp.Like(this=nodes.wrap(text), expression=nodes.wrap(pattern)),
    )


def concat(*texts: exp.Expr) -> exp.Expr:
    """Join texts; NULL if one is, where DuckDB's concat leaves it out."""
    columns = [text for text in texts if not text.is_string]
    if columns and all(isinstance(column, exp.Column) for column in columns):
        # One concat copies each text once, a chain of || again and again.
        unknown = (nodes.operate(exp.Is, column.copy(), exp.null()) for column in columns)
        missing = (nodes.either(*unknown), exp.null())
        return nodes.case(missing, default=nodes.call("concat", *texts))
    joined = nodes.wrap(texts[0])
    for text in texts[1:]:
        joined = exp.DPipe(this=joined, expression=nodes.wrap(text))
    return exp.Paren(this=joined)


_FARTHEST = 2**32 - 1
"""The largest place in a text that DuckDB takes; no text is as long."""
_LARGEST = 2**20
"""The size in bytes above which BigQuery pads and repeats no text."""
_SPACE = (
    "\t\n\v\f\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000"
)
_ITEM = "item?"
"""What an element is called where a column may stand beside it; no column of BigQuery can be."""
_SPACE_THAT_DUCKDB_LEAVES = "[\t-\r\x85\u2028\u2029]"


def _length(text: exp.Expr) -> exp.Expr:
    return nodes.call("length", text.copy())


def _size(text: exp.Expr) -> exp.Expr:
    return nodes.call("strlen", text.copy())


def _negative(number: exp.Expr) -> exp.Expr:
    return nodes.operate(exp.LT, number.copy(), nodes.number(0))


def _count(number: exp.Expr, message: str, *others: exp.Expr) -> exp.Expr:
    """Take a number of characters, not negative unless another argument is NULL."""
    known = (nodes.negation(nodes.is_null(other.copy())) for other in others)
    far = nodes.operate(exp.GT, number.copy(), nodes.number(_FARTHEST))
    return nodes.case(
        (nodes.both(_negative(number), *known), nodes.error(message, kinds.INT64)),
        (far, nodes.number(_FARTHEST)),
        default=number,
    )


def _substr(text: exp.Expr, place: exp.Expr, count: exp.Expr | None = None) -> exp.Expr:
    """Cut out: the place 0, or one before the beginning, is the first (S19)."""
    ahead = nodes.operate(exp.GT, place.copy(), nodes.number(0))
    first = nodes.operate(exp.EQ, place.copy(), nodes.number(0))
    before = nodes.operate(exp.LT, place.copy(), exp.Neg(this=_length(text)))
    begin = nodes.case(
        (ahead, nodes.call("least", place, nodes.number(_FARTHEST))),
        (nodes.either(first, before), nodes.number(1)),
        default=place.copy(),
    )
    if count is None:
        return nodes.call("substr", text, begin)
    problem = "Third argument in SUBSTR() cannot be negative"
    return nodes.call("substr", text, begin, _count(count, problem, text, place))


def _left(text: exp.Expr, count: exp.Expr) -> exp.Expr:
    problem = "Second argument in LEFT() cannot be negative"
    return nodes.call("left", text, _count(count, problem, text))


def _right(text: exp.Expr, count: exp.Expr) -> exp.Expr:
    problem = "Second argument in RIGHT() cannot be negative"
    return nodes.call("right", text, _count(count, problem, text))


def _trim(name: str) -> Callable[..., exp.Expr]:
    def trim(text: exp.Expr, characters: exp.Expr | None = None) -> exp.Expr:
        """Trim what is given, or what Unicode calls white space, of which DuckDB knows a part."""
        if characters is not None:
            return nodes.call(name, text, characters)
        strange = nodes.call("regexp_matches", text.copy(), nodes.text(_SPACE_THAT_DUCKDB_LEAVES))
        slowly = nodes.call(name, text.copy(), nodes.text(_SPACE))
        return nodes.case((strange, slowly), default=nodes.call(name, text))

    return trim


def _pad(name: str) -> Callable[..., exp.Expr]:
    def pad(text: exp.Expr, count: exp.Expr, padding: exp.Expr | None = None) -> exp.Expr:
        """Pad; the size is bounded for the widest of characters, as four bytes."""
        padding = nodes.text(" ") if padding is None else padding
        empty = nodes.operate(exp.EQ, padding.copy(), nodes.text(""))
        large = nodes.operate(exp.GT, count.copy(), nodes.number(_LARGEST // 4))
        small = nodes.call("least", count, nodes.number(_LARGEST // 4))
        integer = exp.Cast(this=small, to=exp.DataType(this=exp.DataType.Type.INT))
        unknown = nodes.either(*(nodes.is_null(part.copy()) for part in (text, count, padding)))
        problems = (
            (_negative(count), "Second argument (output size) for LPAD/RPAD cannot be negative"),
            (empty, "Third argument (pad pattern) for LPAD/RPAD cannot be empty"),
        )
        refused = nodes.refusal(f"{name} to so many characters is not taken", kinds.STRING)
        return nodes.case(
            (unknown, nodes.null()),
            *((problem, nodes.error(message, kinds.STRING)) for problem, message in problems),
            (large, refused),
            default=nodes.call(name, text, integer, padding),
        )

    return pad


def _repeat(text: exp.Expr, count: exp.Expr) -> exp.Expr:
    times = nodes.call("least", count.copy(), nodes.number(_LARGEST + 1))
    size = nodes.operate(exp.Mul, _size(text), times)
    large = nodes.operate(exp.GT, size, nodes.number(_LARGEST))
    problems = (
        (_negative(count), "Second argument (repeat count) for REPEAT cannot be negative"),
        (large, "Output of REPEAT exceeds max allowed output size of 1MB"),
    )
    unknown = nodes.either(nodes.is_null(text.copy()), nodes.is_null(count.copy()))
    return nodes.case(
        (unknown, nodes.null()),
        *((problem, nodes.error(message, kinds.STRING)) for problem, message in problems),
        # DuckDB forgets the type of a field of what is NULL, and would repeat bytes.
        default=nodes.call("repeat", nodes.cast(text, kinds.STRING), times.copy()),
    )


def _characters(text: exp.Expr) -> exp.Expr:
    return nodes.call("string_split", text, nodes.text(""))


def _reverse(text: exp.Expr) -> exp.Expr:
    """Turn round by characters, where DuckDB keeps what is seen as one together."""
    is_ascii = nodes.operate(exp.EQ, _size(text), _length(text))
    turned = nodes.call("list_reverse", _characters(text.copy()))
    return nodes.case(
        (is_ascii, nodes.call("reverse", text)),
        default=nodes.call("array_to_string", turned, nodes.text("")),
    )


def _ascii(text: exp.Expr) -> exp.Expr:
    strange = nodes.operate(exp.GT, nodes.call("ascii", text.copy()), nodes.number(127))
    problem = nodes.error("Argument to ASCII is not a structurally valid ASCII string", kinds.INT64)
    code = nodes.cast(nodes.call("ascii", text), kinds.INT64)
    return nodes.case((strange, problem), default=code)


def _unicode(text: exp.Expr) -> exp.Expr:
    code = nodes.call("greatest", nodes.call("unicode", text.copy()), nodes.number(0))
    return nodes.case((nodes.is_null(text), nodes.null()), default=nodes.cast(code, kinds.INT64))


def _chr(code: exp.Expr) -> exp.Expr:
    return nodes.call("chr", exp.Cast(this=code, to=exp.DataType(this=exp.DataType.Type.INT)))


def _translate(text: exp.Expr, of: exp.Expr, to: exp.Expr) -> exp.Expr:
    distinct = nodes.call("len", nodes.call("list_distinct", _characters(of.copy())))
    doubled = nodes.operate(exp.NEQ, distinct, nodes.call("len", _characters(of.copy())))
    problem = nodes.error("Duplicate character in TRANSLATE source characters", kinds.STRING)
    unknown = nodes.either(*(nodes.is_null(part.copy()) for part in (text, of, to)))
    return nodes.case(
        (unknown, nodes.null()),
        (doubled, problem),
        default=nodes.call("translate", text, of, to),
    )


def _split(text: exp.Expr, delimiter: exp.Expr | None = None) -> exp.Expr:
    """Cut up; an empty text is one part, of which releases of DuckDB make one or none."""
    if delimiter is None:
        return nodes.call("string_split", text, nodes.text(","))
    split = nodes.call("string_split", text, delimiter)
    if isinstance(delimiter, exp.Literal) and delimiter.this:
        return split
    empty = nodes.operate(exp.EQ, text.copy(), nodes.text(""))
    return nodes.case(
        (nodes.is_null(delimiter.copy()), nodes.null()),
        (empty, exp.Array(expressions=[nodes.text("")])),
        default=split,
    )


def _array_to_string(
    array: exp.Expr, delimiter: exp.Expr, missing: exp.Expr | None = None
) -> exp.Expr:
    unknown = nodes.is_null(delimiter.copy())
    if missing is None:
        # Of nothing but NULLs DuckDB makes NULL.
        joined = nodes.call("array_to_string", array, delimiter)
        joined = nodes.call("coalesce", joined, nodes.text(""))
        unknown = nodes.either(unknown, nodes.is_null(array.copy()))
        return nodes.case((unknown, nodes.null()), default=joined)
    item = exp.Identifier(this=_ITEM, quoted=True)
    shown = exp.Lambda(
        this=nodes.call("coalesce", exp.Column(this=item.copy()), missing.copy()),
        expressions=[item],
    )
    joined = nodes.call("array_to_string", nodes.call("list_transform", array, shown), delimiter)
    unknown = nodes.either(unknown, nodes.is_null(missing))
    return nodes.case((unknown, nodes.null()), default=joined)


def _renamed(name: str) -> Callable[..., exp.Expr]:
    return lambda *arguments: nodes.call(name, *arguments)


_WRITERS: dict[str, Callable[..., exp.Expr]] = {
    "ARRAY_TO_STRING": _array_to_string,
    "ASCII": _ascii,
    "CHARACTER_LENGTH": _renamed("length"),
    "CHAR_LENGTH": _renamed("length"),
    "CHR": _chr,
    "INSTR": _renamed("strpos"),
    "LEFT": _left,
    "LPAD": _pad("lpad"),
    "LTRIM": _trim("ltrim"),
    "REPEAT": _repeat,
    "REPLACE": _renamed("replace"),
    "REVERSE": _reverse,
    "RIGHT": _right,
    "RPAD": _pad("rpad"),
    "RTRIM": _trim("rtrim"),
    "SPLIT": _split,
    "STRPOS": _renamed("strpos"),
    "SUBSTR": _substr,
    "SUBSTRING": _substr,
    "TRANSLATE": _translate,
    "TRIM": _trim("trim"),
    "UNICODE": _unicode,
}


def _call(node: exp.Expr, translate: Translate) -> exp.Expr:
    return _WRITERS[node.name](*(translate(argument) for argument in node.expressions))


def _measure(node: exp.Expr, translate: Translate) -> exp.Expr:
    """Measure in characters, of BYTES in bytes."""
    (value,) = node.expressions
    if kinds.kind(value) is Kind.BYTES:
        name = "octet_length"
    else:
        name = "length" if node.name == "LENGTH" else "strlen"
    return nodes.call(name, translate(value))


CALLS: dict[str, Callable[[exp.Expr, Translate], exp.Expr]] = {
    **dict.fromkeys(_WRITERS, _call),
    **dict.fromkeys(("LENGTH", "BYTE_LENGTH", "OCTET_LENGTH"), _measure),
}
"""The translations of these functions, by name."""
