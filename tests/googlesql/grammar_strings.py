"""Functions of texts and bytes, regular expressions, casts among texts and numbers, FORMAT."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.googlesql.family import Family

if TYPE_CHECKING:
    from tests.googlesql.family import Maker
    from tests.googlesql.grammar import Grammar

_PLACES = ("-100", "-3", "-1", "0", "1", "2", "5", "9223372036854775807")
_COUNTS = ("0", "1", "3", "8")
_ANY_COUNT = (*_COUNTS, "-1", "9223372036854775807")
_PATTERNS = (
    r"r'\d+'",
    r"r'(\d+)'",
    r"r'^(\d+)Y$'",
    "'[a-z]+'",
    "'x*'",
    "'(x)?1'",
    "'(1)|0'",
    r"r'\S+\s*$'",
    "'(?i)ct'",
    r"r'(\w+)-\d'",
    r"r'\pL'",
    "'(1)(2)'",
    "'('",
    "''",
    "@letters",
)
_WHOLE_PATTERNS = (r"r'\d+'", r"r'(\w)\w*'", "'(x)?1'", "'[A-Z]'", r"r'\pL+'", "'(1)|0'")
_REPLACEMENTS = ("''", "'-'", r"r'\0'", r"r'<\0\0>'", r"r'\\'", "NULL", "@text")
_TRIMMED = ("'0123456789'", "' '", "''", "'é'", "'^-'", "NULL", "@letters")
_DELIMITERS = ("'-'", "' '", "''", "','", "'LUNG'", "'^'", "NULL", "@text")
_NUMBERS = ("INT64", "FLOAT64", "NUMERIC")


def _of(name: str, of: str = "STRING") -> Maker:
    return lambda g, d: f"{name}({g.value(of, d)})"


def _with(name: str, options: tuple[str, ...]) -> Maker:
    return lambda g, d: f"{name}({g.value('STRING', d)}, {g.pick(options)})"


def _substring(places: tuple[str, ...], counts: tuple[str, ...]) -> Maker:
    def make(g: Grammar, depth: int) -> str:
        name = g.pick(["SUBSTR", "SUBSTRING"])
        place = g.pick(places) if g.chance(0.7) else g.value("INT64", 0)
        count = f", {g.pick(counts)}" if g.chance(0.6) else ""
        return f"{name}({g.value('STRING', depth)}, {place}{count})"

    return make


def _trimmed(g: Grammar, depth: int) -> str:
    what = f", {g.pick(_TRIMMED)}" if g.chance(0.5) else ""
    return f"{g.pick(['TRIM', 'LTRIM', 'RTRIM'])}({g.value('STRING', depth)}{what})"


def _padded(counts: tuple[str, ...], paddings: tuple[str, ...]) -> Maker:
    def make(g: Grammar, depth: int) -> str:
        padding = f", {g.pick(paddings)}" if g.chance(0.6) else ""
        name = g.pick(["LPAD", "RPAD"])
        return f"{name}({g.value('STRING', depth)}, {g.pick(counts)}{padding})"

    return make


def _extracted(g: Grammar, depth: int) -> str:
    name = g.pick(["REGEXP_EXTRACT", "REGEXP_SUBSTR"])
    return f"{name}({g.value('STRING', depth)}, {g.pick(_PATTERNS)})"


def _replaced(g: Grammar, depth: int) -> str:
    text, pattern = g.value("STRING", depth), g.pick(_PATTERNS)
    return f"REGEXP_REPLACE({text}, {pattern}, {g.pick(_REPLACEMENTS)})"


def _cast(word: str, of: str, to: str) -> Maker:
    return lambda g, d: f"{word}({g.value(of, d)} AS {to})"


def _casts(word: str, to: str, *of: str) -> list[Maker]:
    return [_cast(word, kind, to) for kind in of]


def _formatted(g: Grammar, depth: int) -> str:
    if g.chance(0.2):  # of numbers whose digits printf all knows
        return f"FORMAT('{g.pick(['%.2f', '%f', '%.0f'])}', {g.value('INT64', depth)} / 8)"
    pattern, of = g.pick(
        [
            ("%s", "STRING"),
            ("<%s>", "STRING"),
            ("%5s|", "STRING"),
            ("%-5s|", "STRING"),
            ("%d", "INT64"),
            ("%i%%", "INT64"),
            ("%05d", "INT64"),
            ("%4d", "INT64"),
            ("%t", g.kind()),
            ("%T", "STRING"),
            ("%T", "INT64"),
            ("%T", "DATE"),
        ]
    )
    return f"FORMAT('{pattern}', {g.value(of, depth)})"


def _liked(g: Grammar, depth: int) -> str:
    patterns = ", ".join(
        g.pick(["'%T%'", "'C_'", r"r'%\_%'", "'%1'", "''", "@letters"])
        for _ in range(g.number(1, 3))
    )
    word = g.pick(["ANY", "SOME", "ALL"])
    negated = " NOT" if g.chance(0.05) else ""
    return f"{g.value('STRING', depth)}{negated} LIKE {word} ({patterns})"


FAMILY = Family(
    values={
        "STRING": [
            _substring(_PLACES, _COUNTS),
            _with("LEFT", _COUNTS),
            _with("RIGHT", _COUNTS),
            _trimmed,
            _padded(_COUNTS, ("'0'", "'ab'", "'é'", "NULL")),
            _with("REPEAT", _COUNTS),
            _of("REVERSE"),
            lambda g, d: (
                f"REPLACE({g.value('STRING', d)}, {g.value('STRING', 0)}, {g.pick(_TRIMMED)})"
            ),
            lambda g, d: f"TRANSLATE({g.value('STRING', d)}, '-1é', {g.pick(_TRIMMED)})",
            lambda g, d: f"ARRAY_TO_STRING({g.value('ARRAY<STRING>', d)}, {g.pick(_DELIMITERS)})",
            lambda g, d: f"ARRAY_TO_STRING({g.value('ARRAY<STRING>', d)}, '/', {g.pick(_TRIMMED)})",
            _extracted,
            _replaced,
            _formatted,
            *_casts("CAST", "STRING", "INT64", "FLOAT64", "NUMERIC", "BOOL"),
            *_casts("SAFE_CAST", "STRING", "FLOAT64"),
            _substring(("-1", "2"), ("1", "2")),
            lambda g, d: f"SAFE.{g.pick(['LEFT', 'REPEAT'])}({g.value('STRING', d)}, -1)",
            lambda g, d: f"CONCAT({g.value('FLOAT64', d)}, {g.value('NUMERIC', 0)})",
        ],
        "INT64": [
            lambda g, d: f"STRPOS({g.value('STRING', d)}, {g.value('STRING', 0)})",
            lambda g, d: f"INSTR({g.value('STRING', d)}, {g.pick(_DELIMITERS)})",
            *(
                _of(name)
                for name in ("CHAR_LENGTH", "CHARACTER_LENGTH", "BYTE_LENGTH", "UNICODE", "LENGTH")
            ),
            *(_of(name, "BYTES") for name in ("LENGTH", "OCTET_LENGTH", "BYTE_LENGTH")),
            _of("SAFE.ASCII"),
            lambda g, d: f"ARRAY_LENGTH({g.value('ARRAY<STRING>', d)})",
            *_casts("SAFE_CAST", "INT64", "FLOAT64", "NUMERIC", "BOOL", "STRING"),
        ],
        "NUMERIC": [
            *_casts("SAFE_CAST", "NUMERIC", "STRING", "FLOAT64", "INT64"),
        ],
        "BOOL": [
            *_casts("SAFE_CAST", "BOOL", "STRING", "INT64"),
        ],
        "BYTES": [_cast("CAST", "STRING", "BYTES")],
        "ARRAY<STRING>": [
            lambda g, d: f"SPLIT({g.value('STRING', d)}, {g.pick(_DELIMITERS)})",
            lambda g, d: f"SPLIT({g.value('STRING', d)})",
            lambda g, d: f"REGEXP_EXTRACT_ALL({g.value('STRING', d)}, {g.pick(_WHOLE_PATTERNS)})",
        ],
    },
    failing={
        "STRING": [
            _substring(_PLACES, _ANY_COUNT),
            _with("LEFT", _ANY_COUNT),
            _with("RIGHT", _ANY_COUNT),
            _padded(_ANY_COUNT, ("''", "'0'")),
            _with("REPEAT", ("-1", "3", "1048577")),
            lambda g, d: f"TRANSLATE({g.value('STRING', d)}, {g.value('STRING', 0)}, 'xy')",
            lambda g, d: f"CHR({g.value('INT64', d)})",
            _cast("CAST", "BYTES", "STRING"),
            lambda g, d: f"SPLIT({g.value('STRING', d)}, '-')[OFFSET({g.pick(['0', '1'])})]",
        ],
        "INT64": [_of("ASCII"), *_casts("CAST", "INT64", "FLOAT64", "NUMERIC", "STRING")],
        "NUMERIC": [*_casts("CAST", "NUMERIC", "STRING", "FLOAT64")],
        "BOOL": [*_casts("CAST", "BOOL", "STRING", "INT64")],
    },
    conditions=[
        lambda g, d: (
            f"{g.value('STRING', 0)} IN UNNEST(SPLIT({g.value('STRING', d)}, {g.pick(_DELIMITERS)}))"
        ),
        lambda g, d: f"REGEXP_CONTAINS({g.value('STRING', d)}, {g.pick(_PATTERNS)})",
        lambda g, d: f"{_extracted(g, d)} IS{g.pick(['', ' NOT'])} NULL",
        lambda g, d: f"CAST({g.value('FLOAT64', d)} AS STRING) = {g.pick(['0', '2.5', 'nan'])!r}",
        _liked,
    ],
)
