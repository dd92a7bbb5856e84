-- staging, GoogleSQL
SELECT
  *
FROM (
  SELECT
    study,
    series,
    usable,
    SUM(row_count) AS row_count,
    SUM(matched) AS matched,
    SUM(units) AS units,
    IF(COUNTIF(size_bytes IS NULL) > 0, NULL, SUM(size_bytes)) AS size_bytes,
    LOGICAL_OR(hit) AS hit
  FROM (
    SELECT
      study,
      series,
      instance,
      usable,
      row_count,
      hit,
      IF(hit, 1, 0) AS matched,
      1 AS units,
      size_bytes
    FROM (
      SELECT
        study,
        series,
        instance,
        usable,
        COUNTIF(hit) AS row_count,
        MAX(size_bytes) AS size_bytes,
        LOGICAL_OR(hit) AS hit
      FROM (
        SELECT
          `StudyInstanceUID` AS study,
          `SeriesInstanceUID` AS series,
          `SOPInstanceUID` AS instance,
          dcf_usable AS usable,
          BlobStorageSize AS size_bytes,
          COALESCE((
            Modality = @p1
          ), FALSE) AS hit
        FROM (
          SELECT
            `StudyInstanceUID`,
            `SeriesInstanceUID`,
            `SOPInstanceUID`,
            `LastUpdated`,
            `Type`,
            `BlobStorageSize`,
            `Modality`,
            dcf_usable
          FROM (
            SELECT
              `StudyInstanceUID`,
              `SeriesInstanceUID`,
              `SOPInstanceUID`,
              `LastUpdated`,
              `Type`,
              `BlobStorageSize`,
              `Modality`,
              COALESCE(
                LTRIM(StudyInstanceUID, '0123456789.') = ''
                AND StudyInstanceUID <> ''
                AND LTRIM(SeriesInstanceUID, '0123456789.') = ''
                AND SeriesInstanceUID <> ''
                AND NOT REGEXP_CONTAINS(SOPInstanceUID, '[^0-9.]')
                AND SOPInstanceUID <> '',
                FALSE
              ) AS dcf_usable
            FROM metadata
          ) AS every_version
          QUALIFY
            NOT dcf_usable
            OR ROW_NUMBER() OVER (
              PARTITION BY dcf_usable, StudyInstanceUID, SeriesInstanceUID, SOPInstanceUID
              ORDER BY LastUpdated DESC, IF(Type = 'DELETE', 0, 1) ASC
            ) = 1
        ) AS metadata
        WHERE
          (
            COALESCE(Type, '') <> 'DELETE'
          )
      ) AS current_rows
      GROUP BY
        study,
        series,
        instance,
        usable
    ) AS folded
  ) AS unit_rows
  GROUP BY
    study,
    series,
    usable
) AS line_groups
WHERE
  hit

-- staging, DuckDB
SELECT * FROM (SELECT "study" AS "study", "series" AS "series", "usable" AS "usable", CAST(SUM("row_count") AS BIGINT) AS "row_count", CAST(SUM("matched") AS BIGINT) AS "matched", CAST(SUM("units") AS BIGINT) AS "units", (CASE WHEN COUNT((CASE WHEN "size_bytes" IS NULL THEN 1 END)) > CAST(0 AS BIGINT) THEN CAST(NULL AS BIGINT) ELSE CAST(SUM("size_bytes") AS BIGINT) END) AS "size_bytes", BOOL_OR("hit") AS "hit" FROM (SELECT "study" AS "study", "series" AS "series", "instance" AS "instance", "usable" AS "usable", "row_count" AS "row_count", "hit" AS "hit", (CASE WHEN "hit" THEN CAST(1 AS BIGINT) ELSE CAST(0 AS BIGINT) END) AS "matched", CAST(1 AS BIGINT) AS "units", "size_bytes" AS "size_bytes" FROM (SELECT "study" AS "study", "series" AS "series", "instance" AS "instance", "usable" AS "usable", COUNT((CASE WHEN "hit" THEN 1 END)) AS "row_count", MAX("size_bytes") AS "size_bytes", BOOL_OR("hit") AS "hit" FROM (SELECT "StudyInstanceUID" AS "study", "SeriesInstanceUID" AS "series", "SOPInstanceUID" AS "instance", "dcf_usable" AS "usable", "BlobStorageSize" AS "size_bytes", COALESCE(("Modality" = CAST($p1 AS TEXT)), FALSE) AS "hit" FROM (SELECT "StudyInstanceUID" AS "StudyInstanceUID", "SeriesInstanceUID" AS "SeriesInstanceUID", "SOPInstanceUID" AS "SOPInstanceUID", "LastUpdated" AS "LastUpdated", "Type" AS "Type", "BlobStorageSize" AS "BlobStorageSize", "Modality" AS "Modality", "dcf_usable" AS "dcf_usable" FROM (SELECT "StudyInstanceUID" AS "StudyInstanceUID", "SeriesInstanceUID" AS "SeriesInstanceUID", "SOPInstanceUID" AS "SOPInstanceUID", "LastUpdated" AS "LastUpdated", "Type" AS "Type", "BlobStorageSize" AS "BlobStorageSize", "Modality" AS "Modality", COALESCE((LTRIM("StudyInstanceUID", '0123456789.') = '') AND ("StudyInstanceUID" <> '') AND (LTRIM("SeriesInstanceUID", '0123456789.') = '') AND ("SeriesInstanceUID" <> '') AND (NOT REGEXP_MATCHES("SOPInstanceUID", '[^0-9.]')) AND ("SOPInstanceUID" <> ''), FALSE) AS "dcf_usable" FROM "metadata") AS "every_version" QUALIFY (NOT "dcf_usable") OR ((ROW_NUMBER() OVER (PARTITION BY "dcf_usable", "StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID" ORDER BY "LastUpdated" DESC, (CASE WHEN "Type" = 'DELETE' THEN CAST(0 AS BIGINT) ELSE CAST(1 AS BIGINT) END) ASC NULLS FIRST)) = CAST(1 AS BIGINT))) AS "metadata_2" WHERE (COALESCE("Type", '') <> 'DELETE')) AS "current_rows" GROUP BY "study", "series", "instance", "usable") AS "folded") AS "unit_rows" GROUP BY "study", "series", "usable") AS "line_groups" WHERE "hit"

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
  SUM(IF(usable, matched, 0)) AS matched,
  SUM(IF(usable, units, 0)) AS units,
  SUM(IF(usable, 0, row_count)) AS rejected,
  IF(COUNTIF(usable AND size_bytes IS NULL) > 0, NULL, SUM(IF(usable, size_bytes, NULL))) AS size_bytes
FROM stage
