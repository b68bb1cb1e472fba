"""The fields whose texts ingest brings into one canonical form, and how."""

from collections.abc import Callable, Mapping

from sentinel.model.countries import COUNTRY_FIELDS, country_of
from sentinel.model.network import network_of

CANONICAL: Mapping[str, Callable[[str], str]] = {
    "ip": network_of,
    **dict.fromkeys(COUNTRY_FIELDS, country_of),
}
"""By field: the canonical form of a text, empty where the text names nothing."""
