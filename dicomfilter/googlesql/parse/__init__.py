"""From a text to an unchecked tree of sqlglot's nodes."""
