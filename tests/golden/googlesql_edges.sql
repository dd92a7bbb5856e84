-- Queries of which the evaluator and the embedded engine must give the same answer, one a line.
-- What is not evaluated does not fail
SELECT SOPInstanceUID, IF(Columns = 0, NULL, `Rows` / Columns) AS v FROM d
SELECT SOPInstanceUID, CASE WHEN Columns > 0 THEN `Rows` / Columns ELSE -1 END AS v FROM d
SELECT SOPInstanceUID, CASE Columns WHEN 0 THEN 0 ELSE DIV(`Rows`, Columns) END AS v FROM d
SELECT SOPInstanceUID FROM d WHERE IF(Columns = 0, FALSE, `Rows` / Columns > 1)
SELECT SOPInstanceUID, COALESCE(SeriesNumber, CAST(InstanceNumber AS INT64), 0) AS v FROM d WHERE SeriesNumber IS NOT NULL
SELECT SOPInstanceUID, IFNULL(SeriesNumber, CAST('x' AS INT64)) AS v FROM d WHERE SeriesNumber IS NOT NULL
SELECT SOPInstanceUID, IF(ARRAY_LENGTH(ImageType) > 1, ImageType[OFFSET(1)], '') AS v FROM d
SELECT SOPInstanceUID, IF(SliceThickness > 0, LOG(SliceThickness), NULL) AS v FROM d
SELECT SOPInstanceUID, IF(REGEXP_CONTAINS(InstanceNumber, '^[0-9]+$'), CAST(InstanceNumber AS INT64), NULL) AS v FROM d
SELECT SOPInstanceUID, CASE WHEN FALSE THEN 1 / 0 ELSE 1 END AS v FROM d
SELECT IF(TRUE, 1, 1 / 0) AS v, COALESCE(1, 1 / 0) AS w
SELECT SOPInstanceUID FROM d WHERE SAFE_DIVIDE(`Rows`, Columns) = 1
SELECT SOPInstanceUID, ImageType[SAFE_OFFSET(2)] AS v, ImageType[SAFE_ORDINAL(1)] AS w FROM d
-- The ends of types
SELECT SOPInstanceUID, SliceThickness = SliceThickness AS a, SliceThickness != SliceThickness AS b, SliceThickness > 1e300 AS c, SliceThickness < 0 AS d FROM e
SELECT SOPInstanceUID, NOT SliceThickness > 2 AS a, SliceThickness BETWEEN -1 AND 1 AS b, SliceThickness IN (0, 2.5) AS c FROM d
SELECT SliceThickness FROM d ORDER BY SliceThickness, SOPInstanceUID
SELECT SliceThickness FROM e ORDER BY SliceThickness DESC, SOPInstanceUID
SELECT MIN(SliceThickness) AS a, MAX(SliceThickness) AS b FROM d
SELECT MIN(SliceThickness) AS a, MAX(SliceThickness) AS b FROM e
SELECT SOPInstanceUID, CAST(SliceThickness AS STRING) AS v FROM d
SELECT SOPInstanceUID, CAST(SliceThickness AS STRING) AS v FROM e
SELECT SOPInstanceUID, CAST(KVP AS STRING) AS a, CAST(PatientBirthDate AS STRING) AS b, CAST(StudyTime AS STRING) AS c FROM e
SELECT SOPInstanceUID, CAST(AcquisitionDateTime AS STRING) AS a, CAST(IngestTime AS STRING) AS b FROM e
SELECT SOPInstanceUID, EXTRACT(DAYOFWEEK FROM PatientBirthDate) AS a, EXTRACT(YEAR FROM PatientBirthDate) AS b, EXTRACT(DAYOFYEAR FROM PatientBirthDate) AS c FROM e
SELECT SOPInstanceUID, SAFE_CAST(InstanceNumber AS INT64) AS a, SAFE_CAST(SliceThicknessStr AS FLOAT64) AS b, SAFE_CAST(StudyDateStr AS DATE) AS c FROM e
SELECT SOPInstanceUID, SAFE_CAST(InstanceNumber AS INT64) AS a, SAFE_CAST(SliceThicknessStr AS FLOAT64) AS b, SAFE_CAST(StudyDateStr AS DATE) AS c FROM d
SELECT SOPInstanceUID, SAFE_CAST(SliceThicknessStr AS NUMERIC) AS a, SAFE_CAST(SliceThickness AS INT64) AS b FROM d
SELECT SOPInstanceUID, SAFE_CAST(SliceThickness AS INT64) AS v FROM e
SELECT SOPInstanceUID, LENGTH(SeriesDescription) AS a, LOWER(SeriesDescription) AS b, UPPER(PatientName.Alphabetic) AS c FROM e
SELECT SOPInstanceUID, SUBSTR(SeriesDescription, 2, 3) AS a, SUBSTR(SeriesDescription, -2) AS b, SUBSTR(SeriesDescription, 0, 2) AS c FROM e
SELECT SOPInstanceUID, SeriesDescription LIKE '%\\_%' AS a, SeriesDescription LIKE '_😀%' AS b, PatientID LIKE r'\\' AS c FROM e
SELECT SOPInstanceUID FROM e WHERE SeriesDescription LIKE SeriesDescription
SELECT 0.1 + 0.2 = 0.3 AS a, 0.1 + 0.2 AS b, NUMERIC '0.1' + NUMERIC '0.2' = NUMERIC '0.3' AS c
SELECT SOPInstanceUID FROM d WHERE InstanceSize = 9007199254740992.0
SELECT SOPInstanceUID FROM e WHERE InstanceSize > 9007199254740991.0
SELECT 1 / 3 AS a, 7 / 2 AS b, DIV(-7, 2) AS c, MOD(-7, 2) AS d
-- No rows, and no values
SELECT COUNTIF(`Rows` > 0) AS a, COUNT(*) AS b, SUM(`Rows`) AS c, MAX(Modality) AS d FROM d WHERE FALSE
SELECT LOGICAL_AND(IsPhantom) AS a, LOGICAL_OR(IsPhantom) AS b FROM d WHERE PatientID IS NULL
SELECT SOPInstanceUID FROM d WHERE 'x' NOT IN UNNEST(ImageType)
SELECT SOPInstanceUID FROM d WHERE PatientSex IN UNNEST(@texts) OR NULL
SELECT SOPInstanceUID, NULL IS NULL AS a, IsPhantom IS NOT TRUE AS b, IF(NULL, 1, 2) AS c FROM d
SELECT SOPInstanceUID FROM d WHERE PatientSex NOT IN ('M', NULL)
SELECT Modality, COUNT(*) AS n FROM d GROUP BY Modality HAVING Modality IS NULL OR n > 1
SELECT SOPInstanceUID, CONCAT(PatientID, '/', Modality) AS v FROM d
SELECT DISTINCT PatientSex FROM d ORDER BY PatientSex
SELECT PatientSex FROM d ORDER BY PatientSex DESC NULLS FIRST, SOPInstanceUID
