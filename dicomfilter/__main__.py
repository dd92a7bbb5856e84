"""``python -m dicomfilter``: the command line where its program is not on the path."""

from dicomfilter.cli import command

if __name__ == "__main__":
    command()
