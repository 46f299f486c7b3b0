"""`monster migrate`: both databases up to date, and the first tenant if there is none."""

import json

import psycopg
from rich.console import Console

from monster.cli import preparation
from monster.cli.installation import DATABASES, Installation
from monster.cli.preparation import NotReady
from monster.cli.settings import Platform


def run(settings: Platform, *, as_json: bool) -> int:
    installation = Installation(settings)
    installation.check()
    try:
        with preparation.reached(installation):
            first = preparation.prepare(installation)
            revisions = {name: preparation.revision(installation, name) for name in DATABASES}
    except (NotReady, psycopg.Error) as problem:
        Console(stderr=True).print(str(problem), style="red", markup=False, highlight=False)
        return 1
    password = first.password if first else None
    if as_json:
        print(json.dumps({"revisions": revisions, "first_password": password}))  # noqa: T201
        return 0
    console = Console(highlight=False)
    for name, revision in revisions.items():
        console.print(f"{name} is at revision {revision}.")
    if first:
        console.print(f"The first person is {first.email}.")
    if password:
        console.print(f"Their password, shown this once: [bold]{password}[/bold]")
    return 0
