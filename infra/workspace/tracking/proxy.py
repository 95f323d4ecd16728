"""Passes a request on to MLflow's server once the table of rules allows it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from typing import Any
from urllib.parse import quote

import httpx
from fastapi import Request
from fastapi.responses import Response, StreamingResponse
from starlette.background import BackgroundTask
from starlette.concurrency import run_in_threadpool

from infra.workspace.gateway.errors import NotSupported, QuotaExceeded
from infra.workspace.identity.principal import Principal
from infra.workspace.tracking import rules
from infra.workspace.tracking.calls import Call, fields_of
from infra.workspace.tracking.process import error_of, unavailable
from infra.workspace.tracking.service import TrackingService
from infra.workspace.tracking.unsupported import family

_MAX_FIELDS = 64 * 1024 * 1024
# The caller's credentials end here; the rest belongs to one connection only.
_NOT_PASSED_ON = frozenset(
    {"authorization", "cookie", "host", "connection", "keep-alive", "transfer-encoding", "te", "upgrade", "origin",
     "content-length", "expect", "x-mlflow-workspace"}
)  # fmt: skip
_NOT_PASSED_BACK = frozenset({"connection", "keep-alive", "transfer-encoding", "server", "date", "set-cookie"})


class Proxy:
    """One request in, MLflow's answer out, without what the caller may not see."""

    def __init__(self, service: TrackingService) -> None:
        self._service = service

    async def forward(self, request: Request, principal: Principal, path: str) -> Response:
        """`path` is the path as MLflow has it; raises NotSupported for a call that is not in the table."""
        found = rules.find(request.method, path)
        if found is None:
            what = family(rules.canonical(path)) or "not a call of MLflow's"
            raise NotSupported(f"{request.method} {path} ({what}): the local workspace does not have it")
        rule, matched = found
        method = rule.method
        query = request.url.query
        body = b"" if rule.streams else await _body(request)
        fields = fields_of("GET" if rule.streams else method, query, body)
        call = Call(principal, method, rules.canonical(path), fields, matched)
        await run_in_threadpool(self._allow, rule, call)
        headers = {name: value for name, value in request.headers.items() if name not in _NOT_PASSED_ON}
        content: AsyncIterator[bytes] | bytes | None = None
        if rule.streams:
            content = request.stream()
            if "content-length" in request.headers:
                headers["content-length"] = request.headers["content-length"]
        elif method not in ("GET", "HEAD"):
            content, query = _rewritten(method, fields), "" if method == "DELETE" else query
            headers["content-type"] = "application/json"
        target = quote(path, safe="/-._~!$&'()*+,;=:@") + (f"?{query}" if query else "")
        return await self._send(rule, call, target, headers, content)

    async def _send(
        self,
        rule: rules.Rule,
        call: Call,
        target: str,
        headers: Mapping[str, str],
        content: AsyncIterator[bytes] | bytes | None,
    ) -> Response:
        client = self._service.mlflow.stream
        try:
            answer = await client.send(
                client.build_request(call.method, target, headers=headers, content=content), stream=True
            )
            if rule.filter is not None:
                return await self._filtered(rule, call, answer)
        except httpx.TransportError as error:
            raise unavailable(error) from error
        passed = [(name, value) for name, value in answer.headers.multi_items() if name not in _NOT_PASSED_BACK]
        response = StreamingResponse(
            answer.aiter_raw(), status_code=answer.status_code, background=BackgroundTask(answer.aclose)
        )
        response.raw_headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in passed]
        return response

    async def _filtered(self, rule: rules.Rule, call: Call, answer: httpx.Response) -> Response:
        content = await answer.aread()
        await answer.aclose()
        if answer.is_error or rule.filter is None:
            raise error_of(answer.status_code, content)
        seen = await run_in_threadpool(rule.filter, self._service.access, call, answer.json())
        return Response(json.dumps(seen), media_type="application/json")

    def _allow(self, rule: rules.Rule, call: Call) -> None:
        self._service.mlflow.start()
        rule.check(self._service.access, call)


def _rewritten(method: str, fields: Mapping[str, Any]) -> bytes:
    """The fields exactly as they were checked; MLflow takes a DELETE's from its body only."""
    return json.dumps(fields).encode() if fields or method != "DELETE" else b""


async def _body(request: Request) -> bytes:
    chunks, size = [], 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > _MAX_FIELDS:
            raise QuotaExceeded(f"a request may have at most {_MAX_FIELDS} bytes")
        chunks.append(chunk)
    return b"".join(chunks)
