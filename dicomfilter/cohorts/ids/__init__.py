"""Lists of identifiers: read, matched, reported.

A list comes from CSV, a spreadsheet's export, plain lines or values, and becomes one clause of a
selection. What it names and the table lacks is kept and told. Nothing here runs a query by itself.
"""
