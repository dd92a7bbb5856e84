"""Checks of this machine: what is installed, and what it means."""

from __future__ import annotations

from importlib.util import find_spec

from dicomfilter.engines.meaning import installed, is_proved, judged
from dicomfilter.proof.doctor.checks import Check, Status, tried

_EXTRAS = {
    "bigquery": "google.cloud.bigquery",
    "cloud": "googleapiclient",
    "dicom": "pydicom",
    "notebook": "pandas",
}


def of_here() -> list[Check]:
    """Check this machine."""
    return [
        tried("local.extras", "what can be imported", _extras),
        tried("engine.meaning", "the cases that ship", _meaning),
    ]


def _extras() -> Check:
    lacking = [name for name, module in _EXTRAS.items() if not _is_there(module)]
    if not lacking:
        return Check("", Status.PASS, "all extras are installed", "")
    return Check(
        "",
        Status.WARN,
        f"not installed: {', '.join(lacking)}",
        "",
        fix=(f"pip install 'dicomfilter[{','.join(lacking)}]'",),
    )


def _is_there(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:
        return False


def _meaning() -> Check:
    if is_proved():
        return Check("", Status.PASS, f"{installed()} is proved by every test", "")
    found = judged()
    if not found.refused:
        return Check("", Status.PASS, f"{installed()} holds in all cases", "")
    seen = f"{installed()}: {len(found.refused)} constructs are refused"
    return Check("", Status.WARN, seen, "", fix=("dicomfilter sql --self-test",))
