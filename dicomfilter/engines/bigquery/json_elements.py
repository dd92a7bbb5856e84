"""GoogleSQL that takes data elements out of JSON, typed as if flattened."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from dicomfilter import dictionary
from dicomfilter.engines.bigquery.documents import METADATA_COLUMN
from dicomfilter.googlesql.pieces import column, fragment
from dicomfilter.schema import Kind

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet

    from sqlglot import exp

    from dicomfilter.dictionary import Entry
    from dicomfilter.engines.bigquery.documents import JsonForm
    from dicomfilter.engines.bigquery.table_names import BigQueryTable
    from dicomfilter.schema import Column, SqlType, TableSchema

_CASTS = {
    Kind.INT64: "SAFE_CAST(text_ AS INT64)",
    Kind.FLOAT64: "SAFE_CAST(text_ AS FLOAT64)",
    # ACR-NEMA wrote 1999.12.31.
    Kind.DATE: r"""SAFE_CAST(REGEXP_REPLACE(
        text_, r'^([0-9]{4})[.-]?([0-9]{2})[.-]?([0-9]{2})$', r'\1-\2-\3') AS DATE)""",
    # What is left out at the end of a time or of a moment is zero.
    Kind.TIME: r"""SAFE_CAST(REGEXP_REPLACE(
        IF(REGEXP_CONTAINS(text_, r'^(?:[0-9]{2}){1,2}$'),
           SUBSTR(CONCAT(text_, '0000'), 1, 6), text_),
        r'^([0-9]{2}):?([0-9]{2}):?([0-9]{2}(?:\.[0-9]{1,6})?)$', r'\1:\2:\3') AS TIME)""",
    Kind.TIMESTAMP: r"""SAFE_CAST(REGEXP_REPLACE(REGEXP_REPLACE(
        IF(REGEXP_CONTAINS(text_, r'^(?:[0-9]{2}){4,6}$'),
           SUBSTR(CONCAT(text_, '000000'), 1, 14), text_),
        r'^([0-9]{4})([0-9]{2})([0-9]{2})([0-9]{2})([0-9]{2})([0-9]{2}(?:\.[0-9]{1,6})?)',
        r'\1-\2-\3 \4:\5:\6'), r'([+-][0-9]{2})([0-9]{2})$', r'\1:\2') AS TIMESTAMP)""",
}
_HEX = "SAFE_CAST(CONCAT('0x', text_) AS INT64)"
_WRITTEN = "SPLIT(text_, '=')[SAFE_OFFSET(place_)]"
_PART = "NULLIF(SPLIT(text_, '^')[SAFE_OFFSET(place_)], '')"
_IF_ANY = "IF(one_ IS NULL, NULL, value_)"
_LIST = """IF(JSON_TYPE(own_) = 'array', list_,
    IF(own_ IS NULL OR JSON_TYPE(own_) = 'null', [], [own_]))"""


@dataclass(frozen=True, slots=True)
class JsonTable:
    """A table whose columns are partly made of JSON.

    Args:
        table: Its name.
        schema: All that can be named.
        form: How its documents are written.
    """

    table: BigQueryTable
    schema: TableSchema
    form: JsonForm

    def query(self, names: AbstractSet[str]) -> exp.Select:
        """Compose the table as if it were flattened, as far as it is asked for.

        Args:
            names: All that a query names, in lower case; more does no harm.

        Returns:
            A SELECT of the stored columns of these names, and of those made of JSON.
        """
        from sqlglot import exp

        table = exp.alias_(self.table.node(), "dcf_stored", table=True)
        asked = [self._output(each) for each in self.schema if each.name.lower() in names]
        return exp.select(*(asked or [fragment("1 AS dcf_row")])).from_(table)

    def _output(self, asked: Column) -> exp.Expr:
        from sqlglot import exp

        entry = None if asked.is_stored else dictionary.find(asked.name)
        if entry is None:
            return column(asked.name)
        made = element(column(METADATA_COLUMN), entry, asked.type, self.form)
        return exp.alias_(made, asked.name, quoted=True)


def element(container: exp.Expr, entry: Entry, of: SqlType, form: JsonForm) -> exp.Expr:
    """Compose the value of a data element.

    Args:
        container: The JSON object that has it.
        entry: The element.
        of: The type that it is to have.
        form: How the object is written.

    Returns:
        An expression of that type: NULL, or an empty array, where the element is missing.
    """
    path = f'$."{form.key(entry)}"'
    own = _call("JSON_QUERY", container, path)
    if of.element is None and form.wrapped:
        return _value(_call("JSON_QUERY", container, f"{path}.Value[0]"), entry, of, form)
    if of.element is None:  # a list of one is a value too
        first = _call("JSON_QUERY", container, f"{path}[0]")
        return _value(_filled("COALESCE(first_, own_)", first_=first, own_=own), entry, of, form)
    if form.wrapped:
        return _array(
            _call("JSON_QUERY_ARRAY", container, f"{path}.Value"), entry, of.element, form
        )
    listed = _filled(_LIST, list_=_call("JSON_QUERY_ARRAY", own), own_=own)
    return _array(listed, entry, of.element, form)


def _array(listed: exp.Expr, entry: Entry, of: SqlType, form: JsonForm) -> exp.Expr:
    """Compose the array of a list's values, in order; a stored array holds no NULL either."""
    from sqlglot import exp

    name = f"item_{entry.keyword}"  # a name of its own, as sequences stand in each other
    value = _value(exp.column(name), entry, of, form)
    unnested = exp.Unnest(
        expressions=[listed],
        alias=exp.TableAlias(columns=[exp.to_identifier(name)]),
        offset=exp.to_identifier("place"),
    )
    rows = exp.select(value).from_(unnested).order_by(exp.column("place"))
    if of.kind is not Kind.STRUCT:
        rows = rows.where(value.copy().is_(exp.null()).not_(), copy=False)
    return exp.Array(expressions=[rows])


def _value(one: exp.Expr, entry: Entry, of: SqlType, form: JsonForm) -> exp.Expr:
    """Compose one value that is given as JSON."""
    if entry.vr == "PN":
        return _filled(_IF_ANY, one_=one, value_=_name(one, of, form))
    if of.kind is Kind.STRUCT:
        found = ((dictionary.find(name), name, kind) for name, kind in of.fields)
        fields = {name: element(one, known, kind, form) for known, name, kind in found if known}
        return _struct(fields)
    text = _call("JSON_VALUE", one)
    cast = _HEX if entry.vr == "AT" else _CASTS.get(of.kind)
    return text if cast is None else _filled(cast, text_=text)


def _name(one: exp.Expr, of: SqlType, form: JsonForm) -> exp.Expr:
    """Compose a person's name out of ``FAMILY^GIVEN^MIDDLE^PREFIX^SUFFIX`` in three writings."""
    from sqlglot import exp

    writings: dict[str, exp.Expr] = {}
    for place, (writing, parts) in enumerate(of.fields):
        text = _call("JSON_VALUE", one, f"$.{writing}")
        if not form.wrapped:
            whole = _filled(_WRITTEN, text_=_call("JSON_VALUE", one), place_=_number(place))
            text = exp.func("COALESCE", text, whole)
        writings[writing] = _struct(
            {
                name: _filled(_PART, text_=text, place_=_number(number))
                for number, (name, _) in enumerate(parts.fields)
            }
        )
    return _struct(writings)


def _struct(fields: dict[str, exp.Expr]) -> exp.Expr:
    from sqlglot import exp

    named = [
        exp.PropertyEQ(this=exp.to_identifier(name), expression=value)
        for name, value in fields.items()
    ]
    return exp.Struct(expressions=named)


def _number(value: int) -> exp.Expr:
    from sqlglot import exp

    return exp.Literal.number(value)


def _call(name: str, of: exp.Expr, path: str | None = None) -> exp.Expr:
    """Call a function of JSON; sqlglot's own nodes for them would spell the path anew."""
    from sqlglot import exp

    arguments = [of.copy(), *([] if path is None else [exp.Literal.string(path)])]
    return exp.Anonymous(this=name, expressions=arguments)


def _filled(sql: str, **parts: exp.Expr) -> exp.Expr:
    """Fill expressions into constant GoogleSQL, in place of columns of these names."""
    from sqlglot import exp

    def fill(node: exp.Expr) -> exp.Expr:
        known = isinstance(node, exp.Column) and node.name in parts
        return parts[node.name].copy() if known else node

    return fragment(sql).transform(fill, copy=False)
