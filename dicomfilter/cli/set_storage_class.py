"""``dicomfilter set-storage-class``: what images are stored as."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

import typer

from dicomfilter.cli import completion, profiles
from dicomfilter.cli.store_options import STORE_HELP, Starting, WhereIfAny, with_options
from dicomfilter.cli.waiting import launch
from dicomfilter.errors import UsageError
from dicomfilter.stores.requests import StorageClass


@with_options("store")
def set_storage_class(
    context: typer.Context,
    *,
    store: Annotated[
        str | None, typer.Argument(metavar="STORE", help=STORE_HELP, show_default=False)
    ] = None,
    storage_class: Annotated[
        str | None,
        typer.Argument(
            metavar="CLASS",
            help="STANDARD, NEARLINE, COLDLINE or ARCHIVE.",
            autocompletion=completion.storage_classes,
        ),
    ] = None,
    how: Starting,
    where: WhereIfAny,
) -> int:
    """Change what images are stored as.

    Example: dicomfilter set-storage-class STORE ARCHIVE --filter gs://b/old.txt
    """
    if storage_class is None:  # a variable or profile names the store, and the class stands alone
        store, storage_class = profiles.default(context, "store"), store
    wanted, where = _class(storage_class), replace(where, store=store)
    return launch(where.name, where.kinds.set_storage_class(wanted), how)


def _class(text: str | None) -> StorageClass:
    names = ", ".join(StorageClass)
    if text is None or text.upper() not in StorageClass.__members__:
        raise UsageError(
            f"{text or 'nothing'} is not a storage class", hint=f"write one of {names}"
        )
    return StorageClass[text.upper()]
