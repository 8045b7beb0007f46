"""The service over HTTP: uvicorn on the loopback, and real pictures."""

import concurrent.futures
import io
import json
import logging
import socket
import time
import urllib.error
import urllib.request

import numpy as np
import pytest
import skimage.data
from PIL import Image

from pix2pix_flax.inference.predictor import load_predictor
from pix2pix_flax.serve import app as service
from tests.pix2pix_flax.serve.server import serving

PHOTO = skimage.data.astronaut()[:96, 128:288]


@pytest.fixture(scope="module")
def network():
    return load_predictor("lite")


@pytest.fixture(scope="module")
def address(network, tmp_path_factory):
    site = tmp_path_factory.mktemp("site")
    (site / "index.html").write_text("<title>the page</title>")
    app = service.make_app({"ink": network, "none": lambda images: images}, site)
    with serving(app) as port:
        yield f"http://127.0.0.1:{port}"


def encoded(image, kind="PNG"):
    file = io.BytesIO()
    Image.fromarray(image).save(file, kind)
    return file.getvalue()


def post(address, data, query=""):
    request = urllib.request.Request(f"{address}/cartoonize?{query}", data, method="POST")
    with urllib.request.urlopen(request, timeout=60) as answer:
        return answer.headers, answer.read()


def refused(address, data, query=""):
    with pytest.raises(urllib.error.HTTPError) as caught:
        post(address, data, query)
    return caught.value.code, json.loads(caught.value.read())["detail"], caught.value.headers


def test_a_picture_is_drawn_as_the_network_draws_it(address, network):
    headers, data = post(address, encoded(PHOTO))
    assert headers["Content-Type"] == "image/png"
    np.testing.assert_array_equal(Image.open(io.BytesIO(data)), network(PHOTO[np.newaxis])[0])


@pytest.mark.parametrize("kind", ["jpeg", "webp"])
def test_strength_size_and_format_are_chosen(address, kind):
    headers, data = post(address, encoded(PHOTO), f"strength=0&max_side=80&format={kind}")
    assert headers["Content-Type"] == f"image/{kind}"
    picture = Image.open(io.BytesIO(data))
    assert (picture.format.lower(), picture.size) == (kind, (80, 48))


def test_thin_stripes_keep_their_colours_in_jpeg(address):
    stripes = np.zeros((64, 64, 3), np.uint8)
    stripes[:, ::2, 0] = 255
    _, data = post(address, encoded(stripes), "strength=0&format=jpeg")
    found = np.asarray(Image.open(io.BytesIO(data)), int)
    assert np.abs(found - stripes).mean() < 3


def test_a_form_is_refused_with_the_right_command(address):
    form = {"Content-Type": "multipart/form-data; boundary=x"}
    request = urllib.request.Request(f"{address}/cartoonize", encoded(PHOTO), form)
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(request, timeout=60)
    assert caught.value.code == 415
    assert "curl --data-binary @photo.jpg" in json.loads(caught.value.read())["detail"]


def test_get_is_refused_with_the_right_command(address):
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(f"{address}/cartoonize", timeout=60)
    assert (caught.value.code, caught.value.headers["Allow"]) == (405, "POST")
    assert "curl --data-binary @photo.jpg" in json.loads(caught.value.read())["detail"]


def test_another_style_is_chosen(address):
    _, data = post(address, encoded(PHOTO), "style=none")
    np.testing.assert_array_equal(Image.open(io.BytesIO(data)), PHOTO)


@pytest.mark.parametrize(
    ("data", "query", "code", "words"),
    [
        (b"", "", 400, "empty"),
        (b"no picture at all", "", 400, "not a picture"),
        (encoded(PHOTO)[:5000], "", 400, "damaged"),
        (encoded(PHOTO), "checkpoint=none", 400, "No value 'checkpoint'; known: style, "),
        (encoded(PHOTO), "style=oil", 422, "'ink' or 'none'"),
        (encoded(PHOTO), "strength=2", 422, "less than or equal to 1"),
        (encoded(PHOTO), "max_side=100000", 422, "less than or equal to 4096"),
    ],
)
def test_a_mistake_is_answered_in_words(address, data, query, code, words):
    found, detail, _ = refused(address, data, query)
    assert found == code
    assert words in str(detail)


def test_a_client_that_goes_away_leaves_no_traceback(address, caplog, monkeypatch):
    monkeypatch.setattr(logging.getLogger("uvicorn.error"), "handlers", [caplog.handler])
    host, port = address.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as client:
        client.sendall(b"POST /cartoonize HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\nhalf")
        time.sleep(0.5)
    post(address, encoded(PHOTO), "style=none")
    time.sleep(0.5)
    assert not caplog.records


def test_a_body_that_is_too_large_is_refused(address):
    code, detail, _ = refused(address, bytes(service.MAX_BYTES + 1))
    assert (code, detail) == (413, "The picture has more than 32 MiB.")


def test_the_page_is_given_out_so_that_webassembly_has_threads(address):
    with urllib.request.urlopen(address) as answer:
        assert b"the page" in answer.read()
        assert answer.headers["Cross-Origin-Opener-Policy"] == "same-origin"
        assert answer.headers["Cross-Origin-Embedder-Policy"] == "require-corp"


def test_openapi_describes_the_service(address):
    with urllib.request.urlopen(f"{address}/openapi.json") as answer:
        described = json.load(answer)["paths"]["/cartoonize"]["post"]
    assert "image/*" in described["requestBody"]["content"]
    assert {"200", "400", "408", "413", "503"} <= set(described["responses"])
    styles = next(each for each in described["parameters"] if each["name"] == "style")
    assert styles["schema"]["enum"] == ["ink", "none"]


def test_more_requests_than_may_wait_are_refused_and_the_others_are_served(address, monkeypatch):
    monkeypatch.setattr(service, "MAX_WAITING", 3)
    large = encoded(np.tile(PHOTO, (8, 8, 1)))

    def ask(_):
        try:
            return len(post(address, large, "max_side=1280")[1]) and 200
        except urllib.error.HTTPError as error:
            return error.code, error.headers["Retry-After"]

    with concurrent.futures.ThreadPoolExecutor(12) as pool:
        codes = list(pool.map(ask, range(12)))
    assert set(codes) == {200, (503, "10")}
