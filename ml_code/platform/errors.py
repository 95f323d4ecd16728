"""Errors whose message alone tells the user what is wrong and what to do."""


class StepError(Exception):
    """A step cannot go on for a reason that the user can act on; shown without a traceback."""


class ConfigurationError(StepError):
    """A file of the project is wrong. The message names the file, the key and what was expected."""
