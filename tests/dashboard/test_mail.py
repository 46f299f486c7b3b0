"""Letters: what they say, how they leave, what happens when the server does not want them."""

import logging
import uuid
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import httpx
import pytest
from fastapi import FastAPI

from monster.dashboard import database
from monster.dashboard.accounts.jobs import sweep
from monster.dashboard.app import create_app
from monster.dashboard.engine_client import HttpEngine
from monster.dashboard.identity import service as identity
from monster.dashboard.identity.models import TokenKind
from monster.dashboard.mail import jobs
from monster.dashboard.mail.jobs import Office
from monster.dashboard.mail.schemas import Letter, SendMail
from monster.dashboard.worker import create_worker
from monster.kit import tenancy
from monster.kit.audit import PLATFORM
from monster.kit.db import SessionMaker
from monster.kit.embedded import Embedded
from monster.kit.ids import new_id
from monster.kit.smtp import BadSmtpUrl, Mail, MailDelayed, MailRefused, SmtpServer
from tests.builders import KEY, Tenant, client, dashboard_settings, transport
from tests.people import PAGE, Person, Post, run, send, settle
from tests.smtp import Mailbox, certificate, serving

pytestmark = pytest.mark.usefixtures("quick_hashes")

MAIL = Mail("ada@example.com", "Grüße", "Hello\n.\nAda", "<p>Hello</p>")
HOUR = timedelta(hours=1)
SENDER = "Monster <monster@example.com>"


def server(mailbox: Mailbox, scheme: str = "smtp", user: str = "") -> SmtpServer:
    return SmtpServer(f"{scheme}://{user}{mailbox.host}", SENDER)


@pytest.fixture
async def mailbox() -> AsyncIterator[Mailbox]:
    async with serving() as started:
        yield started


async def test_a_mail_arrives_as_it_was_written(mailbox: Mailbox) -> None:
    await server(mailbox).send(MAIL)
    ((recipient, message),) = mailbox.taken
    assert recipient == "ada@example.com"
    assert (message["To"], message["From"]) == ("ada@example.com", SENDER)
    assert message["Subject"] == "Grüße"
    assert message["Date"]
    assert message["Message-ID"].endswith("@example.com>")
    assert message["Auto-Submitted"] == "auto-generated"
    parts = [(part.get_content_type(), part.get_content()) for part in message.iter_parts()]
    assert [(kind, text.replace("\r\n", "\n").strip()) for kind, text in parts] == [
        ("text/plain", MAIL.text),
        ("text/html", MAIL.html),
    ]
    assert mailbox.senders == ["monster@example.com"]


USER = "monster:s%3Acret%2F%401@"


async def test_with_a_password_and_starttls(tmp_path: Path) -> None:
    async with serving(starttls=certificate(tmp_path), auth=True) as mailbox:
        await server(mailbox, user=USER).send(MAIL)
        with pytest.raises(MailDelayed):  # an admin may still mend it
            await server(mailbox, user="monster:wrong@").send(MAIL)
        with pytest.raises(MailRefused, match="530"):
            await server(mailbox).send(MAIL)
    assert mailbox.over_tls == [True]


async def test_with_tls_from_the_first_byte(tmp_path: Path) -> None:
    async with serving(tls=certificate(tmp_path)) as mailbox:
        await server(mailbox, "smtps").send(MAIL)
    assert len(mailbox.taken) == 1


@pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")
async def test_with_a_password_on_this_machine() -> None:
    async with serving(auth=True) as mailbox:
        await server(mailbox, user=USER).send(MAIL)
    assert mailbox.over_tls == [False]


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ("550 no such user", MailRefused),
        ("553 not like that", MailRefused),
        ("450 try later", MailDelayed),
        ("452 full", MailDelayed),
    ],
)
async def test_a_refusal_is_for_good_or_for_now(
    mailbox: Mailbox, answer: str, error: type[Exception]
) -> None:
    mailbox.answers["ada@example.com"] = answer
    with pytest.raises(error):
        await server(mailbox).send(MAIL)
    assert mailbox.taken == []


async def test_a_server_that_is_away_is_asked_again() -> None:
    async with serving() as mailbox:
        gone = server(mailbox)
    with pytest.raises(MailDelayed):
        await gone.send(MAIL)


@pytest.mark.parametrize(
    "url", ["", "host", "http://host", "smtp://", "smtp://:secret@", "smtp://u:secret@h:port"]
)
def test_a_wrong_url_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(BadSmtpUrl) as refused:
        SmtpServer(url, SENDER)
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize(
    "subject", ["a\r\nBcc: eve@example.com", "a\nb", "a\x00b", "a\u2028b", "a\x0bb", "\x85"]
)
async def test_a_subject_is_one_line(mailbox: Mailbox, subject: str) -> None:
    await server(mailbox).send(Mail("ada@example.com", subject, "", ""))
    ((recipient, message),) = mailbox.taken
    assert recipient == "ada@example.com"
    assert message["Bcc"] is None
    assert "\n" not in message["Subject"]


@pytest.mark.parametrize(
    "recipient",
    ["a\r\nRCPT TO:<eve@example.com>@x", "@", "a@", "<a>@x>", "a,b@example.com", "a b@example.com"],
)
async def test_an_odd_address_reaches_nobody_else(mailbox: Mailbox, recipient: str) -> None:
    try:
        await server(mailbox).send(Mail(recipient, "x", "", ""))
    except MailRefused:
        assert mailbox.taken == []
    else:
        ((_, message),) = mailbox.taken
        assert len(message["To"].addresses) == 1


async def test_a_refused_letter_is_dropped_and_a_delayed_one_tried_again(
    dashboard: FastAPI,
    post: Post,
    mailbox: Mailbox,
    postgres: Embedded,
    caplog: pytest.LogCaptureFixture,
) -> None:
    never, later = Person(), Person()
    mailbox.answers |= {never.email: "550 no", later.email: "450 later"}
    for person in (never, later):
        await send(dashboard, "/register", person.registers())
    with caplog.at_level(logging.DEBUG):
        await post.deliver(dev_mail=False, smtp_url=f"smtp://{mailbox.host}")
    assert not {never.email, later.email} & {to for to, _ in mailbox.taken}
    assert _state(postgres, never) == [("succeeded", 1)]
    assert _state(postgres, later) == [("todo", 1)]
    assert "was refused" in caplog.text

    mailbox.answers.clear()
    run(postgres, "update procrastinate_jobs set scheduled_at = now() where status = 'todo'")
    with caplog.at_level(logging.DEBUG):
        await post.deliver(dev_mail=False, smtp_url=f"smtp://{mailbox.host}")

    (message,) = [message for to, message in mailbox.taken if to == later.email]
    assert never.email not in {to for to, _ in mailbox.taken}
    body = message.get_body(("plain",))
    assert body
    link = next(line for line in body.get_content().splitlines() if "token=" in line)
    token = link.partition("token=")[2]
    assert token not in caplog.text
    answer = await client(dashboard).post("/api/registrations/verify", json={"token": token})
    assert answer.status_code == 201


def _state(postgres: Embedded, person: Person) -> list[tuple[object, ...]]:
    return run(
        postgres,
        """
        select status::text, attempts from procrastinate_jobs j
        join one_time_token t on t.id::text = j.args->>'about' where t.email = %s
        """,
        person.email,
    )


async def test_without_a_server_nothing_is_shown_unless_wanted(
    dashboard: FastAPI, post: Post, postgres: Embedded, caplog: pytest.LogCaptureFixture
) -> None:
    eve = Person()
    await send(dashboard, "/register", eve.registers())
    with caplog.at_level(logging.INFO):
        await post.deliver(dev_mail=False)
    assert "no SMTP server is set" in caplog.text
    assert "token=" not in caplog.text
    assert not run(postgres, "select 1 from dev_mail where recipient = %s", eve.email)

    ada = Person()
    await send(dashboard, "/register", ada.registers())
    with caplog.at_level(logging.INFO):
        letter = await post.last(ada.email)
    assert letter.link in caplog.text


async def test_every_letter_can_be_written(
    sessions: SessionMaker, tenant: Tenant, ada: Person, postgres: Embedded, post: Post
) -> None:
    """Those that no flow of accounts sends among them."""
    tenant.member(user_id=tenant.user_id)
    office = Office("https://monster.example/", None, shows=True)
    ((found,),) = run(postgres, 'select id from "user" where email = %s', ada.email)
    assert isinstance(found, uuid.UUID)
    row = {"email": ada.email, "tenant_id": tenant.id, "user_id": found}
    kinds: dict[TokenKind, dict[str, str]] = {
        "register": {"name": "Ada"},
        "reset": {},
        "invite": {"by": "Eve"},
        "email": {"old": ada.email},
    }
    async with tenancy.outside(sessions) as session:
        about: dict[str, uuid.UUID] = {
            kind: await identity.promise(session, kind, HOUR, data=data, **row)
            for kind, data in kinds.items()
        }
    about |= {"locked": found, "password_changed": found, "email_changed": about["email"]}
    assert set(about) == {letter.value for letter in Letter}
    for letter in Letter:
        args = SendMail(tenant_id=PLATFORM, letter=letter, about=about[letter.value])
        await jobs.send(sessions, office, args)
    letters = await post.to(ada.email)
    assert len({letter.subject for letter in letters}) == len(Letter)
    for letter in letters:
        assert "https://monster.example" in letter.text
        assert "example//" not in letter.text + letter.html
        assert "<p>" in letter.html
        assert "<p>" not in letter.text
        assert "\n\n\n" not in letter.text
    invited = next(letter for letter in letters if "invited" in letter.subject)
    assert invited.subject == "You are invited to Acme"
    assert "Eve invites you" in invited.text
    assert "https://monster.example/invitations/accept?token=" in invited.text


async def test_a_letter_about_nothing_is_not_sent(sessions: SessionMaker) -> None:
    office = Office("https://monster.example", None, shows=False)
    for letter in Letter:
        args = SendMail(tenant_id=PLATFORM, letter=letter, about=new_id())
        await jobs.send(sessions, office, args)


async def test_a_letter_sent_twice_has_one_link_that_works(
    dashboard: FastAPI, post: Post, postgres: Embedded, sessions: SessionMaker
) -> None:
    eve = Person()
    await send(dashboard, "/register", eve.registers())
    first = await post.last(eve.email)
    ((found,),) = run(postgres, "select id from one_time_token where email = %s", eve.email)
    assert isinstance(found, uuid.UUID)
    args = SendMail(tenant_id=PLATFORM, letter=Letter.REGISTER, about=found)
    await jobs.send(sessions, Office("http://127.0.0.1:8700", None, shows=True), args)
    second = await post.last(eve.email)
    for letter, status in ((first, 422), (second, 303)):
        answer = await send(dashboard, "/register/verify", {"token": letter.token})
        assert answer.status_code == status


async def test_no_row_ever_holds_a_token(
    dashboard: FastAPI, ada: Person, post: Post, postgres: Embedded
) -> None:
    await send(dashboard, "/sign-in", ada.says())
    await send(dashboard, "/forgot", {"email": ada.email})
    token = (await post.last(ada.email)).token
    for table in ("one_time_token", "procrastinate_jobs", "audit_log"):
        rows = run(postgres, f"select t::text from {table} t")
        assert rows
        assert not any(token in str(row) for row in rows)


LOCAL = {"Host": "localhost:8700"} | PAGE


async def test_mails_that_were_not_sent_are_shown_here(dashboard: FastAPI, post: Post) -> None:
    await post.deliver()  # what other tests left
    eve, adam = Person(), Person()
    for person in (adam, eve):
        await send(dashboard, "/register", person.registers(name="<b>Eve</b>"))
    letter = await post.last(eve.email)
    page = (await client(dashboard).get("/dev/mail", headers=LOCAL)).text
    assert page.index(eve.email) < page.index(adam.email)
    assert f'<a href="{letter.link}">' in page
    assert "<b>" not in page
    found = await client(dashboard).get("/dev/mail", params={"q": adam.email}, headers=LOCAL)
    assert adam.email in found.text
    assert letter.link not in found.text
    empty = await client(dashboard).get("/dev/mail", params={"q": "%"}, headers=LOCAL)
    assert "Nothing found" in empty.text


async def test_they_are_paged(dashboard: FastAPI, postgres: Embedded) -> None:
    run(
        postgres,
        "insert into dev_mail (id, recipient, subject, text, html) select uuidv7(), "
        "'many@example.com', 'No. ' || n, 'x', 'x' from generate_series(1, 45) n",
    )
    seen, path = list[str](), "/dev/mail?q=many@example.com"
    while path:
        page = (await client(dashboard).get(path, headers=LOCAL)).text
        seen += [part.partition("<")[0] for part in page.split('class="card-name">')[1:]]
        older = page.partition('href="/dev/mail?')[2].partition('"')[0].replace("&amp;", "&")
        path = f"/dev/mail?{older}" if older else ""
    assert len(seen) == len(set(seen)) == 45


@pytest.mark.parametrize(
    ("headers", "address", "status"),
    [
        ({"Host": "localhost"}, "127.0.0.1", 200),
        ({"Host": "127.0.0.1:8700"}, "127.0.0.1", 200),
        ({"Host": "[::1]:8700"}, "::1", 200),
        ({"Host": "monster.example"}, "127.0.0.1", 404),
        ({"Host": "localhost.evil.com"}, "127.0.0.1", 404),
        ({"Host": "localhost@evil.com"}, "127.0.0.1", 404),
        ({"Host": ""}, "127.0.0.1", 404),
        ({"Host": "localhost", "X-Forwarded-For": "203.0.113.1"}, "127.0.0.1", 404),
        ({"Host": "localhost", "Forwarded": "for=203.0.113.1"}, "127.0.0.1", 404),
        ({"Host": "localhost"}, "203.0.113.1", 404),
        ({"Host": "localhost"}, "::ffff:203.0.113.1", 404),
    ],
)
async def test_nobody_else_sees_them(
    dashboard: FastAPI, headers: dict[str, str], address: str, status: int
) -> None:
    from_there = httpx.ASGITransport(dashboard, raise_app_exceptions=False, client=(address, 1234))
    visitor = httpx.AsyncClient(transport=from_there, base_url="http://monster")
    answer = await visitor.get("/dev/mail", headers=headers)
    assert answer.status_code == status


@pytest.mark.parametrize(
    "changes", [{"dev_mail": False}, {"dev_mail": True, "smtp_url": "smtp://127.0.0.1:1"}]
)
async def test_where_mail_is_sent_nothing_is_shown(
    postgres: Embedded, engine: FastAPI, changes: dict[str, object]
) -> None:
    url = postgres.url(database.NAME, database.ROLE)
    app = create_app(dashboard_settings(url, **changes), transport(engine))
    async with app.router.lifespan_context(app):
        assert (await client(app).get("/dev/mail", headers=LOCAL)).status_code == 404


async def test_what_is_over_is_swept(
    sessions: SessionMaker, postgres: Embedded, ada: Person, dashboard: FastAPI, post: Post
) -> None:
    eve = await settle(sessions, Person())
    for person in (ada, eve):
        await send(dashboard, "/sign-in", person.says())
        await send(dashboard, "/forgot", {"email": person.email})
        await post.to(person.email)
    for statement in (
        "update one_time_token set expires_at = now() where email = %s",
        'update login_session s set expires_at = now() from "user" u '
        "where u.id = s.user_id and u.email = %s",
        "update dev_mail set created_at = now() - interval '8 days' where recipient = %s",
    ):
        run(postgres, statement, ada.email)
    run(postgres, "insert into rate_bucket values ('old', 1, now() - interval '25 hours')")

    await sweep(sessions)

    for person, left in ((ada, 0), (eve, 1)):
        for table in (
            "one_time_token t where t.email = %s",
            'login_session s join "user" u on u.id = s.user_id where u.email = %s',
            "dev_mail where recipient = %s",
        ):
            assert run(postgres, f"select count(*) from {table}", person.email) == [(left,)]
    assert not run(postgres, "select 1 from rate_bucket where key = 'old'")
    assert run(postgres, "select 1 from rate_bucket limit 1")
    used = "update one_time_token set used_at = now() - %s::interval where email = %s"
    for ago, left in (("23 hours", 1), ("24 hours", 0)):
        run(postgres, used, ago, eve.email)
        await sweep(sessions)
        count = run(postgres, "select count(*) from one_time_token where email = %s", eve.email)
        assert count == [(left,)]


async def test_the_sweeper_is_a_job_of_every_hour(
    sessions: SessionMaker, postgres: Embedded, engine: FastAPI, post: Post
) -> None:
    told = dashboard_settings(postgres.url(database.NAME, database.ROLE))
    worker = create_worker(told, sessions, HttpEngine(client(engine), KEY))
    every_hour = cast(Any, worker.periodic_registry).periodic_tasks
    assert [name for name, _ in every_hour] == ["accounts.sweep"]
    run(postgres, "insert into rate_bucket values ('older', 1, now() - interval '25 hours')")
    async with worker.open_async():
        await worker.configure_task("accounts.sweep").defer_async(timestamp=0)
    await post.deliver()
    assert not run(postgres, "select 1 from rate_bucket where key = 'older'")
