"""The headers of DICOM files, and the table made of them."""
