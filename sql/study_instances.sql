-- name: study-instances
-- about: How many series and instances each study has, the largest first.
-- parameters: n INT64
-- requires: StudyInstanceUID, SeriesInstanceUID, SOPInstanceUID
SELECT
  StudyInstanceUID,
  COUNT(DISTINCT SeriesInstanceUID) AS SeriesCount,
  COUNT(DISTINCT SOPInstanceUID) AS InstanceCount
FROM metadata
GROUP BY StudyInstanceUID
ORDER BY InstanceCount DESC, StudyInstanceUID
LIMIT @n
