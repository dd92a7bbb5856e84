"""What was started: its state, its journal, and starting it once."""
