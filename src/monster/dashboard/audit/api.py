"""JSON endpoints about the audit log of both services."""

import csv
import io
import uuid
from collections.abc import AsyncGenerator, Iterable
from typing import Annotated

import orjson
from fastapi import APIRouter, Query
from fastapi.responses import StreamingResponse

from monster.dashboard.audit.schemas import AuditEntryOut, BothChecked, ExportWanted, Wanted
from monster.dashboard.audit.scope import BothLogs
from monster.kit import clock

router = APIRouter(prefix="/audit", tags=["audit"])


_COLUMNS = (
    "created_at", "service", "seq", "action", "resource_type", "resource_id", "principal",
    "user_id", "user_name", "impersonator_id", "ip_address", "user_agent", "details", "id",
    "prev_hash", "hash",
)  # fmt: skip
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
_TYPES = {"csv": "text/csv; charset=utf-8", "json": "application/json"}


@router.get("")
async def list_audit(logs: BothLogs, wanted: Annotated[Wanted, Query()]) -> list[AuditEntryOut]:
    """Newest first."""
    return await logs.page(wanted)


@router.get("/verify")
async def verify_audit(logs: BothLogs) -> BothChecked:
    """Reads all rows of the workspace, in both services; one verification at a time."""
    return await logs.verify()


@router.get(
    "/export",
    response_class=StreamingResponse,
    responses={200: {"content": {"text/csv": {}, "application/json": {}}}},
)
async def export_audit(
    logs: BothLogs, wanted: Annotated[ExportWanted, Query()]
) -> StreamingResponse:
    """Everything that matches, newest first. The export itself is recorded."""
    pages = await logs.export(wanted)
    written = _csv(pages) if wanted.format == "csv" else _json(pages)
    name = f"audit-{clock.now():%Y-%m-%d}.{wanted.format}"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return StreamingResponse(written, headers=headers, media_type=_TYPES[wanted.format])


@router.get("/{row_id}")
async def get_audit(row_id: uuid.UUID, logs: BothLogs) -> AuditEntryOut:
    return await logs.get(row_id)


async def _csv(pages: AsyncGenerator[list[AuditEntryOut]]) -> AsyncGenerator[bytes]:
    yield f"{','.join(_COLUMNS)}\r\n".encode()
    async for page in pages:
        yield _rows(page)


async def _json(pages: AsyncGenerator[list[AuditEntryOut]]) -> AsyncGenerator[bytes]:
    """One array, an element a line."""
    before = b"[\n"
    async for page in pages:
        for entry in page:
            yield before + orjson.dumps(entry.model_dump(mode="json"))
            before = b",\n"
    yield b"[]\n" if before == b"[\n" else b"\n]\n"


def _rows(entries: Iterable[AuditEntryOut]) -> bytes:
    """RFC 4180. What a spreadsheet would take for a formula gets an apostrophe before it."""
    sheet = io.StringIO()
    writer = csv.writer(sheet)  # its lines end with CR LF
    for entry in entries:
        row = entry.model_dump(mode="json") | {"details": orjson.dumps(entry.details).decode()}
        writer.writerow([_cell(row[column]) for column in _COLUMNS])
    return sheet.getvalue().encode()


def _cell(value: object) -> str:
    text = "" if value is None else str(value)
    return f"'{text}" if text.startswith(_FORMULA) else text
