"""What is selected of a table, and the queries composed for it.

A selection is clauses over one table; from it come covers, counts, warnings and attrition, all as
queries that an engine runs. Lists of identifiers are clauses too (``ids``). Nothing here knows
which engine runs a query, or writes a filter file.
"""
