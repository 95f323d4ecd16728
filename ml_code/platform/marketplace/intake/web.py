"""Files by https and from folders: each with its sum, none larger than it may be, none from where it may not be."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urljoin

import httpx

from ml_code.platform.errors import StepError
from ml_code.platform.marketplace.intake.findings import Rejected
from ml_code.platform.marketplace.intake.policy import Policy
from ml_code.platform.marketplace.intake.request import SourceFile

_BLOCK = 1024 * 1024
_MOST_REDIRECTS = 5
_TIMEOUT = httpx.Timeout(60, connect=20)


def fetch_url(file: SourceFile, target: Path, most: int, policy: Policy) -> int:
    """Writes the file; its size in bytes. Raises Rejected, or StepError where the source does not answer."""
    try:
        with httpx.Client(timeout=_TIMEOUT, trust_env=True) as client:
            return _write(_stream(client, file.at, policy), target, file, most)
    except httpx.HTTPError as error:
        raise StepError(
            f"{file.at}: cannot be fetched ({type(error).__name__}: {error}); try again when it can be reached"
        ) from error


def fetch_path(file: SourceFile, target: Path, most: int, policy: Policy) -> int:
    """Copies the file from a folder; its size in bytes. Raises Rejected, or StepError where it is not there."""
    path = Path(file.at).resolve()
    if not any(path.is_relative_to(Path(folder).resolve()) for folder in policy.folders):
        raise Rejected("source", f"{file.at} is in none of the policy's folders", file.target)
    try:
        with path.open("rb") as stream:
            return _write(iter(lambda: stream.read(_BLOCK), b""), target, file, most)
    except OSError as error:
        raise StepError(f"{file.at}: cannot be read ({error})") from error


def _stream(client: httpx.Client, url: str, policy: Policy) -> Iterator[bytes]:
    """The content, by way of redirects to places that the policy knows."""
    if not policy.is_source(url):
        raise Rejected("source", f"{url} is not an address that the policy allows: {', '.join(policy.sources)}")
    for _ in range(_MOST_REDIRECTS):
        with client.stream("GET", url, headers={"Accept-Encoding": "identity"}) as response:
            if response.has_redirect_location:
                url = urljoin(url, response.headers["location"])
                if not policy.may_redirect(url):
                    raise Rejected("source", f"sends on to {url.partition('?')[0]}, which the policy does not allow")
                continue
            response.raise_for_status()
            yield from response.iter_raw(_BLOCK)
            return
    raise Rejected("source", f"{url}: more than {_MOST_REDIRECTS} redirects")


def _write(content: Iterator[bytes], target: Path, file: SourceFile, most: int) -> int:
    target.parent.mkdir(parents=True, exist_ok=True)
    size, known = 0, hashlib.sha256()
    with target.open("xb") as out:
        for block in content:
            size += len(block)
            if size > most:
                raise Rejected("size", f"{file.at} is larger than the {most:,} bytes that are left", file.target)
            known.update(block)
            out.write(block)
    if known.hexdigest() != file.sha256:
        raise Rejected("sum", f"{file.at} has SHA-256 {known.hexdigest()}, not {file.sha256}", file.target)
    return size
