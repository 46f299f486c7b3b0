"""The `monster` command. Each subcommand imports what it needs when it runs, and nothing else."""

import sys
import warnings
from importlib import import_module
from importlib.metadata import version
from typing import Annotated

import typer
from rich.console import Console

from monster.cli.settings import SettingsWrong, load

# Exit codes, the same for every command: 0 done, 1 failed, 2 wrong use or settings, 3 not running.
WRONG_USE = 2

app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False, add_completion=False)
serve = typer.Typer(invoke_without_command=True, help="Start Monster, or one of its processes.")
app.add_typer(serve, name="serve")
audit = typer.Typer(no_args_is_help=True, help="The audit log: who changed what.")
app.add_typer(audit, name="audit")

admin = typer.Typer(no_args_is_help=True, help="Platform admins: who may see all workspaces.")
app.add_typer(admin, name="admin")

keys = typer.Typer(no_args_is_help=True, help="The keys that secrets are sealed with.")
app.add_typer(keys, name="keys")

Address = Annotated[str, typer.Argument(metavar="EMAIL", help="Of the person.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON, for scripts.")]
Leashed = Annotated[bool, typer.Option("--leashed", hidden=True)]


def _run(command: str, **arguments: object) -> None:
    module = import_module(f"monster.cli.{command}")
    try:
        code: int = module.run(load(), **arguments)
    except SettingsWrong as error:
        Console(stderr=True).print(str(error), style="red", markup=False, highlight=False)
        code = WRONG_USE
    raise typer.Exit(code)


def _version(wanted: bool) -> None:  # noqa: FBT001 (called so by typer)
    if wanted:
        typer.echo(f"monster {version('monster')}")
        raise typer.Exit


@app.callback()
def root(
    *,
    _: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Monster: AI agents for many companies, on your own machine."""


@serve.callback()
def everything(context: typer.Context) -> None:
    """Dashboard, engine, worker and, unless you bring your own, the database."""
    if context.invoked_subcommand is None:
        _run("supervisor")


@serve.command()
def dashboard(*, leashed: Leashed = False) -> None:
    """The dashboard alone."""
    _run("processes", which="dashboard", leashed=leashed)


@serve.command()
def engine(*, leashed: Leashed = False) -> None:
    """The engine alone."""
    _run("processes", which="engine", leashed=leashed)


@app.command()
def worker(*, leashed: Leashed = False) -> None:
    """A worker: takes jobs, and runs that lost their engine."""
    _run("processes", which="worker", leashed=leashed)


@app.command()
def migrate(*, json: Json = False) -> None:
    """Create or update both databases, and the first tenant if there is none."""
    _run("migrate", as_json=json)


@app.command()
def ask(
    agent: Annotated[str, typer.Argument(help="The agent's name.")],
    question: Annotated[str, typer.Argument(help="What to ask; `-` reads standard input.")],
    *,
    user: Annotated[str, typer.Option("--as", help="E-mail of the person who asks.")] = "",
    json: Json = False,
) -> None:
    """Ask an agent; the answer streams, with its citations."""
    text = sys.stdin.read() if question == "-" else question
    _run("ask", agent=agent, question=text, email=user, as_json=json)


@app.command()
def doctor(*, json: Json = False) -> None:
    """Check what Monster needs, and say what to do about each failure."""
    _run("doctor", as_json=json)


@audit.command("verify")
def verify_audit(*, json: Json = False) -> None:
    """Check that no row was changed, removed or put in between, in either database."""
    _run("audit", as_json=json)


@keys.command()
def rotate(
    *,
    master: Annotated[
        bool, typer.Option("--master", help="Make a new master key instead, in its file.")
    ] = False,
    json: Json = False,
) -> None:
    """Give every workspace a new key and seal its secrets anew, while Monster runs."""
    _run("keys_command", action="rotate", master=master, as_json=json)


@keys.command()
def check(*, json: Json = False) -> None:
    """Open everything that is sealed once, and name what does not open."""
    _run("keys_command", action="check", as_json=json)


@admin.command("list")
def list_admins(*, json: Json = False) -> None:
    """Who is one."""
    _run("admin", action="list", email="", stdin=False, as_json=json)


@admin.command()
def grant(email: Address, *, json: Json = False) -> None:
    """Make somebody who has an account a platform admin."""
    _run("admin", action="grant", email=email, stdin=False, as_json=json)


@admin.command()
def revoke(email: Address, *, json: Json = False) -> None:
    """Take it back; at once, also where they are signed in. One always remains."""
    _run("admin", action="revoke", email=email, stdin=False, as_json=json)


@admin.command()
def create(
    email: Address,
    *,
    stdin: Annotated[
        bool, typer.Option("--stdin", help="Read the password from standard input.")
    ] = False,
    json: Json = False,
) -> None:
    """Make an account of no workspace that is a platform admin; prints its password once."""
    _run("admin", action="create", email=email, stdin=stdin, as_json=json)


def main() -> None:
    # Said by the PostgreSQL wheel while it is imported; of no use to anybody.
    warnings.filterwarnings("ignore", "XDG_RUNTIME_DIR is not set")
    app()
