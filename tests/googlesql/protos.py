"""Types and values as the evaluator's protocol buffers hold them.

Source: ``zetasql/public/type.proto`` and ``value.proto``; ``civil_time.h`` for TIME and DATETIME.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from decimal import Context, Decimal
from typing import TYPE_CHECKING, Any

from zetasql.wasi._pb2.zetasql.public import type_pb2, value_pb2

from dicomfilter.schema import Kind, SqlType

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["from_type", "from_value", "to_type", "to_value"]

_NAMES = {kind: f"TYPE_{kind}" for kind in Kind} | {Kind.FLOAT64: "TYPE_DOUBLE"}
_KINDS = {type_pb2.TypeKind.Value(name): kind for kind, name in _NAMES.items()}
_EPOCH = date(1970, 1, 1)
_INSTANT = datetime(1970, 1, 1, tzinfo=UTC)
_SCALE = 9
_WIDE = Context(prec=60)
"""Python's own 28 digits would round the largest NUMERIC."""


def to_type(of: SqlType) -> type_pb2.TypeProto:
    """Write a type."""
    proto = type_pb2.TypeProto(type_kind=type_pb2.TypeKind.Value(_NAMES[of.kind]))
    if of.element is not None:
        proto.array_type.element_type.CopyFrom(to_type(of.element))
    for name, field in of.fields:
        proto.struct_type.field.add(field_name=name).field_type.CopyFrom(to_type(field))
    return proto


def from_type(proto: type_pb2.TypeProto) -> SqlType:
    """Read a type."""
    kind = _KINDS[proto.type_kind]
    if kind is Kind.ARRAY:
        return SqlType(kind, from_type(proto.array_type.element_type))
    fields = tuple((f.field_name, from_type(f.field_type)) for f in proto.struct_type.field)
    return SqlType(kind, fields=fields)


def to_value(of: SqlType, value: Any) -> value_pb2.ValueProto:
    """Write a value; nothing is set for NULL."""
    proto = value_pb2.ValueProto()
    if value is None:
        return proto
    if of.kind is Kind.ARRAY:
        proto.array_value.SetInParent()
        proto.array_value.element.extend(to_value(of.element, item) for item in value)
    elif of.kind is Kind.STRUCT:
        proto.struct_value.SetInParent()
        proto.struct_value.field.extend(to_value(t, value[n]) for n, t in of.fields)
    elif of.kind is Kind.DATETIME:
        proto.datetime_value.bit_field_datetime_seconds = _packed_datetime(value)
        proto.datetime_value.nanos = value.microsecond * 1000
    elif of.kind is Kind.TIMESTAMP:
        micros = (value - _INSTANT) // timedelta(microseconds=1)
        proto.timestamp_value.seconds = micros // 10**6
        proto.timestamp_value.nanos = micros % 10**6 * 1000
    else:
        name, write, _ = _PLAIN[of.kind]
        setattr(proto, name, write(value))
    return proto


def from_value(of: SqlType, proto: value_pb2.ValueProto) -> Any:
    """Read a value."""
    if proto.WhichOneof("value") is None:
        return None
    if of.kind is Kind.ARRAY:
        return [from_value(of.element, item) for item in proto.array_value.element]
    if of.kind is Kind.STRUCT:
        cells = zip(of.fields, proto.struct_value.field, strict=True)
        found: dict[str, Any] = {}
        for place, ((name, field), cell) in enumerate(cells, 1):  # names may be absent, or twice
            key = name if name and name not in found else f"_field_{place}"
            found[key] = from_value(field, cell)
        return found
    if of.kind is Kind.DATETIME:
        packed = proto.datetime_value.bit_field_datetime_seconds
        day = date(packed >> 26, packed >> 22 & 15, packed >> 17 & 31)
        clock = _unpacked_time(packed & 0x1FFFF, proto.datetime_value.nanos)
        return datetime.combine(day, clock)
    if of.kind is Kind.TIMESTAMP:
        stamp = proto.timestamp_value
        return _INSTANT + timedelta(seconds=stamp.seconds, microseconds=stamp.nanos // 1000)
    name, _, read = _PLAIN[of.kind]
    return read(getattr(proto, name))


def _packed_time(value: time | datetime) -> int:
    return (value.hour << 12) | (value.minute << 6) | value.second


def _packed_datetime(value: datetime) -> int:
    day = (value.year << 9) | (value.month << 5) | value.day
    return day << 17 | _packed_time(value)


def _unpacked_time(seconds: int, nanos: int) -> time:
    return time(seconds >> 12, seconds >> 6 & 63, seconds & 63, nanos // 1000)


def _numeric(value: Decimal) -> bytes:
    scaled = int(value.scaleb(_SCALE, _WIDE))
    return scaled.to_bytes(scaled.bit_length() // 8 + 1, "little", signed=True)


def _same(value: Any) -> Any:
    return value


_PLAIN: dict[Kind, tuple[str, Callable[[Any], Any], Callable[[Any], Any]]] = {
    Kind.STRING: ("string_value", _same, _same),
    Kind.BYTES: ("bytes_value", _same, _same),
    Kind.INT64: ("int64_value", _same, _same),
    Kind.FLOAT64: ("double_value", _same, _same),
    Kind.BOOL: ("bool_value", _same, _same),
    Kind.JSON: ("json_value", _same, _same),
    Kind.BIGNUMERIC: ("bignumeric_value", _same, _same),
    Kind.INTERVAL: ("interval_value", _same, _same),
    Kind.DATE: (
        "date_value",
        lambda v: (v - _EPOCH).days,
        lambda v: _EPOCH + timedelta(days=v),
    ),
    Kind.TIME: (
        "time_value",
        lambda v: _packed_time(v) << 30 | v.microsecond * 1000,
        lambda v: _unpacked_time(v >> 30, v & (1 << 30) - 1),
    ),
    Kind.NUMERIC: (
        "numeric_value",
        _numeric,
        lambda v: Decimal(int.from_bytes(v, "little", signed=True)).scaleb(-_SCALE, _WIDE),
    ),
}
