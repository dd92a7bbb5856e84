"""What a survey asks DuckDB: constant statements over its tables.

``listing`` is what lies in the folder and ``passed`` what cannot be looked into; ``known`` is what
was an instance before, ``kept`` what is one now, ``fresh`` what was read, ``admitted`` what of it
is an instance, and ``others`` what is none.
"""

from __future__ import annotations

HAS_BAR = "SELECT 1 FROM duckdb_settings() WHERE name = 'enable_progress_bar' AND value = 'true'"
TABLES = """
CREATE TABLE listing (path VARCHAR, size_bytes BIGINT, modified_ns BIGINT);
CREATE TABLE passed (path VARCHAR, Reason VARCHAR, is_folder BOOLEAN);
CREATE TABLE fresh (
    path VARCHAR, size_bytes BIGINT, modified_ns BIGINT, StudyInstanceUID VARCHAR,
    SeriesInstanceUID VARCHAR, SOPInstanceUID VARCHAR, SOPClassUID VARCHAR,
    TransferSyntaxUID VARCHAR, NumberOfFrames BIGINT, Reason VARCHAR, Detail VARCHAR,
    part BIGINT, position BIGINT);
CREATE TABLE kept (
    StudyInstanceUID VARCHAR, SeriesInstanceUID VARCHAR, SOPInstanceUID VARCHAR, path VARCHAR,
    size_bytes BIGINT, modified_ns BIGINT, TransferSyntaxUID VARCHAR, SOPClassUID VARCHAR,
    NumberOfFrames BIGINT, StorageClass VARCHAR, LastUpdated BIGINT, Type VARCHAR);
CREATE TABLE classes (
    StudyInstanceUID VARCHAR, SeriesInstanceUID VARCHAR, SOPInstanceUID VARCHAR,
    StorageClass VARCHAR);
CREATE TABLE conflicts (path VARCHAR);
CREATE TABLE standing (
    StudyInstanceUID VARCHAR, SeriesInstanceUID VARCHAR, SOPInstanceUID VARCHAR,
    LastUpdated BIGINT, Type VARCHAR, size_bytes BIGINT);
CREATE TABLE orphans AS FROM standing;
CREATE TABLE notes (path VARCHAR, Element VARCHAR, Reason VARCHAR, Detail VARCHAR);
CREATE TABLE others (
    path VARCHAR, size_bytes BIGINT, modified_ns BIGINT, StudyInstanceUID VARCHAR,
    SeriesInstanceUID VARCHAR, SOPInstanceUID VARCHAR, Reason VARCHAR, Detail VARCHAR);
"""
KEEP = """
INSERT INTO kept BY NAME
SELECT known.* REPLACE (epoch_us(LastUpdated) AS LastUpdated) FROM known
SEMI JOIN listing USING (path, size_bytes, modified_ns)
"""
KEEP_ALL = """
INSERT INTO kept BY NAME
SELECT known.* REPLACE (epoch_us(LastUpdated) AS LastUpdated) FROM known
"""
RECLASSIFIED = """
DELETE FROM kept USING classes
WHERE classes.StudyInstanceUID = kept.StudyInstanceUID
    AND classes.SeriesInstanceUID = kept.SeriesInstanceUID
    AND classes.SOPInstanceUID = kept.SOPInstanceUID
    AND classes.StorageClass <> kept.StorageClass
"""
KEEP_UNSEEN = """
INSERT INTO kept BY NAME
SELECT known.* REPLACE (epoch_us(LastUpdated) AS LastUpdated) FROM known
WHERE EXISTS (SELECT 1 FROM passed WHERE is_folder AND starts_with(known.path, passed.path || '/'))
"""
# What could not be read may be readable now, and of equal files one may be the only one left, or no
# longer equal.
KEEP_OTHERS = """
INSERT INTO others BY NAME
SELECT known_others.* FROM known_others
SEMI JOIN listing USING (path, size_bytes, modified_ns)
WHERE Reason <> $unreadable AND (
    Reason NOT IN ($duplicate, $conflict)
    OR (StudyInstanceUID, SeriesInstanceUID, SOPInstanceUID) IN (
        SELECT (StudyInstanceUID, SeriesInstanceUID, SOPInstanceUID) FROM kept))
"""
TO_READ = """
CREATE TABLE to_read AS
SELECT * FROM listing
ANTI JOIN (
    SELECT path FROM kept UNION ALL SELECT path FROM others UNION ALL SELECT path FROM fresh
) AS looked_at USING (path)
"""
ADMIT = """
CREATE TABLE admitted AS
SELECT path FROM fresh ANTI JOIN kept USING (StudyInstanceUID, SeriesInstanceUID, SOPInstanceUID)
WHERE Reason IS NULL
QUALIFY row_number() OVER (
    PARTITION BY StudyInstanceUID, SeriesInstanceUID, SOPInstanceUID ORDER BY path) = 1
"""
TWICE = """
SELECT fresh.path, kept.path AS other, fresh.size_bytes = kept.size_bytes AS alike
FROM fresh JOIN kept USING (StudyInstanceUID, SeriesInstanceUID, SOPInstanceUID)
WHERE Reason IS NULL AND fresh.path <> kept.path ORDER BY path
"""
ADD = """
INSERT INTO kept BY NAME
SELECT fresh.* EXCLUDE (Reason, Detail, part, position),
    coalesce(classes.StorageClass, 'STANDARD') AS StorageClass, $moment AS LastUpdated,
    'CREATE' AS Type
FROM fresh SEMI JOIN admitted USING (path)
LEFT JOIN classes USING (StudyInstanceUID, SeriesInstanceUID, SOPInstanceUID)
"""
# A run that was killed wrote the table and not its list of paths. What the list knows and the table
# does not say any more is not known; what the table says and the list does not know is an orphan,
# until a file of it is found that has not been changed since.
KNOW_BY_TABLE = (
    """
CREATE OR REPLACE TABLE standing AS SELECT * FROM standing
QUALIFY row_number() OVER (
    PARTITION BY StudyInstanceUID, SeriesInstanceUID, SOPInstanceUID
    ORDER BY LastUpdated DESC, Type = 'DELETE' DESC) = 1
""",
    """
DELETE FROM known WHERE (StudyInstanceUID, SeriesInstanceUID, SOPInstanceUID, epoch_us(LastUpdated))
NOT IN (
    SELECT (StudyInstanceUID, SeriesInstanceUID, SOPInstanceUID, LastUpdated) FROM standing
    WHERE Type <> 'DELETE')
""",
    """
INSERT INTO orphans SELECT * FROM standing
ANTI JOIN known USING (StudyInstanceUID, SeriesInstanceUID, SOPInstanceUID)
WHERE Type <> 'DELETE'
""",
)
FOUND_AGAIN = (
    """
INSERT INTO kept BY NAME
SELECT fresh.* EXCLUDE (Reason, Detail, part, position),
    coalesce(classes.StorageClass, 'STANDARD') AS StorageClass, orphans.LastUpdated,
    'CREATE' AS Type
FROM fresh SEMI JOIN admitted USING (path)
JOIN orphans USING (StudyInstanceUID, SeriesInstanceUID, SOPInstanceUID, size_bytes)
LEFT JOIN classes USING (StudyInstanceUID, SeriesInstanceUID, SOPInstanceUID)
WHERE fresh.modified_ns < orphans.LastUpdated * 1000
""",
    "DELETE FROM admitted WHERE path IN (SELECT path FROM kept)",
)
RESUME = """
INSERT INTO fresh BY NAME
SELECT batch.* FROM batch
SEMI JOIN listing USING (path, size_bytes, modified_ns)
ANTI JOIN kept USING (path)
WHERE Reason IS DISTINCT FROM $unreadable
"""
ROWS_OF_PART = """
SELECT position, kept.size_bytes, kept.StorageClass, kept.SOPInstanceUID
FROM fresh SEMI JOIN admitted USING (path) JOIN kept USING (path)
WHERE part = $part ORDER BY position
"""
GONE = """
SELECT StudyInstanceUID, SeriesInstanceUID, SOPInstanceUID FROM (
    SELECT StudyInstanceUID, SeriesInstanceUID, SOPInstanceUID FROM known
    UNION ALL SELECT StudyInstanceUID, SeriesInstanceUID, SOPInstanceUID FROM orphans)
ANTI JOIN kept USING (StudyInstanceUID, SeriesInstanceUID, SOPInstanceUID)
ORDER BY ALL
"""
FINDINGS = """
SELECT path, Reason AS reason, NULL AS element, Detail AS detail FROM others
UNION ALL
SELECT path, Reason, Element, Detail FROM notes SEMI JOIN kept USING (path)
ORDER BY ALL
"""
NOTED = """
SELECT Reason, count(*) FROM notes SEMI JOIN kept USING (path) GROUP BY ALL ORDER BY ALL
"""
ADD_OTHERS = """
INSERT INTO others BY NAME
SELECT path, size_bytes, modified_ns, StudyInstanceUID, SeriesInstanceUID, SOPInstanceUID,
    coalesce(Reason, CASE WHEN path IN (SELECT path FROM conflicts) THEN $conflict
        ELSE $duplicate END) AS Reason, Detail
FROM fresh ANTI JOIN kept USING (path)
"""
ADD_PASSED = "INSERT INTO others BY NAME SELECT path, Reason FROM passed"
OTHERS_DIFFER = """
SELECT ((SELECT count(*) FROM others) <> (SELECT count(*) FROM known_others))::INTEGER
"""
COUNTS = """
SELECT
    (SELECT count(*) FROM admitted SEMI JOIN known USING (path)),
    (SELECT count(*) FROM admitted ANTI JOIN known USING (path)),
    (SELECT count(*) FROM known ANTI JOIN kept USING (path)) + (
        SELECT count(*) FROM orphans
        ANTI JOIN kept USING (StudyInstanceUID, SeriesInstanceUID, SOPInstanceUID)),
    (SELECT count(*) FROM fresh)
"""
EMPTY = {
    name: f"CREATE OR REPLACE TABLE {name} AS FROM batch LIMIT 0"
    for name in ("known", "known_others", "classes")
}
INSERT = {
    name: f"INSERT INTO {name} BY NAME FROM batch"
    for name in (
        "listing",
        "passed",
        "fresh",
        "known",
        "known_others",
        "classes",
        "notes",
        "conflicts",
        "standing",
    )
}
CHANGED = """
SELECT
    (SELECT count(*) FROM admitted)
    + (SELECT count(*) FROM known ANTI JOIN kept USING (path))
    + (SELECT count(*) FROM orphans
        ANTI JOIN kept USING (StudyInstanceUID, SeriesInstanceUID, SOPInstanceUID))
"""
CHOOSE = """
UPDATE kept SET StorageClass = $storage_class, LastUpdated = greatest($moment, LastUpdated + 1)
WHERE (StudyInstanceUID, SeriesInstanceUID, SOPInstanceUID) IN (
    SELECT (StudyInstanceUID, SeriesInstanceUID, SOPInstanceUID) FROM chosen)
"""
