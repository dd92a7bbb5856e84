"""From a text to an unchecked tree of sqlglot's nodes.

``lexer`` makes words with their offsets, one ``parser`` makes the tree, ``lifting`` takes
literals out of it as parameters. Nothing is looked up here: names and types are the business of
``check``.
"""
