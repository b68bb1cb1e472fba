"""The pager's Faust app: reads the alerts topic, in a group of its own."""

import faust

from sentinel.agents.reader import create_app as create_reader
from sentinel.delivery.pager import Pager
from sentinel.kafka.topics import Topics
from sentinel.metrics.web import Web
from sentinel.settings import Settings


def create_app(settings: Settings, pager: Pager, web: Web, data_dir: str) -> faust.App:
    """An app whose agent feeds ``pager``; ``data_dir`` is scratch space of Faust's."""
    topics = frozenset({Topics(settings.topic_prefix).alerts})
    return create_reader(settings, "pager", topics, pager, web, data_dir)
