"""The types and words of GoogleSQL, and how values are read and written.

Parameters, types, reserved words, JSON paths and the clock of zones: what parser, checker and
translation all need. Nothing here knows a tree.
"""
