"""The floor: the least that a Python service between a client and a model can do.

FastAPI, aiohttp to the model, one `orjson.loads` a line, one server-sent event out for each token,
nothing stored, nobody asked who they are. What Monster costs is told as a ratio to this.
"""

import argparse
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import aiohttp
import orjson
import uvloop
from fastapi import FastAPI, Request
from fastapi.responses import StreamingResponse

from bench.processes import listen


def create_app(model_url: str) -> FastAPI:
    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncGenerator[None]:
        connector = aiohttp.TCPConnector(limit=0)
        async with aiohttp.ClientSession(connector=connector, auto_decompress=False) as http:
            app.state.http = http
            yield

    async def relay(http: aiohttp.ClientSession, body: bytes) -> AsyncGenerator[bytes]:
        async with http.post(f"{model_url}/v1/chat/completions", data=body) as answer:
            async for line in answer.content:
                if not line.startswith(b"data: {"):
                    continue
                for choice in orjson.loads(line[6:])["choices"]:
                    if text := choice["delta"].get("content"):
                        yield b"event: token\ndata: %b\n\n" % orjson.dumps({"text": text})
        yield b"event: end\ndata: {}\n\n"

    async def turn(request: Request) -> StreamingResponse:
        events = relay(request.app.state.http, await request.body())
        return StreamingResponse(events, media_type="text/event-stream")

    app = FastAPI(lifespan=lifespan)
    app.add_api_route("/turn", turn, methods=["POST"], response_model=None)
    return app


def main() -> None:
    parser = argparse.ArgumentParser(description="A bare relay to a model server.")
    parser.add_argument("model_url")
    uvloop.run(listen(create_app(parser.parse_args().model_url)))


if __name__ == "__main__":
    main()
