"""What was started: its state, its journal, and starting it once.

``start`` is the way of every start: look, note, send, resolve. ``journal`` remembers it across
runs, ``polling`` follows it. What a request says is made in ``stores``; what arrived is shown by
``proof``.
"""
