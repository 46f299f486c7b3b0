"""What `monster ask` makes of a run's events."""

from monster.cli.ask import Answer
from monster.dashboard.engine_client import Event


def heard(*events: Event | None) -> Answer:
    answer = Answer()
    for event in events:
        answer.take(event)
    return answer


START = Event("1", "run.started", {"run_id": "r", "conversation_id": "c"})
SOURCE = Event("4", "citation", {"number": 2, "chunk_id": "x", "title": "T", "place": ""})


def test_what_a_dead_engine_left_unfinished_is_not_the_answer() -> None:
    half = Event("2.4", "message.delta", {"text": "Half"})
    resumed = Event("1002", "run.resumed", dict(START.data))
    whole = Event("1003.6", "message.delta", {"text": "Whole."})
    assert heard(START, half, None, resumed, whole).text == "Whole."


def test_only_what_is_cited_is_listed() -> None:
    text = Event("5.9", "message.delta", {"text": "True. [2]"})
    other = Event("6", "citation", {**SOURCE.data, "number": 1})
    assert [source["number"] for source in heard(START, SOURCE, other, text).cited()] == [2]


def test_a_stream_that_breaks_off_has_no_status() -> None:
    assert "status" not in heard(START).run
