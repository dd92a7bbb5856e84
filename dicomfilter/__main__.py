"""The command line as a module: ``python -m dicomfilter``."""

from dicomfilter.cli import command

if __name__ == "__main__":
    command()
