"""The models that come with Monster and need no key."""

from collections.abc import Mapping
from dataclasses import dataclass

from monster.engine.models.protocol import Model, ModelError, OnText, Reply, Request
from monster.engine.models.quote import QuotingModel
from monster.engine.models.script import ScriptedModel


@dataclass(frozen=True, slots=True)
class Builtin:
    """One provider; the name of the model says which."""

    models: Mapping[str, Model]

    async def reply(self, request: Request, on_text: OnText) -> Reply:
        model = self.models.get(request.model)
        if model is None:
            raise ModelError(f"there is no built-in model {request.model!r}")
        return await model.reply(request, on_text)


def make_builtin(*, script: bool) -> Builtin:
    """`script` plays what the instruction says: for tests and benchmarks only."""
    models: dict[str, Model] = {"quote": QuotingModel()}
    return Builtin(models | ({"script": ScriptedModel()} if script else {}))
