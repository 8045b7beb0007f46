"""The dataset builder: names the sources, the style and the splits."""

import dataclasses
import functools
from collections.abc import Callable, Iterator

import numpy as np
import tensorflow_datasets as tfds

# Absolute imports: after a failed relative one, `tfds build` hides which module is missing.
from cartoon_tfds.archives import PUBLIC, Archive, download, iter_archives
from cartoon_tfds.pairs import iter_pairs
from cartoon_tfds.provenance import SPLITS
from cartoon_tfds.records import RepeatableWriter
from cartoon_tfds.sources import Photo, iter_packaged, select_split


@dataclasses.dataclass
class CartoonConfig(tfds.core.BuilderConfig):
    """What to make pairs of, and how.

    Attributes:
      archives: public archives to download; none for the photographs of installed packages.
      views_per_photo: the whole photograph and this many squares less one.
      view_size: short side of a view, in pixels.
      style: a name in `cartoon_tfds.styles.STYLES`.
      line_width: in pixels of a view.
    """

    archives: tuple[Archive, ...] = ()
    views_per_photo: int = 64
    view_size: int = 256
    style: str = "ink"
    line_width: float = 2.0


class Builder(tfds.core.GeneratorBasedBuilder):
    """Photograph and cartoon pairs (see README.md)."""

    VERSION = tfds.core.Version("1.0.0")
    RELEASE_NOTES = {"1.0.0": "Initial release."}  # noqa: RUF012 (the base class's declaration)
    # `tfds build` without --config builds all, in this order: without a network the first is there.
    BUILDER_CONFIGS = [  # noqa: RUF012
        CartoonConfig(
            name="sample",
            description="Eight photographs of installed packages, 64 views of each. No network.",
        ),
        CartoonConfig(
            name="public",
            description="The photographs of TF Flowers, two views of each. Downloads 218 MiB.",
            archives=PUBLIC,
            views_per_photo=2,
        ),
    ]

    def __init__(self, *, file_format: str | tfds.core.FileFormat | None = None, **kwargs):
        super().__init__(file_format=file_format, **kwargs)
        if file_format is None and not self.info.initialized:
            # The one format with random access, and the one that needs no TensorFlow.
            self.info.set_file_format("array_record", override=True)

    def _info(self) -> tfds.core.DatasetInfo:
        def image(doc: str) -> tfds.features.Image:
            return tfds.features.Image(
                shape=(None, None, 3), dtype=np.uint8, encoding_format="png", doc=doc
            )

        return self.dataset_info_from_configs(
            features=tfds.features.FeaturesDict(
                {
                    "photo": image("A view of a photograph, RGB."),
                    "cartoon": image("Its cartoon, of the same height and width, RGB."),
                    "photo_id": tfds.features.Text(doc="The photograph; many views share it."),
                    "source": tfds.features.Text(doc="Package and file, or URL and member."),
                    "license": tfds.features.Text(doc="Of the photograph."),
                    "style": tfds.features.Text(doc="Of the cartoon."),
                }
            ),
            supervised_keys=("photo", "cartoon"),
        )

    def photographs(
        self, dl_manager: tfds.download.DownloadManager
    ) -> Callable[[], Iterator[Photo]]:
        """Downloads what the config needs; returns what iterates its photographs, each time anew.

        Raises:
          SourceError: if an archive cannot be downloaded.
        """
        if not self.builder_config.archives:
            return iter_packaged
        paths = download(dl_manager, self.builder_config.archives, self.url_infos)
        return functools.partial(iter_archives, paths)

    def _example_writer(self) -> RepeatableWriter:
        return RepeatableWriter(self.info.file_format)

    def _split_generators(self, dl_manager: tfds.download.DownloadManager) -> dict[str, Iterator]:
        # Every split reads all sources: reading again is cheaper than holding an archive in memory.
        photographs = self.photographs(dl_manager)
        return {split: self._generate_examples(photographs, split) for split in SPLITS}

    def _generate_examples(
        self, photographs: Callable[[], Iterator[Photo]], split: str
    ) -> Iterator[tuple[str, dict[str, bytes | str]]]:
        config = self.builder_config
        for pair in iter_pairs(
            select_split(photographs(), split),
            views_per_photo=config.views_per_photo,
            view_size=config.view_size,
            style=config.style,
            line_width=config.line_width,
        ):
            yield (
                f"{pair.photo.sha256}-{pair.view_index}",
                {
                    # Encoded by us: TensorFlow Datasets would encode arrays with TensorFlow.
                    "photo": pair.photo_png,
                    "cartoon": pair.cartoon_png,
                    "photo_id": pair.photo.photo_id,
                    "source": pair.photo.source,
                    "license": pair.photo.license,
                    "style": config.style,
                },
            )
