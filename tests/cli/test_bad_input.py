"""Bad input: each one is an error, a hint and a status, and nothing is written."""

from __future__ import annotations

import ctypes
import resource
import shutil
import signal
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.cli.running import Ended, call, contents, run

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PR_CAPBSET_DROP, CAP_DAC_OVERRIDE = 24, 1
"""Of Linux: what takes a right from a process, and root's right to write anywhere."""


def refusal(ended: Ended, code: str, *, status: int = 2) -> tuple[str, str]:
    """Take a failure's two lines apart, with a mark under a predicate between them."""
    assert (ended.status, ended.out) == (status, ""), ended
    first, *mark, last = ended.err.splitlines()
    assert first.startswith(f"error[{code}]: ")
    assert last.startswith("hint: ")
    assert len(mark) in (0, 2)
    assert all(line.startswith("  ") for line in mark)
    return first, last.removeprefix("hint: ")


def marked(ended: Ended) -> str:
    """Give what stands under the caret."""
    _, line, caret, _ = ended.err.splitlines()
    assert caret.strip() == "^"
    return line[caret.index("^") :]


@pytest.fixture
def unchanged(desk: Path) -> Iterator[Path]:
    """Expect that a test leaves the folder as it was."""
    there = contents(desk)
    yield desk
    assert contents(desk) == there


def build(*arguments: object, output: str = "f.txt") -> Ended:
    return call("build", "metadata.parquet", *arguments, "-o", output)


PREDICATES = [
    ("SELECT * FROM metadata", "SELECT begins a statement", "SELECT"),
    ("WITH a AS (SELECT 1) SELECT * FROM a", "WITH begins a statement", "WITH"),
    ("INSERT INTO metadata VALUES (1)", "INSERT begins a statement", "INSERT"),
    ("UPDATE metadata SET Modality = 'CT' WHERE TRUE", "UPDATE begins a statement", "UPDATE"),
    ("DELETE FROM metadata WHERE TRUE", "DELETE begins a statement", "DELETE"),
    ("DROP TABLE metadata", "DROP begins a statement", "DROP"),
    ("CREATE TABLE x AS SELECT 1", "CREATE begins a statement", "CREATE"),
    ("Modality = 'CT'; DROP TABLE metadata", 'Unexpected ";"', "; DROP"),
    ("Modality = 'CT';", 'Unexpected ";"', ";"),
    ("PatientID IN (SELECT PatientID FROM metadata)", "a subquery over a table", "metadata)"),
    ("EXISTS (SELECT 1 FROM metadata)", "a subquery over a table", "metadata)"),
    ("(SELECT COUNT(*) FROM metadata) > 1", "a subquery over a table", "metadata)"),
    ("Modality = 'CT", "Unclosed string literal", "'CT"),
    ('Modality = "CT', "Unclosed string literal", '"CT'),
    ("Modality = '''CT'", "Unclosed", "'''CT'"),
    ("`Modality = 'CT'", "Unclosed", "`Modality"),
    ("Modality = 'CT' /* and", "Unclosed comment", "/* and"),
    ("Modality", "WHERE clause should return type BOOL", "Modality"),
    ("BlobStorageSize", "WHERE clause should return type BOOL", "BlobStorageSize"),
    ("'CT'", "is a value, not a condition", "'CT'"),
    ("TRUE", "is a value, not a condition", "TRUE"),
    ("1", "is a value, not a condition", "1"),
    ("Modality = CT", "Unrecognized name: CT", "CT"),
    ("Modality == 'CT'", 'Unexpected "="', "= 'CT'"),
    ("Modality = 'CT' AND", "Unexpected end of statement", ""),
    ("Modality = NULL", "cannot be literal NULL", "NULL"),
    ("PatientID = 19045", "No matching signature for operator =", "PatientID"),
    ("StudyDate > '2021-02-30'", "Could not cast literal", "'2021-02-30'"),
    ("Modality = ‘CT’", "Illegal input character", "‘CT’"),
    ("Modality ＝ 'CT'", "Illegal input character", "＝ 'CT'"),
    ("BlobStorageSize > １００", "Illegal input character", "１００"),
    ("Modality = 'C\nT'", "Unclosed string literal", "'C"),
    ("Modality = \x01", "Illegal input character", "�"),
    ("Modality = 'C\udcffT'", "Illegal input character", "�T'"),
    ("read_text('/etc/passwd') = 'x'", "Function READ_TEXT is unknown", "read_text"),
]


@pytest.mark.usefixtures("unchanged")
@pytest.mark.parametrize(("sql", "message", "at"), PREDICATES, ids=ascii)
def test_a_bad_predicate_is_marked_where_it_is_bad(sql: str, message: str, at: str) -> None:
    ended = build("--where", sql)
    assert message in refusal(ended, "predicate")[0]
    assert marked(ended).startswith(at)


@pytest.mark.usefixtures("unchanged")
@pytest.mark.parametrize("sql", ["", "   ", "\n"])
def test_an_empty_predicate_has_nothing_to_mark(sql: str) -> None:
    ended = build("--where", sql)
    assert refusal(ended, "predicate")[0] == "error[predicate]: the condition is empty"
    assert len(ended.err.splitlines()) == 2


@pytest.mark.usefixtures("unchanged")
@pytest.mark.parametrize(
    "sql",
    [
        "(" * 201 + "Modality = 'CT'" + ")" * 201,
        "NOT " * 5_000 + "Modality = 'CT'",
        "ABS(" * 1_000 + "1" + ")" * 1_000,
    ],
    ids=["brackets", "not", "calls"],
)
def test_what_is_nested_too_deep_is_refused(sql: str) -> None:
    first, _ = refusal(build("--where", sql), "predicate")
    assert first == "error[predicate]: the text is nested deeper than 200 levels"


@pytest.mark.usefixtures("unchanged")
def test_a_megabyte_of_sql_is_refused_in_one_short_line() -> None:
    # A single argument of a program ends at 128 KiB on Linux: such a text comes by other ways.
    ended = build("--where", "Modality = 'CT' OR " * 55_000 + "FALSE")
    first, _ = refusal(ended, "predicate")
    assert "characters" in first
    assert len(first) <= 80


@pytest.mark.usefixtures("unchanged")
@pytest.mark.parametrize(
    ("table", "code", "message"),
    [
        ("nothing.parquet", "table-not-found", "no such file: nothing.parquet"),
        ("nothing/*.parquet", "table-not-found", "nothing/*.parquet"),
        ("", "table-not-found", "no such file: ''"),
        ("no-uids.csv", "table", "no-uids.csv has no column StudyInstanceUID and no column"),
        ("cohort.txt", "table-not-found", "no such file: cohort.txt"),
        ("bq://half", "table", "'bq://half' does not name a BigQuery table in full"),
    ],
)
def test_a_table_that_is_none(table: str, code: str, message: str) -> None:
    assert message in refusal(call("build", table, "--all", "-o", "f.txt"), code)[0]


@pytest.mark.parametrize("ending", ["parquet", "duckdb", "csv", "ndjson", "txt", "dcm"])
@pytest.mark.parametrize(
    "data", [b"", b"certainly not\n", bytes(range(256)) * 8, b"PAR1" + b"\0" * 40 + b"PAR1"]
)
def test_a_file_that_is_not_what_its_name_says(desk: Path, ending: str, data: bytes) -> None:
    (desk / f"odd.{ending}").write_bytes(data)
    there = contents(desk)
    first, _ = refusal(call("build", f"odd.{ending}", "--all", "-o", "f.txt"), "table")
    assert f"odd.{ending}" in first
    assert contents(desk) == there


def test_a_parquet_file_under_the_name_of_a_csv(unchanged: Path) -> None:
    shutil.copy("metadata.parquet", "wrong.csv")
    refusal(call("build", "wrong.csv", "--all", "-o", "f.txt"), "table")
    (unchanged / "wrong.csv").unlink()


@pytest.mark.usefixtures("unchanged")
def test_files_of_two_formats_are_no_table() -> None:
    ended = call("build", "metadata.parquet", "no-uids.csv", "--all", "-o", "f.txt")
    assert "mixes CSV and Parquet" in refusal(ended, "table")[0]


@pytest.mark.usefixtures("unchanged")
@pytest.mark.parametrize(
    ("arguments", "message", "hint"),
    [
        ([], "nothing is selected", "--all"),
        (["--all", "--where", "Modality = 'CT'"], "--all and a selection", "drop --all"),
        (["--study-uid", "１.2"], "'１.2' is not a usable UID", "digits 0-9"),
        (["--study-uid", "1.2\n"], "'1.2\\n' holds a control character", "pasted"),
        (["--study-uid", ""], "'' is not a usable UID", "digits 0-9"),
        (["--study-uid", "1.2/series/1"], "is not a usable UID", "digits 0-9"),
        (["--patient-id", "19045\t"], "'19045\\t' holds a control character", "pasted"),
        (["--patient-id", "\x7f"], "holds a control character", "pasted"),
        (["--patient-id", "１９０４５"], "digits that look like 0-9", "type it again"),
        (["--patient-id", "٣"], "digits that look like 0-9", "--where"),
        (["--patient-id", " "], "--patient-id ' ' is empty", "PatientID"),
        (["--since", "30"], "'30' is not an age", "30d"),
        (["--since", "３d"], "'３d' is not an age", "30d"),
        (["--since", "99999999d"], "is not an age", "30d"),
        (["--column", "PatientID", "--all"], "--column goes with --ids", "--ids FILE"),
        (["--all", "--memory-limit", "plenty"], "'plenty' is not an amount of memory", "4GB"),
        (["--all", "--level", "frame"], "'frame' is not one of 'study', 'series'", "--help"),
        (["--all", "--maximum-bytes-billed", "0"], "'--maximum-bytes-billed'", "--help"),
        (["--all", "--wher", "x"], "No such option: --wher", "--help"),
    ],
    ids=ascii,
)
def test_a_call_that_makes_no_sense(arguments: list[str], message: str, hint: str) -> None:
    said, hinted = refusal(build(*arguments), "usage")
    assert message in said
    assert "Value error" not in said
    assert hint in hinted


@pytest.mark.usefixtures("unchanged")
def test_look_alike_digits_in_a_value_match_nothing_and_say_so() -> None:
    refusal(build("--where", "PatientID = '１９０４５'"), "empty-filter", status=3)


@pytest.mark.usefixtures("unchanged")
@pytest.mark.parametrize(
    ("where", "param", "message", "hint"),
    [
        ("Modality = @m", [], "Query parameter 'm' not found", "--param m:TYPE:VALUE"),
        ("Modality = @m", ["m::CT", "n::CT"], "unused parameter: @n", "@n"),
        ("Modality = @m", ["m::CT", "m::MR"], "@m is given twice", "once"),
        ("Modality = @m", ["m"], "'m' is not a parameter", "name:TYPE:value"),
        ("Modality = @m", ["m:TEXT:CT"], "'TEXT' is not a GoogleSQL type", "STRING"),
        ("Modality = @m", ["m:INT64:CT"], "'CT' is not of type INT64", "whole number"),
        ("Modality = @m", ["m:INT64:1"], "No matching signature", "SAFE_CAST"),
        ("BlobStorageSize = @n", ["n:INT64:１"], "is not of type INT64", "whole number"),
        ("StudyDate = @d", ["d:DATE:2021-02-30"], "is not of type DATE", "2021-01-31"),
        ("Modality IN UNNEST(@m)", ["m:ARRAY<STRING>:[CT"], "is not of type ARRAY", "JSON list"),
        ("Modality = @m", ["m::C\x00T"], "holds a control character", "pasted"),
    ],
    ids=ascii,
)
def test_a_parameter_that_is_missing_unused_or_ill_typed(
    where: str, param: list[str], message: str, hint: str
) -> None:
    ended = build("--where", where, *(word for text in param for word in ("--param", text)))
    assert ended.status == 2
    first, *_, last = ended.err.splitlines()
    assert first.startswith(("error[parameter]: ", "error[predicate]: ", "error[usage]: "))
    assert message in first
    assert hint in last


@pytest.mark.parametrize(
    ("name", "data", "column", "message"),
    [
        ("nothing.csv", None, None, "error[source-not-found]: nothing.csv does not exist"),
        (".", None, None, "error[source]: . cannot be read: is a directory"),
        ("i.csv", b"", "PatientID", "i.csv is empty"),
        ("i.csv", b"PatientID\n\n\n", None, "holds no identifier"),
        ("i.csv", b"a,b\n1,2\n", None, "the header of i.csv names no identifier"),
        ("i.csv", b"a,b\n1,2\n", "PatientID", "i.csv has no column PatientID"),
        ("i.csv", b"PatientID\n1\n", "Ward", "has no column Ward"),
        ("i.parquet", b"PAR1 and no more", "PatientID", "no whole Parquet file"),
        ("i.parquet", b"not at all", "PatientID", "no whole Parquet file"),
        ("i.csv", b"AccessionNumber\n7\n", None, "AccessionNumber"),
    ],
)
def test_a_list_of_identifiers_that_cannot_be_used(
    desk: Path, name: str, data: bytes | None, column: str | None, message: str
) -> None:
    if data is not None:
        (desk / name).write_bytes(data)
    there = contents(desk)
    ended = build("--ids", name, *(("--column", column) if column else ()))
    said, _ = refusal(ended, ended.err[len("error[") : ended.err.index("]")])
    assert message in said
    assert contents(desk) == there


@pytest.mark.usefixtures("unchanged")
@pytest.mark.parametrize(
    ("output", "message"),
    [
        ("nowhere/f.txt", "there is no folder"),
        ("metadata.parquet", "is read here and cannot be the output too"),
        ("./metadata/../metadata.parquet", "is read here"),
        ("metadata.parquet/f.txt", "not a directory"),
        ("metadata", "metadata is a folder"),
        ("new/", "new/ is a folder"),
        ("", "'' is not the name of a file"),
        ("/proc/f.txt", "/proc/f.txt was not written"),
        ("x" * 300, "file name too long"),
    ],
    ids=ascii,
)
@pytest.mark.parametrize("overwrite", [[], ["--overwrite"]], ids=["", "overwrite"])
def test_a_place_where_no_filter_file_can_be(
    output: str, message: str, overwrite: list[str]
) -> None:
    assert message in refusal(build("--all", *overwrite, output=output), "destination")[0]


@pytest.mark.usefixtures("unchanged")
def test_the_output_is_not_the_list_of_identifiers() -> None:
    ended = build("--ids", "cohort.csv", "--overwrite", output="cohort.csv")
    assert "cohort.csv is read here" in refusal(ended, "destination")[0]


@pytest.mark.usefixtures("unchanged")
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["-o", "-", "--json"], "-o - and --json both want standard output"),
        ([], "no output is named"),
        (["-o", "f", "--manifest", "f"], "--manifest f is where the filter file goes"),
        (["-o", "f", "--manifest", "-"], "--manifest - is where"),
    ],
    ids=str,
)
def test_two_things_cannot_go_to_one_place(arguments: list[str], message: str) -> None:
    ended = call("build", "metadata.parquet", "--all", *arguments)
    assert message in refusal(ended, "usage")[0]


def test_no_table_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DICOMFILTER_TABLE", raising=False)
    assert "no TABLE is named" in refusal(call("build", "--all", "-o", "f"), "usage")[0]


def test_a_folder_that_may_not_be_written(unchanged: Path) -> None:
    libc = ctypes.CDLL(None)
    unchanged.chmod(0o555)
    try:
        ended = run(
            *("build", "metadata.parquet", "--all", "-o", "f.txt"),
            cwd=unchanged,
            before=lambda: libc.prctl(PR_CAPBSET_DROP, CAP_DAC_OVERRIDE, 0, 0, 0),
        )
    finally:
        unchanged.chmod(0o755)
    said, hint = refusal(ended, "destination")
    assert said.endswith("f.txt was not written: permission denied")
    assert hint == "choose a folder that you can write to"


def test_a_file_that_may_not_grow(desk: Path) -> None:
    def before() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (500, 500))

    there = contents(desk)
    asked = ("build", "metadata.parquet", "--all", "-o", "f.txt")
    said, hint = refusal(run(*asked, cwd=desk, before=before), "destination")
    assert said.endswith("f.txt was not written: file too large")
    assert "ulimit" in hint
    assert contents(desk) == there


def test_a_full_disk_leaves_no_filter_and_no_sidecar(desk: Path) -> None:
    mount, umount = shutil.which("mount"), shutil.which("umount")
    small = desk / "small"
    small.mkdir()
    made = mount and umount and subprocess.run(
        [mount, "-t", "tmpfs", "-o", "size=4k", "tmpfs", str(small)],
        capture_output=True,
        check=False,
    )  # fmt: skip
    if not made or made.returncode != 0 or umount is None:
        pytest.skip("may not mount a file system here")
    try:
        (small / "ballast").write_bytes(b"x" * 4096)
        ended = run("build", "metadata.parquet", "--all", "-o", "small/f.txt", cwd=desk)
        left = [path.name for path in small.iterdir()]
    finally:
        subprocess.run([umount, str(small)], check=True)
    said, hint = refusal(ended, "destination")
    assert said.endswith("small/f.txt was not written: no space left on device")
    assert hint.startswith("free some space")
    assert left == ["ballast"]


def test_a_manifest_that_cannot_be_replayed(desk: Path) -> None:
    (desk / "odd.json").write_text("[1, 2]")
    again = ("build", "-o", "f.txt", "--from-manifest")
    assert "odd.json" in refusal(call(*again, "odd.json"), "manifest")[0]
    assert "no.json does not exist" in refusal(call(*again, "no.json"), "source-not-found")[0]
    assert not (desk / "f.txt").exists()


@pytest.mark.parametrize("word", ["biuld", "--nothing", ""])
def test_a_command_that_there_is_not(word: str) -> None:
    ended = call(word)
    assert (ended.status, ended.out) == (2, "")
    assert ended.err.splitlines()[-1] == "hint: run `dicomfilter --help`"


def test_no_command_at_all_shows_the_help_where_errors_go() -> None:
    ended = call()
    assert (ended.status, ended.out) == (2, "")
    assert "Commands:" in ended.err
