"""Files of this machine, and its standard output."""
