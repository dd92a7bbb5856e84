# ruff: noqa: INP001, T201, TID253 - a script, no part of a package, that reports what it does
"""Measure what each form of images loses, and write the tables of docs/transfer-syntaxes.md.

python tools/measure_forms.py FOLDER...    besides the files that pydicom brings along

Each file that holds an image, of up to 50 MB, is written in each transfer syntax by the code
that exports use, read again, and compared with what it was, colors as RGB.
"""

from __future__ import annotations

import statistics
import sys
import warnings
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import TYPE_CHECKING, BinaryIO, Final, cast

import pydicom
import pydicom.data

from dicomfilter.dicom.pixels.decoding import decode
from dicomfilter.dicom.pixels.encoding import errors
from dicomfilter.dicom.pixels.opening import open_dataset, pixel_source, stored_syntax
from dicomfilter.dicom.pixels.syntaxes import SYNTAXES
from dicomfilter.dicom.pixels.transcoding import transcode
from dicomfilter.errors import SourceError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dicomfilter.dicom.pixels.decoding import Pixels
    from dicomfilter.dicom.pixels.syntaxes import Syntax

_LARGEST_BYTES: Final = 50_000_000
TABLE: Final = Path(__file__).resolve().parents[1] / "docs/transfer-syntaxes.md"
_HEAD: Final = """# Transfer syntaxes, as measured

What `export gcs` of a folder made of {images} real images ({frames:,} frames): those that
pydicom {pydicom} brings along, and those of up to 50 MB of the package pydicom-data. *Mean* is
the root of the mean square of a frame's errors, *greatest* the error of any sample, both in grey
values, of colors in RGB. *Written* and *refused* count images; *size* is that of the pixels,
native ones being 1. `python tools/measure_forms.py FOLDER` measures it anew. In lossless transfer
syntaxes nothing may differ, or the image fails.

## Lossy

| transfer syntax | written | refused | median of means | greatest mean | greatest | size |
|---|---|---|---|---|---|---|
"""
_LOSSLESS: Final = """
## Lossless

| transfer syntax | written | refused | greatest error | size |
|---|---|---|---|---|
"""
_FOOT: Final = """
Why images were refused:

| transfer syntax | images | reason |
|---|---|---|
"""


@dataclass(slots=True)
class Measured:
    """What became of the images in one transfer syntax."""

    written: int = 0
    means: list[float] = field(default_factory=list)
    largest: int = 0
    size_bytes: int = 0
    native_bytes: int = 0
    refused: Counter[str] = field(default_factory=Counter)

    def row(self, syntax: Syntax) -> str:
        """Give its row of the table."""
        errors = str(self.largest)
        if syntax.lossy:
            means = self.means or [0.0]
            errors = f"{statistics.median(means):.2f} | {max(means):.2f} | {errors}"
        ratio = f"{self.size_bytes / self.native_bytes:.2f}" if self.native_bytes else ""
        refused = sum(self.refused.values())
        return f"| {syntax.name} | {self.written} | {refused} | {errors} | {ratio} |"


def frames(path: Path) -> Iterator[tuple[Pixels, str]]:
    """Decode the frames of a file, colors as RGB."""
    from contextlib import ExitStack

    with ExitStack() as stack:
        dataset = open_dataset(path)
        file = pixel_source(path, dataset, stack)
        yield from decode(file, dataset, syntax=stored_syntax(dataset), rgb=True)


def files(folders: list[Path]) -> Iterator[Path]:
    """Find files, each content once."""
    seen: set[bytes] = set()
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            if path.is_file() and (data := path.read_bytes()) not in seen:
                seen.add(data)
                yield path


def measure(path: Path, before: list[Pixels], syntax: Syntax, found: Measured) -> None:
    """Write a file in a transfer syntax, and compare."""
    with NamedTemporaryFile() as made:
        try:
            transcode(path, syntax.uid, cast("BinaryIO", made))
        except SourceError as error:
            reason = error.message.replace(f"{path.name} ", "")
            found.refused[reason.partition(", but only")[0]] += 1
            return
        made.flush()
        after = [frame for frame, _ in frames(Path(made.name))]
        found.size_bytes += raw_size(Path(made.name))
    found.written += 1
    for one, other in zip(before, after, strict=True):
        mean, largest = errors(other, one)
        found.native_bytes += one.nbytes
        found.means.append(mean)
        found.largest = max(found.largest, largest)


def raw_size(path: Path) -> int:
    """Tell how many bytes the pixels of a file take."""
    element = pydicom.dcmread(path).get_item(0x7FE00010)
    return len(element.value or b"")


def main() -> None:
    """Measure, and write the table."""
    warnings.simplefilter("ignore")
    found = {syntax: Measured() for syntax in SYNTAXES.values() if syntax.writers}
    images = count = 0
    for path in files([Path(pydicom.data.__file__).parent, *map(Path, sys.argv[1:])]):
        try:
            before = [frame for frame, _ in frames(path)]
        except Exception:  # noqa: BLE001, S112 - no image that can be read
            continue
        if sum(frame.nbytes for frame in before) > _LARGEST_BYTES:
            continue
        images, count = images + 1, count + len(before)
        for syntax, measured in found.items():
            measure(path, before, syntax, measured)
        print(images, path.name, flush=True)
    lossy = [row.row(syntax) for syntax, row in found.items() if syntax.lossy]
    lossless = [row.row(syntax) for syntax, row in found.items() if not syntax.lossy]
    reasons = [
        f"| {syntax.name} | {number} | {why} |"
        for syntax, measured in found.items()
        for why, number in measured.refused.most_common()
    ]
    head = _HEAD.format(images=images, frames=count, pydicom=pydicom.__version__)
    TABLE.write_text(
        "\n".join(
            [head.rstrip(), *lossy, _LOSSLESS.rstrip(), *lossless, _FOOT.rstrip(), *reasons, ""]
        )
    )


if __name__ == "__main__":
    main()
