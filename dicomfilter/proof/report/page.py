"""The report as a page: one file, no script, nothing from elsewhere."""

from __future__ import annotations

import json
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any

from dicomfilter.counts import NO_VALUE, human_count
from dicomfilter.faces import Face
from dicomfilter.filters.sidecars import write_text
from dicomfilter.named import named
from dicomfilter.pictures import flow
from dicomfilter.proof.report.gathering import MIN_CELL, asked, gather
from dicomfilter.version import __version__
from dicomfilter.visible import visible

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from os import PathLike

    from dicomfilter.filters.manifest import Manifest
    from dicomfilter.operations.log import Left
    from dicomfilter.proof.report.gathering import ByColumn, Facts

_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; form-action 'none'"
_STYLE = """
:root{color-scheme:light dark;--ink:#1f2328;--quiet:#59636e;--line:#d1d9e0;--page:#fff;
--box:#f6f8fa}
@media(prefers-color-scheme:dark){:root{--ink:#e6edf3;--quiet:#9198a1;--line:#3d444d;--page:#0d1117;
--box:#161b22}}
*{box-sizing:border-box}body{margin:0 auto;padding:24px;max-width:860px;background:var(--page);
color:var(--ink);font:15px/1.45 system-ui,-apple-system,'Segoe UI',Roboto,Arial,sans-serif}
h1{font-size:22px;margin:0 0 4px;overflow-wrap:anywhere}h2{font-size:16px;margin:24px 0 6px;
border-bottom:1px solid var(--line)}p{margin:6px 0}.quiet{color:var(--quiet)}
.verdict{border:2px solid var(--ink);padding:10px 14px;margin:14px 0;background:var(--box)}
.verdict strong{font-size:18px}table{border-collapse:collapse;width:100%}
th,td{text-align:left;vertical-align:top;padding:3px 10px 3px 0;overflow-wrap:anywhere}
th{font-weight:600}.facts th{width:9em}.rows td,.rows th{border-bottom:1px solid var(--line)}
.n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
code,pre{font:13px ui-monospace,SFMono-Regular,Menlo,Consolas,monospace}
pre{white-space:pre-wrap;overflow-wrap:anywhere;background:var(--box);padding:8px;margin:4px 0}
svg{max-width:100%;height:auto}.sign{display:flex;gap:24px;flex-wrap:wrap;margin-top:36px}
.sign div{flex:1 1 200px;border-top:1px solid var(--ink);padding-top:4px;color:var(--quiet)}
.wide{overflow-x:auto}
@page{size:A4;margin:14mm}
@media print{body{font-size:10.5px;padding:0;max-width:none}h1{font-size:16px}h2{font-size:12px;
margin:10px 0 3px;break-after:avoid}table,svg,pre{break-inside:avoid}svg{max-height:95mm}
code,pre{font-size:9px}.verdict{padding:6px 10px}.verdict strong{font-size:13px}}
""".replace("\n", "")
_HIDDEN = "hidden"


@dataclass(frozen=True, slots=True, repr=False)
class RecordReport(Face):
    """A report on what left; see ``report``.

    Args:
        found: What it tells.
    """

    found: Facts

    @property
    def verdict(self) -> str:
        """What it comes to, in a word."""
        return self.found.verdict[0]

    def to_html(self) -> str:
        """Write the page."""
        return _page(self.found)

    def to_dict(self) -> dict[str, Any]:
        """Give the same as JSON has it."""
        return self.found.to_dict()

    def save(self, path: str | PathLike[str], *, overwrite: bool = False) -> str:
        """Write the page into a file.

        Args:
            path: Where, ``report.html``; a local path or ``gs://bucket/object``.
            overwrite: Whether a file that is there may be replaced.

        Returns:
            Where it is.

        Raises:
            DestinationError: It cannot be written, or is there.
        """
        uri = named(path)
        write_text(uri, self.to_html(), overwrite=overwrite)
        return uri

    def save_json(self, path: str | PathLike[str], *, overwrite: bool = False) -> str:
        """Write the same as JSON; see ``save``."""
        uri = named(path)
        text = json.dumps(self.to_dict(), indent=2, default=str) + "\n"
        write_text(uri, text, overwrite=overwrite)
        return uri

    def facts(self) -> list[tuple[str, str]]:
        """List the verdict, and how much there is below it."""
        word, sentence = self.found.verdict
        return [
            ("report", self.found.title),
            ("verdict", f"{word}: {sentence}"),
            ("operations", f"{len(self.found.operations):,}"),
            ("notes", "\n".join(self.found.notes) or "none"),
            ("see", '.save("report.html")'),
        ]

    def __repr__(self) -> str:
        return f"<RecordReport: {self.found.title}: {self.verdict}>"


def report(
    subject: str | PathLike[str],
    *,
    against: str | PathLike[str] | None = None,
    by: Sequence[str] = (),
    min_cell: int = MIN_CELL,
    title: str | None = None,
) -> RecordReport:
    """Report what was asked for, what left, where to, and on whose word.

    Args:
        subject: A filter file, its manifest, or the name of an operation.
        against: The table that tells what the filter covers; None for the manifest's, if that is
            of files. A table of BigQuery is asked only where it is named.
        by: Columns by which that is told apart; none for Modality, BodyPartExamined, PatientSex.
        min_cell: Counts of fewer patients are hidden, and those that would give them away; 1
            shows all.
        title: The page's head.

    Returns:
        The report; ``save("report.html")`` writes it.

    Raises:
        UsageError: There is no such column, or the operation was not started from here.
        SourceError: The filter cannot be read.
    """
    return RecordReport(gather(subject, against=against, by=by, min_cell=min_cell, title=title))


def _page(found: Facts) -> str:
    word, sentence = found.verdict
    parts = [
        f"<h1>{_clean(found.title)}</h1>",
        f'<p class="quiet">made {_clean(found.made)} by dicomfilter {_clean(__version__)}</p>',
        f'<div class="verdict"><strong>{_clean(word)}</strong><br>{_clean(sentence)}</div>',
        *_asked(found),
        *_flow(found),
        *_holds(found),
        *_went(found),
        *_verified(found),
        *_sums(found),
        *_notes(found),
        '<div class="sign"><div>name</div><div>date</div><div>signature</div></div>',
    ]
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        '<meta name="referrer" content="no-referrer">'
        f"<title>{_clean(found.title)}</title><style>{_STYLE}</style></head>"
        f"<body>{''.join(parts)}</body></html>\n"
    )


def _asked(found: Facts) -> Iterable[str]:
    yield "<h2>What was asked</h2>"
    said = found.manifest
    if said is None:
        yield "<p>Not recorded: the filter has no manifest.</p>"
        return
    yield _facts(asked(said))
    if said.derived is None:
        yield f"<pre>{_clean(_predicate(said))}</pre>"


def _predicate(said: Manifest) -> str:
    """Write the predicate, with the values that were recorded and none that was not."""
    shown = map(said.with_values, (*said.predicates, *said.statements))
    return "\nAND ".join(f"({one})" for one in shown) or "all rows"


def _flow(found: Facts) -> Iterable[str]:
    yield "<h2>How the selection came to it</h2>"
    if not found.steps:
        yield "<p>Not drawn; see the notes.</p>"
        return
    drawn = [
        flow.Step(
            " and ".join(step.labels),
            {"patients": step.left},
            {"patients": step.excluded},
            {"patients": step.no_value},
        )
        for step in found.steps
    ]
    yield flow.flow(drawn, by="patients").svg


def _holds(found: Facts) -> Iterable[str]:
    yield "<h2>What it holds</h2>"
    if found.is_hidden:
        yield f"<p>Fewer than {found.min_cell} patients: no count is shown.</p>"
        return
    if found.holds is None:
        if found.summary is not None:
            names = found.summary
            rows = [("lines", names.lines), ("studies", names.studies), ("series", names.series)]
            yield _facts([(name, f"{count:,}") for name, count in rows])
        yield "<p>What the lines cover was not counted; see the notes.</p>"
        return
    yield _facts(found.holds.facts())
    for one in found.by:
        yield from _by(one)


def _by(one: ByColumn) -> Iterable[str]:
    names = list(one.rows[0][1]) if one.rows else []
    head = "".join(f'<th class="n">{name}</th>' for name in names)
    yield f'<div class="wide"><table class="rows"><tr><th>{_clean(one.name)}</th>{head}</tr>'
    for value, counts in one.rows:
        cells = "".join(f'<td class="n">{human_count(counts[name])}</td>' for name in names)
        yield f"<tr><td>{_clean(NO_VALUE if value is None else value)}</td>{cells}</tr>"
    if one.rest:
        said = f"{one.rest:,} further values, not shown"
        yield f'<tr><td class="quiet" colspan="{len(names) + 1}">{said}</td></tr>'
    yield "</table></div>"


def _went(found: Facts) -> Iterable[str]:
    yield "<h2>Where it went</h2>"
    if not found.operations:
        yield "<p>Nothing was started with it from this machine.</p>"
        return
    for one in found.operations:
        yield _facts(_operation(one, is_hidden=found.is_hidden))


def _operation(one: Left, *, is_hidden: bool) -> list[tuple[str, str]]:
    own = one.entry
    counted = f"{human_count(one.success)} done, {human_count(one.failure)} failed"
    is_deidentified = own.verb == "deidentify"
    return [
        ("operation", own.operation or "not known"),
        ("what", own.verb),
        ("from", own.store),
        ("to", own.place),
        ("by", str(one.author)),
        ("purpose", own.purpose or "not recorded"),
        ("started", own.time),
        ("ended", f"{one.ended or 'not seen'}: {one.standing}"),
        ("images", _HIDDEN if is_hidden else counted),
        ("de-identified", "yes, in the copies" if is_deidentified else "NO, as the store has them"),
    ]


def _verified(found: Facts) -> Iterable[str]:
    yield "<h2>Verification</h2>"
    if found.verified is None:
        yield "<p>Not verified: nothing tells whether what was asked for arrived.</p>"
        return
    names = ("verdict", "destination", "verified", "since")
    yield _facts([(name, str(found.verified.get(name) or "not known")) for name in names])
    if isinstance(numbers := found.verified.get("numbers"), dict) and not found.is_hidden:
        yield _facts([(str(name), f"{count:,}") for name, count in numbers.items()])


def _sums(found: Facts) -> Iterable[str]:
    yield "<h2>Checksums and versions</h2>"
    rows = [("dicomfilter", __version__)]
    if found.summary is not None:
        rows += [
            ("filter", found.summary.uri),
            ("CRC32C", found.summary.crc32c),
            ("SHA-256", found.summary.sha256),
        ]
    if found.manifest_uri is not None:
        rows.append(("manifest", found.manifest_uri))
    yield _facts(rows)


def _notes(found: Facts) -> Iterable[str]:
    yield "<h2>Notes</h2>"
    for note in found.notes:
        yield f"<p>{_clean(note)}</p>"
    if found.min_cell > 1:
        yield (
            f"<p>Counts of 1 to {found.min_cell - 1} patients are hidden, and with them those that "
            "would give them away. Two reports on successive cohorts can be subtracted from each "
            "other: keep that in mind before you pass on both.</p>"
        )


def _facts(rows: Iterable[tuple[str, str]]) -> str:
    cells = "".join(f"<tr><th>{_clean(a)}</th><td>{_clean(b)}</td></tr>" for a, b in rows)
    return f'<table class="facts">{cells}</table>'


def _clean(text: str) -> str:
    return escape(visible(text, keep="\n"))
