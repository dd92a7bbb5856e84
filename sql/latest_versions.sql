-- name: latest-versions
-- about: The newest row of each instance of a streamed table, deletions included.
-- parameters: none
-- requires: StudyInstanceUID, SeriesInstanceUID, SOPInstanceUID, LastUpdated, Type
SELECT
  StudyInstanceUID,
  SeriesInstanceUID,
  SOPInstanceUID,
  LastUpdated,
  Type
FROM metadata
QUALIFY
  ROW_NUMBER() OVER (
    PARTITION BY StudyInstanceUID, SeriesInstanceUID, SOPInstanceUID
    ORDER BY LastUpdated DESC NULLS LAST, IF(Type = 'DELETE', 0, 1)
  ) = 1
ORDER BY StudyInstanceUID, SeriesInstanceUID, SOPInstanceUID
