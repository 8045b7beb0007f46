"""Chooses photographs of COCO that show traffic or a face and have a free licence.

The photographs are from Flickr, each under the licence that its photographer chose. COCO's
annotations name the licences and locate the objects, so fixed thresholds decide about the themes.
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

# The keys are COCO's licence numbers. 3 (BY-NC-ND) and 6 (BY-ND) are left out because a cartoon is
# a derivative. 1 (BY-NC-SA) and 2 (BY-NC) are left out so that users can publish trained networks
# and their pictures without asking if the use is commercial. Also, BY-NC-SA and BY-SA cannot be
# combined.
LICENSES = {
    4: "CC BY 2.0",
    5: "CC BY-SA 2.0",
    7: "no known copyright restrictions (Flickr Commons)",
    8: "public domain (US government work)",
}

MOTOR_VEHICLES = frozenset(("car", "bus", "truck", "motorcycle"))
TRAFFIC = MOTOR_VEHICLES | {"bicycle", "traffic light", "stop sign"}

# A street scene has at least two traffic objects, one of them a motor vehicle. Objects smaller than
# a thousandth of the picture (about 18x18 of 640x480 pixels) do not count: an example is a car
# behind a window. All objects together cover at least 2 %, else the picture has another subject.
MIN_OBJECTS = 2
MIN_OBJECT_AREA = 0.001
MIN_TRAFFIC_AREA = 0.02

# A face turned to the camera shows its nose and both eyes. The minimum distance of the eyes is a
# fraction of the picture's short side. At this distance the height of the face is about a sixth of
# the short side, as in a family portrait.
MIN_EYE_DISTANCE = 0.06
_NOSE, _LEFT_EYE, _RIGHT_EYE, _VISIBLE = 0, 1, 2, 2

# A few hundred photographs are chosen, but the other archives have thousands for each theme.
_WEIGHT = 8


class Chosen(NamedTuple):
    """Theme, licence and Flickr address of a chosen photograph."""

    theme: str
    license: str
    flickr_url: str


@dataclasses.dataclass(frozen=True)
class CocoPhotos:
    """The photographs of val2017 that show traffic or a face and are under a free licence.

    Attributes:
      path: path of val2017.zip.
      annotations: path of annotations_trainval2017.zip.
      name: prefix of `photo_id`.
      source: name of the archive in `Photo.source`, before the photograph's Flickr address.
    """

    path: Path
    annotations: Path
    name: str
    source: str

    def photos(self) -> Iterator[Photo]:
        """Yields the photographs in the archive's order, one at a time in memory.

        Raises:
          SourceError: if an archive cannot be read, or if the annotations are of other photographs.
        """
        chosen = read_chosen(self.annotations)
        missing = set(chosen)
        for member, data in iter_members(self.path, lambda name: _base(name) in chosen):
            theme, license, credit = chosen[_base(member)]
            source = f"{self.source}: {member}, from {credit}"
            yield Photo(f"{self.name}/{member}", data, source, license, theme, weight=_WEIGHT)
            missing.discard(_base(member))
        if missing or not chosen:
            reason = f"{min(missing)} is missing" if missing else "no photograph is chosen"
            raise SourceError(f"{self.path}: does not fit {self.annotations}: {reason}")


def read_chosen(annotations: Path) -> dict[str, Chosen]:
    """Returns the chosen photographs by file name.

    Args:
      annotations: path of a zip file with the members `INSTANCES` and `KEYPOINTS`. Members over the
        limit of `iter_members` are refused; the larger one has 20 MB.

    Raises:
      SourceError: if the file cannot be read or has other content.
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
    """Returns the chosen photographs by file name; one with traffic and a face counts as roads.

    Args:
      instances: COCO's annotations of objects, the content of `INSTANCES`.
      keypoints: COCO's annotations of people, the content of `KEYPOINTS`.
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
        # A crowd is one region around many objects.
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
