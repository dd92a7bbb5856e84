"""A Cloud Healthcare API for DICOM stores, as far as dicomfilter uses it.

Routes and checks of requests come from the discovery documents that Google's client ships
(``discovery.py``), instances from DICOM files (``stores.py``), results go to the local Cloud
Storage and BigQuery. What nobody has documented stands in ``assumptions.py``; what a test wants to
happen is set by ``switches.py``; both through the routes under ``/_test`` (``control.py``).
"""
