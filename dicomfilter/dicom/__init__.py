"""Folders of DICOM files: what lies in them, and the table made of their headers.

``catalog`` knows the instances of a folder and where their files are; ``index`` writes the metadata
table that the service would export for them.
"""
