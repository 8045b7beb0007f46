"""Which photographs of COCO show traffic or a face and may be changed and given away by anyone.

COCO's photographs are from Flickr, each under the licence that its photographer chose, and the
annotations name these. They also locate the objects, so that numbers decide about themes.
"""

import dataclasses
import json
import math
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

from cartoon_tfds.errors import one_line
from cartoon_tfds.sources.archive_members import iter_members
from cartoon_tfds.sources.base import Photo, SourceError

INSTANCES = "instances_val2017.json"
KEYPOINTS = "person_keypoints_val2017.json"

# By COCO's numbers. Left out are 3 (BY-NC-ND) and 6 (BY-ND), as a cartoon is a derivative, and
# 1 (BY-NC-SA) and 2 (BY-NC): whoever publishes a network trained on them, or a picture it made,
# should not have to find out whether that is commercial, and BY-NC-SA and BY-SA exclude each other.
LICENSES = {
    4: "CC BY 2.0",
    5: "CC BY-SA 2.0",
    7: "no known copyright restrictions (Flickr Commons)",
    8: "public domain (US government work)",
}

MOTOR_VEHICLES = frozenset(("car", "bus", "truck", "motorcycle"))
TRAFFIC = MOTOR_VEHICLES | {"bicycle", "traffic light", "stop sign"}

# A street scene has several things of traffic, one of them a motor vehicle. Those of less than a
# thousandth of the picture (about 18x18 of 640x480 pixels) are a car behind a window; together they
# take 2 %, or the picture is of something else.
MIN_OBJECTS = 2
MIN_OBJECT_AREA = 0.001
MIN_TRAFFIC_AREA = 0.02

# A face that looks at us shows its nose and both eyes; with its eyes this far apart, by the
# picture's short side, it is about a sixth of it high, as in a portrait of a family.
MIN_EYE_DISTANCE = 0.06
_NOSE, _LEFT_EYE, _RIGHT_EYE, _VISIBLE = 0, 1, 2, 2


# A few hundred photographs are chosen; the other archives have thousands of each theme.
_WEIGHT = 8


class Chosen(NamedTuple):
    """The annotations of a chosen photograph."""

    theme: str
    license: str
    flickr_url: str


@dataclasses.dataclass(frozen=True)
class CocoPhotos:
    """The photographs of val2017 that show traffic or a face and are under a free licence.

    Attributes:
      path: of val2017.zip.
      annotations: path of annotations_trainval2017.zip.
      name: how `photo_id` begins.
      source: name of the archive in `Photo.source`; the photograph's page on Flickr follows.
    """

    path: Path
    annotations: Path
    name: str
    source: str

    def photos(self) -> Iterator[Photo]:
        """Yields the photographs in the archive's order, one at a time in memory.

        Raises:
          SourceError: if an archive cannot be read, or annotations do not fit.
        """
        chosen = read_chosen(self.annotations)
        missing = set(chosen)
        for member, data in iter_members(self.path, lambda name: _base(name) in chosen):
            theme, license, credit = chosen[_base(member)]
            source = f"{self.source}: {member}, from {credit}"
            yield Photo(f"{self.name}/{member}", data, source, license, theme, weight=_WEIGHT)
            missing.discard(_base(member))
        if missing or not chosen:
            reason = f"{min(missing)} is not there" if missing else "no photograph is chosen"
            raise SourceError(f"{self.path}: does not fit {self.annotations}: {reason}")


def read_chosen(annotations: Path) -> dict[str, Chosen]:
    """Returns the chosen photographs by file name.

    Args:
      annotations: a zip file with `INSTANCES` and `KEYPOINTS`, which are refused over the limit for
        members; the largest has 20 MB.

    Raises:
      SourceError: if the file cannot be read or is something else.
    """
    texts = {
        _base(name): data
        for name, data in iter_members(
            annotations, lambda name: _base(name) in (INSTANCES, KEYPOINTS)
        )
    }
    try:
        return choose(json.loads(texts[INSTANCES]), json.loads(texts[KEYPOINTS]))
    except (ArithmeticError, LookupError, RecursionError, TypeError, ValueError) as error:
        reason = f"{type(error).__name__}: {one_line(error)}"
        raise SourceError(f"{annotations}: not COCO's annotations: {reason}") from error


def choose(instances: dict[str, Any], keypoints: dict[str, Any]) -> dict[str, Chosen]:
    """Returns the photographs to take, by file name; one that shows both counts as traffic.

    Args:
      instances: COCO's annotations of objects.
      keypoints: COCO's annotations of people.
    """
    images = {image["id"]: image for image in instances["images"] if image["license"] in LICENSES}
    traffic, faces = _ids_of_traffic(instances, images), _ids_of_faces(keypoints, images)
    return {
        str(image["file_name"]): Chosen(
            "roads" if key in traffic else "faces",
            LICENSES[image["license"]],
            " ".join(str(image["flickr_url"]).split()),
        )
        for key, image in images.items()
        if key in traffic or key in faces
    }


def _ids_of_traffic(instances: dict[str, Any], images: dict[int, dict[str, Any]]) -> set[int]:
    names = {category["id"]: category["name"] for category in instances["categories"]}
    objects: dict[int, list[tuple[str, float]]] = {}
    for thing in instances["annotations"]:
        name, image = names[thing["category_id"]], images.get(thing["image_id"])
        # A crowd is one region around many things.
        if image is not None and name in TRAFFIC and not thing["iscrowd"]:
            area = thing["area"] / (image["width"] * image["height"])
            if area >= MIN_OBJECT_AREA:
                objects.setdefault(image["id"], []).append((name, area))
    return {
        key
        for key, found in objects.items()
        if len(found) >= MIN_OBJECTS
        and any(name in MOTOR_VEHICLES for name, _ in found)
        and sum(area for _, area in found) >= MIN_TRAFFIC_AREA
    }


def _ids_of_faces(keypoints: dict[str, Any], images: dict[int, dict[str, Any]]) -> set[int]:
    found = set()
    for person in keypoints["annotations"]:
        image = images.get(person["image_id"])
        if image is None:
            continue
        values = person["keypoints"]  # x, y and visibility of each point
        points = [values[3 * index : 3 * index + 3] for index in (_NOSE, _LEFT_EYE, _RIGHT_EYE)]
        if all(visibility == _VISIBLE for _, _, visibility in points):
            distance = math.dist(points[1][:2], points[2][:2])
            if distance >= MIN_EYE_DISTANCE * min(image["width"], image["height"]):
                found.add(image["id"])
    return found


def _base(name: str) -> str:
    return PurePosixPath(name).name
