"""Pictures of a cohort."""
