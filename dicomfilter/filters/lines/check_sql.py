"""The SQL of a check, for a DuckDB session of its own.

``source`` is the stream of ``line_batch``. UIDs are kept as 64-bit hashes: lines whose hashes
differ are different, and what hashes suggest is looked at again as text before it is said.
"""

from __future__ import annotations

HAS_BAR = "SELECT current_setting('enable_progress_bar')"
"""Asked first: a notebook without ipywidgets has none, and may not even switch it off."""
NO_BAR = "SET enable_progress_bar = false"
ALLOW = "SET allowed_paths = $paths"
LOCK = "SET enable_external_access = false"

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

MEND = r"""
CREATE TEMP TABLE mended AS
SELECT
  *,
  CASE WHEN path IS NOT NULL THEN len(parts) // 2 END::UTINYINT AS depth,
  path IS NOT NULL AND (
    list_max(list_transform(parts, lambda part: strlen(part))) > 64
    OR NOT regexp_full_match(path, '(?:/[a-z]+/(?:0|[1-9][0-9]*)(?:\.(?:0|[1-9][0-9]*))*)+')
  ) AS irregular,
  CASE WHEN path IS NOT NULL THEN hash(parts[3]) END AS study,
  CASE WHEN len(parts) > 3 THEN hash(parts[5]) END AS series,
  CASE WHEN len(parts) > 5 THEN hash(parts[7]) END AS instance
FROM (
  SELECT
    line,
    marks & 1 > 0 AS "nul",
    marks & 2 > 0 AS "non-ascii",
    spaced AS "surrounding-whitespace",
    quoted AS "quotes",
    bare = '' AS "blank-line",
    header AS "header-line",
    prefix IS NOT NULL AS "dicomweb-prefix",
    slashless AS "no-leading-slash",
    plain AND path IS NULL AND shaped AS "unusable-uid",
    plain AND path IS NULL AND NOT shaped AS "wrong-shape",
    coalesce(
      nullif(regexp_extract(prefix, 'projects/.*'), ''),
      nullif(regexp_extract(prefix, 'https?://.*'), '')
    ) AS store,
    path,
    string_split(path, '/') AS parts
  FROM (
    SELECT
      *,
      marks & 3 = 0 AND bare <> '' AND NOT header AS plain,
      regexp_full_match(rest, '/studies/[^/]*(?:/series/[^/]*(?:/instances/[^/]*)?)?') AS shaped,
      CASE WHEN regexp_full_match(
        rest, '/studies/[0-9.]+(?:/series/[0-9.]+(?:/instances/[0-9.]+)?)?'
      ) THEN rest END AS path
    FROM (
      SELECT
        *,
        starts_with(bare, 'studies/') AS slashless,
        CASE
          WHEN prefix IS NOT NULL THEN substr(bare, strlen(prefix) + 1)
          WHEN starts_with(bare, 'studies/') THEN '/' || bare
          ELSE bare
        END AS rest
      FROM (
        SELECT
          *,
          coalesce(bare = $header, false) AS header,
          nullif(regexp_extract(
            bare,
            '^((?:https?://[^/?#]+(?:/[^/?#]+)*?)|(?:/?(?:[^/?#]+/)*?dicomWeb))/studies/[^/]*'
            '(?:/series/[^/]*(?:/instances/[^/]*)?)?$',
            1
          ), '') AS prefix
        FROM (
          SELECT
            line,
            marks,
            coalesce(left(trimmed, 1) IN ('"', '''') OR right(trimmed, 1) IN ('"', ''''), false)
              AS quoted,
            CASE WHEN paired THEN trim(trimmed[2:-2], $blanks) ELSE trimmed END AS bare,
            odd <> trimmed OR (paired AND trim(trimmed[2:-2], $blanks) <> trimmed[2:-2]) AS spaced
          FROM (
            SELECT
              *,
              strlen(trimmed) > 1 AND left(trimmed, 1) IN ('"', '''')
                AND left(trimmed, 1) = right(trimmed, 1) AS paired
            FROM (
              SELECT line, marks, odd, trim(odd, $blanks) AS trimmed
              FROM lines
              WHERE odd IS NOT NULL
            )
          )
        )
      )
    )
  )
)
"""

PATHS = """
CREATE TEMP VIEW paths AS
SELECT line, depth, irregular, study, series, instance FROM lines WHERE depth IS NOT NULL
UNION ALL
SELECT line, depth, irregular, study, series, instance FROM mended WHERE depth IS NOT NULL
"""

LEVELS = """
SELECT
  count(*) FILTER (depth = 1),
  count(*) FILTER (depth = 2),
  count(*) FILTER (depth = 3)
FROM paths
"""

LEVELS_LEFT = """
SELECT
  count(*) FILTER (depth = 1),
  count(*) FILTER (depth = 2),
  count(*) FILTER (depth = 3)
FROM paths ANTI JOIN edits ON paths.line = edits.line AND edits.path IS NULL
"""

SUMS = """
SELECT
  version(),
  (sum(hash(study, coalesce(series, 0), coalesce(instance, 0), depth))
    % 18446744073709551616)::UBIGINT,
  (sum(hash(depth, coalesce(instance, 0), coalesce(series, 0), study, 'again'))
    % 18446744073709551616)::UBIGINT
FROM paths
"""
"""Two sums of hashes, in which the order of lines is lost; other releases may hash otherwise."""

DISTINCT = """
SELECT
  count(DISTINCT study),
  count(DISTINCT series),
  count(DISTINCT instance)
FROM paths
"""

MARKED = """
SELECT 'bom', count(*), min(line, $shown) FROM lines WHERE marks & 4 > 0
UNION ALL
SELECT 'crlf', count(*), min(line, $shown) FROM lines WHERE marks & 8 > 0
UNION ALL
SELECT 'irregular-uid', count(*), min(line, $shown) FROM paths WHERE irregular
"""

ODD = """
SELECT kind, count(*), min(line, $shown)
FROM (
  UNPIVOT mended ON
    "nul", "non-ascii", "surrounding-whitespace", "quotes", "blank-line", "header-line",
    "dicomweb-prefix", "no-leading-slash", "unusable-uid", "wrong-shape"
  INTO NAME kind VALUE found
)
WHERE found
GROUP BY kind
UNION ALL
SELECT 'mixed-stores', count(*), min(line, $shown)
FROM mended
WHERE store <> (SELECT arg_min(store, line) FROM mended WHERE store IS NOT NULL)
"""

INSTANCES = "SELECT instance FROM paths WHERE instance BETWEEN $low AND $high"

TWICE_SORTED = "CREATE TEMP TABLE twice AS SELECT instance FROM source"

TWICE = """
CREATE TEMP TABLE twice AS
SELECT instance FROM paths WHERE depth = 3 GROUP BY instance HAVING count(*) > 1
"""

SUSPECT = """
CREATE TEMP TABLE suspects AS
SELECT line FROM paths WHERE instance IN (SELECT instance FROM twice)
UNION
SELECT line FROM paths WHERE depth = 2 AND series IN (
  SELECT series FROM paths WHERE depth = 2 GROUP BY series HAVING count(*) > 1
)
UNION
SELECT line FROM paths WHERE depth = 1 AND study IN (
  SELECT study FROM paths WHERE depth = 1 GROUP BY study HAVING count(*) > 1
)
UNION
SELECT line FROM paths WHERE depth > 1 AND series IN (
  SELECT series FROM paths WHERE depth > 1 GROUP BY series HAVING min(study) <> max(study)
)
"""

SUSPECT_COVERED = """
INSERT INTO suspects
WITH
  of_study AS MATERIALIZED (
    SELECT line, depth, study FROM paths WHERE study IN (SELECT study FROM paths WHERE depth = 1)
  ),
  of_series AS MATERIALIZED (
    SELECT line, depth, series FROM paths
    WHERE series IN (SELECT series FROM paths WHERE depth = 2)
  ),
  either AS (
    SELECT line FROM of_study WHERE depth > 1
    UNION
    SELECT line FROM of_study WHERE study IN (SELECT study FROM of_study WHERE depth > 1)
    UNION
    SELECT line FROM of_series WHERE depth > 2
    UNION
    SELECT line FROM of_series WHERE series IN (SELECT series FROM of_series WHERE depth > 2)
  )
SELECT line FROM either WHERE line NOT IN (SELECT line FROM suspects)
"""
"""A few of very many are found many times faster before their depth is looked at."""

SUSPECT_LINES = "SELECT line FROM suspects ORDER BY line"

LOOK = """
CREATE TEMP TABLE looked AS
SELECT line, parts[3] AS study, parts[5] AS series, parts[7] AS instance
FROM (
  SELECT line, string_split(coalesce(mended.path, source.text), '/') AS parts
  FROM source LEFT JOIN mended USING (line)
)
"""

REPEATS = """
CREATE TEMP TABLE repeats AS
WITH
  compared AS MATERIALIZED (
    SELECT
      *,
      row_number() OVER (PARTITION BY study, series, instance ORDER BY line) > 1 AS again,
      study <> first_value(study) OVER (PARTITION BY series ORDER BY line) AS elsewhere,
      series <> first_value(series) OVER (PARTITION BY instance ORDER BY line) AS moved
    FROM looked
  )
SELECT line, 'duplicate' AS kind FROM compared WHERE again
UNION ALL
SELECT line, 'covered' FROM compared AS fine
WHERE NOT again AND series IS NOT NULL AND (
  study IN (SELECT study FROM looked WHERE series IS NULL)
  OR (
    instance IS NOT NULL
    AND (study, series) IN (
      SELECT (study, series) FROM looked WHERE series IS NOT NULL AND instance IS NULL
    )
  )
)
UNION ALL
SELECT line, 'series-in-two-studies' FROM compared WHERE series IS NOT NULL AND elsewhere
UNION ALL
SELECT line, 'instance-in-two-series' FROM compared WHERE instance IS NOT NULL AND moved
"""

REPEATED = """
SELECT kind, count(*), min(line, $shown) FROM repeats GROUP BY kind
"""

EDITS = """
CREATE TEMP TABLE edits AS
SELECT line, NULL::VARCHAR AS path FROM repeats
UNION ALL
SELECT line, path FROM mended WHERE line NOT IN (SELECT line FROM repeats)
ORDER BY line
"""

EDITS_OF = """
SELECT line - $first AS row, path
FROM edits
WHERE line >= $first AND line < $first + $count
ORDER BY line
"""

KNOWN = """
CREATE TEMP TABLE known AS
SELECT
  hash(study) AS study,
  hash(series) AS series,
  hash(instance) AS instance,
  CASE WHEN hash(series) IN (SELECT study FROM named) THEN [series, study] END AS misplaced
FROM table_rows
WHERE hash(study) IN (SELECT study FROM paths) OR hash(series) IN (SELECT study FROM named)
"""

NAMED = """
CREATE TEMP TABLE named AS SELECT DISTINCT study FROM paths WHERE depth = 1
"""

UNKNOWN = """
CREATE TEMP TABLE unknown AS
SELECT line, study, depth FROM paths
WHERE depth = 1 AND study NOT IN (SELECT study FROM known)
UNION ALL
SELECT line, study, depth FROM paths AS p
WHERE (depth = 2 OR (depth = 3 AND NOT $instances)) AND NOT EXISTS (
  SELECT 1 FROM known AS k WHERE k.study = p.study AND k.series = p.series
)
UNION ALL
SELECT line, study, depth FROM paths AS p
WHERE depth = 3 AND $instances AND NOT EXISTS (
  SELECT 1 FROM known AS k
  WHERE k.study = p.study AND k.series = p.series AND k.instance = p.instance
)
"""

UNKNOWN_LINES = """
SELECT count(*), min(line, $shown) FROM unknown
"""

MISPLACED = """
SELECT line, any_value(misplaced)
FROM unknown JOIN known ON unknown.study = known.series
WHERE unknown.depth = 1 AND misplaced IS NOT NULL
GROUP BY line
ORDER BY line
LIMIT $shown
"""
