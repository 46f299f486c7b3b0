"""What the engine's web process and its worker are both made of."""

from collections.abc import Mapping
from typing import Any

from monster.engine.access.scope import Scope
from monster.engine.models.protocol import Model, ModelError
from monster.engine.runs.loop import FindModel


def by_provider(models: Mapping[str, Model]) -> FindModel:
    """Models that need no credential, by the word before the colon."""

    async def find(_: Scope, spec: Mapping[str, Any]) -> tuple[Model, str]:
        provider, _colon, name = spec["model"].partition(":")
        if provider not in models:
            raise ModelError(f"there is no provider {provider!r}")
        return models[provider], name

    return find
