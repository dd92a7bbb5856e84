"""Filter files: built, described, and sent."""
