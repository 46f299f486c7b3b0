"""What can go wrong with a file."""


class ParseError(Exception):
    """The file cannot be read, now or later. The message completes "The file was not read: …"."""
