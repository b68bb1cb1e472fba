"""Simulated events as JSON lines that ``sentinel replay`` reads, and their labels beside them."""

from collections.abc import Iterable, Iterator

import msgspec

from sentinel.simulate.simulation import Item

_encode = msgspec.json.encode


def event_lines(items: Iterable[Item]) -> Iterator[bytes]:
    """A line for each item: the event's fields and its ``stream``."""
    for stream, event, _ in items:
        yield b'{"stream":"%b",%b\n' % (stream.encode(), _encode(event)[1:])


def label_lines(items: Iterable[Item]) -> Iterator[bytes]:
    """A line for each labelled item: which event it is, and what it belongs to."""
    for stream, event, label in items:
        if label is not None:
            truth = {
                "stream": stream,
                "event_id": event.event_id,
                "event_time": event.event_time,
                "customer_id": event.customer_id,
                "scenario": label.scenario,
                "instance": label.instance,
                "decidable": label.decidable,
            }
            yield _encode(truth) + b"\n"
