"""bqemulator 1.4.0 with the gaps closed that matter to dicomfilter.

Runs in an environment of its own (see ``ensure.py``); nothing here is imported by the tests. Each
module closes one kind of gap by replacing something of bqemulator's, private names included, so
the release is pinned and each replaced name must be there.
"""
