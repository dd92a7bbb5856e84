"""The SQL of a comparison, over tables in a private file.

``lines``: what the filter names. ``units``: what metadata know of it. ``counted``: studies and
series of which only the number of instances is known. ``arrived``: what the destination holds.
"""

from __future__ import annotations

from dicomfilter.stores.folder.layout import NAME

LINES = """
CREATE TABLE lines AS
SELECT
  parts[3] AS study,
  parts[5] AS series,
  parts[7] AS instance,
  md5_number(parts[3] || '/' || parts[5] || '/' || parts[7]) AS key
FROM (SELECT string_split(text, '/') AS parts FROM source)
"""
NO_UNITS = """
CREATE TABLE IF NOT EXISTS units (
  study VARCHAR, series VARCHAR, instance VARCHAR, instances BIGINT, size_bytes DOUBLE,
  frames BIGINT, updated TIMESTAMPTZ, deleted BOOLEAN, has_pixels BOOLEAN, key UHUGEINT
)
"""
COARSE_LINES = "SELECT count(*) FROM lines WHERE instance IS NULL"

EXPECTED = """
CREATE TABLE expected AS
SELECT study, series, instance, key FROM lines WHERE instance IS NOT NULL
UNION ALL
SELECT DISTINCT units.study, units.series, units.instance, units.key
FROM units
JOIN lines ON lines.study = units.study AND (lines.series IS NULL OR lines.series = units.series)
WHERE lines.instance IS NULL
  AND units.instance IS NOT NULL
  AND (NOT units.deleted OR units.updated > $asked::TIMESTAMPTZ)
"""
"""What was deleted before the filter was made was never asked for; what was later was."""

COUNTED = """
CREATE TABLE counted AS
SELECT units.study, units.series, max(units.instances) AS instances
FROM units
JOIN lines ON lines.study = units.study AND (lines.series IS NULL OR lines.series = units.series)
WHERE lines.instance IS NULL AND units.instance IS NULL AND units.instances IS NOT NULL
GROUP BY units.study, units.series
"""

OPEN = """
CREATE TABLE open AS
SELECT lines.study, lines.series FROM lines
WHERE lines.instance IS NULL AND NOT EXISTS (
  SELECT 1 FROM units
  WHERE units.study = lines.study
    AND (lines.series IS NULL OR lines.series = units.series)
    AND (units.instance IS NOT NULL OR units.instances IS NOT NULL)
)
"""
"""Lines of which nothing is known of what is under them."""

SETTLED = "INSERT INTO counted VALUES ($study, $series, $instances)"
CLOSED = """
DELETE FROM open
WHERE (study, coalesce(series, '')) IN (SELECT (study, coalesce(series, '')) FROM counted)
"""

BOUNDS = """
SELECT study || '/' || coalesce(series || '/' || coalesce(instance, ''), '') AS name
FROM (
  SELECT study, series, instance FROM expected
  UNION ALL SELECT study, series, NULL FROM counted
  UNION ALL SELECT study, series, NULL FROM open
) USING SAMPLE reservoir(4096 ROWS) REPEATABLE (1)
"""

ARRIVED_NAMES = """
CREATE TABLE arrived AS
SELECT
  part.study AS study,
  part.series AS series,
  part.instance AS instance,
  TRY_CAST(nullif(part.frame, '') AS BIGINT) AS frame,
  CASE WHEN part.study = '' THEN name END AS other,
  part.study <> '' AND part.extension = $extension
    AND (part.frame = '' OR NOT $is_dicom) AS is_form,
  part.extension AS extension,
  size_bytes,
  1 AS copies,
  coalesce(TRY_CAST(created AS TIMESTAMPTZ) < $since::TIMESTAMPTZ, false) AS is_older,
  md5_number(part.study || '/' || part.series || '/' || part.instance) AS key
FROM (
  SELECT
    name,
    size_bytes,
    created,
    regexp_extract(
      name,
      '^NAME$',
      ['study', 'series', 'instance', 'frame', 'extension']
    ) AS part
  FROM (SELECT substr(name, $skip) AS name, size_bytes, created FROM source)
)
""".replace("NAME", NAME)

ARRIVED_ROWS = """
CREATE TABLE arrived AS
SELECT
  study, series, instance, NULL::BIGINT AS frame, NULL::VARCHAR AS other, true AS is_form,
  '' AS extension, NULL::BIGINT AS size_bytes, max(row_count) AS copies, false AS is_older,
  md5_number(study || '/' || series || '/' || instance) AS key
FROM source
GROUP BY study, series, instance
HAVING arg_max(
  coalesce(kind, ''), (coalesce(updated, ''), coalesce(kind = 'DELETE', false))
) <> 'DELETE'
"""

FOUND = """
CREATE TABLE found AS
SELECT
  key,
  count(*) FILTER (frame IS NULL) AS wholes,
  count(DISTINCT frame) AS frames,
  max(frame) AS last,
  min(frame) AS first,
  bool_or(coalesce(size_bytes = 0, false)) AS is_empty,
  bool_or(is_older) AS is_older,
  sum(size_bytes) AS size_bytes,
  max(copies) AS copies
FROM arrived
WHERE is_form
GROUP BY key
"""

JUDGED = """
CREATE TABLE judged AS
SELECT
  expected.study,
  expected.series,
  expected.instance,
  expected.key,
  CASE
    WHEN found.key IS NULL THEN 'absent'
    WHEN found.is_empty THEN 'empty'
    WHEN found.is_older AND $overwrites THEN 'older'
    WHEN wrong.key IS NOT NULL THEN 'another-instance'
    WHEN $is_dicom THEN 'arrived'
    WHEN found.wholes > 0 AND (images.key IS NULL OR NOT $has_frames OR most <= 1) THEN 'arrived'
    WHEN found.wholes = 0 AND (found.first <> 1 OR found.frames <> found.last) THEN 'frames'
    WHEN images.key IS NULL OR NOT $has_frames OR found.wholes > 0 THEN 'unproved'
    WHEN found.last >= most THEN 'arrived'
    ELSE 'frames'
  END AS state
FROM expected
LEFT JOIN found USING (key)
LEFT JOIN wrong USING (key)
LEFT JOIN (
  SELECT key, max(coalesce(frames, 1)) AS most FROM units WHERE instance IS NOT NULL GROUP BY key
) AS images USING (key)
"""
"""Only images of several frames have numbered ones; how many there are, metadata may tell.

Source:
    Discovery document of the Healthcare API, schema ``GoogleCloudHealthcareV1DicomGcsDestination``.
"""
WRONG = "CREATE TABLE wrong (key UHUGEINT, name VARCHAR)"
ANOTHER = """
INSERT INTO wrong
SELECT md5_number($study || '/' || $series || '/' || $instance), $name
"""
FILES = """
CREATE VIEW files AS
SELECT
  *,
  study || '/' || series || '/' || instance || coalesce('/' || frame, '')
  || CASE WHEN extension = '' THEN '' ELSE '.' || extension END AS name
FROM arrived
WHERE is_form
"""
"""The images that are there, and their names as they were read."""

NUMBERS = """
CREATE TABLE numbers AS
SELECT
  counted.study,
  counted.series,
  counted.instances,
  (
    SELECT count(DISTINCT arrived.key) FROM arrived
    WHERE arrived.is_form AND coalesce(arrived.size_bytes > 0, true)
      AND NOT (arrived.is_older AND $overwrites)
      AND arrived.study = counted.study
      AND (counted.series IS NULL OR arrived.series = counted.series)
  ) AS arrived
FROM counted
"""

MISSING = """
CREATE TABLE missing AS
SELECT
  judged.study,
  judged.series,
  judged.instance,
  CASE
    WHEN coalesce(units.deleted, false) THEN 'deleted'
    WHEN judged.state <> 'absent' THEN judged.state
    WHEN $transcodes AND units.size_bytes > (1 << 30) THEN 'too-large-to-transcode'
    WHEN NOT $is_dicom AND $has_pixels AND NOT coalesce(units.has_pixels, true) THEN 'no-pixels'
    WHEN $has_table AND units.key IS NULL THEN 'not-in-table'
    WHEN units.updated > $since::TIMESTAMPTZ THEN 'later'
    ELSE 'unknown'
  END AS reason,
  judged.key,
  1::BIGINT AS instances
FROM judged
LEFT JOIN (SELECT * FROM units WHERE instance IS NOT NULL) AS units USING (key)
WHERE judged.state NOT IN ('arrived', 'unproved')
UNION ALL
SELECT study, series, NULL, 'fewer', NULL, instances - arrived
FROM numbers WHERE arrived < instances
"""

UNEXPECTED = """
CREATE TABLE unexpected AS
SELECT
  study,
  series,
  instance,
  CASE WHEN bool_and(is_older) THEN 'left-over' WHEN bool_or(is_form) THEN 'not-asked-for'
    ELSE 'another-form' END AS reason,
  any_value(key) AS key
FROM (
  SELECT * FROM arrived AS one
  WHERE other IS NULL AND (NOT is_form OR (
    key NOT IN (SELECT key FROM expected)
    AND study NOT IN (SELECT study FROM lines WHERE series IS NULL)
    AND (study, series) NOT IN (
      SELECT (study, series) FROM lines WHERE series IS NOT NULL AND instance IS NULL
    )
  ))
)
GROUP BY study, series, instance
"""

DELIVERED = """
CREATE VIEW delivered AS
SELECT study, series, instance, key FROM judged WHERE state = 'arrived'
UNION ALL
SELECT DISTINCT study, series, instance, key FROM arrived
WHERE is_form AND NOT (is_older AND $overwrites) AND coalesce(size_bytes > 0, true)
  AND (
    study IN (SELECT study FROM lines WHERE series IS NULL)
    OR (study, series) IN (
      SELECT (study, series) FROM lines WHERE series IS NOT NULL AND instance IS NULL
    )
  )
  AND key NOT IN (SELECT key FROM expected)
"""
"""What is there of what was asked for; under a line, also what metadata do not know (yet)."""

COUNTS = """
SELECT
  (SELECT count(*) FROM expected) + (SELECT coalesce(sum(instances), 0) FROM counted) AS expected,
  (SELECT count(*) FROM judged WHERE state = 'arrived')
    + (SELECT coalesce(sum(least(arrived, instances)), 0) FROM numbers) AS arrived,
  (SELECT coalesce(sum(instances), 0) FROM missing) AS missing,
  (SELECT count(*) FROM judged WHERE state = 'unproved') AS unproved_instances,
  (SELECT count(*) FROM open) AS unproved_lines,
  (SELECT coalesce(sum(instances), 0) FROM counted) AS by_count,
  (SELECT count(*) FROM unexpected WHERE reason <> 'left-over') AS unexpected,
  (SELECT count(*) FROM unexpected WHERE reason = 'left-over') AS left_over,
  (SELECT count(*) FROM found WHERE copies > 1) AS doubled,
  (SELECT count(*) FROM judged WHERE state = 'empty') AS empty,
  (SELECT count(*) FROM arrived WHERE other IS NOT NULL) AS others,
  (SELECT count(*) FROM arrived) AS listed,
  (SELECT count(*) FROM delivered) AS delivered,
  (SELECT coalesce(sum(size_bytes), 0)::BIGINT FROM found WHERE key IN (
    SELECT key FROM judged WHERE state = 'arrived'
  )) AS size_bytes
"""
REASONS = """
SELECT reason, sum(instances)::BIGINT AS count FROM missing
GROUP BY reason ORDER BY count DESC, reason
"""

RETRY = """
CREATE TABLE retry AS
WITH lost AS (
  SELECT
    missing.study, missing.series, missing.instance, lines.study IS NOT NULL AS is_study_line,
    series_lines.study IS NOT NULL AS is_series_line,
    reason NOT IN ('deleted', 'too-large-to-transcode', 'no-pixels') AS can_arrive
  FROM missing
  LEFT JOIN (SELECT study FROM lines WHERE series IS NULL) AS lines USING (study)
  LEFT JOIN (
    SELECT study, series FROM lines WHERE series IS NOT NULL AND instance IS NULL
  ) AS series_lines USING (study, series)
),
here AS (SELECT DISTINCT study, series FROM delivered),
whole_studies AS (
  SELECT study FROM lost WHERE is_study_line
    AND study NOT IN (SELECT study FROM here)
  GROUP BY study HAVING bool_and(can_arrive)
),
whole_series AS (
  SELECT study, series FROM lost
  WHERE (is_study_line OR is_series_line) AND series IS NOT NULL
    AND study NOT IN (SELECT study FROM whole_studies)
    AND (study, series) NOT IN (SELECT (study, series) FROM here)
  GROUP BY study, series HAVING bool_and(can_arrive)
)
SELECT study, NULL::VARCHAR AS series, NULL::VARCHAR AS instance FROM whole_studies
UNION ALL
SELECT study, series, NULL FROM whole_series
UNION ALL
SELECT DISTINCT study, series, instance FROM lost
WHERE can_arrive
  AND study NOT IN (SELECT study FROM whole_studies)
  AND (study, coalesce(series, '')) NOT IN (SELECT (study, series) FROM whole_series)
"""
"""Nothing wider than the filter's own lines, and no line that holds what cannot arrive."""

RETRY_COUNTS = """
SELECT
  count(*) FILTER (series IS NULL),
  count(*) FILTER (series IS NOT NULL AND instance IS NULL),
  count(*) FILTER (instance IS NOT NULL),
  count(DISTINCT study),
  count(DISTINCT (study, series)) FILTER (series IS NOT NULL)
FROM {table}
"""
TEXT = """
SELECT
  '/studies/' || study || coalesce('/series/' || series, '')
  || coalesce('/instances/' || instance, '') || chr(10) AS line
FROM {table}
"""

ABSENT_COUNT = "SELECT count(*) FROM judged WHERE state = 'absent'"
ABSENT = "CREATE VIEW absent AS SELECT DISTINCT study FROM judged WHERE state = 'absent'"
OTHER_FORMS = """
SELECT extension, count(DISTINCT key) FROM arrived
WHERE other IS NULL AND NOT is_form
GROUP BY extension ORDER BY extension
"""
LISTED_WEIGHT = """
SELECT
  (SELECT count(*) FROM expected) + (SELECT coalesce(sum(instances), 0)::BIGINT FROM counted),
  (SELECT count(*) FROM open)
"""
