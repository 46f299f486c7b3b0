"""What the OpenAPI documents do not say: values that pass, and the forms of pages.

`*` in a value becomes something that nobody had before; `@index` is the id of an index.
"""

from typing import Any

# By the name of a field or of a part of a path.
SAMPLES: dict[str, str] = {
    "name": "A name *",
    "email": "somebody-*@example.com",
    "password": "correct horse battery",
    "model": "builtin:quote",
    "tab": "model",
}

# Bodies that cannot be made from their schema alone.
BODIES: dict[str, dict[str, Any]] = {
    "POST /v1/credentials": {
        "system_name": "openai",
        "name": "Key *",
        "secrets": {"api_key": "sk-test"},
    },
    "POST /chat/{agent_id}/runs": {"message": "Hello"},
    "POST /conversations/{conversation_id}/rename": {"title": "A title"},
}

_AGENT = {"name": "A name *", "description": "", "scope": "shared"}

# What each page that takes a form is sent.
FORMS: dict[str, dict[str, str]] = {
    "POST /sign-in": {"email": "nobody@example.com", "password": "wrong password"},
    "POST /sign-out": {},
    "POST /conversations/{conversation_id}/delete": {},
    "POST /connections/{credential_id}/test": {},
    "POST /connections/{credential_id}/delete": {},
    "POST /knowledge/{index_id}/delete": {},
    "POST /knowledge/{index_id}/documents/{document_id}/retry": {},
    "POST /knowledge/{index_id}/documents/{document_id}/delete": {},
    "POST /agents": _AGENT,
    "POST /agents/{agent_id}/delete": {},
    "POST /agents/{agent_id}/publish": {"note": ""},
    "POST /agents/{agent_id}/instructions": _AGENT | {"instruction": "Be brief."},
    "POST /agents/{agent_id}/model": {"source": "@credential", "model_name": "gpt"},
    "POST /agents/{agent_id}/knowledge": {"index_id": "@index"},
    "POST /agents/{agent_id}/knowledge/detach": {"index_id": "@index"},
}
