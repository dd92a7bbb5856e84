"""Files of this machine, and its standard output.

A file is drafted beside its place, synced and published in one step, or not at all. Standard
output is written as a file is, without a way back. What is written, and why, is not decided here.
"""
