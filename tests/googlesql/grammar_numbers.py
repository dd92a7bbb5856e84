"""Functions of numbers, division, bits, hashes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.googlesql.family import Family

if TYPE_CHECKING:
    from tests.googlesql.family import Maker
    from tests.googlesql.grammar import Grammar

_NUMBERS = ("INT64", "FLOAT64", "NUMERIC")
_BITS = ("&", "|", "^")
_PLACES = ("-2", "-1", "0", "1", "2", "3", "9", "12")
_COUNTS = ("0", "1", "7", "63", "64")
_DIVISORS = ("2", "3", "-7", "1048576", "-1")


def _of(name: str, of: str) -> Maker:
    return lambda g, d: f"{name}({g.value(of, d)})"


def _pair(name: str, of: str) -> Maker:
    return lambda g, d: f"{name}({g.value(of, d)}, {g.value(of, d)})"


def _sign(sign: str, of: str) -> Maker:
    return lambda g, d: f"({g.value(of, d)} {sign} {g.value(of, d)})"


def _rounded(of: str) -> Maker:
    def make(g: Grammar, depth: int) -> str:
        places = g.pick(["", f", {g.pick(_PLACES)}"])
        return f"{g.pick(['ROUND', 'TRUNC'])}({g.value(of, depth)}{places})"

    return make


def _extreme(of: str) -> Maker:
    def make(g: Grammar, depth: int) -> str:
        values = ", ".join(g.value(of, depth) for _ in range(g.number(1, 3)))
        return f"{g.pick(['GREATEST', 'LEAST'])}({values})"

    return make


def _nullif(of: str) -> Maker:
    return lambda g, d: f"NULLIF({g.value(of, d)}, {g.value(of, 0)})"


def _exact(of: str) -> list[Maker]:
    return [
        _of("SIGN", of),
        _pair("SAFE_ADD", of),
        _pair("SAFE_SUBTRACT", of),
        _of("SAFE_NEGATE", of),
        lambda g, d: f"MOD({g.value(of, d)}, {g.pick(_DIVISORS)})",
        lambda g, d: f"SAFE.MOD({g.value(of, d)}, {g.value(of, d)})",
        lambda g, d: f"SAFE.DIV({g.value(of, d)}, {g.value('INT64', d)})",
        lambda g, d: f"SAFE.ABS({g.value(of, d)})",
        _extreme(of),
        _nullif(of),
        lambda g, d: f"+{g.column(of)}",
    ]


def _distinct(g: Grammar, depth: int) -> str:
    of = g.kind()
    sign = g.pick(["IS DISTINCT FROM", "IS NOT DISTINCT FROM"])
    return f"{g.value(of, depth)} {sign} {g.value(of, 0)}"


def _class(g: Grammar, depth: int) -> str:
    return f"{g.pick(['IS_NAN', 'IS_INF'])}({g.value(g.pick(_NUMBERS), depth)})"


def _hash(g: Grammar, depth: int) -> str:
    return f"{g.pick(['MD5', 'SHA1', 'SHA256'])}({g.value(g.pick(['STRING', 'BYTES']), depth)})"


FAMILY = Family(
    values={
        "INT64": [
            *_exact("INT64"),
            _pair("SAFE_MULTIPLY", "INT64"),
            *(_sign(sign, "INT64") for sign in _BITS),
            lambda g, d: f"({g.value('INT64', d)} {g.pick(['<<', '>>'])} {g.pick(_COUNTS)})",
            lambda g, d: f"~{g.column('INT64')}",
            _of("BIT_COUNT", "INT64"),
            lambda g, d: f"CASE {g.value('INT64', d)} WHEN NULL THEN 1 WHEN 2 THEN 3 END",
        ],
        "FLOAT64": [
            _of("SIGN", "FLOAT64"),
            _of("ABS", "FLOAT64"),
            _pair("SAFE_DIVIDE", "INT64"),
            _pair("SAFE_DIVIDE", "FLOAT64"),
            _pair("SAFE_ADD", "FLOAT64"),
            _pair("SAFE_MULTIPLY", "FLOAT64"),
            _pair("IEEE_DIVIDE", "FLOAT64"),
            _pair("IEEE_DIVIDE", "INT64"),
            _rounded("FLOAT64"),
            _rounded("INT64"),
            *(_of(name, "FLOAT64") for name in ("FLOOR", "CEIL", "CEILING")),
            *(_of(f"SAFE.{name}", "FLOAT64") for name in ("SQRT", "EXP", "LN", "LOG10")),
            *(_pair(f"SAFE.{name}", "FLOAT64") for name in ("POW", "LOG")),
            lambda g, d: f"ROUND({g.value('INT64', d)} / {g.pick(_DIVISORS)}, 2)",
            _extreme("FLOAT64"),
            _nullif("FLOAT64"),
        ],
        "NUMERIC": [
            *_exact("NUMERIC"),
            _pair("SAFE_DIVIDE", "NUMERIC"),
            lambda g, d: f"SAFE.ROUND({g.value('NUMERIC', d)}, {g.pick(_PLACES)})",
            lambda g, d: f"TRUNC({g.value('NUMERIC', d)}, {g.pick(_PLACES)})",
            lambda g, d: f"SAFE.{g.pick(['FLOOR', 'CEIL', 'ROUND'])}({g.value('NUMERIC', d)})",
            lambda g, d: f"({g.value('NUMERIC', d)} / {g.pick(_DIVISORS)})",
        ],
        "BYTES": [
            _hash,
            _of("SAFE.FROM_HEX", "STRING"),
            _of("SAFE.FROM_BASE64", "STRING"),
        ],
        "STRING": [
            _of("TO_HEX", "BYTES"),
            _of("TO_BASE64", "BYTES"),
            lambda g, d: f"TO_HEX({_hash(g, d)})",
            _extreme("STRING"),
            _nullif("STRING"),
        ],
        "DATE": [_extreme("DATE"), _nullif("DATE")],
    },
    failing={
        "INT64": [
            _pair("MOD", "INT64"),
            _pair("DIV", "INT64"),
            _of("ABS", "INT64"),
            lambda g, d: f"({g.value('INT64', d)} << {g.value('INT64', 0)})",
            lambda g, d: f"({g.value('INT64', d)} >> {g.value('INT64', 0)})",
            lambda g, d: f"-{g.column('INT64')}",
        ],
        "FLOAT64": [
            _sign("/", "INT64"),
            _sign("/", "FLOAT64"),
            *(_of(name, "FLOAT64") for name in ("SQRT", "EXP", "LN", "LOG", "LOG10")),
            _pair("POW", "FLOAT64"),
            _pair("LOG", "FLOAT64"),
        ],
        "NUMERIC": [
            _sign("/", "NUMERIC"),
            _pair("MOD", "NUMERIC"),
            _pair("DIV", "NUMERIC"),
            _of("ROUND", "NUMERIC"),
        ],
    },
    literals={"BYTES": [r"b'\x00\x01'", "b'abc'", "rb'a'", "b''"]},
    conditions=[
        _distinct,
        _class,
        lambda g, d: (
            f"{g.value('BYTES', d)} {g.pick(['=', '!=', '<', '>='])} {g.value('BYTES', 0)}"
        ),
        lambda g, d: f"{g.value('INT64', d)} & {g.pick(_DIVISORS)} = {g.value('INT64', 0)}",
    ],
)
