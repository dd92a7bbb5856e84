"""The pixels of DICOM files: read, drawn, and written in other transfer syntaxes."""
