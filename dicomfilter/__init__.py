"""Turn SQL predicates over DICOM metadata into validated, de-duplicated filter files."""

__version__ = "0.1.0"
