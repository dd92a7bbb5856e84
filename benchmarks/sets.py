"""Filter files as sets against ``sort`` and ``comm``, and against a check: whole processes.

    python benchmarks/sets.py                     # ten million lines against five, some gigabytes
    python benchmarks/sets.py --lines 1000000 --turns 3

Makes its own lines, scattered, of which half of the second file is in the first one too.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from check import _UID
from measure import Rival, race, table

_PROGRAM = str(Path(sys.executable).with_name("dicomfilter"))
_LINES = f"""
SELECT '/studies/' || {_UID.format("('study', i // 3000)")}
  || '/series/' || {_UID.format("('series', i // 150)")}
  || '/instances/' || {_UID.format("('instance', i)")} || chr(10) AS line
FROM (SELECT n AS i FROM range($first, $last) AS t(n) ORDER BY hash(n))
"""
_TABLE = f"""
COPY (
  SELECT {_UID.format("('study', i // 3000)")} AS StudyInstanceUID,
    {_UID.format("('series', i // 150)")} AS SeriesInstanceUID,
    {_UID.format("('instance', i)")} AS SOPInstanceUID,
    1 + hash(i) % 1000000 AS BlobStorageSize
  FROM (SELECT n::BIGINT AS i FROM range($lines) AS t(n))
) TO '{{path}}' (FORMAT parquet)
"""


def make(path: Path, first: int, last: int) -> Path:
    import duckdb

    values = {"first": first, "last": last}
    with duckdb.connect() as connection, path.open("wb") as out:
        for batch in connection.sql(_LINES, params=values).to_arrow_reader(100_000):
            column = batch.column(0)
            offsets = memoryview(column.buffers()[1]).cast("i")
            start, end = offsets[column.offset], offsets[column.offset + len(column)]
            out.write(memoryview(column.buffers()[2])[start:end])
    return path


def shell(text: str, *arguments: Path) -> tuple[str, ...]:
    return ("sh", "-ec", f"export LC_ALL=C; {text}", *map(str, arguments))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--lines", type=int, default=10_000_000)
    parser.add_argument("--turns", type=int, default=1)
    parser.add_argument("--folder", type=Path, help="where to make files; default: temporary")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        folder, lines = Path(name), options.lines
        a = make(folder / "a.txt", 0, lines)
        b = make(folder / "b.txt", lines * 3 // 4, lines * 5 // 4)
        out, other = folder / "out.txt", folder / "other.txt"
        sort = 'sort --parallel=2 -S 1G -T "$(dirname "$0")"'
        ours = [_PROGRAM, "{}", str(a), str(b), "-o", str(out), "--overwrite", "-q"]
        limit = ["--memory-limit", "1GB"]
        title = f"{lines:,} against {lines // 2:,} scattered instance lines"
        union = [
            Rival("dicomfilter union", [w.format("union") for w in ours] + limit, out),
            Rival("`sort -u`", shell(f'{sort} -u "$0" "$1" -o "$2"', a, b, other), other),
        ]
        race(union, turns=options.turns)
        print(table(f"Union, {title}", union), flush=True)
        subtract = [
            Rival("dicomfilter subtract", [w.format("subtract") for w in ours] + limit, out),
            Rival(
                "`sort` of both and `comm -23`",
                shell(
                    f'{sort} "$0" -o "$0.s"; {sort} "$1" -o "$1.s"; comm -23 "$0.s" "$1.s" > "$2"',
                    *(a, b, other),
                ),
                other,
            ),
        ]
        race(subtract, turns=options.turns)
        print(table(f"Subtract, {title}", subtract), flush=True)
        _compare_with_check(folder, lines // 5, options.turns)
        _split(folder, a, lines, options.turns)
        _small(folder, max(options.turns, 5))


def _compare_with_check(folder: Path, lines: int, turns: int) -> None:
    c, d = make(folder / "c.txt", 0, lines), make(folder / "d.txt", 100, lines + 100)
    check = shell(
        f'{_PROGRAM} check "$0" > "$2"; {_PROGRAM} check "$1" >> "$2"', c, d, folder / "e"
    )
    diff = shell(f'{_PROGRAM} diff "$0" "$1" > "$2" || test $? = 1', c, d, folder / "e")
    rivals = [Rival("dicomfilter diff", diff), Rival("dicomfilter check of both", check)]
    race(rivals, turns=turns)
    print(table(f"Two filters of {lines:,} lines that differ in 200", rivals), flush=True)


def _split(folder: Path, a: Path, lines: int, turns: int) -> None:
    import duckdb

    metadata = folder / "m.parquet"
    with duckdb.connect() as connection:
        connection.execute(_TABLE.format(path=metadata), {"lines": lines})
    (folder / "parts").mkdir()
    split = [_PROGRAM, "split", str(a), "-o", str(folder / "parts/{part}.txt"), "--parts", "8"]
    split += ["--by", "size", "--against", str(metadata), "--overwrite", "-q"]
    both = shell(
        f'{_PROGRAM} check "$0"; {_PROGRAM} build "$1" --all -o "$2" --overwrite -q',
        *(a, metadata, folder / "built.txt"),
    )
    rivals = [Rival("dicomfilter split", split), Rival("dicomfilter check and build", both)]
    race(rivals, turns=turns)
    print(table(f"{lines:,} lines into 8 parts by size", rivals), flush=True)


def _small(folder: Path, turns: int) -> None:
    a, b = make(folder / "small.txt", 0, 2000), make(folder / "less.txt", 1000, 3000)
    out = folder / "small.out"
    rivals = [
        Rival(f"dicomfilter {word}", [_PROGRAM, word, str(a), str(b), "-o", str(out), "-q"], out)
        for word in ("union", "intersect", "subtract")
    ]
    rivals.append(Rival("`python -c 'import typer'`", [sys.executable, "-c", "import typer"]))
    race(rivals, turns=turns)
    print(table("Two files of 2,000 lines", rivals), flush=True)


if __name__ == "__main__":
    main()
