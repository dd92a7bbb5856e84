"""Tests of what is selected."""
