"""Objects in Cloud Storage."""
