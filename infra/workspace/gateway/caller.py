"""The principal behind a request, for route functions."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request

from infra.workspace.gateway.errors import Unauthenticated
from infra.workspace.identity.principal import Principal


def caller(request: Request) -> Principal:
    """The principal that the gateway's authentication found; raises Unauthenticated where it did not run."""
    principal = request.scope.get("principal")
    if not isinstance(principal, Principal):
        raise Unauthenticated("this call needs a token of this workspace")
    return principal


Caller = Annotated[Principal, Depends(caller)]
