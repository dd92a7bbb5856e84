"""What a notebook sees: tables, cohorts, DICOM stores."""
