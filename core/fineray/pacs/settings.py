"""Which archives this workstation knows, and whether it may speak to them; kept in the user's own folder."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from fineray.errors import FinerayError, nearest
from fineray.system.output_file import whole_file
from fineray.system.user_folder import user_folder

Protocol = Literal["dicom", "dicomweb"]
_AE_TITLE = re.compile(r"[ -\[\]-~]{1,16}")  # PS3.5 6.2, AE: no backslash, no control characters


class PacsOff(FinerayError):
    """Connections to archives are switched off."""


class SettingsUnusable(FinerayError):
    """An archive is described in a way that cannot be right, or is not known."""


@dataclass(frozen=True)
class Peer:
    """An archive. protocol `dicom`: host, port (1 to 65535) and AE title; `dicomweb`: url, and the user to sign in as;
    passwords are asked for and never kept."""

    name: str
    protocol: Protocol = "dicom"
    host: str = ""
    port: int = 104
    ae_title: str = ""
    url: str = ""
    user: str = ""

    def problem(self) -> str:
        """What cannot be right, or empty."""
        if not self.name.strip():
            return "it has no name"
        if self.protocol == "dicomweb":
            address = urlsplit(self.url)
            return "" if address.scheme in ("http", "https") and address.hostname else "its address is no web address"
        checks: Iterator[tuple[bool, str]] = iter(
            (
                (bool(self.host.strip()), "it has no host"),
                (1 <= self.port <= 65535, "its port is not between 1 and 65535"),
                (bool(_AE_TITLE.fullmatch(self.ae_title.strip())), "its AE title is empty or over 16 characters"),
            )
        )
        return next((text for fine, text in checks if not fine), "")


@dataclass(frozen=True)
class PacsSettings:
    """enabled: False until the user says otherwise; ae_title, port: as which this workstation is known and where it
    listens while the receiver runs."""

    enabled: bool = False
    ae_title: str = "FINERAY"
    port: int = 11112
    peers: tuple[Peer, ...] = ()

    def peer(self, name: str) -> Peer:
        """The archive of that name. Raises PacsOff or SettingsUnusable."""
        self.check_enabled()
        for each in self.peers:
            if each.name == name:
                return each
        raise SettingsUnusable(
            f"There is no archive named “{name}”",
            todo=nearest(name, (each.name for each in self.peers), "List it first: fineray pacs add."),
        )

    def check_enabled(self) -> None:
        """Raises PacsOff."""
        if not self.enabled:
            raise PacsOff(
                "Connections to archives are switched off on this workstation",
                todo="Switch them on in the window (page Import, From an archive), or with: fineray pacs on",
            )

    def check(self) -> None:
        """Raises SettingsUnusable."""
        names = [peer.name for peer in self.peers]
        problem = next((f"{peer.name or 'one'}: {text}" for peer in self.peers if (text := peer.problem())), "")
        if len(set(names)) < len(names):
            problem = "two archives have the same name"
        if not _AE_TITLE.fullmatch(self.ae_title.strip()):
            problem = "this workstation's own AE title is empty or over 16 characters"
        if not 1 <= self.port <= 65535:
            problem = "this workstation's own port is not between 1 and 65535"
        if problem:
            raise SettingsUnusable(f"The archives cannot be kept like this: {problem}", todo="Correct it.")


def load_settings() -> PacsSettings:
    """As they were kept; all off where nothing was. Raises SettingsUnusable."""
    path = _path()
    if not path.is_file():
        return PacsSettings()
    try:
        kept = json.loads(path.read_text("utf-8"))
        peers = tuple(Peer(**each) for each in kept.pop("peers"))
        settings = PacsSettings(peers=peers, **kept)
        settings.check()
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise SettingsUnusable(
            "The file that lists the archives cannot be read", where=str(path), todo="Delete it and list them again."
        ) from error
    return settings


def save_settings(settings: PacsSettings) -> None:
    """Keep them. Raises SettingsUnusable or a storage error."""
    settings.check()
    with whole_file(_path()) as partial:
        partial.write_text(json.dumps(asdict(settings), indent=1), "utf-8")


def _path() -> Path:
    return user_folder() / "pacs.json"
