"""The base of all constructs here."""

from infra.synth.library import Construct
from infra.synth.stack import WorkspaceStack


class Part(Construct):
    """A named family of resources of one stack; the name is also that of its resources in plans."""

    def __init__(self, scope: WorkspaceStack, name: str) -> None:
        super().__init__(scope, f"{type(self).__name__}-{name}")
