"""Answers that have not the shape that Google's libraries expect."""

from __future__ import annotations

_LIBRARIES = frozenset({"google", "googleapiclient", "json", "requests", "simplejson"})
_RAISED = (ValueError, TypeError, LookupError, AttributeError)
"""What code raises that takes an answer apart and finds another one."""


def is_of_wrong_shape(error: BaseException | None) -> bool:
    """Tell whether Google's libraries failed over an answer of another shape."""
    if not isinstance(error, _RAISED):
        return False
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    module = "" if trace is None else str(trace.tb_frame.f_globals.get("__name__", ""))
    return module.partition(".")[0] in _LIBRARIES
