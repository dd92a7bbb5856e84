"""The SQL of a check, for a DuckDB session of its own.

``source`` is the stream of ``line_batch``. UIDs are kept as 64-bit hashes: lines whose hashes
differ are different, and what hashes suggest is looked at again as text before it is said.
"""

from __future__ import annotations

READ = r"""
CREATE TEMP TABLE lines AS
SELECT
  line,
  marks,
  CASE WHEN good THEN depth END AS depth,
  good AND (
    strlen(parts[3]) > 64
    OR coalesce(strlen(parts[5]) > 64, false)
    OR coalesce(strlen(parts[7]) > 64, false)
    OR CASE WHEN proof = 2 THEN false ELSE NOT regexp_full_match(
      text,
      '(?:/[a-z]+/(?:0|[1-9][0-9]*)(?:\.(?:0|[1-9][0-9]*))*)+'
    ) END
  ) AS irregular,
  CASE WHEN good THEN hash(parts[3]) END AS study,
  CASE WHEN good AND depth > 1 THEN hash(parts[5]) END AS series,
  CASE WHEN good AND depth > 2 THEN hash(parts[7]) END AS instance,
  CASE WHEN NOT good THEN text END AS odd
FROM (
  SELECT
    *,
    depth IS NOT NULL AND CASE
      WHEN proof > 0
      THEN parts[3] <> '' AND coalesce(parts[5] <> '', true) AND coalesce(parts[7] <> '', true)
      ELSE regexp_full_match(text, '(?:/[a-z]+/[0-9.]+)+')
    END AS good
  FROM (
    SELECT
      *,
      CASE WHEN parts[1] = '' AND parts[2] = 'studies' THEN CASE len(parts)
        WHEN 3 THEN 1
        WHEN 5 THEN CASE WHEN parts[4] = 'series' THEN 2 END
        WHEN 7 THEN CASE WHEN parts[4] = 'series' AND parts[6] = 'instances' THEN 3 END
      END END::UTINYINT AS depth
    FROM (SELECT *, string_split(text, '/') AS parts FROM source)
  )
)
"""
