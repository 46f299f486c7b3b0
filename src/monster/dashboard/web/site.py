"""Puts the web layer into the application: assets, headers, limits, error pages."""

from fastapi import FastAPI, HTTPException, Request, Response
from fastapi.responses import RedirectResponse
from starlette.middleware.gzip import GZipMiddleware

from monster.dashboard.web import assets, problems
from monster.kit import http_errors
from monster.kit.headers import DefaultHeaders
from monster.kit.limits import BodyLimit


def install(app: FastAPI, *, upload_limit: int) -> None:
    """`upload_limit` in bytes, for endpoints marked with `limits.takes_files`."""
    http_errors.install(app, problems.respond)
    methods = ["GET", "HEAD"]
    app.add_api_route(
        assets.PREFIX + "{path:path}", _asset, methods=methods, include_in_schema=False
    )
    app.add_api_route("/favicon.ico", _favicon, methods=methods, include_in_schema=False)
    app.add_middleware(BodyLimit, upload=upload_limit)
    app.add_middleware(GZipMiddleware, compresslevel=6)  # leaves event streams alone
    app.add_middleware(DefaultHeaders, headers=problems.POLICY)


async def _asset(request: Request) -> Response:
    answer = assets.serve(request)
    if answer is None:
        raise HTTPException(404, "no such file")
    return answer


async def _favicon() -> Response:
    """Asked for by browsers that show something other than a page, such as JSON."""
    return RedirectResponse(assets.url("favicon.svg"), 308)
