"""Arrays and structs: literals, places, fields, comparisons."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.googlesql.family import Family

if TYPE_CHECKING:
    from tests.googlesql.family import Maker
    from tests.googlesql.grammar import Grammar

_ELEMENTS = ("STRING", "FLOAT64", "INT64")
_WORDS = ("OFFSET", "ORDINAL")
_FIELDS = ("CodeValue", "codemeaning", "CodingSchemeDesignator")


def _array(of: str) -> Maker:
    def make(g: Grammar, depth: int) -> str:
        items = ", ".join(g.value(of, depth) for _ in range(g.number(1, 3)))
        return g.pick([f"[{items}]", f"ARRAY<{of}>[{items}]", f"ARRAY<{of}>[]"])

    return make


def _place(g: Grammar) -> str:
    return g.pick(["0", "1", "2", "-1", "9223372036854775807", "NULL", g.value("INT64", 1)])


def _safe_element(of: str) -> Maker:
    return lambda g, d: f"{g.value(f'ARRAY<{of}>', d)}[SAFE_{g.pick(_WORDS)}({_place(g)})]"


def _element(of: str) -> Maker:
    def make(g: Grammar, depth: int) -> str:
        place = g.pick([f"{g.pick(_WORDS)}({_place(g)})", g.pick("012")])
        return f"{g.value(f'ARRAY<{of}>', depth)}[{place}]"

    return make


def _end(of: str) -> Maker:
    return lambda g, d: f"{g.pick(['ARRAY_FIRST', 'ARRAY_LAST'])}({g.value(f'ARRAY<{of}>', d)})"


def _arrays(of: str) -> list[Maker]:
    array = f"ARRAY<{of}>"
    return [
        _array(of),
        lambda g, d: f"ARRAY_CONCAT({g.value(array, d)}, {g.value(array, d)})",
        lambda g, d: f"({g.value(array, d)} || {g.value(array, 0)})",
        lambda g, d: f"ARRAY_REVERSE({g.value(array, d)})",
        lambda g, d: f"IF({g.condition(1)}, {g.value(array, d)}, [])",
        lambda g, d: f"COALESCE({g.value(array, d)}, {g.value(array, 0)})",
    ]


def _field(g: Grammar, depth: int) -> str:
    of_sequence = f"ProcedureCodeSequence[SAFE_{g.pick(_WORDS)}({_place(g)})].{g.pick(_FIELDS)}"
    of_literal = f"STRUCT({g.value('INT64', 0)} AS a, {g.value('STRING', depth)} AS b).B"
    return g.pick([of_sequence, of_literal])


def _row(g: Grammar, kinds: list[str], depth: int) -> str:
    values = ", ".join(g.value(kind, depth) for kind in kinds)
    return g.pick([f"({values})", f"STRUCT({values})"])


def _compared(g: Grammar, depth: int) -> str:
    kinds = [g.kind() for _ in range(g.number(2, 3))]
    left, right = _row(g, kinds, depth), _row(g, kinds, 0)
    return f"{left} {g.pick(['=', '!=', '<>'])} {right}"


def _listed(g: Grammar, depth: int) -> str:
    kinds = [g.kind() for _ in range(2)]
    items = ", ".join(_row(g, kinds, 0) for _ in range(g.number(1, 3)))
    return f"{_row(g, kinds, depth)}{g.pick(['', ' NOT'])} IN ({items})"


def _in_array(g: Grammar, depth: int) -> str:
    of = g.pick(_ELEMENTS)
    return f"{g.value(of, 0)}{g.pick(['', ' NOT'])} IN UNNEST({g.value(f'ARRAY<{of}>', depth)})"


FAMILY = Family(
    values={
        **{f"ARRAY<{of}>": _arrays(of) for of in _ELEMENTS},
        "STRING": [_safe_element("STRING"), _field, lambda g, d: f"SAFE.{_end('STRING')(g, d)}"],
        "FLOAT64": [_safe_element("FLOAT64"), lambda g, d: f"SAFE.{_end('FLOAT64')(g, d)}"],
        "INT64": [
            _safe_element("INT64"),
            lambda g, d: f"ARRAY_LENGTH({g.value(g.pick(['ARRAY<STRING>', 'ARRAY<INT64>']), d)})",
            lambda g, d: (
                f"ARRAY_LENGTH(SAFE.GENERATE_ARRAY({g.value('INT64', 0)}, {g.value('INT64', 0)}, {g.value('INT64', 0)}))"
            ),
            lambda g, d: f"RANGE_BUCKET({g.value('INT64', d)}, [-3, 0, 2, 512])",
            lambda g, d: f"RANGE_BUCKET({g.value('STRING', d)}, ['', 'CT', 'MR'])",
        ],
        "DATE": [
            lambda g, d: (
                f"GENERATE_DATE_ARRAY('2020-02-28', '2020-03-08', INTERVAL {g.pick('1 2 -1'.split())} {g.pick(['DAY', 'WEEK'])})[SAFE_OFFSET({_place(g)})]"
            ),
        ],
        "STRUCT": [
            lambda g, d: f"IF({g.condition(1)}, PatientName, NULL)",
        ],
    },
    failing={
        "STRING": [_element("STRING"), _end("STRING")],
        "FLOAT64": [_element("FLOAT64"), _end("FLOAT64")],
        "INT64": [
            _element("INT64"),
            lambda g, d: (
                f"GENERATE_ARRAY({g.value('INT64', d)}, {g.value('INT64', 0)}, {g.value('INT64', 0)})[SAFE_OFFSET(1)]"
            ),
            lambda g, d: (
                f"RANGE_BUCKET({g.value('INT64', d)}, [{g.value('INT64', 0)}, {g.value('INT64', 0)}])"
            ),
        ],
    },
    conditions=[
        _compared,
        _listed,
        _in_array,
        lambda g, d: f"{g.value('STRUCT', d)} {g.pick(['=', '!='])} ({g.value('STRING', 0)}, NULL)",
        lambda g, d: f"{g.value('STRUCT', d)} IS{g.pick([' NOT', ''])} NULL",
    ],
)
