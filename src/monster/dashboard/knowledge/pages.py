"""Screens about knowledge: indexes, their documents, a search to try."""

import uuid
from collections.abc import Mapping
from typing import Annotated, TypeAlias

from fastapi import APIRouter, File, Form, Query, Request, Response, UploadFile
from fastapi.responses import HTMLResponse

from monster.contracts.knowledge import DocumentOut, IndexOut
from monster.dashboard.engine_client import EngineRefused, EngineUnavailable
from monster.dashboard.identity.scope import CurrentEngine, CurrentScope
from monster.dashboard.knowledge import schemas, service
from monster.dashboard.knowledge.schemas import IndexForm, Page, Search, Upload, View
from monster.dashboard.permissions import Can
from monster.dashboard.web import filters, pages
from monster.dashboard.web.pages import Crumb
from monster.dashboard.web.problems import sentence
from monster.kit.limits import takes_files

router = APIRouter(prefix="/knowledge", tags=["pages"], default_response_class=HTMLResponse)

_HOME = Crumb("Knowledge", "/knowledge")
_HINTS = {
    "name": "Give it a name of up to 200 characters.",
    "description": "This is too long, or holds characters that cannot be stored.",
}


After: TypeAlias = Annotated[uuid.UUID | None, Query()]


@router.get("")
async def list_indexes(
    request: Request, scope: CurrentScope, engine: CurrentEngine, after: After = None
) -> Response:
    return pages.page(
        request,
        scope.shell,
        "knowledge",
        section="knowledge",
        crumbs=[Crumb("Knowledge")],
        listed=await service.indexes(engine, scope.caller, after),
        state=schemas.index_state,
        may_write=scope.may(Can.KNOWLEDGE),
        form=IndexForm(),
        errors={},
    )


def _new(
    request: Request, scope: CurrentScope, form: IndexForm, errors: Mapping[str, str]
) -> Response:
    status = 422 if errors else 200
    if pages.is_partial(request):
        return pages.fragment(
            request, scope.shell, "new_index", status=status, form=form, errors=errors
        )
    return pages.page(
        request,
        scope.shell,
        "knowledge_new",
        section="knowledge",
        crumbs=[_HOME, Crumb("New index")],
        status=status,
        form=form,
        errors=errors,
    )


@router.get("/new")
async def new_index(request: Request, scope: CurrentScope) -> Response:
    """The same form as in the dialog, for browsers without scripts."""
    scope.require(Can.KNOWLEDGE)
    return _new(request, scope, IndexForm(), {})


@router.post("")
async def create_index(
    request: Request,
    scope: CurrentScope,
    engine: CurrentEngine,
    form: Annotated[IndexForm, Form()],
) -> Response:
    try:
        made = await service.create(engine, scope.caller, form)
    except EngineRefused as refused:
        if refused.field not in IndexForm.model_fields:
            raise
        hint = _HINTS.get(refused.field) if refused.code == "invalid" else None
        return _new(request, scope, form, {refused.field: hint or sentence(refused.message)})
    return pages.go(request, f"/knowledge/{made.id}", f"{made.name} is there. Add documents to it.")


async def _index_page(
    request: Request,
    scope: CurrentScope,
    engine: CurrentEngine,
    index_id: uuid.UUID,
    view: View,
) -> Response:
    index = await service.index(engine, scope.caller, index_id)
    listed = await service.documents(engine, scope.caller, index_id, view.after)
    return pages.page(
        request,
        scope.shell,
        "knowledge_index",
        section="knowledge",
        crumbs=[_HOME, Crumb(index.name)],
        status=422 if view.uploads else 200,
        search=view.search,
        uploads=view.uploads,
        losses=_losses(index),
        **_state(scope, index, listed),
    )


def _state(scope: CurrentScope, index: IndexOut, listed: Page[DocumentOut]) -> dict[str, object]:
    return {
        "index": index,
        "listed": listed,
        "pending": schemas.pending(index),
        "document_state": schemas.document_state,
        "may_write": scope.may(Can.KNOWLEDGE),
    }


def _losses(index: IndexOut) -> list[str]:
    """What goes when the index goes."""
    return [
        f"Documents deleted for good: {index.documents:,}, with {index.chunks:,} passages.",
        "Agents that use this index find nothing in it any more.",
        "Citations in earlier answers cannot be opened any more; the answers stay.",
    ]


@router.get("/{index_id}")
async def show_index(
    index_id: uuid.UUID,
    request: Request,
    scope: CurrentScope,
    engine: CurrentEngine,
    q: str = "",
    after: After = None,
) -> Response:
    search = await _search(scope, engine, index_id, q) if q.strip() else Search()
    if pages.is_partial(request):
        status = 422 if search.problem else 200
        return pages.fragment(request, scope.shell, "hits", status=status, search=search)
    return await _index_page(request, scope, engine, index_id, View(after, search))


async def _search(
    scope: CurrentScope, engine: CurrentEngine, index_id: uuid.UUID, query: str
) -> Search:
    try:
        return await service.search(engine, scope.caller, index_id, query)
    except EngineRefused as refused:
        if refused.status != 422:
            raise
        return Search(query, problem="Ask in up to 4,000 ordinary characters.")


@router.get("/{index_id}/documents")
async def list_documents(
    index_id: uuid.UUID,
    request: Request,
    scope: CurrentScope,
    engine: CurrentEngine,
    after: After = None,
) -> Response:
    """How things stand: what the page asks for while something is being worked on."""
    index = await service.index(engine, scope.caller, index_id)
    listed = await service.documents(engine, scope.caller, index_id, after)
    values = _state(scope, index, listed)
    return pages.fragment(request, scope.shell, "documents", status=200, **values)


@router.post("/{index_id}/documents")
@takes_files
async def add_documents(
    index_id: uuid.UUID,
    request: Request,
    scope: CurrentScope,
    engine: CurrentEngine,
    documents: Annotated[list[UploadFile] | None, File()] = None,
) -> Response:
    """Each file for itself: one that is refused does not take the others with it."""
    scope.require(Can.KNOWLEDGE)
    chosen = [file for file in documents or () if file.filename]
    limit: int = request.app.state.upload_limit
    uploads = [await _add(scope, engine, index_id, file, limit) for file in chosen]
    if not chosen:
        uploads = [Upload("", "Choose at least one file.")]
    if any(upload.problem for upload in uploads):
        return await _index_page(request, scope, engine, index_id, View(uploads=uploads))
    what = uploads[0].name if len(uploads) == 1 else f"{len(uploads)} documents"
    return pages.go(request, f"/knowledge/{index_id}", f"{what} added.")


async def _add(
    scope: CurrentScope, engine: CurrentEngine, index_id: uuid.UUID, file: UploadFile, limit: int
) -> Upload:
    name = file.filename or ""
    if (file.size or 0) > limit:
        return Upload(name, f"This is larger than the {filters.size(limit)} allowed.")
    try:
        await service.add(engine, scope.caller, index_id, name, file.file)
    except EngineRefused as refused:
        if refused.status in {403, 404}:
            raise
        return Upload(name, sentence(refused.message))
    except EngineUnavailable:
        return Upload(name, "The engine did not answer. Add this file again.")
    return Upload(name)


@router.post("/{index_id}/documents/{document_id}/retry")
async def retry_document(
    index_id: uuid.UUID,
    document_id: uuid.UUID,
    request: Request,
    scope: CurrentScope,
    engine: CurrentEngine,
) -> Response:
    await service.retry(engine, scope.caller, index_id, document_id)
    return pages.go(request, f"/knowledge/{index_id}")


@router.post("/{index_id}/documents/{document_id}/delete")
async def delete_document(
    index_id: uuid.UUID,
    document_id: uuid.UUID,
    request: Request,
    scope: CurrentScope,
    engine: CurrentEngine,
) -> Response:
    await service.remove(engine, scope.caller, index_id, document_id)
    return pages.go(request, f"/knowledge/{index_id}", "The document is deleted.")


@router.post("/{index_id}/delete")
async def delete_index(
    index_id: uuid.UUID, request: Request, scope: CurrentScope, engine: CurrentEngine
) -> Response:
    await service.delete(engine, scope.caller, index_id)
    return pages.go(request, "/knowledge", "The index is deleted.")
