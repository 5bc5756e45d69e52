"""Ed25519 signatures (RFC 8032): who made a package, to those who know the maker's key."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from fineray.errors import FinerayError, storage_error

ALGORITHM = "Ed25519"


class SignatureWrong(FinerayError):
    """A signature does not fit, or is not of the expected maker."""


class KeyUnusable(FinerayError):
    """A file holds no signing key, or the passphrase is wrong."""


@dataclass(frozen=True)
class Signature:
    """public_key, signature: hex."""

    public_key: str
    signature: str
    algorithm: str = ALGORITHM

    @property
    def fingerprint(self) -> str:
        """By which people compare keys, over the telephone say: 32 hex digits in groups of four."""
        return fingerprint(bytes.fromhex(self.public_key))

    def to_json(self) -> str:
        """As it lies in a package."""
        return json.dumps(asdict(self))

    @staticmethod
    def from_json(text: bytes, where: str) -> Signature:
        """Raises SignatureWrong."""
        try:
            found = Signature(**json.loads(text))
            fine = found.algorithm == ALGORITHM and len(bytes.fromhex(found.public_key)) == 32
            bytes.fromhex(found.signature)
        except (ValueError, TypeError, RecursionError) as error:
            raise _wrong(where) from error
        if not fine:
            raise _wrong(where)
        return found

    def check(self, signed: bytes, where: str) -> None:
        """Raises SignatureWrong."""
        try:
            key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(self.public_key))
            key.verify(bytes.fromhex(self.signature), signed)
        except (InvalidSignature, ValueError) as error:
            raise _wrong(where) from error


@dataclass(frozen=True)
class SigningKey:
    """A maker's private key."""

    private: Ed25519PrivateKey

    @property
    def fingerprint(self) -> str:
        """Of its public half."""
        return fingerprint(self._public)

    def sign(self, text: bytes) -> Signature:
        """Of these bytes."""
        return Signature(self._public.hex(), self.private.sign(text).hex())

    @property
    def _public(self) -> bytes:
        return self.private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)


def make_key(path: Path, passphrase: str = "") -> SigningKey:
    """Write a new key as PEM (PKCS 8), readable by its owner only. Raises KeyUnusable or a storage error."""
    key = SigningKey(Ed25519PrivateKey.generate())
    locked = BestAvailableEncryption(passphrase.encode()) if passphrase else NoEncryption()
    try:
        with path.open("xb") as file:
            path.chmod(0o600)
            file.write(key.private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, locked))
    except FileExistsError as error:
        raise KeyUnusable("The file exists already", where=str(path), todo="Choose another name.") from error
    except OSError as error:
        raise storage_error(error) or error from error
    return key


def read_key(path: Path, passphrase: str = "") -> SigningKey:
    """Raises KeyUnusable."""
    try:
        private = load_pem_private_key(path.read_bytes(), passphrase.encode() if passphrase else None)
    except (OSError, ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise KeyUnusable(
            "The signing key cannot be read", where=str(path), todo="Check the file and its passphrase."
        ) from error
    if not isinstance(private, Ed25519PrivateKey):
        raise KeyUnusable("The key is of another kind", where=str(path), todo="Make one with: fineray signing-key FILE")
    return SigningKey(private)


def fingerprint(public: bytes) -> str:
    """32 hex digits of the SHA-256 of a public key, in groups of four."""
    digits = hashlib.sha256(public).hexdigest()[:32]
    return " ".join(digits[start : start + 4] for start in range(0, 32, 4))


def _wrong(where: str) -> SignatureWrong:
    return SignatureWrong(
        "The signature does not fit the package",
        where=where,
        todo="Do not use it: it was changed after it was signed. Get it again from its sender.",
    )
