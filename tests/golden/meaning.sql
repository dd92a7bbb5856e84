-- The cases that ship: an expression or a whole query a line; `make cases` asks for the answers.
-- Comparisons, by type
PatientID = PatientSex
PatientID != PatientSex
PatientSex < 'CT'
PatientSex <= 'CT'
PatientSex > 'CT'
PatientSex >= 'CT'
PatientSex BETWEEN 'CT' AND 'M'
PatientSex IN ('CT', 'M')
PatientSex IS DISTINCT FROM 'CT'
PatientSex IS NOT DISTINCT FROM PatientSex
Columns = 1
Columns != 1
Columns < 1
Columns <= 1
Columns > 1
Columns >= 1
Columns BETWEEN 1 AND 7
Columns IN (1, 7)
Columns IS DISTINCT FROM 1
Columns IS NOT DISTINCT FROM Columns
Columns IN (SELECT 1)
SliceThickness = 0.5
SliceThickness != 0.5
SliceThickness < 0.5
SliceThickness <= 0.5
SliceThickness > 0.5
SliceThickness >= 0.5
SliceThickness BETWEEN 0.5 AND 1e60
SliceThickness IN (0.5, 1e60)
SliceThickness IS DISTINCT FROM 0.5
SliceThickness IS NOT DISTINCT FROM SliceThickness
KVP = NUMERIC '0.5'
KVP != NUMERIC '0.5'
KVP < NUMERIC '0.5'
KVP <= NUMERIC '0.5'
KVP > NUMERIC '0.5'
KVP >= NUMERIC '0.5'
KVP BETWEEN NUMERIC '0.5' AND NUMERIC '120'
KVP IN (NUMERIC '0.5', NUMERIC '120')
KVP IS DISTINCT FROM NUMERIC '0.5'
KVP IS NOT DISTINCT FROM KVP
PatientBirthDate = StudyDate
PatientBirthDate != StudyDate
PatientBirthDate < StudyDate
PatientBirthDate <= StudyDate
PatientBirthDate > StudyDate
PatientBirthDate >= StudyDate
StudyDate BETWEEN DATE '2020-02-29' AND DATE '9999-12-31'
StudyDate IN (DATE '2020-02-29', DATE '9999-12-31')
StudyDate IS DISTINCT FROM DATE '2020-02-29'
StudyDate IS NOT DISTINCT FROM StudyDate
StudyTime = TIME '12:34:56.7'
StudyTime != TIME '12:34:56.7'
StudyTime < TIME '12:34:56.7'
StudyTime <= TIME '12:34:56.7'
StudyTime > TIME '12:34:56.7'
StudyTime >= TIME '12:34:56.7'
StudyTime BETWEEN TIME '12:34:56.7' AND TIME '23:00:00.5'
StudyTime IN (TIME '12:34:56.7', TIME '23:00:00.5')
StudyTime IS DISTINCT FROM TIME '12:34:56.7'
StudyTime IS NOT DISTINCT FROM StudyTime
AcquisitionDateTime = DATETIME '1970-01-01 00:00:00'
AcquisitionDateTime != DATETIME '1970-01-01 00:00:00'
AcquisitionDateTime < DATETIME '1970-01-01 00:00:00'
AcquisitionDateTime <= DATETIME '1970-01-01 00:00:00'
AcquisitionDateTime > DATETIME '1970-01-01 00:00:00'
AcquisitionDateTime >= DATETIME '1970-01-01 00:00:00'
AcquisitionDateTime BETWEEN DATETIME '1970-01-01 00:00:00' AND DATETIME '9999-12-31 23:59:59.999999'
AcquisitionDateTime IN (DATETIME '1970-01-01 00:00:00', DATETIME '9999-12-31 23:59:59.999999')
AcquisitionDateTime IS DISTINCT FROM DATETIME '1970-01-01 00:00:00'
AcquisitionDateTime IS NOT DISTINCT FROM AcquisitionDateTime
IngestTime = TIMESTAMP '1970-01-01 00:00:00+00'
IngestTime != TIMESTAMP '1970-01-01 00:00:00+00'
IngestTime < TIMESTAMP '1970-01-01 00:00:00+00'
IngestTime <= TIMESTAMP '1970-01-01 00:00:00+00'
IngestTime > TIMESTAMP '1970-01-01 00:00:00+00'
IngestTime >= TIMESTAMP '1970-01-01 00:00:00+00'
IngestTime BETWEEN TIMESTAMP '1970-01-01 00:00:00+00' AND TIMESTAMP '9999-12-31 23:59:59.999999+00'
IngestTime IN (TIMESTAMP '1970-01-01 00:00:00+00', TIMESTAMP '9999-12-31 23:59:59.999999+00')
IngestTime IS DISTINCT FROM TIMESTAMP '1970-01-01 00:00:00+00'
IngestTime IS NOT DISTINCT FROM IngestTime
IsPhantom = TRUE
IsPhantom != TRUE
IsPhantom < TRUE
IsPhantom <= TRUE
IsPhantom > TRUE
IsPhantom >= TRUE
IsPhantom BETWEEN TRUE AND FALSE
IsPhantom IN (TRUE, FALSE)
IsPhantom IS DISTINCT FROM TRUE
IsPhantom IS NOT DISTINCT FROM IsPhantom
`Hash` = b'A'
`Hash` != b'A'
`Hash` < b'A'
`Hash` <= b'A'
`Hash` > b'A'
`Hash` >= b'A'
`Hash` BETWEEN b'A' AND b'\xff'
`Hash` IN (b'A', b'\xff')
`Hash` IS DISTINCT FROM b'A'
`Hash` IS NOT DISTINCT FROM `Hash`
(PatientSex, `Rows`) = ('M', 512)
(PatientSex, `Rows`) != ('M', 512)
(PatientSex, SliceThickness) IN (('M', 0.5), ('F', 5.0))
'PRIMARY' IN UNNEST(ImageType)
-- Logic
NOT IsPhantom
IsPhantom AND NULL
IsPhantom OR NULL
IsPhantom IS NULL
IsPhantom IS TRUE
IsPhantom IS FALSE
SliceThickness IS NULL
ImageType IS NULL
CASE WHEN IsPhantom THEN 1 ELSE NULL END
IF(IsPhantom, PatientID, Modality)
IF(IsPhantom, 1, NULL)
IFNULL(PatientSex, 'none')
IFNULL(SliceThickness, 0.0)
COALESCE(PatientAge, PatientSex, 'x')
COALESCE(NULL, SeriesNumber)
COALESCE(PatientBirthDate, StudyDate)
NULLIF(PatientSex, '')
NULLIF(SliceThickness, 0.0)
NULLIF(SeriesNumber, 7)
-- Arithmetic
SeriesNumber + Columns
SliceThickness + 2.5
KVP + NUMERIC '0.3'
InstanceSize + 2
SeriesNumber - Columns
SliceThickness - 2.5
KVP - NUMERIC '0.3'
InstanceSize - 2
SeriesNumber * Columns
SliceThickness * 2.5
KVP * NUMERIC '0.3'
InstanceSize * 2
SliceThickness / 2.5
KVP / NUMERIC '0.3'
-SliceThickness
-SeriesNumber
-KVP
-InstanceSize
SliceThickness * 1e300
SliceThickness + SliceThickness
SliceThickness - SliceThickness
-- Bits
SeriesNumber & 7
SeriesNumber | 8
SeriesNumber ^ -1
~SeriesNumber
~InstanceSize
SeriesNumber << 3
InstanceSize << 1
SeriesNumber >> 1
InstanceSize >> 63
InstanceSize & SeriesNumber
InstanceSize | SeriesNumber
InstanceSize ^ SeriesNumber
SeriesNumber >> -1
SeriesNumber << -1
BIT_COUNT(SeriesNumber)
BIT_COUNT(InstanceSize)
-- Numbers
ABS(SliceThickness)
ABS(KVP)
ABS(InstanceSize)
SIGN(SliceThickness)
SIGN(SeriesNumber)
SIGN(KVP)
CEIL(SliceThickness)
CEIL(KVP)
CEILING(SliceThickness)
CEILING(KVP)
FLOOR(SliceThickness)
FLOOR(KVP)
ROUND(SliceThickness)
ROUND(KVP)
TRUNC(SliceThickness)
TRUNC(KVP)
ROUND(SliceThickness, 1)
ROUND(KVP, 1)
ROUND(KVP, -1)
TRUNC(SliceThickness, 1)
TRUNC(KVP, 1)
TRUNC(KVP, -1)
ACOS(2.0)
ACOS(SliceThickness)
ASIN(2.0)
ASIN(SliceThickness)
ATAN(SliceThickness)
ATAN(0.0)
COS(SliceThickness)
COS(0.0)
SIN(SliceThickness)
SIN(0.0)
TAN(SliceThickness)
TAN(0.0)
TANH(SliceThickness)
TANH(0.0)
EXP(SliceThickness)
EXP(0.0)
COSH(SliceThickness)
COSH(0)
SINH(SliceThickness)
SINH(0)
SQRT(SliceThickness)
SQRT(0.0)
SQRT(-1.0)
LN(SliceThickness)
LN(0.0)
LN(-1.0)
LOG(SliceThickness)
LOG(0.0)
LOG(-1.0)
LOG10(SliceThickness)
LOG10(0.0)
LOG10(-1.0)
LOG(8, 2)
LOG(SliceThickness, 10)
EXP(710.0)
ATAN2(SliceThickness, 1.0)
ATAN2(0.0, -1.0)
POW(SliceThickness, 2)
POW(0, -1)
POWER(SliceThickness, 0.5)
POWER(0, 0)
DIV(SeriesNumber, 2)
DIV(InstanceSize, -1)
DIV(KVP, NUMERIC '0.3')
MOD(SeriesNumber, 3)
MOD(SeriesNumber, Columns)
MOD(KVP, NUMERIC '0.3')
SAFE_DIVIDE(SliceThickness, 0.0)
SAFE_DIVIDE(SliceThickness, 1e-320)
SAFE_DIVIDE(KVP, NUMERIC '3')
IEEE_DIVIDE(SliceThickness, 0.0)
IEEE_DIVIDE(0.0, 0.0)
SAFE_ADD(InstanceSize, 1)
SAFE_ADD(SliceThickness, 1e308)
SAFE_ADD(KVP, NUMERIC '1')
SAFE_SUBTRACT(InstanceSize, 1)
SAFE_SUBTRACT(SliceThickness, 1.0)
SAFE_MULTIPLY(InstanceSize, 2)
SAFE_MULTIPLY(SliceThickness, 1e300)
SAFE_MULTIPLY(KVP, KVP)
SAFE_NEGATE(InstanceSize)
SAFE_NEGATE(SliceThickness)
SAFE_NEGATE(KVP)
GREATEST(SeriesNumber, Columns, 5)
GREATEST(PatientSex, Modality)
GREATEST(KVP, NUMERIC '1')
LEAST(SeriesNumber, Columns, 5)
LEAST(SliceThickness, 1.0)
LEAST(SliceThickness, NULL)
IS_NAN(SliceThickness)
IS_INF(SliceThickness)
RANGE_BUCKET(SeriesNumber, [0, 7, 7, 12])
-- Casts
CAST(StudyDateStr AS INT64)
CAST(InstanceNumber AS INT64)
SAFE_CAST(StudyDateStr AS INT64)
SAFE_CAST(InstanceNumber AS INT64)
CAST(SliceThicknessStr AS FLOAT64)
CAST(InstanceNumber AS FLOAT64)
SAFE_CAST(SliceThicknessStr AS FLOAT64)
SAFE_CAST(InstanceNumber AS FLOAT64)
CAST(SliceThicknessStr AS NUMERIC)
CAST(InstanceNumber AS NUMERIC)
SAFE_CAST(StudyDateStr AS NUMERIC)
SAFE_CAST(InstanceNumber AS NUMERIC)
CAST(Modality AS DATE)
CAST(StudyDateStr AS DATE)
SAFE_CAST(Modality AS DATE)
SAFE_CAST(StudyDateStr AS DATE)
CAST(Modality AS TIME)
CAST(ExtraStr AS TIME)
SAFE_CAST(Modality AS TIME)
SAFE_CAST(ExtraStr AS TIME)
CAST(Modality AS DATETIME)
CAST(StudyDateStr AS DATETIME)
SAFE_CAST(Modality AS DATETIME)
SAFE_CAST(StudyDateStr AS DATETIME)
CAST(Modality AS TIMESTAMP)
CAST(StudyDateStr AS TIMESTAMP)
SAFE_CAST(Modality AS TIMESTAMP)
SAFE_CAST(StudyDateStr AS TIMESTAMP)
CAST(Modality AS BOOL)
CAST(ExtraStr AS BOOL)
SAFE_CAST(Modality AS BOOL)
SAFE_CAST(ExtraStr AS BOOL)
CAST(SeriesDescription AS BYTES)
CAST(InstanceNumber AS BYTES)
SAFE_CAST(SeriesDescription AS BYTES)
SAFE_CAST(InstanceNumber AS BYTES)
CAST(InstanceSize AS STRING)
SAFE_CAST(InstanceSize AS STRING)
CAST(InstanceSize AS FLOAT64)
SAFE_CAST(InstanceSize AS FLOAT64)
CAST(InstanceSize AS NUMERIC)
SAFE_CAST(InstanceSize AS NUMERIC)
CAST(`Rows` AS BOOL)
SAFE_CAST(`Rows` AS BOOL)
CAST(SliceThickness AS STRING)
SAFE_CAST(SliceThickness AS STRING)
CAST(SliceThickness AS INT64)
SAFE_CAST(SliceThickness AS INT64)
CAST(SliceThickness AS NUMERIC)
SAFE_CAST(SliceThickness AS NUMERIC)
CAST(KVP AS STRING)
SAFE_CAST(KVP AS STRING)
CAST(KVP AS INT64)
SAFE_CAST(KVP AS INT64)
CAST(KVP AS FLOAT64)
SAFE_CAST(KVP AS FLOAT64)
CAST(StudyDate AS STRING)
SAFE_CAST(StudyDate AS STRING)
CAST(StudyDate AS DATETIME)
SAFE_CAST(StudyDate AS DATETIME)
CAST(StudyDate AS TIMESTAMP)
SAFE_CAST(StudyDate AS TIMESTAMP)
CAST(StudyTime AS STRING)
SAFE_CAST(StudyTime AS STRING)
CAST(AcquisitionDateTime AS STRING)
SAFE_CAST(AcquisitionDateTime AS STRING)
CAST(AcquisitionDateTime AS DATE)
SAFE_CAST(AcquisitionDateTime AS DATE)
CAST(AcquisitionDateTime AS TIME)
SAFE_CAST(AcquisitionDateTime AS TIME)
CAST(AcquisitionDateTime AS TIMESTAMP)
SAFE_CAST(AcquisitionDateTime AS TIMESTAMP)
CAST(IngestTime AS STRING)
SAFE_CAST(IngestTime AS STRING)
CAST(IngestTime AS DATE)
SAFE_CAST(IngestTime AS DATE)
CAST(IngestTime AS TIME)
SAFE_CAST(IngestTime AS TIME)
CAST(IngestTime AS DATETIME)
SAFE_CAST(IngestTime AS DATETIME)
CAST(IsPhantom AS STRING)
SAFE_CAST(IsPhantom AS STRING)
CAST(IsPhantom AS INT64)
SAFE_CAST(IsPhantom AS INT64)
CAST(`Hash` AS STRING)
SAFE_CAST(`Hash` AS STRING)
SAFE_CAST(' 7' AS INT64)
SAFE_CAST('1e400' AS FLOAT64)
SAFE_CAST('1e5' AS NUMERIC)
SAFE_CAST('true' AS BOOL)
SAFE_CAST('2020/02/09' AS DATE)
SAFE_CAST('12:34' AS TIME)
SAFE_CAST('2020-02-29 24:00:00' AS DATETIME)
SAFE_CAST('2020-02-29 12:34:56.1234567+00' AS TIMESTAMP)
CAST(0.1 AS STRING)
CAST(1e20 AS STRING)
CAST(2.5 AS INT64)
CAST(-2.5 AS INT64)
CAST(NUMERIC '-2.5' AS INT64)
CAST(b'\xff' AS STRING)
-- Texts
LOWER(PatientID)
LOWER(SeriesDescription)
LOWER('')
UPPER(PatientID)
UPPER(SeriesDescription)
UPPER('')
TRIM(PatientID)
TRIM(SeriesDescription)
TRIM('')
LTRIM(PatientID)
LTRIM(SeriesDescription)
LTRIM('')
RTRIM(PatientID)
RTRIM(SeriesDescription)
RTRIM('')
REVERSE(PatientID)
REVERSE(SeriesDescription)
REVERSE('')
LENGTH(PatientID)
LENGTH(SeriesDescription)
LENGTH('')
CHAR_LENGTH(PatientID)
CHAR_LENGTH(SeriesDescription)
CHAR_LENGTH('')
CHARACTER_LENGTH(PatientID)
CHARACTER_LENGTH(SeriesDescription)
CHARACTER_LENGTH('')
BYTE_LENGTH(PatientID)
BYTE_LENGTH(SeriesDescription)
BYTE_LENGTH('')
OCTET_LENGTH(PatientID)
OCTET_LENGTH(SeriesDescription)
OCTET_LENGTH('')
UNICODE(PatientID)
UNICODE(SeriesDescription)
UNICODE('')
SHA1(PatientID)
SHA1(SeriesDescription)
SHA1('')
SHA256(PatientID)
SHA256(SeriesDescription)
SHA256('')
MD5(PatientID)
MD5(SeriesDescription)
MD5('')
ASCII(PatientSex)
ASCII('')
ASCII(PatientID)
UPPER('ßıŸ')
TRIM(SeriesDescription, '')
TRIM('\u00a0\u2003x\u3000')
LTRIM('\u0085 x')
RTRIM('x \u2028')
CONCAT(PatientID, '-', PatientSex)
CONCAT(Modality, NULL)
CONCAT(SeriesNumber, SliceThickness)
PatientID || PatientSex
PatientSex || SeriesNumber
STARTS_WITH(PatientID, 'LUNG')
STARTS_WITH(PatientID, '')
STARTS_WITH(SeriesDescription, PatientSex)
ENDS_WITH(PatientID, '1')
ENDS_WITH(PatientID, '')
ENDS_WITH('', PatientSex)
STRPOS(SeriesDescription, ' ')
STRPOS(PatientID, '')
STRPOS('', PatientSex)
STRPOS('日本', '本')
INSTR(SeriesDescription, ' ')
INSTR(PatientID, '0')
INSTR('', 'a')
INSTR('ababab', 'b')
SUBSTR(PatientID, 0)
SUBSTR(SeriesDescription, 3, 4)
SUBSTR(PatientID, 1, -1)
SUBSTR('', 1, 1)
SUBSTRING(PatientID, 2, 3)
SUBSTRING(SeriesDescription, -3)
LEFT(PatientID, 2)
LEFT(PatientID, 100)
LEFT(PatientID, -1)
LEFT('日本', 1)
RIGHT(PatientID, 2)
RIGHT(PatientID, 100)
RIGHT(PatientID, -1)
RIGHT('日本', 1)
LPAD(PatientID, 5, '0')
LPAD(PatientSex, 3)
LPAD('a', -1)
LPAD('a', 3, '')
RPAD(PatientID, 5, '0')
RPAD(PatientSex, 3)
RPAD('a', 3, '')
REPEAT(PatientSex, 3)
REPEAT('', 5)
REPEAT('a', -1)
REPEAT(PatientSex, SeriesNumber)
REPLACE(PatientID, '0', 'x')
REPLACE(SeriesDescription, ' ', '')
REPLACE(PatientID, '', 'x')
REPLACE(PatientID, PatientSex, '')
REPLACE('aaa', 'aa', 'b')
TRANSLATE(PatientID, '01', 'ab')
TRANSLATE(SeriesDescription, ' ', '')
TRANSLATE(PatientID, '', '')
TRANSLATE('', 'a', 'b')
TRANSLATE('a', 'aa', 'bc')
SPLIT(SeriesDescription, ' ')
SPLIT(PatientID)
SPLIT(PatientSex, '')
SPLIT('', '')
SPLIT('', ',')
CHR(233)
CHR(0)
CHR(128512)
UNICODE('é')
ARRAY_TO_STRING(ImageType, ',')
ARRAY_TO_STRING(ImageType, '', '?')
ARRAY_TO_STRING(ImageType, NULL)
TO_HEX(`Hash`)
TO_HEX(b'')
FROM_HEX('00ff')
FROM_HEX('fff')
FROM_HEX('')
FROM_HEX('0G')
TO_BASE64(`Hash`)
TO_BASE64(b'')
FROM_BASE64('AAE=')
FROM_BASE64('')
FROM_BASE64('/+8=')
FROM_BASE64('!')
PatientID LIKE '%1'
PatientSex LIKE '_'
PatientSex LIKE ''
-- Regular expressions
REGEXP_CONTAINS(PatientID, r'[0-9]+')
REGEXP_CONTAINS(PatientID, '')
REGEXP_CONTAINS(SeriesDescription, r'\bw')
REGEXP_CONTAINS(PatientSex, r'^$')
REGEXP_EXTRACT(PatientID, r'[0-9]+')
REGEXP_EXTRACT(SeriesDescription, r'^\S+')
REGEXP_EXTRACT(PatientSex, '')
REGEXP_EXTRACT(PatientAge, r'^([0-9]{3})Y$')
REGEXP_SUBSTR(PatientID, r'[0-9]+')
REGEXP_SUBSTR(SeriesDescription, r'[a-z]+')
REGEXP_SUBSTR(PatientID, r'([A-Za-z]+)[0-9]')
REGEXP_EXTRACT_ALL(PatientID, r'[0-9]')
REGEXP_EXTRACT_ALL(SeriesDescription, r'\w+')
REGEXP_EXTRACT_ALL(PatientID, r'([A-Za-z])')
REGEXP_EXTRACT_ALL('', 'a')
REGEXP_REPLACE(PatientID, r'[0-9]', 'x')
REGEXP_REPLACE(PatientID, r'([A-Za-z]+)', r'<\1>')
REGEXP_REPLACE(PatientID, '', '-')
REGEXP_REPLACE('aaa', 'a*', 'b')
REGEXP_REPLACE(SeriesDescription, r'\s+', '')
-- Dates and times
EXTRACT(YEAR FROM StudyDate)
EXTRACT(ISOYEAR FROM StudyDate)
EXTRACT(QUARTER FROM StudyDate)
EXTRACT(MONTH FROM StudyDate)
EXTRACT(WEEK FROM StudyDate)
EXTRACT(ISOWEEK FROM StudyDate)
EXTRACT(WEEK(SUNDAY) FROM StudyDate)
EXTRACT(WEEK(MONDAY) FROM StudyDate)
EXTRACT(WEEK(TUESDAY) FROM StudyDate)
EXTRACT(WEEK(WEDNESDAY) FROM StudyDate)
EXTRACT(WEEK(THURSDAY) FROM StudyDate)
EXTRACT(WEEK(FRIDAY) FROM StudyDate)
EXTRACT(WEEK(SATURDAY) FROM StudyDate)
EXTRACT(DAY FROM StudyDate)
EXTRACT(DAYOFWEEK FROM StudyDate)
EXTRACT(DAYOFYEAR FROM StudyDate)
DATE_DIFF(StudyDate, PatientBirthDate, DAY)
DATE_DIFF(StudyDate, PatientBirthDate, WEEK)
DATE_DIFF(StudyDate, PatientBirthDate, ISOWEEK)
DATE_DIFF(StudyDate, PatientBirthDate, WEEK(MONDAY))
DATE_DIFF(StudyDate, PatientBirthDate, WEEK(SATURDAY))
DATE_TRUNC(StudyDate, DAY)
DATE_TRUNC(StudyDate, WEEK)
DATE_TRUNC(StudyDate, ISOWEEK)
DATE_TRUNC(StudyDate, WEEK(MONDAY))
DATE_TRUNC(StudyDate, WEEK(SATURDAY))
LAST_DAY(StudyDate, WEEK)
LAST_DAY(StudyDate, ISOWEEK)
LAST_DAY(StudyDate, WEEK(MONDAY))
LAST_DAY(StudyDate, WEEK(SATURDAY))
LAST_DAY(StudyDate, MONTH)
DATE_ADD(StudyDate, INTERVAL 5 DAY)
DATE_SUB(StudyDate, INTERVAL 5 DAY)
DATE_ADD(StudyDate, INTERVAL 5 WEEK)
DATE_SUB(StudyDate, INTERVAL 5 WEEK)
DATE_ADD(StudyDate, INTERVAL 5 YEAR)
DATE_SUB(StudyDate, INTERVAL 5 YEAR)
EXTRACT(YEAR FROM AcquisitionDateTime)
EXTRACT(WEEK(TUESDAY) FROM AcquisitionDateTime)
EXTRACT(WEEK(THURSDAY) FROM AcquisitionDateTime)
EXTRACT(DAYOFWEEK FROM AcquisitionDateTime)
EXTRACT(MICROSECOND FROM AcquisitionDateTime)
EXTRACT(MILLISECOND FROM AcquisitionDateTime)
EXTRACT(SECOND FROM AcquisitionDateTime)
EXTRACT(MINUTE FROM AcquisitionDateTime)
EXTRACT(DATE FROM AcquisitionDateTime)
EXTRACT(TIME FROM AcquisitionDateTime)
DATETIME_DIFF(AcquisitionDateTime, DATETIME '2020-02-29 12:34:56.789', MICROSECOND)
DATETIME_DIFF(AcquisitionDateTime, DATETIME '2020-02-29 12:34:56.789', HOUR)
DATETIME_DIFF(AcquisitionDateTime, DATETIME '2020-02-29 12:34:56.789', DAY)
DATETIME_DIFF(AcquisitionDateTime, DATETIME '2020-02-29 12:34:56.789', WEEK)
DATETIME_DIFF(AcquisitionDateTime, DATETIME '2020-02-29 12:34:56.789', ISOWEEK)
DATETIME_TRUNC(AcquisitionDateTime, MICROSECOND)
DATETIME_TRUNC(AcquisitionDateTime, HOUR)
DATETIME_TRUNC(AcquisitionDateTime, DAY)
DATETIME_TRUNC(AcquisitionDateTime, WEEK)
DATETIME_TRUNC(AcquisitionDateTime, ISOWEEK)
DATETIME_ADD(AcquisitionDateTime, INTERVAL 5 HOUR)
DATETIME_SUB(AcquisitionDateTime, INTERVAL 5 HOUR)
DATETIME_ADD(AcquisitionDateTime, INTERVAL 5 DAY)
DATETIME_SUB(AcquisitionDateTime, INTERVAL 5 DAY)
DATETIME_ADD(AcquisitionDateTime, INTERVAL 5 WEEK)
DATETIME_SUB(AcquisitionDateTime, INTERVAL 5 WEEK)
EXTRACT(ISOYEAR FROM IngestTime)
EXTRACT(QUARTER FROM IngestTime)
EXTRACT(MONTH FROM IngestTime)
EXTRACT(WEEK FROM IngestTime)
EXTRACT(ISOWEEK FROM IngestTime)
EXTRACT(WEEK(SUNDAY) FROM IngestTime)
EXTRACT(WEEK(MONDAY) FROM IngestTime)
EXTRACT(WEEK(WEDNESDAY) FROM IngestTime)
EXTRACT(WEEK(FRIDAY) FROM IngestTime)
EXTRACT(WEEK(SATURDAY) FROM IngestTime)
EXTRACT(DAY FROM IngestTime)
EXTRACT(DAYOFYEAR FROM IngestTime)
EXTRACT(HOUR FROM IngestTime)
EXTRACT(DATE FROM IngestTime)
EXTRACT(TIME FROM IngestTime)
EXTRACT(DATETIME FROM IngestTime)
TIMESTAMP_DIFF(IngestTime, TIMESTAMP '2020-02-29 12:34:56.789+00', MICROSECOND)
TIMESTAMP_DIFF(IngestTime, TIMESTAMP '2020-02-29 12:34:56.789+00', HOUR)
TIMESTAMP_DIFF(IngestTime, TIMESTAMP '2020-02-29 12:34:56.789+00', DAY)
TIMESTAMP_TRUNC(IngestTime, MICROSECOND)
TIMESTAMP_TRUNC(IngestTime, HOUR)
TIMESTAMP_TRUNC(IngestTime, DAY)
TIMESTAMP_TRUNC(IngestTime, WEEK)
TIMESTAMP_TRUNC(IngestTime, ISOWEEK)
TIMESTAMP_ADD(IngestTime, INTERVAL 5 SECOND)
TIMESTAMP_SUB(IngestTime, INTERVAL 5 SECOND)
TIMESTAMP_ADD(IngestTime, INTERVAL 5 HOUR)
TIMESTAMP_SUB(IngestTime, INTERVAL 5 HOUR)
TIMESTAMP_ADD(IngestTime, INTERVAL 5 DAY)
TIMESTAMP_SUB(IngestTime, INTERVAL 5 DAY)
EXTRACT(MICROSECOND FROM StudyTime)
EXTRACT(MILLISECOND FROM StudyTime)
EXTRACT(SECOND FROM StudyTime)
EXTRACT(MINUTE FROM StudyTime)
EXTRACT(HOUR FROM StudyTime)
TIME_DIFF(StudyTime, TIME '12:34:56.789', MICROSECOND)
TIME_DIFF(StudyTime, TIME '12:34:56.789', HOUR)
TIME_TRUNC(StudyTime, MICROSECOND)
TIME_TRUNC(StudyTime, HOUR)
TIME_ADD(StudyTime, INTERVAL 5 SECOND)
TIME_SUB(StudyTime, INTERVAL 5 SECOND)
TIME_ADD(StudyTime, INTERVAL 5 MINUTE)
TIME_SUB(StudyTime, INTERVAL 5 MINUTE)
TIME_ADD(StudyTime, INTERVAL 5 HOUR)
TIME_SUB(StudyTime, INTERVAL 5 HOUR)
DATE_ADD(DATE '9999-12-31', INTERVAL 1 DAY)
DATE_SUB(DATE '0001-01-01', INTERVAL 1 DAY)
DATE_ADD(DATE '2020-01-31', INTERVAL 1 MONTH)
DATE_SUB(DATE '2020-02-29', INTERVAL 1 YEAR)
DATE(2020, 2, 29)
DATE(2020, 2, 30)
DATE(AcquisitionDateTime)
DATE(IngestTime)
DATETIME(2020, 2, 29, 12, 34, 56)
DATETIME(StudyDate, StudyTime)
DATETIME(IngestTime)
DATETIME(2020, 2, 29, 25, 0, 0)
TIME(12, 34, 56)
TIME(24, 0, 0)
TIME(AcquisitionDateTime)
TIME(IngestTime)
TIMESTAMP(StudyDate)
TIMESTAMP(AcquisitionDateTime)
TIMESTAMP(StudyDateStr)
TIMESTAMP('2020-02-29 12:34:56+02')
STRING(IngestTime)
STRING(StudyTime)
STRING(AcquisitionDateTime)
UNIX_DATE(StudyDate)
UNIX_DATE(PatientBirthDate)
UNIX_SECONDS(IngestTime)
UNIX_MILLIS(IngestTime)
UNIX_MICROS(IngestTime)
DATE_FROM_UNIX_DATE(SeriesNumber)
DATE_FROM_UNIX_DATE(2932897)
DATE_FROM_UNIX_DATE(-719162)
TIMESTAMP_SECONDS(SeriesNumber)
TIMESTAMP_SECONDS(InstanceSize)
TIMESTAMP_MILLIS(SeriesNumber)
TIMESTAMP_MILLIS(-1)
TIMESTAMP_MICROS(SeriesNumber)
TIMESTAMP_MICROS(InstanceSize)
FORMAT_DATE('%Y-%m-%d %y %j %U %a %A %b %B %d %e %u %w', StudyDate)
FORMAT_DATE('%Y%m%d', PatientBirthDate)
FORMAT_DATE('%F', StudyDate)
FORMAT_DATETIME('%Y-%m-%d %H:%M:%S', AcquisitionDateTime)
FORMAT_DATETIME('%T', AcquisitionDateTime)
FORMAT_DATETIME('%R', AcquisitionDateTime)
FORMAT_TIME('%H:%M:%S', StudyTime)
FORMAT_TIME('%E6S', StudyTime)
FORMAT_TIME('%T', StudyTime)
FORMAT_TIMESTAMP('%Y-%m-%d %H:%M:%S', IngestTime)
FORMAT_TIMESTAMP('%s', IngestTime)
FORMAT_TIMESTAMP('%j %a', IngestTime)
PARSE_DATE('%Y%m%d', '20200229')
PARSE_DATE('%Y%m%d', StudyDateStr)
PARSE_DATE('%Y-%m-%d', StudyDateStr)
PARSE_DATE('%Y%m%d', '')
PARSE_DATE('%d.%m.%Y', ' 29.02.2020')
PARSE_TIME('%H%M%S', '123456')
PARSE_TIME('%H:%M:%E*S', '12:34:56.789')
PARSE_TIME('%H%M%S', '250000')
PARSE_TIME('%H%M%S', '')
PARSE_DATETIME('%Y%m%d%H%M%S', '20200229123456')
PARSE_DATETIME('%Y-%m-%d %H:%M:%E*S', '2020-02-29 12:34:56.789')
PARSE_DATETIME('%Y%m%d%H%M%S', 'x')
PARSE_TIMESTAMP('%Y%m%d%H%M%S', '20200229123456')
PARSE_TIMESTAMP('%Y-%m-%d %H:%M:%S', '2020-02-29 12:34:56', 'America/New_York')
GENERATE_DATE_ARRAY(DATE '2020-02-27', DATE '2020-03-01')
GENERATE_DATE_ARRAY(DATE '2020-03-01', DATE '2020-02-27', INTERVAL -1 DAY)
GENERATE_DATE_ARRAY(DATE '2020-03-01', DATE '2020-02-27')
GENERATE_DATE_ARRAY(StudyDate, NULL)
-- Arrays and structs
ARRAY_LENGTH(ImageType)
ARRAY_LENGTH(PixelSpacing)
ARRAY_REVERSE(ImageType)
ARRAY_REVERSE(PixelSpacing)
ARRAY_CONCAT(ImageType, ['x'])
ARRAY_FIRST(ImageType)
ARRAY_LAST(ImageType)
GENERATE_ARRAY(1, 5)
GENERATE_ARRAY(5, 1)
GENERATE_ARRAY(5, 1, -2)
GENERATE_ARRAY(1, 5, 0)
GENERATE_ARRAY(0, SeriesNumber, 5)
ImageType[OFFSET(0)]
ImageType[0]
[PatientSex, 'x']
[SliceThickness]
[1, 2.5]
ARRAY(SELECT 1)
EXISTS (SELECT 1 FROM UNNEST(ImageType) AS x)
(SELECT x FROM UNNEST(ImageType) AS x)
PatientName.Alphabetic
PatientName.Ideographic
STRUCT(1 AS a, PatientSex AS b)
STRUCT(SliceThickness AS a, NULL AS b)
(PatientSex, 1)
-- JSON
JSON_VALUE(Extra, '$')
JSON_VALUE(Extra, '$.n')
JSON_VALUE(Extra, '$.s')
JSON_QUERY(Extra, '$')
JSON_QUERY(Extra, '$.n')
JSON_QUERY(Extra, '$.tags')
JSON_EXTRACT(Extra, '$')
JSON_EXTRACT(Extra, '$.n')
JSON_EXTRACT(Extra, '$.tags')
JSON_EXTRACT_SCALAR(Extra, '$')
JSON_EXTRACT_SCALAR(Extra, '$.n')
JSON_EXTRACT_SCALAR(Extra, '$.s')
JSON_VALUE_ARRAY(Extra, '$')
JSON_VALUE_ARRAY(Extra, '$[0]')
JSON_VALUE_ARRAY(Extra, '$.tags')
JSON_QUERY_ARRAY(Extra, '$')
JSON_QUERY_ARRAY(Extra, '$[0]')
JSON_QUERY_ARRAY(Extra, '$.tags')
JSON_EXTRACT_ARRAY(Extra, '$')
JSON_EXTRACT_ARRAY(Extra, '$[0]')
JSON_EXTRACT_ARRAY(Extra, '$.tags')
JSON_EXTRACT_STRING_ARRAY(Extra, '$')
JSON_EXTRACT_STRING_ARRAY(Extra, '$[0]')
JSON_EXTRACT_STRING_ARRAY(Extra, '$.tags')
JSON_TYPE(Extra)
Extra[0]
Extra['a']
BOOL(Extra)
INT64(Extra)
FLOAT64(Extra)
STRING(Extra)
LAX_BOOL(Extra)
LAX_INT64(Extra)
LAX_FLOAT64(Extra)
LAX_STRING(Extra)
-- FORMAT
FORMAT('%s', PatientID)
FORMAT('%s-%d', PatientSex, SeriesNumber)
FORMAT('%%')
FORMAT('%d', InstanceSize)
-- SAFE and ERROR
SAFE.LN(SliceThickness)
ERROR('no')
-- Whole queries
SELECT COUNT(*) AS v FROM d
SELECT COUNT(PatientSex) AS v FROM d
SELECT COUNT(DISTINCT PatientSex) AS v FROM d
SELECT COUNTIF(IsPhantom) AS v FROM d
SELECT SUM(SeriesNumber) AS v FROM d
SELECT SUM(KVP) AS v FROM d
SELECT SUM(DISTINCT SeriesNumber) AS v FROM d
SELECT AVG(SeriesNumber) AS v FROM d
SELECT AVG(KVP) AS v FROM d
SELECT MIN(StudyDate) AS v FROM d
SELECT MIN(KVP) AS v FROM d
SELECT MAX(StudyDate) AS v FROM d
SELECT MAX(KVP) AS v FROM d
SELECT LOGICAL_AND(IsPhantom) AS v FROM d
SELECT LOGICAL_OR(IsPhantom) AS v FROM d
SELECT STDDEV(SeriesNumber) AS v FROM d
SELECT STDDEV(SliceThickness) AS v FROM d
SELECT STDDEV_POP(SeriesNumber) AS v FROM d
SELECT STDDEV_POP(SliceThickness) AS v FROM d
SELECT STDDEV_SAMP(SeriesNumber) AS v FROM d
SELECT STDDEV_SAMP(SliceThickness) AS v FROM d
SELECT VARIANCE(SeriesNumber) AS v FROM d
SELECT VARIANCE(SliceThickness) AS v FROM d
SELECT VAR_POP(SeriesNumber) AS v FROM d
SELECT VAR_POP(SliceThickness) AS v FROM d
SELECT VAR_SAMP(SeriesNumber) AS v FROM d
SELECT VAR_SAMP(SliceThickness) AS v FROM d
SELECT PatientSex, ANY_VALUE(PatientSex) AS v FROM d GROUP BY PatientSex
SELECT STRING_AGG(PatientSex ORDER BY PatientSex) AS v FROM d
SELECT STRING_AGG(DISTINCT Modality, '-' ORDER BY Modality) AS v FROM d
SELECT STRING_AGG(PatientSex, '' ORDER BY PatientSex DESC LIMIT 3) AS v FROM d
SELECT ARRAY_AGG(PatientSex IGNORE NULLS ORDER BY SOPInstanceUID) AS v FROM d
SELECT ARRAY_AGG(DISTINCT Modality IGNORE NULLS ORDER BY Modality) AS v FROM d
SELECT ARRAY_AGG(SeriesNumber IGNORE NULLS ORDER BY SeriesNumber DESC LIMIT 2) AS v FROM d
SELECT DISTINCT Modality FROM d
SELECT DISTINCT SliceThickness FROM d
SELECT Modality FROM d GROUP BY Modality
SELECT Modality, COUNT(*) AS n FROM d GROUP BY Modality HAVING COUNT(*) > 1
SELECT SOPInstanceUID FROM d WHERE IsPhantom
SELECT SOPInstanceUID FROM d WHERE NULL
SELECT SOPInstanceUID FROM d ORDER BY SliceThickness, SOPInstanceUID
SELECT SOPInstanceUID FROM d ORDER BY StudyDate DESC, SOPInstanceUID LIMIT 3
SELECT SOPInstanceUID FROM d ORDER BY SOPInstanceUID LIMIT 3 OFFSET 2
SELECT SOPInstanceUID FROM d ORDER BY `Hash`, SOPInstanceUID
SELECT SOPInstanceUID FROM d ORDER BY KVP, SOPInstanceUID
SELECT x, o FROM d, UNNEST(ImageType) AS x WITH OFFSET AS o
SELECT SOPInstanceUID, x FROM d LEFT JOIN UNNEST(ImageType) AS x
SELECT a.SOPInstanceUID, b.PatientID FROM d AS a RIGHT JOIN d AS b ON a.SeriesNumber = b.Columns
SELECT a.SOPInstanceUID, b.PatientID FROM d AS a FULL JOIN d AS b ON a.SeriesNumber = b.Columns
SELECT COUNT(*) AS n FROM d AS a JOIN d AS b USING (Modality)
SELECT SOPInstanceUID, b.n FROM d CROSS JOIN (SELECT 1 AS n) AS b
SELECT Modality FROM d UNION ALL SELECT PatientSex FROM d
SELECT Modality FROM d UNION DISTINCT SELECT PatientSex FROM d
SELECT Modality FROM d INTERSECT DISTINCT SELECT 'CT'
SELECT Modality FROM d EXCEPT DISTINCT SELECT 'CT'
SELECT SeriesNumber FROM d UNION ALL SELECT SliceThickness FROM d
WITH w AS (SELECT 1 AS x) SELECT x FROM w
SELECT ARRAY(SELECT AS STRUCT 1 AS a, 'x' AS b) AS v
SELECT * EXCEPT (Extra, ImageType, PixelSpacing, ProcedureCodeSequence) FROM d
SELECT * REPLACE ('x' AS PatientID) FROM d WHERE SOPInstanceUID = '1.2.3.4.1'
SELECT SOPInstanceUID, ROW_NUMBER() OVER (ORDER BY SOPInstanceUID) AS v FROM d
SELECT SOPInstanceUID, ROW_NUMBER() OVER (PARTITION BY Modality ORDER BY SOPInstanceUID) AS v FROM d
SELECT SOPInstanceUID, RANK() OVER (ORDER BY SOPInstanceUID) AS v FROM d
SELECT SOPInstanceUID, DENSE_RANK() OVER (ORDER BY SOPInstanceUID) AS v FROM d
SELECT SOPInstanceUID, PERCENT_RANK() OVER (ORDER BY SOPInstanceUID) AS v FROM d
SELECT SOPInstanceUID, CUME_DIST() OVER (ORDER BY SOPInstanceUID) AS v FROM d
SELECT SOPInstanceUID, NTILE(3) OVER (ORDER BY SOPInstanceUID) AS v FROM d
SELECT SOPInstanceUID, LAG(PatientSex) OVER (ORDER BY SOPInstanceUID) AS v FROM d
SELECT SOPInstanceUID, LEAD(PatientSex) OVER (ORDER BY SOPInstanceUID) AS v FROM d
SELECT SOPInstanceUID, FIRST_VALUE(PatientSex) OVER (ORDER BY SOPInstanceUID) AS v FROM d
SELECT SOPInstanceUID, LAST_VALUE(PatientSex) OVER (ORDER BY SOPInstanceUID) AS v FROM d
SELECT SOPInstanceUID, NTH_VALUE(PatientSex,2) OVER (ORDER BY SOPInstanceUID) AS v FROM d
SELECT SOPInstanceUID, RANK() OVER (ORDER BY PatientSex) AS v FROM d
SELECT SOPInstanceUID, DENSE_RANK() OVER (ORDER BY PatientSex) AS v FROM d
SELECT SOPInstanceUID, PERCENT_RANK() OVER (ORDER BY PatientSex) AS v FROM d
SELECT SOPInstanceUID, CUME_DIST() OVER (ORDER BY PatientSex) AS v FROM d
SELECT SOPInstanceUID, LAG(SeriesNumber, 2, -5) OVER (ORDER BY SOPInstanceUID) AS v FROM d
SELECT SOPInstanceUID, LEAD(SeriesNumber, 2, -5) OVER (ORDER BY SOPInstanceUID) AS v FROM d
SELECT SOPInstanceUID, COUNT(*) OVER () AS v FROM d
SELECT SOPInstanceUID, COUNT(PatientSex) OVER () AS v FROM d
SELECT SOPInstanceUID, COUNTIF(IsPhantom) OVER () AS v FROM d
SELECT SOPInstanceUID, SUM(SeriesNumber) OVER () AS v FROM d
SELECT SOPInstanceUID, SUM(KVP) OVER () AS v FROM d
SELECT SOPInstanceUID, AVG(SeriesNumber) OVER () AS v FROM d
SELECT SOPInstanceUID, AVG(KVP) OVER () AS v FROM d
SELECT SOPInstanceUID, MIN(StudyDate) OVER () AS v FROM d
SELECT SOPInstanceUID, MIN(KVP) OVER () AS v FROM d
SELECT SOPInstanceUID, MAX(StudyDate) OVER () AS v FROM d
SELECT SOPInstanceUID, MAX(KVP) OVER () AS v FROM d
SELECT SOPInstanceUID, LOGICAL_AND(IsPhantom) OVER () AS v FROM d
SELECT SOPInstanceUID, LOGICAL_OR(IsPhantom) OVER () AS v FROM d
SELECT SOPInstanceUID, STDDEV(SeriesNumber) OVER () AS v FROM d
SELECT SOPInstanceUID, STDDEV(SliceThickness) OVER () AS v FROM d
SELECT SOPInstanceUID, STDDEV_POP(SeriesNumber) OVER () AS v FROM d
SELECT SOPInstanceUID, STDDEV_POP(SliceThickness) OVER () AS v FROM d
SELECT SOPInstanceUID, STDDEV_SAMP(SeriesNumber) OVER () AS v FROM d
SELECT SOPInstanceUID, STDDEV_SAMP(SliceThickness) OVER () AS v FROM d
SELECT SOPInstanceUID, VARIANCE(SeriesNumber) OVER () AS v FROM d
SELECT SOPInstanceUID, VARIANCE(SliceThickness) OVER () AS v FROM d
SELECT SOPInstanceUID, VAR_POP(SeriesNumber) OVER () AS v FROM d
SELECT SOPInstanceUID, VAR_POP(SliceThickness) OVER () AS v FROM d
SELECT SOPInstanceUID, VAR_SAMP(SeriesNumber) OVER () AS v FROM d
SELECT SOPInstanceUID, VAR_SAMP(SliceThickness) OVER () AS v FROM d
SELECT SOPInstanceUID, ANY_VALUE(PatientSex) OVER (PARTITION BY PatientSex) AS v FROM d
SELECT SOPInstanceUID, SUM(SeriesNumber) OVER (ORDER BY SOPInstanceUID ROWS BETWEEN 1 PRECEDING AND 1 FOLLOWING) AS v FROM d
SELECT SOPInstanceUID, COUNT(*) OVER (ORDER BY SeriesNumber RANGE BETWEEN 5 PRECEDING AND CURRENT ROW) AS v FROM d
SELECT SOPInstanceUID FROM d WHERE TRUE QUALIFY ROW_NUMBER() OVER (ORDER BY SOPInstanceUID) = 1
-- Zones
DATE(TIMESTAMP '2020-03-01 03:00:00+00', 'America/New_York')
DATETIME(TIMESTAMP '2020-03-01 03:00:00+00', 'Asia/Tokyo')
TIME(TIMESTAMP '2020-07-01 03:00:00+00', 'America/New_York')
STRING(TIMESTAMP '2020-03-01 03:00:00+00', 'America/New_York')
FORMAT_TIMESTAMP('%F %T', TIMESTAMP '2020-03-01 03:00:00+00', 'America/New_York')
TIMESTAMP(DATETIME '2020-03-08 02:30:00', 'America/New_York')
EXTRACT(HOUR FROM TIMESTAMP '2020-03-01 03:00:00+00' AT TIME ZONE 'America/New_York')
FORMAT('%.2f', SeriesNumber / 8)
-- Of each type
SELECT SUM(SliceThickness) AS v FROM d
SELECT AVG(SliceThickness) AS v FROM d
SELECT MIN(SliceThickness) AS v FROM d
SELECT MIN(SeriesNumber) AS v FROM d
SELECT MAX(SliceThickness) AS v FROM d
SELECT MAX(SeriesNumber) AS v FROM d
SELECT MIN(PatientSex) AS v FROM d
SELECT MIN(StudyTime) AS v FROM d
SELECT MIN(AcquisitionDateTime) AS v FROM d
SELECT MIN(IngestTime) AS v FROM d
SELECT MIN(IsPhantom) AS v FROM d
SELECT SOPInstanceUID, MIN(SliceThickness) OVER (PARTITION BY Modality) AS v FROM d
SELECT MAX(PatientSex) AS v FROM d
SELECT MAX(StudyTime) AS v FROM d
SELECT MAX(AcquisitionDateTime) AS v FROM d
SELECT MAX(IngestTime) AS v FROM d
SELECT MAX(IsPhantom) AS v FROM d
SELECT SOPInstanceUID, MAX(SliceThickness) OVER (PARTITION BY Modality) AS v FROM d
SELECT COUNT(DISTINCT SliceThickness) AS v FROM d
SELECT COUNT(SliceThickness) AS v FROM d
SELECT SUM(SliceThickness) AS v FROM d WHERE FALSE
SELECT COUNTIF(IsPhantom) AS v FROM d WHERE FALSE
SELECT SUM(InstanceSize) AS v FROM d
GREATEST(SliceThickness, 1.0)
SliceThickness NOT IN (0.5, 5.0)
SliceThickness = SliceThickness
SliceThickness != SliceThickness
SliceThickness < 2.5
SliceThickness <= 2.5
NOT SliceThickness > 2.5
SELECT SOPInstanceUID FROM d ORDER BY SliceThickness DESC NULLS FIRST, SOPInstanceUID
SPLIT(SeriesDescription, '')
-- What the evaluator lacks, with what it stands for
SELECT SOPInstanceUID, FIRST_VALUE(PatientSex RESPECT NULLS) OVER (ORDER BY SOPInstanceUID) AS v FROM d -- as: SELECT SOPInstanceUID, FIRST_VALUE(PatientSex) OVER (ORDER BY SOPInstanceUID) AS v FROM d
SELECT SOPInstanceUID, LAST_VALUE(PatientSex RESPECT NULLS) OVER (ORDER BY SOPInstanceUID) AS v FROM d -- as: SELECT SOPInstanceUID, LAST_VALUE(PatientSex) OVER (ORDER BY SOPInstanceUID) AS v FROM d
SELECT SOPInstanceUID, NTH_VALUE(PatientSex, 2 RESPECT NULLS) OVER (ORDER BY SOPInstanceUID) AS v FROM d -- as: SELECT SOPInstanceUID, NTH_VALUE(PatientSex, 2) OVER (ORDER BY SOPInstanceUID) AS v FROM d
-- More
LPAD(PatientID, 0)
RPAD(PatientID, 0)
LPAD('', 2, 'ab')
RPAD('', 2, 'ab')
SELECT SOPInstanceUID, FIRST_VALUE(PatientSex IGNORE NULLS) OVER (ORDER BY SOPInstanceUID) AS v FROM d -- as: SELECT SOPInstanceUID, (SELECT b.PatientSex FROM d AS b WHERE b.SOPInstanceUID <= a.SOPInstanceUID AND b.PatientSex IS NOT NULL ORDER BY b.SOPInstanceUID LIMIT 1) AS v FROM d AS a
SELECT SOPInstanceUID, LAST_VALUE(PatientSex IGNORE NULLS) OVER (ORDER BY SOPInstanceUID) AS v FROM d -- as: SELECT SOPInstanceUID, (SELECT b.PatientSex FROM d AS b WHERE b.SOPInstanceUID <= a.SOPInstanceUID AND b.PatientSex IS NOT NULL ORDER BY b.SOPInstanceUID DESC LIMIT 1) AS v FROM d AS a
SELECT SOPInstanceUID, NTH_VALUE(PatientSex, 2 IGNORE NULLS) OVER (ORDER BY SOPInstanceUID) AS v FROM d -- as: SELECT SOPInstanceUID, (SELECT b.PatientSex FROM d AS b WHERE b.SOPInstanceUID <= a.SOPInstanceUID AND b.PatientSex IS NOT NULL ORDER BY b.SOPInstanceUID LIMIT 1 OFFSET 1) AS v FROM d AS a
RAND() >= 0
RAND() < 0
RAND() < 1
NUMERIC '12345678901234567890.123456789' * KVP
EXTRACT(HOUR FROM TIMESTAMP '9999-12-31 23:59:59+00' AT TIME ZONE '+05:30')
EXTRACT(YEAR FROM TIMESTAMP '0001-01-01 00:00:00+00' AT TIME ZONE '-05:30')
SELECT Modality, SUM(KVP) AS v FROM d GROUP BY Modality HAVING COUNT(*) > 1
