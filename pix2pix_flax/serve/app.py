"""The service: the page's files, and `POST /cartoonize` for programs."""

import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from fastapi import FastAPI, HTTPException, Query, Request, Response
from fastapi.staticfiles import StaticFiles
from starlette.requests import ClientDisconnect

from cartoon_tfds.errors import one_line
from cartoon_tfds.images import ImageError, encode_picture, read_image, resize
from pix2pix_flax.inference.exported import cores
from pix2pix_flax.inference.translator import Translator

MAX_BYTES = 32 * 2**20  # of a picture that is sent
MAX_SIDE = 4096  # pixels, of a drawing
MAX_WAITING = 64  # requests that may wait; more are refused at once
MAX_SECONDS = 60  # that a request may wait for its turn, and that its picture may take to arrive

Predict = Callable[[np.ndarray], np.ndarray]
"""uint8 RGB [1, H, W, 3] -> uint8 RGB [1, H, W, 3]."""

# Browsers give threads to WebAssembly only on a page that no other site can look into.
_HEADERS = {
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Embedder-Policy": "require-corp",
    "X-Content-Type-Options": "nosniff",
}
_BODY = {
    "requestBody": {
        "required": True,
        "description": "A picture file: JPEG, PNG, WebP, AVIF, TIFF, GIF, BMP or PPM.",
        "content": {"image/*": {"schema": {"type": "string", "format": "binary"}}},
    }
}
_ERRORS = {
    400: {"description": "The picture cannot be read, or a value is wrong."},
    408: {"description": f"The picture took longer than {MAX_SECONDS} s to arrive."},
    413: {"description": f"The picture has more than {MAX_BYTES >> 20} MiB."},
    415: {"description": "The body is a form, and no picture."},
    503: {"description": "Too many requests: try again after the seconds in Retry-After."},
}
_NO_FORM = "Send the picture as the body, not in a form: curl --data-binary @photo.jpg URL"
_BY_POST = "Send a picture by POST: curl --data-binary @photo.jpg URL"
_VALUES = ("style", "strength", "max_side", "format")  # that a request may set


class Turns:
    """Lets as many requests work at a time as there are cores; the others wait or are refused.

    A request reads its picture only when it is its turn, so memory does not grow with the number of
    requests.
    """

    def __init__(self, workers: int):
        self._free = asyncio.Semaphore(workers)
        self._waiting = 0

    async def __aenter__(self) -> None:
        if self._waiting >= MAX_WAITING:
            _refuse_busy()
        self._waiting += 1
        try:
            await asyncio.wait_for(self._free.acquire(), MAX_SECONDS)
        except TimeoutError:
            _refuse_busy()
        finally:
            self._waiting -= 1

    async def __aexit__(self, *_: object) -> None:
        self._free.release()


def make_app(networks: Mapping[str, Predict], site: Path | None = None) -> FastAPI:
    """Makes the service.

    Args:
      networks: the networks by the name of their style; the first one is the default.
      site: folder of the page (`site.build_site`); None: only the service for programs.
    """
    app = FastAPI(
        title="pix2pix-flax",
        description="Draws photographs as cartoons. Pictures are not kept.",
        docs_url=None,  # its page loads scripts from elsewhere
        redoc_url=None,
    )
    turns = Turns(cores())
    styles, default = Literal[tuple(networks)], next(iter(networks))  # type: ignore[valid-type]

    @app.middleware("http")
    async def add_headers(request: Request, call_next: Callable) -> Response:
        response = await call_next(request)
        response.headers.update(_HEADERS)
        return response

    @app.post(
        "/cartoonize",
        response_class=Response,
        responses={
            200: {"content": {"image/png": {}, "image/jpeg": {}, "image/webp": {}}},
            **_ERRORS,
        },
        openapi_extra=_BODY,
    )
    async def cartoonize(
        request: Request,
        style: Annotated[styles, Query(description="Style of the drawing.")] = default,
        strength: Annotated[float, Query(ge=0, le=1, description="Share of the drawing.")] = 1.0,
        max_side: Annotated[
            int, Query(ge=8, le=MAX_SIDE, description="Longest side of the result, in pixels.")
        ] = 2048,
        format: Annotated[
            Literal["png", "jpeg", "webp"], Query(description="Of the result.")
        ] = "png",
    ) -> Response:
        """Draws the picture in the request's body."""
        if unknown := sorted(set(request.query_params) - set(_VALUES)):
            raise HTTPException(400, f"No value {unknown[0]!r}; known: {', '.join(_VALUES)}.")
        if request.headers.get("content-type", "").startswith("multipart/"):
            raise HTTPException(415, _NO_FORM)
        async with turns:
            data = await _read(request)
            job = (data, networks[style], strength, max_side, format)
            try:
                drawing = await asyncio.to_thread(_draw, *job)
            except ImageError as error:
                raise HTTPException(400, one_line(error)) from error
        return Response(drawing, media_type=f"image/{format}")

    @app.get("/cartoonize", include_in_schema=False)
    async def refuse_get() -> None:
        raise HTTPException(405, _BY_POST, {"Allow": "POST"})

    if site:
        app.mount("/", StaticFiles(directory=site, html=True))
    return app


def _refuse_busy() -> None:
    raise HTTPException(503, "Too many requests: try again later.", {"Retry-After": "10"})


async def _read(request: Request) -> bytes:
    """Returns the body; refuses it as soon as it is too large."""
    data = bytearray()
    try:
        async with asyncio.timeout(MAX_SECONDS):
            async for part in request.stream():
                data += part
                if len(data) > MAX_BYTES:
                    raise HTTPException(413, f"The picture has more than {MAX_BYTES >> 20} MiB.")
    except ClientDisconnect:  # no one reads the answer
        raise HTTPException(400, "The picture did not arrive.") from None
    except TimeoutError:
        raise HTTPException(408, f"The picture did not arrive in {MAX_SECONDS} s.") from None
    return bytes(data)


def _draw(data: bytes, predict: Predict, strength: float, max_side: int, format: str) -> bytes:
    image = read_image(data, "the picture", min_side=1)
    scale = max_side / max(image.shape[:2])
    if scale < 1:
        height, width = (max(1, round(side * scale)) for side in image.shape[:2])
        image = resize(image, height, width)
    drawing = Translator(predict, strength=strength)(image[np.newaxis])[0]
    return encode_picture(drawing, format.upper())
