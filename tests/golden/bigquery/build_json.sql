-- stage
SELECT study, series, instance, usable, COUNT(*) AS row_count, MAX(size_bytes) AS size_bytes FROM (SELECT `StudyInstanceUID` AS study, `SeriesInstanceUID` AS series, `SOPInstanceUID` AS instance, dcf_usable AS usable, BlobStorageSize AS size_bytes FROM (SELECT `StudyInstanceUID`, `SeriesInstanceUID`, `SOPInstanceUID`, `LastUpdated`, `Type`, `BlobStorageSize`, `Modality`, dcf_usable FROM (SELECT `StudyInstanceUID`, `SeriesInstanceUID`, `SOPInstanceUID`, `LastUpdated`, `Type`, `BlobStorageSize`, `Modality`, COALESCE(LTRIM(StudyInstanceUID, '0123456789.') = '' AND StudyInstanceUID <> '' AND LTRIM(SeriesInstanceUID, '0123456789.') = '' AND SeriesInstanceUID <> '' AND NOT REGEXP_CONTAINS(SOPInstanceUID, '[^0-9.]') AND SOPInstanceUID <> '', FALSE) AS dcf_usable FROM (SELECT `StudyInstanceUID`, `SeriesInstanceUID`, `SOPInstanceUID`, `Metadata`, `BlobStorageSize`, `LastUpdated`, `Type`, JSON_VALUE(JSON_QUERY(`Metadata`, '$."00080060".Value[0]')) AS `Modality` FROM `demo`.`dataset`.`metadata` AS dcf_stored) AS `dcf_table`) AS every_version QUALIFY NOT dcf_usable OR ROW_NUMBER() OVER (PARTITION BY dcf_usable, StudyInstanceUID, SeriesInstanceUID, SOPInstanceUID ORDER BY LastUpdated DESC, IF(Type = 'DELETE', 0, 1) ASC) = 1) AS dcf_table WHERE (COALESCE(Type, '') <> 'DELETE') AND (Modality = @p1)) AS current_rows GROUP BY study, series, instance, usable

-- counts
SELECT COUNTIF(usable) AS line_count, 0 AS study_lines, 0 AS series_lines, COUNTIF(usable) AS instance_lines, COUNT(DISTINCT IF(usable, study, NULL)) AS studies, COUNT(DISTINCT IF(usable, series, NULL)) AS series, COUNTIF(usable) AS matched, COUNTIF(usable) AS units, SUM(IF(usable, 0, row_count)) AS rejected, IF(COUNTIF(usable AND size_bytes IS NULL) > 0, NULL, SUM(IF(usable, size_bytes, NULL))) AS size_bytes FROM `demo`.`dataset`.`stage` AS `stage`

-- irregular 1
SELECT COUNTIF(COALESCE(REGEXP_CONTAINS(study, '\\.\\.|^\\.|\\.$|^0[0-9]|\\.0[0-9]') OR LENGTH(study) > 64 OR REGEXP_CONTAINS(series, '\\.\\.|^\\.|\\.$|^0[0-9]|\\.0[0-9]') OR LENGTH(series) > 64, FALSE)) AS row_count FROM (SELECT DISTINCT study, series FROM `demo`.`dataset`.`stage` AS `stage` WHERE usable) AS parents

-- irregular 2
SELECT COUNTIF(COALESCE(REGEXP_CONTAINS(instance, '\\.\\.|^\\.|\\.$|^0[0-9]|\\.0[0-9]') OR LENGTH(instance) > 64, FALSE)) AS row_count FROM `demo`.`dataset`.`stage` AS `stage` WHERE usable

-- size
SELECT SUM(LENGTH(line) + 1) AS size_bytes FROM (SELECT CONCAT('/studies/', study, '/series/', series, '/instances/', instance) AS line FROM `demo`.`dataset`.`stage` AS `stage` WHERE usable) AS lines

-- export
EXPORT DATA OPTIONS (uri='gs://bucket/shards/*.txt', format='CSV', header=FALSE, overwrite=TRUE) AS SELECT CONCAT('/studies/', study, '/series/', series, '/instances/', instance) AS line FROM `demo`.`dataset`.`stage` AS `stage` WHERE usable
