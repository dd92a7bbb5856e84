"""DICOM files: what lies in a folder of them, and what can be made of it.

``headers`` reads data sets and makes the metadata table, ``pixels`` decodes and writes pixels,
``deid`` takes out what identifies a person. Folders as stores are in ``stores.folder``.
"""
