"""A connection's own session: whose credentials it has and the REST client that uses them."""

import configparser
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn
from urllib.parse import quote

from tf.types import Unknown

if TYPE_CHECKING:
    import httpx

Json = dict[str, Any]

_TRIES = 4
_TIMEOUT = 300.0
_EARLY = 60.0
"""Seconds before its end at which a token of a service principal is renewed."""


class RestError(Exception):
    """An answer that is not a success. Its text is Databricks' own message, with the status where that may pass."""

    def __init__(self, status: int, code: str, message: str) -> None:
        may_pass = status == 429 or status >= 500
        answered = f"the workspace answered {status}"
        super().__init__((f"{message} ({answered})" if may_pass else message) if message else answered)
        self.status = status
        self.code = code

    @property
    def is_missing(self) -> bool:
        """Whether the object does not exist (any more)."""
        return self.status == 404 or self.code in _MISSING_CODES


_MISSING_CODES = {
    "RESOURCE_DOES_NOT_EXIST",
    "NOT_FOUND",
    "CATALOG_DOES_NOT_EXIST",
    "SCHEMA_DOES_NOT_EXIST",
    "TABLE_DOES_NOT_EXIST",
}


class Unreachable(Exception):
    """No answer: the workspace does not run, or the connection broke."""


class ConfigurationError(Exception):
    """The provider block does not give credentials that the workspace accepts. `hint` says what to do."""

    def __init__(self, summary: str, hint: str) -> None:
        super().__init__(summary)
        self.hint = hint


class Stopped(Exception):
    """Terraform was interrupted; no further request is sent for this session."""


@dataclass(frozen=True)
class Credentials:
    """Where to, and as whom. Secrets never show in its text."""

    host: str
    token: str | None = field(default=None, repr=False)
    client_id: str | None = None
    client_secret: str | None = field(default=None, repr=False)

    @classmethod
    def of(cls, config: Mapping[str, Any], default_host: str) -> "Credentials":
        """Credentials of a provider block; ConfigurationError when it has none."""
        given = {name: value for name, value in config.items() if value not in (None, "", Unknown)}
        if "profile" in given:
            given = {**_profile(given), **given}
        host = str(given.get("host") or default_host).rstrip("/")
        if "://" not in host:
            host = f"https://{host}"
        if "token" not in given and not ("client_id" in given and "client_secret" in given):
            raise ConfigurationError(
                "no credentials for the workspace",
                f"The provider that serves {host} runs inside the workspace's process and cannot see your shell's "
                "DATABRICKS_TOKEN. Give the provider block `token`, or `client_id` and `client_secret`: the stacks "
                "take them from TF_VAR_databricks_token, TF_VAR_databricks_client_id and "
                "TF_VAR_databricks_client_secret, which `branchline workspace env` prints.",
            )
        return cls(host, given.get("token"), given.get("client_id"), given.get("client_secret"))


def _profile(given: Mapping[str, Any]) -> Json:
    path = Path(str(given.get("config_file") or "~/.databrickscfg")).expanduser()
    parser = configparser.ConfigParser(interpolation=None)
    parser.read(path, encoding="utf-8")
    name = str(given["profile"])
    if name != "DEFAULT" and not parser.has_section(name):
        raise ConfigurationError(f"no profile {name!r} in {path}", "Add it, or give host and token instead of profile.")
    return dict(parser[name])


def _client(host: str) -> "httpx.Client":
    from httpx import Client  # takes 0.2 s to import: not at the workspace's start but with the first session

    return Client(base_url=host, timeout=_TIMEOUT, trust_env=False)


class Api:
    """Databricks' REST API with one session's credentials. Raises RestError for what is not a success."""

    def __init__(self, credentials: Credentials) -> None:
        self.host = credentials.host
        self.uses_token = credentials.token is not None
        self._credentials = credentials
        self._client = _client(credentials.host)
        self._lock = threading.Lock()
        self._token = credentials.token
        self._expires = float("inf") if credentials.token else 0.0
        self._stopped = threading.Event()
        self.keep: dict[str, Any] = {}

    def check(self) -> None:
        """Makes sure that the workspace answers and accepts the credentials; ConfigurationError if not."""
        try:
            self.get("/api/2.0/preview/scim/v2/Me")
        except Unreachable as error:
            raise ConfigurationError(str(error), "Is it running (`branchline workspace status`)?") from None
        except RestError as error:
            if error.status not in (401, 403):
                raise ConfigurationError(f"the workspace at {self.host} failed", str(error)) from None
            raise ConfigurationError(
                f"the workspace at {self.host} does not accept these credentials",
                f"{error} A token may have expired: `branchline workspace env` prints a fresh one "
                "(TF_VAR_databricks_token).",
            ) from None

    def get(self, path: str, query: Mapping[str, Any] | None = None) -> Json:
        return self.call("GET", path, query=query)

    def post(self, path: str, body: Any = None) -> Json:
        return self.call("POST", path, body={} if body is None else body)

    def put(self, path: str, body: Any) -> Json:
        return self.call("PUT", path, body=body)

    def patch(self, path: str, body: Any) -> Json:
        return self.call("PATCH", path, body=body)

    def delete(self, path: str, query: Mapping[str, Any] | None = None) -> Json:
        return self.call("DELETE", path, query=query)

    def call(self, method: str, path: str, *, query: Mapping[str, Any] | None = None, body: Any = None) -> Json:
        """One request with a JSON body; the JSON answer, or {} when it has none."""
        response = self._send(method, path, params=_query(query), json=body)
        if not response.content:
            return {}
        answer = response.json()
        return answer if isinstance(answer, dict) else {"value": answer}

    def upload(self, path: str, content: bytes, query: Mapping[str, Any] | None = None) -> None:
        """Sends bytes as they are (Files API)."""
        self._send("PUT", path, params=_query(query), content=content, kind="application/octet-stream")

    def head(self, path: str) -> Mapping[str, str]:
        """The answer's headers (Files API)."""
        return self._send("HEAD", path).headers

    def pages(self, path: str, key: str, query: Mapping[str, Any] | None = None) -> list[Json]:
        """All elements of a paged list, by `next_page_token`."""
        found: list[Json] = []
        wanted = dict(query or {})
        while True:
            answer = self.get(path, wanted)
            found += answer.get(key) or []
            if not answer.get("next_page_token"):
                return found
            wanted["page_token"] = answer["next_page_token"]

    def stop(self) -> None:
        self._stopped.set()

    def close(self) -> None:
        self._client.close()

    def _send(self, method: str, path: str, *, kind: str | None = None, **content: Any) -> "httpx.Response":
        for attempt in range(_TRIES):
            if self._stopped.is_set():
                raise Stopped("Terraform asked the provider to stop")
            headers = {"Authorization": f"Bearer {self._bearer()}", "User-Agent": "branchline-terraform"}
            if kind:
                headers["Content-Type"] = kind
            response = self._request(method, path, headers=headers, **content)
            if response.status_code not in (429, 503) or attempt == _TRIES - 1:
                break
            self._stopped.wait(float(response.headers.get("Retry-After", 2**attempt / 4)))
        if response.is_success:
            return response
        _fail(response)

    def _request(self, method: str, path: str, **options: Any) -> "httpx.Response":
        from httpx import HTTPError

        try:
            return self._client.request(method, path, **options)
        except HTTPError as error:
            raise Unreachable(f"cannot reach the workspace at {self.host} ({type(error).__name__})") from error

    def _bearer(self) -> str:
        with self._lock:
            if time.monotonic() > self._expires - _EARLY or self._token is None:
                self._token, life = self._exchange()
                self._expires = time.monotonic() + life
            return self._token

    def _exchange(self) -> tuple[str, float]:
        """A token for the service principal (OAuth 2.0 client credentials, RFC 6749, 4.4)."""
        known = self._request("GET", "/.well-known/databricks-config")
        endpoint = known.json().get("oidc_endpoint") if known.is_success else None
        response = self._request(
            "POST",
            f"{(endpoint or self.host + '/oidc').rstrip('/')}/v1/token",
            data={"grant_type": "client_credentials", "scope": "all-apis"},
            auth=(self._credentials.client_id or "", self._credentials.client_secret or ""),
        )
        if not response.is_success:
            message = f"OAuth for service principal {self._credentials.client_id} failed: {_error(response)[1]}"
            raise RestError(401, "UNAUTHENTICATED", message)
        answer = response.json()
        return str(answer["access_token"]), float(answer.get("expires_in", 3600))


def _query(query: Mapping[str, Any] | None) -> dict[str, Any]:
    given = {name: value for name, value in (query or {}).items() if value is not None}
    return {name: str(value).lower() if isinstance(value, bool) else value for name, value in given.items()}


def _error(response: "httpx.Response") -> tuple[str, str]:
    """Error code and message of REST's, SCIM's and OAuth's error answers."""
    try:
        answer = response.json()
    except ValueError:
        return "", response.text[:500] or f"status {response.status_code}"
    if not isinstance(answer, dict):
        return "", str(answer)[:500]
    code = answer.get("error_code") or answer.get("scimType") or answer.get("error") or ""
    message = answer.get("message") or answer.get("detail") or answer.get("error_description") or str(code)
    return str(code), str(message)


def _fail(response: "httpx.Response") -> NoReturn:
    code, message = _error(response)
    raise RestError(response.status_code, code, message)


def segment(text: object) -> str:
    """A path segment, quoted; slashes as well."""
    return quote(str(text), safe="")
