"""GitHub as `emulate` speaks it, with a user, a repository and a token."""

import base64
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import httpx

from tests.systems.emulated import Door, Emulators
from tests.systems.served import Refused

TOKEN = "github_pat_local_token"
REPOSITORY = "ada/engine"


class GitHubServer(Door):
    def too_many(self) -> Refused:
        words = "You have exceeded a secondary rate limit. Please wait a few minutes."
        return Refused(403, {"message": words}, {"Retry-After": self.wait})

    def put(self, file: str, content: bytes, branch: str = "main") -> None:
        """A commit by somebody else."""
        sent = {"message": f"add {file}", "content": base64.b64encode(content).decode()}
        answer = httpx.put(
            f"{self.behind}/repos/{REPOSITORY}/contents/{file}",
            json=sent | {"branch": branch},
            headers={"Authorization": f"Bearer {TOKEN}"},
            trust_env=False,
        )
        assert answer.status_code == 201, answer.text

    def branch(self, name: str) -> None:
        """From where main is."""
        headers = {"Authorization": f"Bearer {TOKEN}"}
        with httpx.Client(base_url=self.behind, headers=headers, trust_env=False) as client:
            head = client.get(f"/repos/{REPOSITORY}/git/ref/heads/main").json()
            made = {"ref": f"refs/heads/{name}", "sha": head["object"]["sha"]}
            answer = client.post(f"/repos/{REPOSITORY}/git/refs", json=made)
        assert answer.status_code == 201, answer.text


@asynccontextmanager
async def github_server(emulated: Emulators) -> AsyncGenerator[GitHubServer]:
    user = {"login": "ada", "name": "Ada Lovelace", "email": "ada@acme.example"}
    repository = {"owner": "ada", "name": "engine", "language": "Python", "auto_init": True}
    seed = {
        "tokens": {TOKEN: {"login": "ada", "scopes": ["repo", "user"]}},
        "github": {"users": [user], "repos": [repository]},
    }
    server = GitHubServer(behind=emulated.start("github", seed), token=TOKEN)
    async with server.serving():
        yield server
