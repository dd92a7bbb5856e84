"""Filter files as sets, compared with what a person would do leaf by leaf."""
