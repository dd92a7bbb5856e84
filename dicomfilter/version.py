"""The version, alone, so that whatever names it need not import the package."""

__version__ = "0.1.0"
