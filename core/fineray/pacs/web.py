"""DICOMweb (PS3.18), and what goes wrong with it in words."""

from __future__ import annotations

import struct
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import requests
from dicomweb_client.api import DICOMwebClient
from pydicom.errors import InvalidDicomError
from requests.adapters import HTTPAdapter

from fineray.pacs.association import WAIT_S, PeerFailed
from fineray.pacs.settings import Peer


class _Patient(HTTPAdapter):
    """Waits, but not for ever."""

    def send(self, request: Any, **how: Any) -> Any:  # type: ignore[override]
        return super().send(request, **{**how, "timeout": how.get("timeout") or WAIT_S})


def client(peer: Peer, password: str = "") -> DICOMwebClient:
    """A client for one archive."""
    session = requests.Session()
    session.trust_env = False  # neither a proxy nor a stored password of the computer is used unasked
    if peer.user:
        session.auth = (peer.user, password)
    for scheme in ("http://", "https://"):
        session.mount(scheme, _Patient())
    made = DICOMwebClient(url=peer.url, session=session)
    made.set_http_retry_params(retry=False)
    return made


@contextmanager
def asked(peer: Peer) -> Iterator[None]:
    """Raises PeerFailed in place of what requests and the answers raise."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of answers that break the standard; they may hold names
            yield
    except requests.HTTPError as error:
        status = error.response.status_code if error.response is not None else 0
        why = {401: "does not know this user or password", 403: "refuses this user", 404: "has nothing there"}
        raise PeerFailed(
            f"{peer.name} {why.get(status, f'answers with status {status}')}",
            where=peer.url,
            todo="Check the address and the user, or ask its administrator.",
        ) from error
    except requests.RequestException as error:
        raise PeerFailed(
            f"{peer.name} cannot be reached, or broke the connection off",
            where=peer.url,
            todo="Check the address, the network and the archive's certificate; what was fetched before is kept.",
        ) from error
    except (
        *(InvalidDicomError, struct.error, EOFError),
        *(ValueError, KeyError, TypeError, AttributeError, NotImplementedError),
    ) as error:
        raise PeerFailed(
            f"{peer.name} answers with something that is not DICOMweb",
            where=peer.url,
            todo="Check the address: it ends in /dicom-web with many archives.",
        ) from error
