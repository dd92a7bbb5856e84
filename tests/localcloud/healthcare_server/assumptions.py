"""What is assumed about the real service and not documented, and nowhere else.

A test sets each of them by ``hc_control.assume(name=value)``. The first value named is the default.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Assumptions:
    """How the service behaves where its documents are silent."""

    bad_line: Literal["fails", "counted", "ignored"] = "fails"
    """A filter line that is no resource path: the operation ends in error 3 and nothing is written;
    or it counts as a failure; or nobody hears of it."""

    missing_path: Literal["counted", "ignored", "fails"] = "counted"
    """A resource path that is not in the store: a failure; nothing; error 5 for the operation."""

    missing_filter: Literal["operation", "start"] = "operation"
    """A filter object that is missing: error 5 of the operation, or 404 to the request."""

    empty_filter: Literal["nothing", "error", "everything"] = "nothing"
    """A filter of no lines: nothing is exported; error 3; or, the worst, it is no filter."""

    blank_line: Literal["ignored", "bad"] = "ignored"
    """An empty line between others; the end of the last line is never one."""

    slash_optional: bool = False
    """``studies/1.2`` is as good as ``/studies/1.2``."""

    byte_order_mark: Literal["bad", "ignored"] = "bad"
    """A byte order mark before the first line makes it a bad line."""

    doubled: Literal["once", "again"] = "once"
    """What several lines cover is exported and counted once, or as often."""

    failures_end_in: Literal["response", "error"] = "response"
    """An operation of which some items failed: ``response`` (as the best practices say), or
    ``error`` with code 2, which is what an import was seen to do."""

    zero_counters_absent: bool = True
    """Counters of 0 are left out, and ``counter`` with them when all are 0."""

    pending_counted: bool = True
    """A running operation tells how many items are pending."""

    appends_slash: bool = True
    """``uriPrefix`` gets a final slash where it has none; so the discovery document says."""

    missing_bucket: Literal["operation", "start"] = "operation"
    """A bucket that is missing: error 5 of the operation, or 404 to the request."""

    agent_refused: Literal["operation", "start"] = "operation"
    """The service agent may not read the filter or the configuration, or not write: said where."""

    duplicate_import: Literal["success", "failure", "uncounted"] = "success"
    """An imported instance that the store has: documented is only that it is ignored."""

    not_dicom_import: Literal["counted", "fails"] = "counted"
    """A file that is no DICOM: one failure, or error 3 for the operation."""

    nothing_to_import: Literal["error", "nothing"] = "error"
    """A ``gcsSource`` that no object fits: error 5, or an operation of no items."""

    metadata_keys: Literal["tags", "keywords"] = "tags"
    """Keys of the JSON schema's ``Metadata``: ``00100020`` with vr and Value, or keywords."""

    type_of_rows: Literal["CREATE", "INSERT"] = "CREATE"
    """What an export writes in the column ``Type``."""

    other_project: Literal["allowed", "refused"] = "allowed"
    """A BigQuery table in another project: two documents contradict each other."""

    deidentified_uids: Literal["changed", "kept"] = "changed"
    """Whether de-identified instances have other UIDs."""

    list_filter: Literal["ignored", "refused"] = "ignored"
    """The ``filter`` of ``operations.list``, whose syntax is not described."""

    permissions_fail_open: bool = False
    """``testIamPermissions`` says yes to all, which its description warns of."""

    newest_first: bool = False
    """The order of ``operations.list``."""

    list_lag_s: float = 0.0
    """How long after its start an operation is listed; ``operations.get`` knows it at once."""

    clock_skew_s: float = 0.0
    """How far the clock of ``createTime`` is ahead of the one of the header ``Date``."""

    counts: Literal["instances", "frames", "half", "nothing"] = "instances"
    """What a counter of success counts: instances; frames, which pictures have more of; too few,
    as though images had been deleted since; nothing, whatever is done."""
