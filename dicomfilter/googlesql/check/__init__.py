"""What BigQuery would take: names, types and signatures; all else is refused."""
