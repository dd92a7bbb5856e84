"""DICOM stores of the Cloud Healthcare API."""
