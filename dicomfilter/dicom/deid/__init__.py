"""De-identification by the profile of PS3.15.

``profile`` says what happens to each element, ``marking`` to each data set, ``pseudonyms`` makes
UIDs and stand-ins that stay the same. ``config`` maps what is asked to the service's own
configuration. Files are found and written elsewhere.
"""
