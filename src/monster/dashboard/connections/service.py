"""What the screens about connections ask of the engine."""

import uuid
from collections.abc import Sequence

from pydantic import TypeAdapter

from monster.contracts.credentials import CredentialOut
from monster.dashboard.connections.schemas import ConnectForm, Connection, System
from monster.dashboard.engine_client import Caller, HttpEngine

_MANY = "200"  # nobody has more model providers than that
_CREDENTIALS = TypeAdapter(list[CredentialOut])


async def connections(engine: HttpEngine, caller: Caller) -> Sequence[Connection]:
    found = await engine.call(caller, "GET", "/v1/credentials", params={"limit": _MANY})
    return [Connection(credential) for credential in _CREDENTIALS.validate_python(found)]


async def connect(
    engine: HttpEngine, caller: Caller, system: System, form: ConnectForm
) -> Connection:
    """Stored, then tested: a key that is refused is kept, and says so, until someone deletes it."""
    api_key = form.api_key.get_secret_value().strip()
    values = {"api_key": api_key, "base_url": form.base_url.strip()}
    body = {
        "system_name": system.key,
        "name": form.name,
        "scope": form.scope,
        "values": {name: value for name, value in values.items() if value},
    }
    made = CredentialOut.model_validate(
        await engine.call(caller, "POST", "/v1/credentials", json=body)
    )
    return await test(engine, caller, made.id)


async def test(engine: HttpEngine, caller: Caller, credential_id: uuid.UUID) -> Connection:
    answer = await engine.call(caller, "POST", f"/v1/credentials/{credential_id}/test")
    return Connection(CredentialOut.model_validate(answer))


async def delete(engine: HttpEngine, caller: Caller, credential_id: uuid.UUID) -> None:
    await engine.call(caller, "DELETE", f"/v1/credentials/{credential_id}")
