# ruff: noqa: INP001, T201, TID253 - a script, no part of a package, that reports what it does
"""Measure what each form of images loses, and write the table of docs/transfer-syntaxes.md.

python tools/measure_forms.py FOLDER...    besides the files that pydicom brings along

Each file that holds an image is written in each transfer syntax by the code that exports use, read
again, and compared with what it was, colors as RGB.
"""

from __future__ import annotations

import statistics
import sys
import warnings
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final

import pydicom
import pydicom.data

from dicomfilter.dicomfiles.decoding import decode
from dicomfilter.dicomfiles.encoding import errors
from dicomfilter.dicomfiles.opening import open_dataset, pixel_source, stored_syntax
from dicomfilter.dicomfiles.syntaxes import SYNTAXES, Coding
from dicomfilter.dicomfiles.transcoding import transcode
from dicomfilter.errors import SourceError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dicomfilter.dicomfiles.decoding import Pixels
    from dicomfilter.dicomfiles.syntaxes import Syntax

TABLE: Final = Path(__file__).resolve().parents[1] / "docs/transfer-syntaxes.md"
_HEAD: Final = """# Transfer syntaxes, as measured

What `export gcs` of a folder made of {images} real images ({frames:,} frames): those that
pydicom {pydicom} brings along, and those of the package pydicom-data. *Mean* is the root of the
mean square of a frame's errors, *greatest* the error of any sample; both in grey values,
of colors in RGB. *Written* and *refused* count images, and *size* is that of the pixels,
native ones being 1. `python tools/measure_forms.py FOLDER` measures it anew.

| transfer syntax | written | refused | median of means | greatest mean | greatest | size |
|---|---|---|---|---|---|---|
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
        if self.means and syntax.lossy:
            errors = f"{statistics.median(self.means):.2f} | {max(self.means):.2f} | {self.largest}"
        else:
            errors = (
                f"{max(self.means, default=0):g} | {max(self.means, default=0):g} | {self.largest}"
            )
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


def images(folders: list[Path]) -> Iterator[Path]:
    """Find the files that hold an image that can be read."""
    seen: set[bytes] = set()
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            if not path.is_file() or path.stat().st_size < 200:
                continue
            data = path.read_bytes()
            if data in seen:
                continue
            seen.add(data)
            try:
                if "PixelData" in open_dataset(path) and any(True for _ in frames(path)):
                    yield path
            except Exception:  # noqa: BLE001, S112 - no image that can be read
                continue


def measure(path: Path, syntax: Syntax, made: Path, found: Measured) -> None:
    """Write a file in a transfer syntax, and compare."""
    try:
        with made.open("wb") as target:
            transcode(path, syntax.uid, target)
    except SourceError as error:
        reason = error.message.replace(f"{path.name} ", "")
        found.refused[reason.partition(", but only")[0]] += 1
        return
    found.written += 1
    found.size_bytes += raw_size(made)
    for (before, _), (after, _) in zip(frames(path), frames(made), strict=True):
        mean, largest = errors(after, before)
        found.native_bytes += before.nbytes
        found.means.append(mean)
        found.largest = max(found.largest, largest)


def raw_size(path: Path) -> int:
    """Tell how many bytes the pixels of a file take."""
    dataset = pydicom.dcmread(path)
    return len(dataset.get_item(0x7FE00010).value or b"")  # type: ignore[union-attr]


def main() -> None:
    """Measure, and write the table."""
    warnings.simplefilter("ignore")
    given = [Path(pydicom.data.__file__).parent, *map(Path, sys.argv[1:])]
    paths = list(images(given))
    count = sum(1 for path in paths for _ in frames(path))
    lines, foot = [], []
    with TemporaryDirectory() as folder:
        for syntax in SYNTAXES.values():
            if not syntax.writers or syntax.coding is Coding.NATIVE:
                continue
            found = Measured()
            for path in paths:
                measure(path, syntax, Path(folder) / "made.dcm", found)
            lines.append(found.row(syntax))
            foot += [f"| {syntax.name} | {n} | {why} |" for why, n in found.refused.most_common()]
            print(lines[-1], flush=True)
    head = _HEAD.format(images=len(paths), frames=count, pydicom=pydicom.__version__)
    TABLE.write_text(head + "\n".join(lines) + "\n" + _FOOT + "\n".join(foot) + "\n")


if __name__ == "__main__":
    main()
