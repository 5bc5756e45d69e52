"""The key file: the only way back from pseudonyms to patients, encrypted with a passphrase.

JSON with scrypt's parameters and an AES-256-GCM ciphertext; the header is authenticated along with it.
"""

from __future__ import annotations

import base64
import json
import os
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from fineray.errors import FinerayError

FORMAT = "fineray key file 1"
COST = {"n": 2**15, "r": 8, "p": 1}  # 32 MiB and a tenth of a second a guess
MOST_COST = 2**20
SHORTEST = 8


class KeyFileRefused(FinerayError):
    """The passphrase is wrong or too short, or the file is no key file or was changed."""


def write_key_file(path: Path, passphrase: str, content: dict[str, Any]) -> None:
    """Encrypt and write, whole or not at all, readable by its owner only. Raises KeyFileRefused or OSError."""
    if len(passphrase) < SHORTEST:
        raise KeyFileRefused(
            f"The passphrase has fewer than {SHORTEST} characters", todo="Choose a longer one; it cannot be reset."
        )
    salt, nonce = os.urandom(16), os.urandom(12)
    header = {"format": FORMAT, **COST, "salt": _text(salt), "nonce": _text(nonce)}
    key = Scrypt(salt=salt, length=32, **COST).derive(passphrase.encode())
    secret = AESGCM(key).encrypt(nonce, json.dumps(content).encode(), _authenticated(header))
    partial = path.with_name(path.name + ".partial")
    with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        json.dump({**header, "secret": _text(secret)}, file)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)


def read_key_file(path: Path, passphrase: str) -> dict[str, Any]:
    """Decrypt. Raises KeyFileRefused or OSError."""
    if not path.is_file():
        raise KeyFileRefused("There is no such file", where=str(path), todo="Choose the file made with the export.")
    try:
        found = json.loads(path.read_text("utf-8"))
        secret = _bytes(found.pop("secret"))
        salt, nonce, n, r, p = _bytes(found["salt"]), _bytes(found["nonce"]), found["n"], found["r"], found["p"]
        if found["format"] != FORMAT or n * r * p > MOST_COST:
            raise ValueError("format")
        key = Scrypt(salt=salt, length=32, n=n, r=r, p=p).derive(passphrase.encode())
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise KeyFileRefused(
            "This is no key file of Fineray", where=path.name, todo="Choose the file that was made with the export."
        ) from error
    try:
        content: dict[str, Any] = json.loads(AESGCM(key).decrypt(nonce, secret, _authenticated(found)))
    except InvalidTag as error:
        raise KeyFileRefused(
            "The passphrase is wrong, or the key file was changed",
            where=path.name,
            todo="Try again; without its passphrase nobody can read it.",
        ) from error
    return content


def _authenticated(header: dict[str, Any]) -> bytes:
    return json.dumps(header, sort_keys=True).encode()


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _bytes(text: str) -> bytes:
    return base64.b64decode(text, validate=True)
