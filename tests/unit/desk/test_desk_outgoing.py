"""Outgoing on their way: deferred, taken back, sent once, and what became of them."""

from pathlib import Path

import pytest
from tests.delivery.alerts import CUSTOMER, NOW

from sentinel.database import Database
from sentinel.desk import outgoing as module
from sentinel.desk.outgoing import Outgoing, Status, TooManyDeferredError
from sentinel.desk.tables import SCHEMA
from sentinel.history.records import Read, Record
from sentinel.history.store import Store
from sentinel.model.response import (
    Control,
    Response,
    ResponseKind,
    ResponseResult,
    Verdict,
)
from sentinel.model.response_outcome import response_outcome
from sentinel.model.step import Chunk, DeadLetterReason

UNDO_MS = 10_000


class Scene:
    """Outgoing with a history beside, and a Kafka that notes what is sent."""

    def __init__(self, folder: Path) -> None:
        url = f"sqlite:///{folder}/history.db"
        self.history = Store(url)
        self.desk = Database(url, SCHEMA, "SENTINEL_HISTORY")
        self.responses = Outgoing(self.desk, self.history.database)
        self.sent: list[str] = []
        self.offset = 0

    def send(self, response: Response) -> None:
        """Note it."""
        self.sent.append(response.response_id)

    def store(self, topic: str, *records: Record) -> None:
        """Have history read records."""
        numbered = list(enumerate(records, self.offset))
        self.history.accept(Read(f"{topic}-0", self.offset, self.offset + len(records), numbered))
        self.offset += len(records)

    def statuses(self) -> list[tuple[str, Status]]:
        """The responses to the alert as a person sees them."""
        return [(each.response_id, each.status) for each in self.responses.of("a1")]


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    """Nothing was answered yet."""
    return Scene(tmp_path)


def _response(response_id: str = "r1", actor: str = "li.wei", at_ms: int = NOW) -> Response:
    return Response(
        response_id=response_id,
        event_time=at_ms,
        key=CUSTOMER,
        alert_id="a1",
        kind=ResponseKind.DISPOSITION,
        actor=actor,
        verdict=Verdict.CONFIRMED,
    )


def _outcome(
    response: Response, result: ResponseResult, offset: int = 0, detail: str | None = None
) -> Record:
    chunk = Chunk(Control.RESPONSE, "responses", 0, [offset], [NOW], [b"k"], [b""])
    reason = DeadLetterReason.MALFORMED if detail else None
    return response_outcome(response, (chunk, 0), NOW, result, reason=reason, detail=detail)


def test_an_answer_is_sent_when_it_is_due_and_once(scene: Scene) -> None:
    """Not a millisecond before; in the order in which they were given."""
    scene.responses.defer([_response("r1"), _response("r2")], NOW, NOW + UNDO_MS)
    assert scene.responses.next_due_ms() == NOW + UNDO_MS
    assert scene.responses.send_due(NOW + UNDO_MS - 1, scene.send) == 0
    assert scene.statuses() == [("r2", Status.DEFERRED), ("r1", Status.DEFERRED)]
    assert scene.responses.send_due(NOW + UNDO_MS, scene.send) == 2
    assert scene.responses.send_due(NOW + 2 * UNDO_MS, scene.send) == 0
    assert scene.sent == ["r1", "r2"]
    assert scene.statuses() == [("r2", Status.PENDING), ("r1", Status.PENDING)]
    assert scene.responses.next_due_ms() is None


def test_a_held_answer_may_be_taken_back_by_who_gave_it(scene: Scene) -> None:
    """Nobody else, and not after it was sent."""
    scene.responses.defer([_response()], NOW, NOW + UNDO_MS)
    assert scene.responses.withdraw("r1", "wang") is None
    assert scene.responses.withdraw("r1", "li.wei") == "a1"
    assert scene.responses.withdraw("r1", "li.wei") is None
    assert scene.responses.send_due(NOW + UNDO_MS, scene.send) == 0
    assert scene.statuses() == []
    scene.responses.defer([_response("r2")], NOW, NOW)
    scene.responses.send_due(NOW, scene.send)
    assert scene.responses.withdraw("r2", "li.wei") is None


def test_what_could_not_be_sent_is_sent_again(scene: Scene) -> None:
    """In order, before anything later; it can no longer be taken back."""

    def fail(_: Response) -> None:
        raise RuntimeError("no broker")

    scene.responses.defer([_response("r1"), _response("r2")], NOW, NOW)
    with pytest.raises(RuntimeError):
        scene.responses.send_due(NOW, fail)
    assert scene.responses.next_due_ms() == NOW
    assert scene.responses.withdraw("r1", "li.wei") is None
    assert scene.statuses() == [("r2", Status.PENDING), ("r1", Status.PENDING)]
    again = Outgoing(scene.desk, scene.history.database)
    assert again.send_due(NOW, scene.send) == 2
    assert scene.sent == ["r1", "r2"]


@pytest.mark.parametrize("result", list(ResponseResult))
def test_what_became_of_an_answer_is_told(scene: Scene, result: ResponseResult) -> None:
    """As the engine wrote it, whichever of both records history read first."""
    scene.responses.defer([_response()], NOW, NOW)
    scene.responses.send_due(NOW, scene.send)
    scene.store("response-results", _outcome(_response(), result))
    assert scene.statuses() == [("r1", Status(result))]
    scene.store("responses", _response())
    assert scene.statuses() == [("r1", Status(result))]


def test_a_refused_record_of_the_same_id_does_not_hide_the_answer(scene: Scene) -> None:
    """Somebody else may have written it; what was applied is applied."""
    forged = _outcome(_response(), ResponseResult.REFUSED, 0, "not signed")
    scene.store("response-results", forged, _outcome(_response(), ResponseResult.APPLIED, 1))
    scene.store("responses", _response())
    assert scene.statuses() == [("r1", Status.APPLIED)]


def test_answers_from_elsewhere_are_told_beside_ours(scene: Scene) -> None:
    """The newest first, with who gave them; why one was refused stands beside it."""
    scene.store("responses", _response("cli", "wang", NOW + 5))
    refused = _outcome(_response("cli", "wang"), ResponseResult.REFUSED, 7, "no key of wang")
    scene.store("response-results", refused)
    scene.responses.defer([_response()], NOW, NOW + UNDO_MS)
    found = scene.responses.of("a1")
    assert [(each.actor, each.status, each.detail) for each in found] == [
        ("wang", Status.REFUSED, "no key of wang"),
        ("li.wei", Status.DEFERRED, ""),
    ]
    assert [each.due_ms for each in found] == [0, NOW + UNDO_MS]


def test_more_than_may_wait_is_refused(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whole: nothing of what was too much is deferred."""
    monkeypatch.setattr(module, "MOST_DEFERRED", 2)
    scene.responses.defer([_response("r1")], NOW, NOW)
    with pytest.raises(TooManyDeferredError):
        scene.responses.defer([_response("r2"), _response("r3")], NOW, NOW)
    assert [each for each, _ in scene.statuses()] == ["r1"]


def test_alerts_that_were_just_answered_are_taken(scene: Scene) -> None:
    """Those of a withdrawn answer are free again."""
    scene.responses.defer([_response()], NOW, NOW + UNDO_MS)
    assert scene.responses.answered_since(NOW) == ["a1"]
    assert scene.responses.answered_since(NOW + 1) == []
    scene.responses.withdraw("r1", "li.wei")
    assert scene.responses.answered_since(NOW) == []


def test_what_was_sent_long_ago_is_deleted_here(scene: Scene) -> None:
    """History has it; what is still deferred stays."""
    scene.responses.defer([_response("r1")], NOW, NOW)
    scene.responses.send_due(NOW, scene.send)
    scene.responses.defer([_response("r2")], NOW, NOW + UNDO_MS)
    week_ms = 7 * 86_400_000
    assert scene.responses.prune(NOW + week_ms) == 0
    assert scene.responses.prune(NOW + week_ms + 1) == 1
    assert [each for each, _ in scene.statuses()] == ["r2"]
