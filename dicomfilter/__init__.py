"""Turn SQL predicates over DICOM metadata into validated filter files.

Open a table, narrow it, look at it, and write what an export takes::

    import dicomfilter as dcf

    with dcf.open_table("idc") as table:  # or "metadata.parquet", or "bq://project.dataset.table"
        table.columns("Slice")  # what a predicate can name, and what it means
        table.value_counts("Modality").bars()  # a picture
        cohort = table.where("Modality = 'CT' AND StudyDate >= '2021-01-01'")
        cohort.attrition().flow()  # what each condition leaves over, and why
        cohort.write_filter("ct.txt")

Cohorts are values: ``a & b``, ``a | b``, ``a - b`` and ``~a``; ``cohort.sample(0.05)`` and
``cohort.split(train=0.8, test=0.2)`` are the same in every run, and ``compare`` sets them side by
side. Filter files are sets as well: ``FilterFile("april.txt") - FilterFile("march.txt")``.

Start an export, and prove what arrived::

    store = dcf.open_store("projects/P/locations/L/datasets/D/dicomStores/S")  # or a folder
    store.export_to_gcs("gs://bucket/out/", filter="ct.txt").wait()
    dcf.verify("ct.txt", "gs://bucket/out/").missing()
    dcf.report("ct.txt").save("ct.html")

Before it, ``doctor`` says what such an export lacks, and ``freshness`` whether the table still
tells what its store holds. ``build_new`` makes a filter of what was not delivered yet, and
``index_folder`` the table of a folder of DICOM files. Whatever goes wrong on purpose is a
``DicomFilterError`` with a ``hint``; ``dicomfilter.errors`` has the tree of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dicomfilter import errors, filterfile
    from dicomfilter.counts import Counts, Coverage
    from dicomfilter.dicom.headers.index import Indexed, index_folder
    from dicomfilter.engines.protocol import EngineOptions
    from dicomfilter.errors import DicomFilterError
    from dicomfilter.filters.algebra.comparing import Diff
    from dicomfilter.filters.algebra.splitting import How, Split
    from dicomfilter.filters.algebra.value import FilterFile
    from dicomfilter.filters.build import BuildOptions, FilterBuilt, Plan
    from dicomfilter.filters.manifest import Manifest
    from dicomfilter.notebook.asking import StartOptions
    from dicomfilter.notebook.cohort import Cohort
    from dicomfilter.notebook.compare import compare
    from dicomfilter.notebook.store import Store, open_store
    from dicomfilter.notebook.table import Table, load_cohort, open_table
    from dicomfilter.operations.operation import Operation, Outcome
    from dicomfilter.paths import Level, ResourcePath
    from dicomfilter.proof.deliveries import NewBuilt, NewOptions, build_new
    from dicomfilter.proof.doctor.checks import Diagnosis
    from dicomfilter.proof.doctor.examination import doctor
    from dicomfilter.proof.freshness import Freshness
    from dicomfilter.proof.report.page import report
    from dicomfilter.proof.table_comparison import FreshnessOptions, freshness
    from dicomfilter.proof.verification import Verification
    from dicomfilter.proof.verify import VerifyOptions, verify

from dicomfilter.version import __version__

__all__ = [
    "BuildOptions",
    "Cohort",
    "Counts",
    "Coverage",
    "Diagnosis",
    "DicomFilterError",
    "Diff",
    "EngineOptions",
    "FilterBuilt",
    "FilterFile",
    "Freshness",
    "FreshnessOptions",
    "How",
    "Indexed",
    "Level",
    "Manifest",
    "NewBuilt",
    "NewOptions",
    "Operation",
    "Outcome",
    "Plan",
    "ResourcePath",
    "Split",
    "StartOptions",
    "Store",
    "Table",
    "Verification",
    "VerifyOptions",
    "__version__",
    "build_new",
    "compare",
    "doctor",
    "errors",
    "filterfile",
    "freshness",
    "index_folder",
    "load_cohort",
    "open_store",
    "open_table",
    "report",
    "verify",
]

_HOMES = {
    "BuildOptions": "filters.build",
    "Cohort": "notebook.cohort",
    "Counts": "counts",
    "Coverage": "counts",
    "DicomFilterError": "errors",
    "Diagnosis": "proof.doctor.checks",
    "Diff": "filters.algebra.comparing",
    "EngineOptions": "engines",
    "FilterBuilt": "filters.build",
    "FilterFile": "filters.algebra.value",
    "Freshness": "proof.freshness",
    "FreshnessOptions": "proof.table_comparison",
    "How": "filters.algebra.splitting",
    "Indexed": "dicom.headers.index",
    "Level": "paths",
    "Manifest": "filters.manifest",
    "NewBuilt": "proof.deliveries",
    "NewOptions": "proof.deliveries",
    "Operation": "operations.operation",
    "Outcome": "operations.operation",
    "Plan": "filters.build",
    "ResourcePath": "paths",
    "Split": "filters.algebra.splitting",
    "StartOptions": "notebook.asking",
    "Store": "notebook.store",
    "Table": "notebook.table",
    "Verification": "proof.verification",
    "VerifyOptions": "proof.verify",
    "build_new": "proof.deliveries",
    "compare": "notebook.compare",
    "doctor": "proof.doctor.examination",
    "freshness": "proof.table_comparison",
    "index_folder": "dicom.headers.index",
    "load_cohort": "notebook.table",
    "open_store": "notebook.store",
    "open_table": "notebook.table",
    "report": "proof.report.page",
    "verify": "proof.verify",
}


_MODULES = ("errors", "filterfile")


def __getattr__(name: str) -> Any:  # noqa: ANN401 - any of the public names
    """Load a public name when it is first asked for: the command line needs few of them."""
    from importlib import import_module

    if name in _MODULES:
        return import_module(f"{__name__}.{name}")
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
