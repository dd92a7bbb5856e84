-- staging, GoogleSQL
SELECT
  study,
  series,
  usable,
  COUNT(*) AS row_count,
  MAX(instances) AS instances,
  MAX(size_bytes) AS size_bytes
FROM (
  SELECT
    `StudyInstanceUID` AS study,
    `SeriesInstanceUID` AS series,
    COALESCE(
      LTRIM(StudyInstanceUID, '0123456789.') = ''
      AND StudyInstanceUID <> ''
      AND LTRIM(SeriesInstanceUID, '0123456789.') = ''
      AND SeriesInstanceUID <> '',
      FALSE
    ) AS usable,
    instanceCount AS instances,
    series_size_MB * 1000000 AS size_bytes
  FROM metadata
  WHERE
    (
      Modality = @p1
    )
) AS current_rows
GROUP BY
  study,
  series,
  usable

-- staging, DuckDB
SELECT "study" AS "study", "series" AS "series", "usable" AS "usable", COUNT(*) AS "row_count", MAX("instances") AS "instances", (CASE WHEN BOOL_OR(ISNAN("size_bytes")) THEN CAST('nan' AS DOUBLE) ELSE MAX("size_bytes") END) AS "size_bytes" FROM (SELECT "StudyInstanceUID" AS "study", "SeriesInstanceUID" AS "series", COALESCE((LTRIM("StudyInstanceUID", '0123456789.') = '') AND ("StudyInstanceUID" <> '') AND (LTRIM("SeriesInstanceUID", '0123456789.') = '') AND ("SeriesInstanceUID" <> ''), FALSE) AS "usable", "instanceCount" AS "instances", (CASE WHEN ISINF("series_size_MB" * CAST($p2 AS DOUBLE)) AND ISFINITE("series_size_MB") AND ISFINITE(CAST($p2 AS DOUBLE)) THEN CAST('double overflow' AS DOUBLE) ELSE "series_size_MB" * CAST($p2 AS DOUBLE) END) AS "size_bytes" FROM "metadata" WHERE ("Modality" = CAST($p1 AS TEXT))) AS "current_rows" GROUP BY "study", "series", "usable"

-- lines, GoogleSQL
SELECT
  CONCAT('/studies/', study, '/series/', series, '\n') AS line
FROM stage
WHERE
  usable

-- counts, GoogleSQL
SELECT
  COUNTIF(usable) AS line_count,
  0 AS study_lines,
  COUNTIF(usable) AS series_lines,
  0 AS instance_lines,
  COUNT(DISTINCT IF(usable, study, NULL)) AS studies,
  COUNT(DISTINCT IF(usable, series, NULL)) AS series,
  COUNTIF(usable) AS matched,
  COUNTIF(usable) AS units,
  SUM(IF(usable, 0, row_count)) AS rejected,
  IF(COUNTIF(usable AND instances IS NULL) > 0, NULL, SUM(IF(usable, instances, NULL))) AS instances,
  IF(COUNTIF(usable AND instances IS NULL) > 0, NULL, SUM(IF(usable, instances, NULL))) AS matched_instances,
  IF(COUNTIF(usable AND size_bytes IS NULL) > 0, NULL, SUM(IF(usable, size_bytes, NULL))) AS size_bytes
FROM stage
