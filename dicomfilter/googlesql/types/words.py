"""The words that GoogleSQL reserves, and those that the parser gives a meaning."""
# ruff: noqa: SIM905 - a block of words is easier to read and to compare than a list of strings

from __future__ import annotations

RESERVED = frozenset(
    """
    ALL AND ANY ARRAY AS ASC ASSERT_ROWS_MODIFIED AT BETWEEN BY CASE CAST COLLATE CONTAINS
    CREATE CROSS CUBE CURRENT DEFAULT DEFINE DESC DISTINCT ELSE END ENUM ESCAPE EXCEPT EXCLUDE
    EXISTS EXTRACT FALSE FETCH FOLLOWING FOR FROM FULL GROUP GROUPING GROUPS HASH HAVING IF
    IGNORE IN INNER INTERSECT INTERVAL INTO IS JOIN LATERAL LEFT LIKE LIMIT LOOKUP MERGE NATURAL
    NEW NO NOT NULL NULLS OF ON OR ORDER OUTER OVER PARTITION PRECEDING PROTO QUALIFY RANGE
    RECURSIVE RESPECT RIGHT ROLLUP ROWS SELECT SET SOME STRUCT TABLESAMPLE THEN TO TREAT TRUE
    UNBOUNDED UNION UNNEST USING WHEN WHERE WINDOW WITH WITHIN
    """.split()
)
"""Reserved: usable as a name only between backticks, or after a dot.

Source: GoogleSQL lexical structure, "Reserved keywords"; QUALIFY as BigQuery reserves it.
"""

STATEMENTS = frozenset(
    """
    ALTER ANALYZE ASSERT BEGIN CALL CLONE COMMIT CREATE DECLARE DELETE DESCRIBE DROP EXECUTE
    EXPLAIN EXPORT GRANT IMPORT INSERT LOAD MERGE RENAME REVOKE ROLLBACK SELECT SET SHOW START
    TRUNCATE UNDROP UPDATE WITH
    """.split()
)
"""Words that begin a statement, for saying so where a condition is wanted."""

SAFE = "SAFE."
"""What stands before a function's name where its errors are NULL."""

CALENDAR = ("DAY", "WEEK", "MONTH", "QUARTER", "YEAR")
"""The units of a day and more."""

CLOCK = ("MICROSECOND", "MILLISECOND", "SECOND", "MINUTE", "HOUR")
"""The units below a day."""

DATE_PARTS = (*CLOCK, *CALENDAR)
"""The units of an INTERVAL."""
QUERY_BEGINS = ("SELECT", "WITH", "FROM")
"""Words that begin a query."""
