"""What an import may not do, as against what it could not do this time."""

from ml_code.platform.errors import StepError


class Unfit(StepError):
    """The version is refused: its name, files or origin break a rule of the hub; trying again changes nothing."""
