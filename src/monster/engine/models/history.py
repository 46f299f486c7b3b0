"""The journal as providers accept it: every call of a tool is answered before the next message."""

from collections.abc import Iterator, Sequence

from monster.engine.models.protocol import Message, Result


def complete(messages: Sequence[Message]) -> Iterator[Message]:
    """A run that was cancelled or that failed in the midst of its calls leaves some unanswered;
    without an answer to each, providers would refuse the conversation for ever."""
    open_calls: list[str] = []
    for message in messages:
        if message["role"] == "tool":
            answered = {part["id"] for part in message["parts"] if part["type"] == "result"}
            open_calls = [call for call in open_calls if call not in answered]
        elif open_calls:
            yield {"role": "tool", "parts": [_interrupted(call) for call in open_calls]}
            open_calls = []
        if message["role"] == "assistant":
            open_calls = [part["id"] for part in message["parts"] if part["type"] == "call"]
        yield message


def _interrupted(call: str) -> Result:
    return {"type": "result", "id": call, "content": "There is no result.", "failed": True}
