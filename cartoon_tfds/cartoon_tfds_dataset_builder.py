"""The dataset builder: lists the configs, and passes the examples to TensorFlow Datasets."""

import contextlib
import dataclasses
import functools
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import tensorflow_datasets as tfds

from cartoon_tfds.errors import UserError

# Absolute imports: if a relative import fails, `tfds build` hides which module is missing.
from cartoon_tfds.generation import beam
from cartoon_tfds.generation.local import LocalRunner, library_versions
from cartoon_tfds.generation.parallel import map_in_order
from cartoon_tfds.generation.survey import make_survey
from cartoon_tfds.generation.work_folder import work_folder
from cartoon_tfds.recipes.base import Example, Recipe
from cartoon_tfds.recipes.cartoons import Cartoons
from cartoon_tfds.records import croissant, manifest
from cartoon_tfds.records.array_record import RepeatableWriter
from cartoon_tfds.records.buckets import sort_without_tensorflow
from cartoon_tfds.sources import public
from cartoon_tfds.sources.base import Local, Origin, SourceError
from cartoon_tfds.sources.packaged import Packaged
from cartoon_tfds.sources.splits import SALT, SPLITS, content_hash

SKIPPED = "skipped.json"


@dataclasses.dataclass
class CartoonConfig(tfds.core.BuilderConfig):
    """The origin of a dataset's photographs, and the recipe that makes its examples.

    Attributes:
      origin: provides the sources of the photographs.
      recipe: makes the examples of a photograph.
      skip_bad: True to leave out and list unusable photographs instead of raising an error.
    """

    origin: Origin = dataclasses.field(default_factory=lambda: Local(Packaged()))
    recipe: Recipe = dataclasses.field(default_factory=Cartoons)
    skip_bad: bool = False


@dataclasses.dataclass(frozen=True)
class BuildOptions:
    """Options of a build that do not change the records.

    Attributes:
      work_dir: folder for finished parts, already locked by the caller; by default the build
        creates and locks a folder in `data_dir`.
      workers: number of threads; by default one per core.
      progress: True to display progress bars.
      skip_bad: True to leave out unusable photographs even if `CartoonConfig.skip_bad` is False.
    """

    work_dir: Path | None = None
    workers: int | None = None
    progress: bool = False
    skip_bad: bool = False

    def __post_init__(self):
        if self.workers is not None and self.workers < 1:
            raise UserError(f"workers must be at least 1, got {self.workers}")


class Builder(tfds.core.GeneratorBasedBuilder):
    """Photograph and cartoon pairs (see README.md)."""

    VERSION = tfds.core.Version("2.0.0")
    RELEASE_NOTES = {  # noqa: RUF012 (the base class's declaration)
        "1.0.0": "Initial release.",
        "2.0.0": "Theme, view, strength and hash of each photograph; photo_id is now id.",
    }
    # `tfds build` without --config builds the configs in this order; `sample` needs no network.
    BUILDER_CONFIGS = [  # noqa: RUF012
        CartoonConfig(
            name="sample",
            description="Eight photographs from installed packages, 64 views of each. No network.",
        ),
        CartoonConfig(
            name="public",
            description="Faces, animals, nature and roads from public archives.",
            origin=public.PublicArchives(),
            recipe=Cartoons(views_per_photo=2),
            # A few files in the archives are not images, and checksums forbid removing them.
            skip_bad=True,
        ),
    ]

    def __init__(
        self,
        *,
        file_format: str | tfds.core.FileFormat | None = None,
        options: BuildOptions = BuildOptions(),
        **kwargs,
    ):
        """Makes a builder.

        Args:
          file_format: file format of the records; by default ArrayRecord, the only format with
            random access, and the only format that needs no TensorFlow.
          options: options of the build.
          **kwargs: arguments of the base class.

        Raises:
          SourceError: if the dataset exists in another format than `file_format`.
        """
        super().__init__(**kwargs)
        self._options = options
        wanted = tfds.core.FileFormat.from_value(file_format or "array_record")
        if not self.info.initialized:
            self.info.set_file_format(wanted, override=True)
        elif file_format and self.info.file_format is not wanted:
            raise SourceError(
                f"{self.info.full_name} in {self.data_path} has the format"
                f" {self.info.file_format.value}, not {wanted.value}: remove this folder first, or"
                " give another data_dir"
            )

    @tfds.core.utils.classproperty
    @classmethod
    def url_infos(cls) -> dict[str, tfds.download.checksums.UrlInfo]:
        """Sizes and checksums of the downloads, from the table of archives."""
        return public.url_infos()

    def _info(self) -> tfds.core.DatasetInfo:
        recipe = self.builder_config.recipe
        return self.dataset_info_from_configs(
            features=tfds.features.FeaturesDict(recipe.features()),
            supervised_keys=recipe.input_and_target,
        )

    def download_and_prepare(
        self, *, download_config: tfds.download.DownloadConfig | None = None, **kwargs
    ) -> None:
        """Builds the dataset and its manifest unless the dataset exists (see the base class).

        Raises:
          SourceError: if photographs are missing or unusable, or if the existing dataset was built
            from other photographs or with other settings.
        """
        download_config = download_config or tfds.download.DownloadConfig()
        mode = download_config.download_mode
        has_manifest = self.info.file_format is tfds.core.FileFormat.ARRAY_RECORD
        reuse = mode is tfds.GenerateMode.REUSE_DATASET_IF_EXISTS
        if has_manifest and reuse and self.data_path.exists():
            self.refuse_another_build(download_config.max_examples_per_split)
        self._build_settings = None
        super().download_and_prepare(download_config=download_config, **kwargs)
        if has_manifest and self._build_settings:
            in_order = functools.partial(map_in_order, workers=self._options.workers)
            folder, config = Path(self.data_path), self.builder_config
            manifest.write(folder, self._build_settings, in_order)
            name = f"{self.name}-{config.name}"
            croissant.write(folder, name, config.description or name, str(self.VERSION))

    def as_dataset(self, *args, **kwargs):
        """Returns splits as `tf.data.Dataset` (see the base class).

        Raises:
          NotImplementedError: if all files are ArrayRecord, which tf.data cannot read.
        """
        if tfds.core.FileFormat.TFRECORD not in self.info.available_file_formats():
            name = f"{self.name}/{self.builder_config.name}"
            raise NotImplementedError(
                f"{self.data_path} has ArrayRecord files, which tf.data cannot read: read them with"
                f" tfds.data_source({name!r}), or build TFRecord files in another folder:"
                f" tfds build {self.name} --config={self.builder_config.name}"
                " --file_format=tfrecord --data_dir=DIR"
            )
        return super().as_dataset(*args, **kwargs)

    def refuse_another_build(self, max_examples_per_split: int | None = None) -> None:
        """Raises a SourceError if the existing dataset has no manifest or different settings.

        Args:
          max_examples_per_split: limit of the wanted build; None for all examples.
        """
        made = manifest.read_build(Path(self.data_path))
        where = f"{self.info.full_name} in {self.data_path}"
        if made is None:
            raise SourceError(
                f"{where} has no manifest: its build did not end; --overwrite builds it again"
            )
        for name, value in self._settings(max_examples_per_split).items():
            if made.get(name) != value:
                raise SourceError(
                    f"{where} has other settings, {name}: {_difference(made.get(name), value)};"
                    " --overwrite replaces it"
                )

    def _settings(self, max_examples_per_split: int | None) -> dict[str, Any]:
        """Returns the values that determine the examples."""
        return {
            "max_examples_per_split": max_examples_per_split,
            "recipe": self.builder_config.recipe.describe(),
            "photographs": content_hash(self.builder_config.origin.identity().encode()),
            "salt": SALT,
        }

    def _download_and_prepare(self, dl_manager, download_config) -> None:
        """Builds in a work folder; TFDS passes `download_config` to this method only."""
        self._download_config = download_config
        sort_without_tensorflow()
        with contextlib.ExitStack() as stack:
            self._work = self._options.work_dir or stack.enter_context(
                work_folder(self.data_dir_root, self.builder_config.name)
            )
            for old in set(self.data_path.parent.glob("incomplete.*")) - {self.data_path}:
                shutil.rmtree(old)  # left by a killed build, because this build holds the lock
            super()._download_and_prepare(dl_manager, download_config)
        self._build_settings = {
            **self._settings(download_config.max_examples_per_split),
            "libraries": library_versions(),
            "skipped": self._survey.counts(),
        }
        if self._survey.skipped:
            self._survey.write_skipped(Path(self.data_path) / SKIPPED)

    def _split_generators(self, dl_manager) -> dict[str, Any]:
        config, options = self.builder_config, self._options
        download_config = self._download_config
        sources = config.origin.fetch(dl_manager)
        self._survey = make_survey(
            sources,
            config.recipe,
            skip_bad=config.skip_bad or options.skip_bad,
            workers=options.workers,
            progress=options.progress,
        )
        if download_config.max_examples_per_split:
            self._survey = self._survey.first(download_config.max_examples_per_split)
        found = {used.split for used in self._survey.used.values()}
        splits = [split for split in SPLITS if split in found]
        if download_config.beam_options or download_config.beam_runner:
            return {
                split: beam.make(sources, config.recipe, self._survey, split) for split in splits
            }
        runner = LocalRunner(Path(self._work), sources, config.recipe, self._survey)
        runner.make_all(workers=options.workers, progress=options.progress)
        return {split: self._generate_examples(runner, split) for split in splits}

    def _generate_examples(self, runner: LocalRunner, split: str) -> Iterator[Example]:
        return runner.examples(split)

    def _example_writer(self) -> RepeatableWriter:
        return RepeatableWriter(self.info.file_format)


def _difference(made: Any, wanted: Any) -> str:
    """Returns one line about the differences between two values."""
    if not isinstance(made, dict):
        return f"{made} instead of {wanted}"
    names = sorted(name for name in made | wanted if made.get(name) != wanted.get(name))
    return ", ".join(f"{name} {made.get(name)} instead of {wanted.get(name)}" for name in names)
