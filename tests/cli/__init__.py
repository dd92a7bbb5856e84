"""Tests of the command as its user runs it."""
