"""What is selected of a table, and the queries composed for it."""
