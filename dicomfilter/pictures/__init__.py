"""Pictures of a cohort: what each clause leaves, how often each value is there.

They are SVG written by hand: a few boxes and bars need no library, none is loaded, and a picture is
one text of some kilobytes that paper, a notebook and a page show alike. Who wants to change one
takes its Vega-Lite specification.
"""
