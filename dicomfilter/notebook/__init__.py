"""Tables, cohorts and DICOM stores, as a notebook and the command line hold them.

``open_table`` gives a Table, that gives Cohorts, and ``open_store`` a Store. They keep no rules
of their own: each call is one of ``cohorts``, ``filters`` or ``operations`` with its arguments
put in order.
"""
