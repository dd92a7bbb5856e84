"""Lists of identifiers."""
