"""The history's Faust app: reads what is to be kept, in a group of its own."""

import faust

from sentinel.agents.reader import create_app as create_reader
from sentinel.history.service import History
from sentinel.metrics.web import Web
from sentinel.settings import Settings


def create_app(settings: Settings, history: History, web: Web, data_dir: str) -> faust.App:
    """An app whose agents feed ``history``; ``data_dir`` is scratch space of Faust's."""
    return create_reader(
        settings, "history", history.topics, history, web, data_dir, history.archiving
    )
