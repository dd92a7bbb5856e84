-- name: recent-studies
-- about: The studies with the latest StudyDate, newest first.
-- parameters: n INT64
-- requires: PatientID, StudyInstanceUID, SeriesInstanceUID, StudyDate
SELECT
  MAX(StudyDate) AS LatestStudyDate,
  MIN(PatientID) AS PatientID,
  StudyInstanceUID,
  COUNT(DISTINCT SeriesInstanceUID) AS SeriesCount
FROM metadata
WHERE StudyDate IS NOT NULL
GROUP BY StudyInstanceUID
ORDER BY LatestStudyDate DESC, StudyInstanceUID
LIMIT @n
