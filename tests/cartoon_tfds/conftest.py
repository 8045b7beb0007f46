import dataclasses
import functools
import hashlib
import http.server
import io
import itertools
import json
import tarfile
import threading
import zipfile

import pytest
from PIL import Image


class _Handler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_GET(self):
        self.server.requested.append(self.path)
        answer = self.server.broken.get(self.path)
        if answer is None:
            super().do_GET()
            return
        body = (self.server.folder / self.path.lstrip("/")).read_bytes()
        self.send_response(200)
        if answer == "error page":
            body = b"<html><body>404 Not Found</body></html>"
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[: len(body) // 2] if answer == "cut short" else body)


@pytest.fixture
def server(tmp_path_factory):
    """An HTTP server on loopback of the files in `folder`, at `url`.

    `requested` lists what was asked for. `broken` maps a path, such as "/lfw.tgz", to what is wrong
    with its answer: "cut short", or "error page".
    """
    folder = tmp_path_factory.mktemp("served")
    handler = functools.partial(_Handler, directory=folder)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.folder, server.requested, server.broken = folder, [], {}
        server.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def public_archives(server, monkeypatch):
    """Serves small archives of the public ones' structure, and puts them in their table.

    Faces: 6 of LFW and 1 of COCO; animals: 6; nature: 6; roads: 3.
    """
    from cartoon_tfds.sources import public

    jpegs = _jpegs()
    tables = {
        "lfw": _lfw(jpegs),
        "oxford_iiit_pet": _pets(jpegs),
        "tf_flowers": _flowers(jpegs),
        **_coco(jpegs),
    }
    rows = []
    for archive in public.ARCHIVES:
        path = server.folder / archive.filename
        (_write_zip if path.suffix == ".zip" else _write_tgz)(path, tables[archive.name])
        data = path.read_bytes()
        rows.append(
            dataclasses.replace(
                archive,
                url=f"{server.url}/{archive.filename}",
                num_bytes=len(data),
                sha256=hashlib.sha256(data).hexdigest(),
            )
        )
    monkeypatch.setattr(public, "ARCHIVES", tuple(rows))
    return public.ARCHIVES


def _jpegs():
    """Yields distinct pieces of the packaged photographs, 96 pixels high, as JPEG files."""
    from cartoon_tfds.images import read_image
    from cartoon_tfds.sources.packaged import iter_packaged

    photos = [Image.fromarray(read_image(photo.data)) for photo in iter_packaged()]
    for row, column, photo in itertools.product(range(3), range(3), photos):
        width, height = photo.width / 3, photo.height / 3
        box = (column * width, row * height, (column + 1) * width, (row + 1) * height)
        stream = io.BytesIO()
        photo.resize((128, 96), box=box).save(stream, "JPEG", quality=90)
        yield stream.getvalue()


def _lfw(jpegs):
    names = [f"lfw/Name_{person}/Name_{person}_0001.jpg" for person in range(6)]
    names += ["lfw/Name_0/Name_0_0002.jpg", "lfw/Name_3/Name_3_0002.jpg"]
    return {name: next(jpegs) for name in sorted(names)}


def _pets(jpegs):
    members = {f"images/Abyssinian_{number}.jpg": next(jpegs) for number in range(1, 6)}
    stream = io.BytesIO()  # some in the real archive are no JPEG either
    Image.open(io.BytesIO(next(jpegs))).save(stream, "GIF")
    return {"images/Abyssinian_34.jpg": stream.getvalue(), "images/Bombay_1.mat": b"", **members}


def _flowers(jpegs):
    members = {f"flower_photos/daisy/{number}.jpg": next(jpegs) for number in range(6)}
    return {"flower_photos/LICENSE.txt": b"authors", **members}


def _coco(jpegs):
    """Of eight photographs four are chosen: three of traffic, one of a face."""
    licenses = [4, 5, 7, 8, 4, 3, 1, 6]
    themes = ["car", "bus", "truck", "face", "dog", "car", "car", "face"]
    images, objects, people, photos = [], [], [], {"val2017/": b""}
    for key, (license, theme) in enumerate(zip(licenses, themes, strict=True), start=100):
        name = f"{key:012}.jpg"
        photos[f"val2017/{name}"] = next(jpegs)
        images.append(
            {
                "id": key,
                "license": license,
                "file_name": name,
                "width": 128,
                "height": 96,
                "flickr_url": f"http://farm1.staticflickr.com/{key}_z.jpg",
            }
        )
        common = {"image_id": key, "area": 600.0, "iscrowd": 0}
        if theme == "face":
            eyes = [60, 40, 2, 50, 30, 2, 70, 30, 2] + [0] * 42
            people.append({**common, "category_id": 1, "keypoints": eyes, "num_keypoints": 3})
        else:
            objects += 2 * [{**common, "category_id": _CATEGORIES.index(theme)}]
    categories = [{"id": index, "name": name} for index, name in enumerate(_CATEGORIES)]
    instances = {"images": images, "annotations": objects, "categories": categories}
    keypoints = {"images": images, "annotations": people}
    annotations = {
        "annotations/instances_train2017.json": b"not read",
        "annotations/instances_val2017.json": json.dumps(instances).encode(),
        "annotations/person_keypoints_val2017.json": json.dumps(keypoints).encode(),
    }
    return {"coco": photos, "coco_annotations": annotations}


_CATEGORIES = ["person", "car", "bus", "truck", "dog"]


def _write_tgz(path, members):
    with tarfile.open(path, "w:gz") as tar:
        for name, data in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))


def _write_zip(path, members):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
