"""Tests of tables, cohorts and stores as a notebook sees them."""
