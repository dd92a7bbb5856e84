"""Tests of filter files."""
