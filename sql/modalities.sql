-- name: modalities
-- about: How many patients, studies and series there are of each modality and body part.
-- parameters: none
-- requires: PatientID, StudyInstanceUID, SeriesInstanceUID, Modality, BodyPartExamined
SELECT
  Modality,
  BodyPartExamined,
  COUNT(DISTINCT PatientID) AS PatientCount,
  COUNT(DISTINCT StudyInstanceUID) AS StudyCount,
  COUNT(DISTINCT SeriesInstanceUID) AS SeriesCount
FROM metadata
GROUP BY Modality, BodyPartExamined
ORDER BY SeriesCount DESC, Modality, BodyPartExamined
