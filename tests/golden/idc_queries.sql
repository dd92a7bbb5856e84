-- What analysts ask of the index of NCI Imaging Data Commons, a query a line.
-- Conditions
SELECT SeriesInstanceUID FROM metadata WHERE Modality = 'CT'
SELECT SeriesInstanceUID FROM metadata WHERE Modality IN ('CT', 'PT') AND BodyPartExamined = 'CHEST'
SELECT SeriesInstanceUID FROM metadata WHERE Modality NOT IN ('SEG', 'SR', 'RTSTRUCT')
SELECT SeriesInstanceUID FROM metadata WHERE collection_id LIKE 'tcga\\_%'
SELECT SeriesInstanceUID FROM metadata WHERE collection_id LIKE r'tcga\_%' OR collection_id LIKE '%nlst%'
SELECT SeriesInstanceUID FROM metadata WHERE LOWER(SeriesDescription) LIKE '%axial%'
SELECT SeriesInstanceUID FROM metadata WHERE UPPER(Manufacturer) LIKE 'GE%' AND ManufacturerModelName IS NOT NULL
SELECT SeriesInstanceUID FROM metadata WHERE NOT Manufacturer = 'SIEMENS'
SELECT SeriesInstanceUID FROM metadata WHERE BodyPartExamined IS NULL AND NOT (PatientSex = 'M' OR PatientSex = 'F')
SELECT SeriesInstanceUID FROM metadata WHERE StudyDate >= '2010-01-01'
SELECT SeriesInstanceUID FROM metadata WHERE StudyDate BETWEEN DATE '1999-01-01' AND DATE '1999-12-31'
SELECT SeriesInstanceUID FROM metadata WHERE EXTRACT(DAYOFWEEK FROM StudyDate) IN (1, 7)
SELECT SeriesInstanceUID FROM metadata WHERE EXTRACT(YEAR FROM StudyDate) = 2000 AND EXTRACT(MONTH FROM StudyDate) < 3
SELECT SeriesInstanceUID FROM metadata WHERE StudyDate > DATE_SUB(DATE '2020-02-29', INTERVAL 1 YEAR)
SELECT SeriesInstanceUID FROM metadata WHERE DATE_DIFF(DATE '2020-01-01', StudyDate, MONTH) > 120
SELECT SeriesInstanceUID FROM metadata WHERE DATE_TRUNC(StudyDate, MONTH) = '1999-01-01'
SELECT SeriesInstanceUID FROM metadata WHERE SeriesDate != StudyDate
SELECT SeriesInstanceUID FROM metadata WHERE SAFE_CAST(SeriesNumber AS INT64) > 100
SELECT SeriesInstanceUID FROM metadata WHERE SAFE_CAST(SUBSTR(PatientAge, 1, 3) AS INT64) >= 65 AND ENDS_WITH(PatientAge, 'Y')
SELECT SeriesInstanceUID FROM metadata WHERE SAFE_CAST(REGEXP_EXTRACT(PatientAge, r'^(\d+)Y$') AS INT64) BETWEEN 40 AND 50
SELECT SeriesInstanceUID FROM metadata WHERE REGEXP_CONTAINS(SeriesDescription, r'(?i)\bt[12]\b')
SELECT SeriesInstanceUID FROM metadata WHERE REGEXP_CONTAINS(PatientID, '^[0-9]+$')
SELECT SeriesInstanceUID FROM metadata WHERE STARTS_WITH(SeriesDescription, 'TotalSegmentator') AND NOT REGEXP_CONTAINS(SeriesDescription, 'shape')
SELECT SeriesInstanceUID FROM metadata WHERE LENGTH(SeriesDescription) > 40 OR SeriesDescription = ''
SELECT SeriesInstanceUID FROM metadata WHERE series_size_MB > 100 AND instanceCount < 50
SELECT SeriesInstanceUID FROM metadata WHERE series_size_MB / instanceCount BETWEEN 0.5 AND 0.6
SELECT SeriesInstanceUID FROM metadata WHERE ROUND(series_size_MB) = 1
SELECT SeriesInstanceUID FROM metadata WHERE MOD(instanceCount, 2) = 1 AND instanceCount != 1
SELECT SeriesInstanceUID FROM metadata WHERE IF(Modality = 'CT', instanceCount > 100, instanceCount > 10)
SELECT SeriesInstanceUID FROM metadata WHERE CASE Modality WHEN 'CT' THEN 1 WHEN 'MR' THEN 2 ELSE 0 END > 0
SELECT SeriesInstanceUID FROM metadata WHERE COALESCE(BodyPartExamined, 'UNKNOWN') IN ('UNKNOWN', 'BREAST')
SELECT SeriesInstanceUID FROM metadata WHERE IFNULL(PatientSex, 'O') = 'O'
SELECT SeriesInstanceUID FROM metadata WHERE NULLIF(PatientSex, 'F') IS NULL
SELECT SeriesInstanceUID FROM metadata WHERE CONCAT(Modality, '/', BodyPartExamined) = 'CT/CHEST'
SELECT SeriesInstanceUID FROM metadata WHERE TRIM(StudyDescription, 'CT ') != StudyDescription
SELECT SeriesInstanceUID FROM metadata WHERE REPLACE(StudyDescription, ' ', '') LIKE '%CTCHEST%'
SELECT SeriesInstanceUID FROM metadata WHERE 'chest' IN UNNEST(SPLIT(LOWER(StudyDescription), ' '))
SELECT SeriesInstanceUID FROM metadata WHERE STRPOS(SeriesDescription, 'series') > 0
SELECT SeriesInstanceUID FROM metadata WHERE SUBSTR(SeriesInstanceUID, 0, 4) = '1.2.' OR SUBSTR(SeriesInstanceUID, -1) = '7'
SELECT SeriesInstanceUID FROM metadata WHERE (analysis_result_id IS NULL) = (Modality = 'CT')
SELECT SeriesInstanceUID FROM metadata WHERE PixelRepresentation != 0 OR PhotometricInterpretation LIKE 'MONOCHROME_'
SELECT SeriesInstanceUID FROM metadata WHERE CAST(StudyDate AS STRING) LIKE '1999-%'
SELECT SeriesInstanceUID FROM metadata WHERE FORMAT_DATE('%Y%m', StudyDate) = '200001'
SELECT SeriesInstanceUID FROM metadata WHERE PatientID IN (SELECT PatientID FROM metadata WHERE Modality = 'SEG')
SELECT SeriesInstanceUID FROM metadata m WHERE EXISTS (SELECT 1 FROM metadata AS o WHERE o.StudyInstanceUID = m.StudyInstanceUID AND o.Modality != m.Modality)
-- Columns made of others
SELECT SeriesInstanceUID, UPPER(SeriesDescription) AS d, LENGTH(PatientID) AS n FROM metadata
SELECT SeriesInstanceUID, SAFE_CAST(SeriesNumber AS INT64) AS n, SAFE_CAST(SeriesNumber AS FLOAT64) AS f FROM metadata
SELECT SeriesInstanceUID, CONCAT('idc:', collection_id, '/', PatientID, '/', StudyDate) AS path FROM metadata
SELECT SeriesInstanceUID, series_size_MB * 1e6 / instanceCount AS mean_bytes FROM metadata
SELECT SeriesInstanceUID, CAST(series_size_MB AS INT64) AS mb, CAST(instanceCount AS STRING) AS n FROM metadata
SELECT SeriesInstanceUID, REGEXP_EXTRACT(series_aws_url, r's3://([^/]+)/') AS bucket FROM metadata
SELECT SeriesInstanceUID, DATE_ADD(StudyDate, INTERVAL 1 MONTH) AS later, EXTRACT(WEEK FROM StudyDate) AS week FROM metadata
SELECT SeriesInstanceUID, DATE_DIFF(SeriesDate, StudyDate, DAY) AS days FROM metadata WHERE SeriesDate IS NOT NULL
SELECT SeriesInstanceUID, CASE WHEN instanceCount > 100 THEN 'large' WHEN instanceCount > 10 THEN 'middle' ELSE 'small' END AS size FROM metadata
SELECT DISTINCT Modality, sop_class_name FROM metadata ORDER BY Modality, sop_class_name
SELECT SeriesInstanceUID, StudyDate FROM metadata ORDER BY StudyDate DESC, SeriesInstanceUID LIMIT 20
SELECT PatientID, series_size_MB FROM metadata WHERE Modality = 'MR' ORDER BY series_size_MB DESC, SeriesInstanceUID LIMIT 10 OFFSET 5
SELECT * EXCEPT (source_DOI, series_aws_url) FROM metadata WHERE Modality = 'MG'
-- Sums
SELECT Modality, COUNT(*) AS n FROM metadata GROUP BY Modality ORDER BY n DESC, Modality
SELECT collection_id, COUNT(DISTINCT PatientID) AS patients, SUM(instanceCount) AS instances FROM metadata GROUP BY collection_id HAVING patients > 1
SELECT Modality, BodyPartExamined, MIN(StudyDate) AS first, MAX(StudyDate) AS last FROM metadata GROUP BY 1, 2
SELECT COUNTIF(PatientSex = 'F') AS women, COUNTIF(PatientSex IS NULL) AS unknown, COUNT(PatientAge) AS ages FROM metadata
SELECT EXTRACT(YEAR FROM StudyDate) AS year, COUNT(*) AS n FROM metadata GROUP BY year ORDER BY year NULLS LAST
SELECT PatientSex, AVG(SAFE_CAST(SUBSTR(PatientAge, 1, 3) AS INT64)) AS age FROM metadata GROUP BY PatientSex
SELECT Manufacturer, STRING_AGG(DISTINCT Modality, ',' ORDER BY Modality) AS modalities FROM metadata GROUP BY Manufacturer
SELECT LOGICAL_OR(instanceCount > 1000) AS any_large, LOGICAL_AND(series_size_MB > 0) AS all_there FROM metadata
SELECT PatientID, SeriesInstanceUID FROM metadata WHERE Modality = 'CT' QUALIFY ROW_NUMBER() OVER (PARTITION BY PatientID ORDER BY StudyDate DESC, SeriesInstanceUID) = 1
SELECT SeriesInstanceUID, RANK() OVER (PARTITION BY Modality ORDER BY instanceCount DESC) AS place FROM metadata
SELECT SeriesInstanceUID, COUNT(*) OVER (PARTITION BY StudyInstanceUID) AS series FROM metadata
WITH ct AS (SELECT * FROM metadata WHERE Modality = 'CT') SELECT BodyPartExamined, COUNT(*) AS n FROM ct GROUP BY BodyPartExamined
WITH a AS (SELECT PatientID, COUNT(*) AS n FROM metadata GROUP BY PatientID) SELECT m.SeriesInstanceUID, a.n FROM metadata AS m JOIN a ON m.PatientID = a.PatientID WHERE a.n > 1
SELECT SeriesInstanceUID FROM metadata WHERE Modality = 'CT' UNION ALL SELECT SeriesInstanceUID FROM metadata WHERE instanceCount > 500
SELECT word, COUNT(*) AS n FROM metadata, UNNEST(SPLIT(SeriesDescription, ' ')) AS word GROUP BY word
-- Refused by BigQuery
SELECT SeriesInstanceUID FROM metadata WHERE SeriesNumber > 100
SELECT SeriesInstanceUID FROM metadata WHERE StudyDate = 20000101
SELECT SeriesInstanceUID FROM metadata WHERE PatientAge >= 65
SELECT SeriesInstanceUID FROM metadata WHERE CAST(SeriesNumber AS INT64) > 100 OR CAST(PatientAge AS INT64) > 10
SELECT SeriesInstanceUID FROM metadata WHERE 100 / (instanceCount - 1) > 1
SELECT Modality, PatientID, COUNT(*) AS n FROM metadata GROUP BY Modality
