"""The headers of DICOM files, and the table made of them.

``header`` reads a data set to its proved end, ``element_values`` types what it holds, ``index``
writes the table that the service would export, ``catalog`` knows where each instance lies. Pixels
are left alone.
"""
