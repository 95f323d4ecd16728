"""Errors that are told to people: one line, no traceback."""


class Trouble(Exception):
    """Something that the user can put right; the message says what is wrong and what to do."""
