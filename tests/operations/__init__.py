"""Tests of what was started."""
