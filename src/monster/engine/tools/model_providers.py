"""Providers of language models: keys that models are asked with. They bring no functions."""

from typing import ClassVar

from monster.engine.models import offers
from monster.engine.models.protocol import ModelError
from monster.engine.models.providers import Account
from monster.engine.toolkit.effects import ConnectionRefused, ToolFailed
from monster.engine.toolkit.factory import ToolFactory

_KEY = r"[\x21-\x7e]{1,8000}"  # it is sent as a header, as it stands


def _base_url(description: str) -> dict[str, object]:
    return {"description": description, "type": "url", "required": False}


class _Provider(ToolFactory):
    category = "Models"

    async def account(self) -> str | None:
        account = Account(
            self.system_name, self.values.get("base_url"), self.values.get("api_key", "")
        )
        try:
            session = self.connection.session
            offer = await offers.ask(session, account.system, account.url, account.key)
        except ModelError as error:
            refused = ConnectionRefused if error.refused else ToolFailed
            raise refused(str(error)) from error
        return offer.account


class OpenAI(_Provider):
    system_name = "openai"
    name = "OpenAI-compatible"
    description = "OpenAI, Ollama, OpenRouter and others"
    logo = "brand-openai"
    help = """\
1. Leave the base URL empty for OpenAI itself. Any other server that speaks the same format has one
   of its own; it usually ends in `/v1`.
2. Make an API key on the provider's site and paste it here.
3. A server of your own, such as Ollama, may do without a key. Its private address must be allowed
   with `MONSTER_OUTBOUND_ALLOW`.
"""
    auth_config: ClassVar = {
        "strategy_token": {
            "1. api_key": {
                "description": "API key. A server of your own may do without one.",
                "type": "secret",
                "required": False,
                "pattern": _KEY,
            },
            "2. base_url": _base_url("Where the server is, if not OpenAI; usually ends in /v1"),
        }
    }


class Anthropic(_Provider):
    system_name = "anthropic"
    name = "Anthropic"
    description = "Claude"
    logo = "message-chatbot"
    help = """\
1. Sign in to the Anthropic console and open “API keys”.
2. Make a key for Monster and paste it here. It is shown to you only once.
"""
    auth_config: ClassVar = {
        "strategy_token": {
            "1. api_key": {"description": "API key", "type": "secret", "pattern": _KEY},
            "2. base_url": _base_url("Where a gateway is, if not Anthropic itself"),
        }
    }


class Google(_Provider):
    system_name = "google"
    name = "Google Gemini"
    description = "Gemini models"
    logo = "brand-google"
    help = """\
1. Open Google AI Studio and choose “Get API key”.
2. Make a key for Monster and paste it here.
"""
    auth_config: ClassVar = {
        "strategy_token": {
            "1. api_key": {"description": "API key", "type": "secret", "pattern": _KEY},
            "2. base_url": _base_url("Where a gateway is, if not Google itself"),
        }
    }
