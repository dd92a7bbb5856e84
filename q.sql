SELECT Modality, count(*) n FROM `bigquery-public-data.idc_current.dicom_all` group by 1 order by 2 desc limit 2
