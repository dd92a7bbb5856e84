"""Filter files: built, described, and sent.

``build`` turns a selection into a file with its sidecars and manifest, ``transfer`` brings a file
to Cloud Storage and to a store. ``lines`` reads and checks files, ``algebra`` calculates with
them. Which rows are meant is the business of ``cohorts``.
"""
