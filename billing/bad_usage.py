"""What is wrong with a command line, as a person reads it."""


class BadUsageError(Exception):
    """The command line asks for something that is not there. The text says what to type instead."""
