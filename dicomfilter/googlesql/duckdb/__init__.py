"""From a checked tree to DuckDB's SQL, with the meaning that BigQuery gives it.

``translate`` walks the tree; each file holds the rewrites of one subject, ``failing`` what a
rewrite may fail of, ``nodes`` the pieces that they are built of. A tree that was not checked
never comes here.
"""
