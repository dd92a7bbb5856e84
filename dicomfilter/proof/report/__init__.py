"""The report: one page that says what was asked for, what left, on whose word."""
