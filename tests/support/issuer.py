"""An issuer of OIDC tokens on loopback, as a forge is one: discovery document, keys, signed tokens."""

from __future__ import annotations

import base64
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256


class Issuer:
    """Its keys are its own; `url` is what its tokens say as `iss`. `documents` may be changed to misbehave."""

    def __init__(self, url: str = "") -> None:
        self.url = url
        self.rsa = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.ec = ec.generate_private_key(ec.SECP256R1())
        self.asked: list[str] = []
        self.documents: dict[str, bytes] = {}

    def publish(self) -> None:
        """Serves the discovery document and the keys at `url`."""
        document = {"issuer": self.url, "jwks_uri": f"{self.url}/keys"}
        self.documents["/.well-known/openid-configuration"] = json.dumps(document).encode()
        self.documents["/keys"] = self.jwks().encode()

    def jwks(self) -> str:
        """The public keys as a JWKS document."""
        public, point = self.rsa.public_key().public_numbers(), self.ec.public_key().public_numbers()
        return json.dumps(
            {
                "keys": [
                    {"kty": "RSA", "kid": "rsa", "use": "sig", "alg": "RS256", "n": number(public.n), "e": "AQAB"},
                    {"kty": "EC", "crv": "P-256", "kid": "ec", "x": number(point.x, 32), "y": number(point.y, 32)},
                ]
            }
        )

    def claims(self, subject: str, audience: str | list[str], **others: Any) -> dict[str, Any]:
        """Claims of a token that holds from now on for five minutes; None leaves a claim out."""
        now = int(time.time())
        claims = {"iss": self.url, "sub": subject, "aud": audience, "iat": now, "nbf": now, "exp": now + 300}
        return {name: value for name, value in (claims | others).items() if value is not None}

    def token(self, subject: str, audience: str | list[str], algorithm: str = "RS256", **others: Any) -> str:
        """A signed token; `others` replaces claims."""
        return self.sign(self.claims(subject, audience, **others), {"alg": algorithm, "typ": "JWT"})

    def sign(self, claims: Any, header: dict[str, Any]) -> str:
        """Any claims under any header, signed with the key that the header's `alg` needs."""
        content = f"{encoded(json.dumps(header).encode())}.{encoded(json.dumps(claims).encode())}"
        if header["alg"] == "ES256":
            r, s = decode_dss_signature(self.ec.sign(content.encode(), ec.ECDSA(SHA256())))
            signature = r.to_bytes(32) + s.to_bytes(32)
        else:
            signature = self.rsa.sign(content.encode(), padding.PKCS1v15(), SHA256())
        return f"{content}.{encoded(signature)}"


@contextmanager
def running_issuer() -> Iterator[Issuer]:
    """An issuer that answers on a free port of loopback."""
    issuer = Issuer()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            issuer.asked.append(self.path)
            body = issuer.documents.get(self.path)
            self.send_response(404 if body is None else 200)
            self.end_headers()
            self.wfile.write(body or b"")

        def log_message(self, format: str, *arguments: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    issuer.url = f"http://127.0.0.1:{server.server_address[1]}"
    issuer.publish()
    yield issuer
    server.shutdown()
    thread.join()
    server.server_close()


def encoded(content: bytes) -> str:
    """base64url without padding."""
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def number(value: int, length: int | None = None) -> str:
    """A JWK's number."""
    return encoded(value.to_bytes(length or (value.bit_length() + 7) // 8))
