-- staging, GoogleSQL
SELECT
  line_study AS study,
  line_series AS series,
  usable,
  SUM(row_count) AS row_count,
  SUM(matched) AS matched,
  SUM(units) AS units,
  IF(COUNTIF(instances IS NULL) > 0, NULL, SUM(instances)) AS instances,
  IF(COUNTIF(size_bytes IS NULL) > 0, NULL, SUM(size_bytes)) AS size_bytes,
  IF(COUNTIF(matched_instances IS NULL) > 0, NULL, SUM(matched_instances)) AS matched_instances,
  COUNT(DISTINCT series) AS series_count
FROM (
  SELECT
    study AS line_study,
    series,
    IF(whole_study, NULL, series) AS line_series,
    usable,
    row_count,
    matched,
    units,
    instances,
    size_bytes,
    matched_instances,
    hit
  FROM (
    SELECT
      study,
      series,
      usable,
      row_count,
      matched,
      units,
      instances,
      size_bytes,
      matched_instances,
      hit,
      LOGICAL_AND(hit AND usable) OVER (PARTITION BY study) AS whole_study,
      LOGICAL_AND(hit AND usable) OVER (PARTITION BY study, series) AS whole_series
    FROM (
      SELECT
        study,
        series,
        usable,
        row_count,
        hit,
        IF(hit, 1, 0) AS matched,
        1 AS units,
        instances,
        size_bytes,
        IF(hit, instances, 0) AS matched_instances
      FROM (
        SELECT
          study,
          series,
          usable,
          COUNTIF(hit) AS row_count,
          MAX(instances) AS instances,
          MAX(size_bytes) AS size_bytes,
          LOGICAL_OR(hit) AS hit
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
            series_size_MB * 1000000 AS size_bytes,
            COALESCE((
              Modality = @p1
            ), FALSE) AS hit
          FROM metadata
        ) AS current_rows
        GROUP BY
          study,
          series,
          usable
      ) AS folded
    ) AS line_groups
  ) AS flagged
  WHERE
    hit
) AS lines
GROUP BY
  line_study,
  line_series,
  usable

-- staging, DuckDB
SELECT "line_study" AS "study", "line_series" AS "series", "usable" AS "usable", CAST(SUM("row_count") AS BIGINT) AS "row_count", CAST(SUM("matched") AS BIGINT) AS "matched", CAST(SUM("units") AS BIGINT) AS "units", (CASE WHEN COUNT((CASE WHEN "instances" IS NULL THEN 1 END)) > CAST(0 AS BIGINT) THEN CAST(NULL AS BIGINT) ELSE CAST(SUM("instances") AS BIGINT) END) AS "instances", (CASE WHEN COUNT((CASE WHEN "size_bytes" IS NULL THEN 1 END)) > CAST(0 AS BIGINT) THEN CAST(NULL AS DOUBLE) ELSE (CASE WHEN ISINF(SUM("size_bytes")) AND (NOT BOOL_OR(ISINF("size_bytes"))) THEN CAST('double overflow' AS DOUBLE) ELSE SUM("size_bytes") END) END) AS "size_bytes", (CASE WHEN COUNT((CASE WHEN "matched_instances" IS NULL THEN 1 END)) > CAST(0 AS BIGINT) THEN CAST(NULL AS BIGINT) ELSE CAST(SUM("matched_instances") AS BIGINT) END) AS "matched_instances", COUNT(DISTINCT "series") AS "series_count" FROM (SELECT "study" AS "line_study", "series" AS "series", (CASE WHEN "whole_study" THEN CAST(NULL AS TEXT) ELSE "series" END) AS "line_series", "usable" AS "usable", "row_count" AS "row_count", "matched" AS "matched", "units" AS "units", "instances" AS "instances", "size_bytes" AS "size_bytes", "matched_instances" AS "matched_instances", "hit" AS "hit" FROM (SELECT "study" AS "study", "series" AS "series", "usable" AS "usable", "row_count" AS "row_count", "matched" AS "matched", "units" AS "units", "instances" AS "instances", "size_bytes" AS "size_bytes", "matched_instances" AS "matched_instances", "hit" AS "hit", BOOL_AND("hit" AND "usable") OVER (PARTITION BY "study") AS "whole_study", BOOL_AND("hit" AND "usable") OVER (PARTITION BY "study", "series") AS "whole_series" FROM (SELECT "study" AS "study", "series" AS "series", "usable" AS "usable", "row_count" AS "row_count", "hit" AS "hit", (CASE WHEN "hit" THEN CAST(1 AS BIGINT) ELSE CAST(0 AS BIGINT) END) AS "matched", CAST(1 AS BIGINT) AS "units", "instances" AS "instances", "size_bytes" AS "size_bytes", (CASE WHEN "hit" THEN "instances" ELSE CAST(0 AS BIGINT) END) AS "matched_instances" FROM (SELECT "study" AS "study", "series" AS "series", "usable" AS "usable", COUNT((CASE WHEN "hit" THEN 1 END)) AS "row_count", MAX("instances") AS "instances", (CASE WHEN BOOL_OR(ISNAN("size_bytes")) THEN CAST('nan' AS DOUBLE) ELSE MAX("size_bytes") END) AS "size_bytes", BOOL_OR("hit") AS "hit" FROM (SELECT "StudyInstanceUID" AS "study", "SeriesInstanceUID" AS "series", COALESCE((LTRIM("StudyInstanceUID", '0123456789.') = '') AND ("StudyInstanceUID" <> '') AND (LTRIM("SeriesInstanceUID", '0123456789.') = '') AND ("SeriesInstanceUID" <> ''), FALSE) AS "usable", "instanceCount" AS "instances", (CASE WHEN ISINF("series_size_MB" * CAST($p2 AS DOUBLE)) AND ISFINITE("series_size_MB") AND ISFINITE(CAST($p2 AS DOUBLE)) THEN CAST('double overflow' AS DOUBLE) ELSE "series_size_MB" * CAST($p2 AS DOUBLE) END) AS "size_bytes", COALESCE(("Modality" = CAST($p1 AS TEXT)), FALSE) AS "hit" FROM "metadata") AS "current_rows" GROUP BY "study", "series", "usable") AS "folded") AS "line_groups") AS "flagged" WHERE "hit") AS "lines" GROUP BY "line_study", "line_series", "usable"

-- lines, GoogleSQL
SELECT
  CONCAT('/studies/', study, IF(series IS NULL, '', CONCAT('/series/', series)), '\n') AS line
FROM stage
WHERE
  usable

-- counts, GoogleSQL
SELECT
  COUNTIF(usable) AS line_count,
  COUNTIF(usable AND series IS NULL) AS study_lines,
  COUNTIF(usable AND NOT series IS NULL) AS series_lines,
  0 AS instance_lines,
  COUNT(DISTINCT IF(usable, study, NULL)) AS studies,
  COUNT(DISTINCT IF(usable, series, NULL)) + SUM(IF(usable AND series IS NULL, series_count, 0)) AS series,
  SUM(IF(usable, matched, 0)) AS matched,
  SUM(IF(usable, units, 0)) AS units,
  SUM(IF(usable, 0, row_count)) AS rejected,
  IF(COUNTIF(usable AND instances IS NULL) > 0, NULL, SUM(IF(usable, instances, NULL))) AS instances,
  IF(
    COUNTIF(usable AND matched_instances IS NULL) > 0,
    NULL,
    SUM(IF(usable, matched_instances, NULL))
  ) AS matched_instances,
  IF(COUNTIF(usable AND size_bytes IS NULL) > 0, NULL, SUM(IF(usable, size_bytes, NULL))) AS size_bytes
FROM stage
