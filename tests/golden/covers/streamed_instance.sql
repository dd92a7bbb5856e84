-- staging, GoogleSQL
SELECT
  study,
  series,
  instance,
  usable,
  COUNT(*) AS row_count,
  MAX(size_bytes) AS size_bytes
FROM (
  SELECT
    `StudyInstanceUID` AS study,
    `SeriesInstanceUID` AS series,
    `SOPInstanceUID` AS instance,
    dcf_usable AS usable,
    BlobStorageSize AS size_bytes
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
    ) AND (
      Modality = @p1
    )
) AS current_rows
GROUP BY
  study,
  series,
  instance,
  usable

-- staging, DuckDB
SELECT "study" AS "study", "series" AS "series", "instance" AS "instance", "usable" AS "usable", COUNT(*) AS "row_count", MAX("size_bytes") AS "size_bytes" FROM (SELECT "StudyInstanceUID" AS "study", "SeriesInstanceUID" AS "series", "SOPInstanceUID" AS "instance", "dcf_usable" AS "usable", "BlobStorageSize" AS "size_bytes" FROM (SELECT "StudyInstanceUID" AS "StudyInstanceUID", "SeriesInstanceUID" AS "SeriesInstanceUID", "SOPInstanceUID" AS "SOPInstanceUID", "LastUpdated" AS "LastUpdated", "Type" AS "Type", "BlobStorageSize" AS "BlobStorageSize", "Modality" AS "Modality", "dcf_usable" AS "dcf_usable" FROM (SELECT "StudyInstanceUID" AS "StudyInstanceUID", "SeriesInstanceUID" AS "SeriesInstanceUID", "SOPInstanceUID" AS "SOPInstanceUID", "LastUpdated" AS "LastUpdated", "Type" AS "Type", "BlobStorageSize" AS "BlobStorageSize", "Modality" AS "Modality", COALESCE((LTRIM("StudyInstanceUID", '0123456789.') = '') AND ("StudyInstanceUID" <> '') AND (LTRIM("SeriesInstanceUID", '0123456789.') = '') AND ("SeriesInstanceUID" <> '') AND (NOT REGEXP_MATCHES("SOPInstanceUID", '[^0-9.]')) AND ("SOPInstanceUID" <> ''), FALSE) AS "dcf_usable" FROM "metadata") AS "every_version" QUALIFY (NOT "dcf_usable") OR ((ROW_NUMBER() OVER (PARTITION BY "dcf_usable", "StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID" ORDER BY "LastUpdated" DESC, (CASE WHEN "Type" = 'DELETE' THEN CAST(0 AS BIGINT) ELSE CAST(1 AS BIGINT) END) ASC NULLS FIRST)) = CAST(1 AS BIGINT))) AS "metadata_2" WHERE (COALESCE("Type", '') <> 'DELETE') AND ("Modality" = CAST($p1 AS TEXT))) AS "current_rows" GROUP BY "study", "series", "instance", "usable"

-- lines, GoogleSQL
SELECT
  CONCAT('/studies/', study, '/series/', series, '/instances/', instance, '\n') AS line
FROM stage
WHERE
  usable

-- counts, GoogleSQL
SELECT
  COUNTIF(usable) AS line_count,
  0 AS study_lines,
  0 AS series_lines,
  COUNTIF(usable) AS instance_lines,
  COUNT(DISTINCT IF(usable, study, NULL)) AS studies,
  COUNT(DISTINCT IF(usable, series, NULL)) AS series,
  COUNTIF(usable) AS matched,
  COUNTIF(usable) AS units,
  SUM(IF(usable, 0, row_count)) AS rejected,
  IF(COUNTIF(usable AND size_bytes IS NULL) > 0, NULL, SUM(IF(usable, size_bytes, NULL))) AS size_bytes
FROM stage
