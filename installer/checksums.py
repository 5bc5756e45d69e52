"""Sign the list of checksums, or check installers against a signed one.

python installer/checksums.py sign SHA256SUMS KEY.pem
python installer/checksums.py check SHA256SUMS FINGERPRINT
"""

import getpass
import hashlib
import os
import sys
from pathlib import Path

from fineray.package.signature import Signature, read_key


def sign(listing: Path, key: Path) -> None:
    """Write SHA256SUMS.sig beside the list."""
    secret = os.environ.get("FINERAY_PASSPHRASE")
    if secret is None and sys.stdin.isatty():
        secret = getpass.getpass("Passphrase of the key, empty if it has none: ")
    signing = read_key(key, secret or "")
    listing.with_suffix(".sig").write_text(signing.sign(listing.read_bytes()).to_json(), "utf-8")
    print(f"signed with the key {signing.fingerprint}")


def check(listing: Path, fingerprint: str) -> None:
    """Raise where the signature or a file is not right."""
    signature = Signature.from_json(listing.with_suffix(".sig").read_bytes(), str(listing))
    if "".join(signature.fingerprint.split()) != "".join(fingerprint.split()).lower():
        sys.exit(f"signed by another key: {signature.fingerprint}")
    signature.check(listing.read_bytes(), str(listing))
    for line in listing.read_text("utf-8").splitlines():
        digest, name = line.split(maxsplit=1)
        path = listing.parent / name
        if path.is_file() and hashlib.sha256(path.read_bytes()).hexdigest() != digest:
            sys.exit(f"{name} is not what was signed")
        print(f"{name}: {'right' if path.is_file() else 'not here'}")


if __name__ == "__main__":
    {"sign": lambda a, b: sign(Path(a), Path(b)), "check": lambda a, b: check(Path(a), b)}[sys.argv[1]](*sys.argv[2:])
