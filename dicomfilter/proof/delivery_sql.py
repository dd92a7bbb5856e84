"""The SQL of what is new, changed and gone.

``claimed``: lines of what was delivered. ``units``: what the table knows of their studies.
``wanted``: lines of the cohort of now.
"""

from __future__ import annotations

CLAIMED = """
CREATE TEMP TABLE claimed (
  study VARCHAR, series VARCHAR, instance VARCHAR, snapshot TIMESTAMPTZ, is_verified BOOLEAN
)
"""
CLAIM = """
INSERT INTO claimed
SELECT study, series, instance, $snapshot::TIMESTAMPTZ, $is_verified FROM one
"""

DELIVERED = """
CREATE TEMP TABLE delivered AS
SELECT study, series, instance, max(snapshot) AS snapshot
FROM (
  SELECT study, series, instance, snapshot FROM claimed WHERE instance IS NOT NULL
  UNION ALL
  SELECT units.study, units.series, units.instance, claimed.snapshot
  FROM claimed
  JOIN units ON claimed.study = units.study
    AND (claimed.series IS NULL OR claimed.series = units.series)
  WHERE claimed.instance IS NULL
    AND units.instance IS NOT NULL
    AND NOT units.deleted
    AND units.updated <= claimed.snapshot
)
GROUP BY study, series, instance
"""
"""Lines of studies and series count for what was there, never for what came later."""

COARSE = """
SELECT
  count(*),
  count(*) FILTER (NOT EXISTS (
    SELECT 1 FROM units
    WHERE units.study = claimed.study
      AND (claimed.series IS NULL OR claimed.series = units.series)
      AND units.updated <= claimed.snapshot
  ))
FROM claimed WHERE instance IS NULL
"""

SELECTED = """
CREATE TEMP TABLE selected AS
SELECT delivered.*
FROM delivered
WHERE study IN (SELECT study FROM wanted WHERE series IS NULL)
  OR (study, series) IN (
    SELECT (study, series) FROM wanted WHERE series IS NOT NULL AND instance IS NULL
  )
  OR (study, series, instance) IN (
    SELECT (study, series, instance) FROM wanted WHERE instance IS NOT NULL
  )
"""
"""What was delivered, and belongs to the cohort of now."""

GONE = """
CREATE TEMP TABLE gone AS
SELECT
  delivered.study,
  delivered.series,
  delivered.instance,
  CASE WHEN live.study IS NULL THEN 'deleted' ELSE 'no longer matches' END AS reason
FROM delivered
LEFT JOIN (
  SELECT DISTINCT study, series, instance FROM units WHERE NOT deleted
) AS live ON delivered.study = live.study AND delivered.series = live.series
  AND (live.instance IS NULL OR delivered.instance = live.instance)
WHERE (delivered.study, delivered.series, delivered.instance) NOT IN (
  SELECT (study, series, instance) FROM selected
) OR live.study IS NULL
"""
"""What lines of studies and series cover by name may be deleted all the same."""
GONE_ROWS = "SELECT study, series, instance, reason FROM gone ORDER BY ALL"
GONE_COUNTS = "SELECT reason, count(*) FROM gone GROUP BY reason ORDER BY reason"

CHANGED = """
CREATE TEMP TABLE changed AS
SELECT selected.study, selected.series, selected.instance
FROM selected
JOIN units ON selected.study = units.study AND selected.series = units.series
  AND selected.instance = units.instance
WHERE NOT units.deleted AND units.updated > selected.snapshot
"""
CHANGED_COUNTS = """
SELECT
  (SELECT count(*) FROM changed),
  (SELECT count(*) FROM selected WHERE snapshot IS NULL)
"""

GROWN = """
CREATE TEMP TABLE grown AS
SELECT study, series, instance FROM fresh
WHERE study NOT IN (SELECT study FROM selected)
UNION ALL
SELECT study, series, instance FROM wanted
WHERE study IN (SELECT study FROM fresh) AND study IN (SELECT study FROM selected)
"""
"""A study of which something is new and something was delivered, once more as a whole."""
