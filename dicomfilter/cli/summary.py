"""``dicomfilter summary``: what a filter file names."""
