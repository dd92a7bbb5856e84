-- name: filter-paths
-- about: The line of a filter file for each instance of one modality.
-- parameters: modality STRING
-- requires: StudyInstanceUID, SeriesInstanceUID, SOPInstanceUID, Modality
SELECT DISTINCT
  CONCAT(
    '/studies/', StudyInstanceUID, '/series/', SeriesInstanceUID, '/instances/', SOPInstanceUID
  ) AS FilterPath
FROM metadata
WHERE Modality = @modality
ORDER BY FilterPath
