-- name: patient
-- about: The series of one patient, each with its DICOMweb path below the store.
-- parameters: patient_id STRING
-- requires: PatientID, StudyInstanceUID, SeriesInstanceUID
SELECT DISTINCT
  CONCAT('/dicomWeb/studies/', StudyInstanceUID, '/series/', SeriesInstanceUID) AS DICOMwebPath
FROM metadata
WHERE PatientID = @patient_id
ORDER BY DICOMwebPath
