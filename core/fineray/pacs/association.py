"""DICOM associations, and what went wrong with them in words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from pydicom.uid import (
    JPEG2000,
    UID,
    ComputedRadiographyImageStorage,
    DeflatedExplicitVRLittleEndian,
    DigitalIntraOralXRayImageStorageForPresentation,
    DigitalMammographyXRayImageStorageForPresentation,
    DigitalXRayImageStorageForPresentation,
    DigitalXRayImageStorageForProcessing,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
    JPEGLossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    JPEGLSNearLossless,
    MultiFrameGrayscaleWordSecondaryCaptureImageStorage,
    RLELossless,
    SecondaryCaptureImageStorage,
    XRayAngiographicImageStorage,
    XRayRadiofluoroscopicImageStorage,
)
from pynetdicom import AE
from pynetdicom.association import Association
from pynetdicom.presentation import PresentationContext, build_context

from fineray.errors import FinerayError
from fineray.pacs.settings import PacsSettings, Peer

WAIT_S = 20.0  # for any answer
# Each class with each syntax in a context of its own: an archive then sends every image as it keeps it. 9 x 13 + 1 of
# the 128 contexts that an association may have (PS3.8 9.3.2.2).
IMAGES = (
    ComputedRadiographyImageStorage,
    DigitalXRayImageStorageForPresentation,
    DigitalXRayImageStorageForProcessing,
    DigitalMammographyXRayImageStorageForPresentation,
    DigitalIntraOralXRayImageStorageForPresentation,
    XRayAngiographicImageStorage,
    XRayRadiofluoroscopicImageStorage,
    SecondaryCaptureImageStorage,
    MultiFrameGrayscaleWordSecondaryCaptureImageStorage,
)
SYNTAXES = (
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEGLosslessSV1,
    JPEGLossless,
    JPEG2000Lossless,
    JPEG2000,
    JPEGLSLossless,
    JPEGLSNearLossless,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
    RLELossless,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
)
PENDING = (0xFF00, 0xFF01)
VERIFICATION = UID("1.2.840.10008.1.1")
FIND, MOVE, GET = (UID(f"1.2.840.10008.5.1.4.1.2.2.{number}") for number in (1, 2, 3))  # Study Root (PS3.4 C.6.2)


class PeerFailed(FinerayError):
    """An archive cannot be reached, refuses, disappears, or answers with something else than asked for."""


def entity(settings: PacsSettings) -> AE:
    """This workstation as an application entity."""
    ae = AE(ae_title=settings.ae_title)
    ae.acse_timeout = ae.dimse_timeout = ae.network_timeout = ae.connection_timeout = WAIT_S
    return ae


def image_contexts() -> list[PresentationContext]:
    """For every image in every syntax."""
    return [build_context(image, syntax) for image in IMAGES for syntax in SYNTAXES]


@contextmanager
def associated(ae: AE, peer: Peer, handlers: Sequence[Any] = (), roles: Sequence[Any] = ()) -> Iterator[Association]:
    """An association with a peer, released at the end. Raises PeerFailed."""
    association = ae.associate(
        peer.host, peer.port, ae_title=peer.ae_title, evt_handlers=list(handlers), ext_neg=list(roles)
    )
    if not association.is_established:
        if association.is_rejected:
            raise PeerFailed(
                f"{peer.name} refuses this workstation",
                where=f"{peer.host}:{peer.port}",
                todo=f"Ask its administrator to know “{ae.ae_title}”, and check the archive's own AE title"
                f" “{peer.ae_title}”.",
            )
        raise PeerFailed(
            f"{peer.name} cannot be reached, or does not speak DICOM",
            where=f"{peer.host}:{peer.port}",
            todo="Check host and port, the network, and whether the archive is running.",
        )
    try:
        yield association
    finally:
        if association.is_established:
            association.release()


def lost(peer: Peer) -> PeerFailed:
    """The error of a peer that has gone in the middle of an answer."""
    return PeerFailed(
        f"{peer.name} broke the connection off",
        where=f"{peer.host}:{peer.port}" if peer.protocol == "dicom" else peer.url,
        todo="Start again; what was fetched before is kept.",
    )


def refused(peer: Peer, status: int, what: str) -> PeerFailed:
    """The error of a peer that answers with a failure (PS3.7 annex C)."""
    return PeerFailed(
        f"{peer.name} {what} (status {status:04X})",
        where=f"{peer.host}:{peer.port}",
        todo="Ask its administrator whether this workstation may do that.",
    )


def echo(settings: PacsSettings, peer: Peer) -> None:
    """Whether a peer answers (C-ECHO). Raises PeerFailed."""
    ae = entity(settings)
    ae.add_requested_context(VERIFICATION)
    with associated(ae, peer) as association:
        status = association.send_c_echo()
        if "Status" not in status:
            raise lost(peer)
        if status.Status != 0:
            raise refused(peer, status.Status, "does not answer as it should")
