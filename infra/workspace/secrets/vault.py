"""Encryption at rest: one key in a file that only its owner can read."""

from __future__ import annotations

import os
from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken

from infra.workspace.gateway.errors import InvalidState


class Vault:
    """Encrypts values of the store; the key stands beside the database, not in it."""

    def __init__(self, key_file: Path) -> None:
        self._key_file = key_file
        self._fernet = Fernet(_key(key_file))

    def encrypt(self, value: bytes) -> bytes:
        return self._fernet.encrypt(value)

    def decrypt(self, sealed: bytes) -> bytes:
        """Raises InvalidState where the value was written with another key."""
        try:
            return self._fernet.decrypt(sealed)
        except InvalidToken as error:
            raise InvalidState(
                f"a secret was written with another key than that of {self._key_file}: restore the key, or put it again"
            ) from error


def _key(path: Path) -> bytes:
    """The key in `path`, made on the first start; written whole, and never over one that is there."""
    if not path.exists():
        draft = path.with_suffix(".draft")
        draft.unlink(missing_ok=True)
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(Fernet.generate_key())
            file.flush()
            os.fsync(file.fileno())
        draft.rename(path)
    return path.read_bytes()
