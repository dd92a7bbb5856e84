"""DICOM stores: what one is asked to do, and how it answers.

``healthcare`` has those of the Cloud Healthcare API, ``folder`` those that are folders of this
machine. Both keep the promises of ``protocol``, and only ``store_kinds`` asks which of them a
name is of. Whether a start may be repeated is decided in ``operations``.
"""
