"""Files for surveys, and the parts of their results."""

import io

from cartoon_tfds.generation.survey import make_survey
from cartoon_tfds.recipes.pictures import Pictures
from cartoon_tfds.sources.folders import PictureFolder


def jpeg(picture, comment=""):
    stream = io.BytesIO()
    picture.save(stream, "JPEG", quality=90, comment=comment)
    return stream.getvalue()


def write(folder, files):
    for name, data in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return PictureFolder(folder, "mine")


def survey_of(*sources, recipe=None, skip_bad=False, **options):
    return make_survey(sources, recipe or Pictures(), skip_bad=skip_bad, **options)


def splits_of(survey):
    return {key: used.split for key, used in survey.used.items()}


def names_used(survey, *sources, split=None):
    return [photo.photo_id for photo in survey.select(sources, split)]
