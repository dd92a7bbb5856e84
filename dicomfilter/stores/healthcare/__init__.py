"""DICOM stores of the Cloud Healthcare API.

Requests are made from Google's discovery document and sent over one connection that never repeats
a start by itself. Refusals become errors with the right to ask for. Whether a start may be
repeated is decided in ``operations``.
"""
