"""What each request about archives does; each may raise PacsOff, SettingsUnusable or PeerFailed."""

from __future__ import annotations

from fineray.engine.jobs.pair import Pair
from fineray.engine.requests.pacs import EchoArchive, FetchStudies, FindStudies, ReceiveImages, SendResults
from fineray.pacs.results import Fetched, StudyFound
from fineray.pacs.settings import load_settings
from fineray.progress import Monitor


def echo_archive(request: EchoArchive, _: Monitor) -> str:
    """Whether an archive answers."""
    from fineray.pacs.query import answers

    settings = load_settings()
    answers(settings, settings.peer(request.archive), request.password)
    return request.archive


def find_studies(request: FindStudies, monitor: Monitor) -> tuple[StudyFound, ...]:
    """What an archive has."""
    from fineray.pacs import query

    settings = load_settings()
    peer = settings.peer(request.archive)
    return query.find_studies(settings, peer, request.criteria, request.password, monitor=monitor)


def fetch_studies(request: FetchStudies, monitor: Monitor) -> Fetched:
    """Studies into a folder."""
    from fineray.pacs import retrieve

    settings = load_settings()
    peer = settings.peer(request.archive)
    return retrieve.fetch_studies(settings, peer, request.studies, request.folder, request.password, monitor=monitor)


def receive_images(request: ReceiveImages, monitor: Monitor) -> None:
    """Take what is sent; only cancelling ends it."""
    from fineray.pacs.receiver import receive

    receive(load_settings(), request.folder, monitor)


def send_results(request: SendResults, monitor: Monitor) -> int:
    """Objects that Fineray made into an archive."""
    from fineray.pacs import send

    settings = load_settings()
    return send.send_results(
        settings, settings.peer(request.archive), request.folder, request.password, monitor=monitor
    )


PAIRS = (
    Pair(EchoArchive, echo_archive),
    Pair(FindStudies, find_studies),
    Pair(FetchStudies, fetch_studies),
    Pair(ReceiveImages, receive_images),
    Pair(SendResults, send_results),
)
