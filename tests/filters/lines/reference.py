"""What a check should find, line by line, slowly, and written apart from how it is done."""

from __future__ import annotations

import codecs
from collections import defaultdict
from dataclasses import dataclass, field
from itertools import pairwise

from dicomfilter.errors import FilterFileError
from dicomfilter.paths import ResourcePath
from dicomfilter.uids import is_irregular

BLANKS = " \t\r\v\f"
QUOTES = ("'", '"')
PREFIXLESS = "/studies/"
STORES = ("projects/", "http://", "https://")


@dataclass
class Expected:
    found: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    paths: list[tuple[int, ResourcePath]] = field(default_factory=list)
    kept: list[ResourcePath] = field(default_factory=list)
    lines: int = 0

    def add(self, kind: str, line: int) -> None:
        self.found[kind].append(line)


def expected(data: bytes) -> Expected:
    result = Expected()
    lines = data.split(b"\n")
    if lines[-1]:
        result.add("no-final-newline", len(lines))
    else:
        lines.pop()
    result.lines = len(lines)
    header = _header(lines[0])
    store = None
    for number, line in enumerate(lines, 1):
        path, its_store = _line(line, number, header, result)
        if its_store is not None:
            store = store or its_store
            if its_store != store:
                result.add("mixed-stores", number)
        if path is not None:
            result.paths.append((number, path))
            if any(is_irregular(uid) for uid in _uids(path)):
                result.add("irregular-uid", number)
    _compare(result)
    if not result.paths:
        result.add("no-paths", 0)
    return result


def _header(line: bytes) -> str | None:
    bare = _bare(_text(line))
    if not bare or not (bare[0] == "_" or (bare[0].isascii() and bare[0].isalpha())):
        return None
    return bare if all(c.isascii() and (c.isalnum() or c in "_ .-") for c in bare) else None


def _text(line: bytes) -> str:
    return line.removesuffix(b"\r").removeprefix(codecs.BOM_UTF8).decode("latin-1")


def _bare(text: str) -> str:
    text = text.strip(BLANKS)
    if len(text) > 1 and text[0] == text[-1] and text[0] in QUOTES:
        text = text[1:-1].strip(BLANKS)
    return text


def _line(
    line: bytes, number: int, header: str | None, result: Expected
) -> tuple[ResourcePath | None, str | None]:
    unclear = _look_at_bytes(line, number, result)
    bare = _undress(_text(line), number, result)
    if not bare:
        result.add("blank-line", number)
        return None, None
    if bare == header:
        result.add("header-line", number)
        return None, None
    prefix = _prefix(bare)
    store = None
    if prefix:
        result.add("dicomweb-prefix", number)
        bare = bare[len(prefix) :]
        start = next((at for word in STORES if (at := prefix.find(word)) >= 0), None)
        store = None if start is None else prefix[start:]
    elif bare.startswith("studies/"):
        result.add("no-leading-slash", number)
        bare = f"/{bare}"
    path = None if unclear else _path(bare)
    if path is None and not unclear:
        result.add("unusable-uid" if _shaped(bare) else "wrong-shape", number)
    return path, store


def _look_at_bytes(line: bytes, number: int, result: Expected) -> bool:
    if line.endswith(b"\r"):
        result.add("crlf", number)
    if line.removesuffix(b"\r").startswith(codecs.BOM_UTF8):
        result.add("bom", number)
    text = _text(line)
    if "\0" in text:
        result.add("nul", number)
    if not text.isascii():
        result.add("non-ascii", number)
    return "\0" in text or not text.isascii()


def _undress(text: str, number: int, result: Expected) -> str:
    trimmed, bare = text.strip(BLANKS), _bare(text)
    between = trimmed[1:-1] if bare != trimmed else trimmed
    if text != trimmed or between != between.strip(BLANKS):
        result.add("surrounding-whitespace", number)
    if trimmed and (trimmed[0] in QUOTES or trimmed[-1] in QUOTES):
        result.add("quotes", number)
    return bare


def _shaped(text: str) -> bool:
    parts = text.split("/")
    words = ["", "studies", None, "series", None, "instances", None]
    return len(parts) in (3, 5, 7) and all(
        word in (None, part) for part, word in zip(parts, words, strict=False)
    )


def _prefix(bare: str) -> str:
    start = bare.find(PREFIXLESS)
    while start >= 0:
        prefix = bare[:start]
        segments: list[str] = []
        if prefix.startswith(("http://", "https://")):
            segments = prefix.split("://", 1)[1].split("/")
        elif prefix.endswith("dicomWeb"):
            segments = prefix.removeprefix("/").split("/")
            if segments[-1] != "dicomWeb":
                segments = []
        clean = segments and all(s and not set("?#") & set(s) for s in segments)
        if clean and _shaped(bare[start:]):
            return prefix
        start = bare.find(PREFIXLESS, start + 1)
    return ""


def _path(text: str) -> ResourcePath | None:
    try:
        path = ResourcePath.parse(text)
    except FilterFileError:
        return None
    return path if str(path) == text else None


def _uids(path: ResourcePath) -> list[str]:
    return [uid for uid in (path.study, path.series, path.instance) if uid]


def _compare(result: Expected) -> None:
    first_study: dict[str, str] = {}
    first_series: dict[str, str] = {}
    named = {path for _, path in result.paths}
    seen = set()
    for number, path in result.paths:
        if path.series and first_study.setdefault(path.series, path.study) != path.study:
            result.add("series-in-two-studies", number)
        if path.instance and first_series.setdefault(path.instance, path.series) != path.series:
            result.add("instance-in-two-series", number)
        coarser = {ResourcePath(path.study), ResourcePath(path.study, path.series)} - {path}
        if path in seen:
            result.add("duplicate", number)
        elif coarser & named:
            result.add("covered", number)
        else:
            result.kept.append(path)
        seen.add(path)
    for kind, lines in result.found.items():
        assert all(a <= b for a, b in pairwise(lines)), kind
