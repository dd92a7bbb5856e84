from __future__ import annotations

import pytest

from dicomfilter.engines.bigquery.table_names import BigQueryTable
from dicomfilter.errors import TableError

TABLE = BigQueryTable("my-project", "imaging", "metadata")
FORMS = {
    "bq://my-project.imaging.metadata": TABLE,
    "my-project.imaging.metadata": TABLE,
    "my-project:imaging.metadata": TABLE,
    "bq://my-project:imaging.metadata": TABLE,
    "example.com:my-project.imaging.metadata": BigQueryTable(
        "example.com:my-project", "imaging", "metadata"
    ),
    "example.com:my-project:imaging.metadata": BigQueryTable(
        "example.com:my-project", "imaging", "metadata"
    ),
    "demo.dicom.my table-1": BigQueryTable("demo", "dicom", "my table-1"),
    "demo._anonymous.anon1": BigQueryTable("demo", "_anonymous", "anon1"),
}
BAD = (
    "",
    "bq://",
    "metadata",
    "bq://metadata",
    "bq://imaging.metadata",
    "bq://project.imaging.",
    "bq://.imaging.metadata",
    "bq://project..metadata",
    "bq://a.b.c.d",
    "bq://project.imaging.metadata_*",
    "bq://project.imaging.metadata$20200101",
    "bq://project.imaging.metadata@-3600",
    "bq://project.ima-ging.metadata",
    "bq://project.imaging.meta`data",
    "bq://project.imaging.metadata\n",
    "bq://pro ject.imaging.metadata",
    "bq://project.imaging.metadata;DROP",
    "example.com:imaging.metadata",
)


@pytest.mark.parametrize("text", FORMS)
def test_every_form_that_people_write_is_read(text: str) -> None:
    assert BigQueryTable.parse(text) == FORMS[text]


@pytest.mark.parametrize("table", dict.fromkeys(FORMS.values()), ids=str)
def test_str_and_parse_are_inverses(table: BigQueryTable) -> None:
    assert BigQueryTable.parse(str(table)) == table


@pytest.mark.parametrize("text", BAD)
def test_anything_else_is_refused_with_the_form_to_write(text: str) -> None:
    with pytest.raises(TableError) as caught:
        BigQueryTable.parse(text)
    assert caught.value.hint == "write bq://PROJECT.DATASET.TABLE"


def test_the_node_is_quoted_part_by_part() -> None:
    table = BigQueryTable.parse("example.com:my-project.imaging.my table")
    assert table.node().sql("bigquery") == "`example.com:my-project`.`imaging`.`my table`"
