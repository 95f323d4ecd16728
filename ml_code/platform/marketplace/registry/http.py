"""MLflow's REST API over pooled connections: 429, 5xx and broken connections are tried again, waiting as asked to."""

from __future__ import annotations

import base64
import json
import os
import threading
import urllib.request
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import urlencode, urlsplit

import urllib3
from urllib3.util.retry import Retry

from ml_code.platform.errors import StepError

Headers = Callable[[], Mapping[str, str]]

_BUSY = (429, 502, 503, 504)
# A 500 is an answer more often than a passing state, but front ends of clouds use it for those, too.
_PASSING = (*_BUSY, 500)
_IDEMPOTENT = frozenset({"GET", "HEAD", "PUT", "PATCH", "DELETE"})


class Refused(StepError):
    """The server said no: its status, MLflow's error code and what it said."""

    def __init__(self, message: str, status: int, code: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code


class Missing(Refused):
    """What was asked for is not there."""


class Denied(Refused):
    """The caller's access has ended (401), or is not enough (403)."""


class Unreachable(StepError):
    """No whole answer, however often it was asked for."""


def patient(attempts: int = 7, backoff: float = 0.4, longest: float = 30.0) -> Retry:
    """How often and after which pauses (seconds, doubling, with jitter) a call is made again; Retry-After wins."""
    return Retry(
        total=attempts - 1,
        status_forcelist=_PASSING,
        allowed_methods=_IDEMPOTENT,
        backoff_factor=backoff,
        backoff_max=longest,
        backoff_jitter=backoff,
        respect_retry_after_header=True,
        raise_on_status=False,
        redirect=3,
    )


class Rest:
    """One server. Threads may call it at once; `requests` counts every one that was sent, repetitions too."""

    def __init__(
        self, url: str, headers: Headers, *, connections: int = 16, retry: Retry | None = None, block: int = 1 << 20
    ) -> None:
        """`block` is the most bytes of a file that are handed on at once."""
        self.url = url.rstrip("/")
        self.requests = 0
        self._headers = headers
        self._retry = retry or patient()
        self._block = block
        self._lock = threading.Lock()
        self._pool = _pool(self.url, connections)

    def call(
        self, method: str, path: str, fields: Mapping[str, Any] | None = None, *, repeatable: bool = False
    ) -> dict[str, Any]:
        """A call with its fields (query of a GET, else JSON) and the JSON that answers it.

        A POST that may have reached the server is sent again only if it is `repeatable`: others could do their work
        twice. Raises Missing, Denied, Refused or Unreachable.
        """
        headers, body = dict(self._headers()), None
        if method == "GET":
            path += f"?{urlencode(_queried(fields), doseq=True)}" if fields else ""
        else:
            headers["Content-Type"] = "application/json"
            body = json.dumps(fields or {}).encode()
        retry = self._retry_for(method, repeatable)
        try:
            response = self._pool.request(method, self.url + path, body=body, headers=headers, retries=retry)
        except urllib3.exceptions.HTTPError as error:
            raise self._unreachable(method, path, error) from error
        self._count(response)
        if response.status >= 400:
            raise refusal(response.status, response.data, f"{method} {self.url}{path.partition('?')[0]}")
        return _object(response.data, f"{method} {self.url}{path}")

    def stream(self, path: str, size: int | None = None) -> Iterator[bytes]:
        """A file's content, block by block, as many bytes as `size` says where it is known.

        Where the connection breaks the file is asked for again and what was handed on already is passed over, after
        making sure that it still is the same. Raises as `call` does.
        """
        done, crc, left = 0, 0, self._retry
        while True:
            try:
                for block in self._read(path, done, crc):
                    done += len(block)
                    crc = zlib.crc32(block, crc)
                    yield block
                if size is None or done == size:
                    return
                if done > size:
                    raise Unreachable(f"{self.url}{path}: {done:,} bytes came where {size:,} were listed: it changed")
                raise urllib3.exceptions.IncompleteRead(done, size - done)
            except urllib3.exceptions.HTTPError as error:
                try:
                    left = left.increment("GET", path, error=error)
                except urllib3.exceptions.HTTPError:
                    raise self._unreachable("GET", path, error, done) from error
                left.sleep()

    def upload(self, path: str, content: Callable[[], Iterable[bytes]], size: int) -> None:
        """PUT a file of `size` bytes; `content` begins anew whenever it is called. Raises as `call` does."""
        left = self._retry
        while True:
            headers = {**self._headers(), "Content-Length": str(size), "Content-Type": "application/octet-stream"}
            try:
                response = self._pool.request(
                    "PUT", self.url + path, body=content(), headers=headers, retries=False, chunked=False
                )
            except urllib3.exceptions.HTTPError as error:
                try:
                    left = left.increment("PUT", path, error=error)
                except urllib3.exceptions.HTTPError:
                    raise self._unreachable("PUT", path, error) from error
                left.sleep()
                continue
            self._count(response)
            if response.status < 400:
                return
            try:
                if response.status not in _PASSING:
                    raise refusal(response.status, response.data, f"PUT {self.url}{path}")
                left = left.increment("PUT", path, response=response)
            except urllib3.exceptions.HTTPError:
                raise refusal(response.status, response.data, f"PUT {self.url}{path}") from None
            left.sleep(response)

    def _read(self, path: str, skipped: int, crc: int) -> Iterator[bytes]:
        """The file from its byte `skipped` on; the `crc` of what is before must be as it was."""
        response = self._pool.request(
            "GET", self.url + path, headers=dict(self._headers()), retries=self._retry, preload_content=False
        )
        self._count(response)
        try:
            if response.status >= 400:
                raise refusal(response.status, response.read(), f"GET {self.url}{path}")
            again = 0
            for block in response.stream(self._block):
                if skipped:
                    before, block = block[:skipped], block[skipped:]
                    again = zlib.crc32(before, again)
                    skipped -= len(before)
                    if not skipped and again != crc:
                        raise Unreachable(f"{self.url}{path} changed while it was read")
                if block:
                    yield block
            response.release_conn()
        finally:
            response.close() if not response.closed else None

    def _retry_for(self, method: str, repeatable: bool) -> Retry:
        if method in _IDEMPOTENT:
            return self._retry
        if repeatable:
            return self._retry.new(allowed_methods=None)
        # Of a POST only what did not reach the server, or what it put off, is sent again.
        return self._retry.new(read=0, allowed_methods=None, status_forcelist=(429, 503))

    def _count(self, response: urllib3.BaseHTTPResponse) -> None:
        with self._lock:
            self.requests += 1 + (len(response.retries.history) if response.retries else 0)

    def _unreachable(self, method: str, path: str, error: Exception, done: int = 0) -> Unreachable:
        reason = getattr(error, "reason", None) or error
        where = f" after {done:,} bytes" if done else ""
        return Unreachable(f"{method} {self.url}{path.partition('?')[0]}: no whole answer{where} ({reason})")


def refusal(status: int, body: bytes, where: str) -> Refused:
    """What the server's answer says, as an error."""
    try:
        answer = json.loads(body)
        code, said = str(answer.get("error_code", status)), str(answer.get("message", ""))
    except (ValueError, AttributeError):
        code, said = str(status), " ".join(body.decode(errors="replace").split())
    message = f"{where}: {status} {code}: {said[:400]}"
    if status in (401, 403):
        hint = "the access has expired or is not known" if status == 401 else "the principal may not do this"
        return Denied(f"{message} ({hint})", status, code)
    if status == 404 or code in ("RESOURCE_DOES_NOT_EXIST", "NOT_FOUND"):
        return Missing(message, status, code)
    return Refused(message, status, code)


def bearer_or_basic() -> Mapping[str, str]:
    """The header that MLflow's clients make of MLFLOW_TRACKING_TOKEN or …_USERNAME and …_PASSWORD; read every time."""
    if token := os.environ.get("MLFLOW_TRACKING_TOKEN"):
        return {"Authorization": f"Bearer {token}"}
    if user := os.environ.get("MLFLOW_TRACKING_USERNAME"):
        pair = f"{user}:{os.environ.get('MLFLOW_TRACKING_PASSWORD', '')}"
        return {"Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}
    return {}


def _pool(url: str, connections: int) -> urllib3.PoolManager:
    parts = urlsplit(url)
    options: dict[str, Any] = {
        "maxsize": connections,
        "block": False,
        "timeout": urllib3.Timeout(connect=10, read=120),
    }
    if parts.scheme == "https":
        if os.environ.get("MLFLOW_TRACKING_INSECURE_TLS", "").lower() in ("1", "true"):
            options["cert_reqs"] = "CERT_NONE"
        elif bundle := next(
            (os.environ[name] for name in ("MLFLOW_TRACKING_SERVER_CERT_PATH", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE")
             if os.environ.get(name)), None
        ):  # fmt: skip
            options["ca_certs"] = bundle
    proxy = urllib.request.getproxies().get(parts.scheme)
    if proxy and not urllib.request.proxy_bypass(parts.hostname or ""):
        return urllib3.ProxyManager(proxy, **options)
    return urllib3.PoolManager(**options)


def _queried(fields: Mapping[str, Any] | None) -> dict[str, Any]:
    return {key: value for key, value in (fields or {}).items() if value is not None}


def _object(body: bytes, where: str) -> dict[str, Any]:
    try:
        answer = json.loads(body) if body else {}
    except ValueError:
        answer = None
    if not isinstance(answer, dict):
        raise Unreachable(f"{where}: the answer is not JSON of MLflow's: {body[:80]!r}")
    return answer
