"""The types and words of GoogleSQL, and how values are read and written."""
