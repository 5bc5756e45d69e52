"""What each request about archives does."""

from __future__ import annotations

from fineray.engine.requests.pacs import (
    EchoArchive,
    FetchStudies,
    FindStudies,
    PacsRequest,
    PacsResult,
    SendResults,
)
from fineray.pacs.settings import load_settings
from fineray.progress import Monitor


def at_archive(request: PacsRequest, monitor: Monitor) -> PacsResult | str:
    """Answer a request. Raises PacsOff, SettingsUnusable, PeerFailed, Cancelled or a storage error."""
    settings = load_settings()
    match request:
        case EchoArchive(name, password):
            from fineray.pacs.query import answers

            answers(settings, settings.peer(name), password)
            return name
        case FindStudies(name, criteria, password):
            from fineray.pacs.query import find_studies

            return find_studies(settings, settings.peer(name), criteria, password, monitor=monitor)
        case FetchStudies(name, studies, folder, password):
            from fineray.pacs.retrieve import fetch_studies

            return fetch_studies(settings, settings.peer(name), studies, folder, password, monitor=monitor)
        case SendResults(name, folder, password):
            from fineray.pacs.send import send_results

            return send_results(settings, settings.peer(name), folder, password, monitor=monitor)
        case _:
            from fineray.pacs.receiver import receive

            receive(settings, request.folder, monitor)
            return ""  # only cancelling ends it
