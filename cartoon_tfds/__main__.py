"""Builds and checks datasets without TensorFlow.

python -m cartoon_tfds [build] --config=sample
python -m cartoon_tfds [build] --photos=DIR | --pairs=INPUTS,TARGETS | --pairs=DIR | --images=DIR
python -m cartoon_tfds [build] --images=DIR --panels
python -m cartoon_tfds check DATA_DIR
python -m cartoon_tfds export DATA_DIR --config=NAME --output=DIR

`build` uses the same builder as `tfds build cartoon_tfds`, so both make the same records. If a
build was killed, the next build reuses its finished parts. `--overwrite` replaces an existing
dataset once the new dataset is complete. `export` writes pairs as folders with captions.
"""

import argparse
import dataclasses
import re
import sys
from pathlib import Path
from typing import NoReturn

import tensorflow_datasets as tfds
from absl import logging

from cartoon_tfds.build import build
from cartoon_tfds.cartoon_tfds_dataset_builder import Builder, BuildOptions, CartoonConfig
from cartoon_tfds.errors import (
    UserError,
    did_you_mean,
    discard_output,
    is_user_error,
    print_any_name,
)
from cartoon_tfds.files import expand_home
from cartoon_tfds.generation.parallel import map_in_order
from cartoon_tfds.recipes.base import Recipe
from cartoon_tfds.recipes.cartoons import Cartoons
from cartoon_tfds.recipes.comics import Panels
from cartoon_tfds.recipes.pairs import ReadyPairs
from cartoon_tfds.recipes.pictures import Pictures
from cartoon_tfds.records import manifest
from cartoon_tfds.records.image_folders import write_image_folders
from cartoon_tfds.report import export, report, report_next_step
from cartoon_tfds.sources.archives import ArchiveFile
from cartoon_tfds.sources.base import Local, Source
from cartoon_tfds.sources.folders import PairFolders, PictureFolder, printable
from cartoon_tfds.styles import STYLES

_RECIPE_FLAGS = ("style", "strength", "line_width", "views_per_photo", "view_size", "size")

_USERS_SOURCES = (PictureFolder, PairFolders, ArchiveFile)


def main() -> None:
    """Runs the command line.

    The exit status is 1 after an error, 2 after a wrong flag, and 130 after Ctrl-C.
    """
    print_any_name()
    logging.set_verbosity(logging.ERROR)  # TFDS warns about every user-defined dataset.
    if not sys.stderr.isatty():
        tfds.disable_progress_bar()  # The bar would fill a log file.
    parser = _make_parser()
    arguments = sys.argv[1:]
    if not arguments or arguments[0] not in ("build", "check", "export", "-h", "--help"):
        arguments.insert(0, "build")
    args, unknown = parser.parse_known_args(arguments)
    if unknown:
        flags = [f"--{name}" for name in vars(args) if name != "run"]
        hint = did_you_mean(unknown[0].partition("=")[0], flags)
        parser.error(f"unrecognized arguments: {' '.join(unknown)}{hint and f'. {hint}'}")
    try:
        args.run(args, parser)
    except BrokenPipeError:
        discard_output()
    except KeyboardInterrupt:
        print("interrupted; the next build uses the finished parts", file=sys.stderr)
        sys.exit(130)
    except Exception as error:
        if not is_user_error(error):
            raise
        sys.exit(f"error: {error}")


class _Parser(argparse.ArgumentParser):
    """A parser whose error is one line, as the errors of all other commands are."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"error: {message}\n")


def _make_parser() -> argparse.ArgumentParser:
    console = sys.argv[0].startswith("pix2pix-flax")
    program = "pix2pix-flax dataset" if console else "python -m cartoon_tfds"
    parser = _Parser(
        prog=program,
        description=__doc__.replace("python -m cartoon_tfds", program),
        epilog=f"{program} build --help lists the flags of build; check and export have some too.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    commands = parser.add_subparsers(metavar="build|check|export", required=True)
    make = commands.add_parser("build", help="Build a dataset.", allow_abbrev=False)
    make.set_defaults(run=_run_build)
    _add_build_flags(make)
    check = commands.add_parser("check", help="Check datasets for changes.", allow_abbrev=False)
    check.set_defaults(run=_run_check)
    check.add_argument("data_dir", type=_path, help="Folder of prepared datasets.")
    check.add_argument("--config", help="Name of the dataset to check; default: all.")
    folders = commands.add_parser("export", help="Write pairs as folders.", allow_abbrev=False)
    folders.set_defaults(run=_run_export)
    folders.add_argument("data_dir", type=_path, help="Folder of prepared datasets.")
    folders.add_argument("--config", required=True, help="Name of the dataset.")
    folders.add_argument("--output", required=True, type=_path, help="New folder for the pictures.")
    folders.add_argument("--caption", help="Caption of each pair; default: it names the style.")
    return parser


def _add_build_flags(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    origin = parser.add_argument_group("source (choose one)").add_mutually_exclusive_group()
    names = [config.name for config in Builder.BUILDER_CONFIGS]
    origin.add_argument("--config", choices=names, help="Ready-made config; default: sample.")
    photos = "Folder, zip or tar file of photographs, to pair with computed cartoons."
    origin.add_argument("--photos", type=_path, metavar="DIR", help=photos)
    pairs = "Ready-made pairs: folders of inputs and targets, or one folder of images side by side."
    origin.add_argument("--pairs", type=_folders, metavar="A_DIR,B_DIR|AB_DIR", help=pairs)
    images = "Folder, zip or tar file of single images."
    origin.add_argument("--images", type=_path, metavar="DIR", help=images)
    add("--name", help="Name of the dataset; default: name of the config or of the folder.")
    add("--license", default="not stated", help="Licence of the images in the folder.")
    known = ", ".join(STYLES)
    style = f"Styles with commas, or all; views use them in turn. Default: ink. Known: {known}."
    add("--style", type=_style, help=style)
    add("--strength", type=float, help="Strength of the style, 0 (the photo) to 1 (default).")
    add("--line_width", type=float, help="Width of the lines in pixels of a view; default: 2.")
    add("--views_per_photo", type=int, help="Views of each photograph; default for --photos: 8.")
    add("--view_size", type=int, help="Short side of a view in pixels; default: 256.")
    add("--size", type=int, help="New short side of --images in pixels; default: not resized.")
    add("--panels", action="store_true", help="Cut the comic pages in --images into panels.")
    add("--skip_bad", action="store_true", help="Leave out and list unusable photographs.")
    data_dir = "Folder of prepared datasets; default: $TFDS_DATA_DIR or ~/tensorflow_datasets."
    add("--data_dir", type=_path, help=data_dir)
    add("--overwrite", action="store_true", help="Replace an existing dataset of the same name.")
    add("--workers", type=int, help="Number of threads; default: one per core.")
    add("--export_dir", type=_path, help="Folder for whole photographs and cartoons as PNG files.")


def _path(text: str) -> Path:
    """Returns a path whose `~` is the home folder; shells leave it in `--photos=~/x`."""
    try:
        return Path(expand_home(text))
    except UserError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _folders(text: str) -> list[Path]:
    """Returns the folders of `--pairs`: one, or two with a comma between them.

    A name may contain commas too, so the first comma between two folders counts.
    """
    parts = text.split(",")
    splits = [(",".join(parts[:n]), ",".join(parts[n:])) for n in range(1, len(parts))]
    choices = [[_path(text)], *([_path(part) for part in split] for split in splits)]
    there = [paths for paths in choices if all(path.is_dir() for path in paths)]
    return (there or choices[1:2] or choices)[0]


def _style(text: str) -> str:
    """Returns the styles of `--style`, joined by commas; `all` stands for every style."""
    names = tuple(STYLES) if text == "all" else tuple(text.split(","))
    for name in names:
        if name not in STYLES:
            known = ", ".join(("all", *STYLES))
            raise argparse.ArgumentTypeError(f"invalid choice: {name!r} (choose from {known})")
    return ",".join(names)


def _run_build(args: argparse.Namespace, parser: argparse.ArgumentParser) -> None:
    """Builds a dataset, prints its content, and exports PNG files for `--export_dir`."""
    try:
        config = _make_config(args, parser)
        options = BuildOptions(workers=args.workers, progress=True, skip_bad=args.skip_bad)
    except UserError as error:
        parser.error(str(error))
    if args.export_dir and not isinstance(config.recipe, Cartoons):
        parser.error("--export_dir is for photographs with cartoons: use --photos or --config")
    builder = build(config, args.data_dir, overwrite=args.overwrite, options=options)
    report(builder)
    if isinstance(source := getattr(config.origin, "source", None), _USERS_SOURCES):
        for line in source.left_out():
            print(f"  {line}")
    if args.export_dir:
        export(builder, args.export_dir)
    report_next_step(builder)


def _make_config(args: argparse.Namespace, parser: argparse.ArgumentParser) -> CartoonConfig:
    """Returns the config that the flags describe."""
    if args.panels and not args.images:
        parser.error("--panels is for --images: give the folder of comic pages as --images=DIR")
    base = _base_config(args)
    given = {name: getattr(args, name) for name in _RECIPE_FLAGS}
    changes = {name: value for name, value in given.items() if value is not None}
    known = {field.name for field in dataclasses.fields(base.recipe)}
    if unknown := sorted(changes.keys() - known):
        parser.error(f"omit --{unknown[0]}: it is not for {type(base.recipe).__name__.lower()}")
    name = args.name or base.name
    if base is Builder.builder_configs.get(name) and not changes:
        return base
    if not re.fullmatch(r"[A-Za-z0-9_][\w.-]*", name):
        parser.error(f"{name!r} cannot be the name of a dataset: give a --name like my_photos-2")
    if name in Builder.builder_configs:
        parser.error(f"{name} is the name of a ready-made config: give this dataset another --name")
    recipe = dataclasses.replace(base.recipe, **changes)
    return dataclasses.replace(base, name=name, recipe=recipe)


def _base_config(args: argparse.Namespace) -> CartoonConfig:
    """Returns a config for the source that the flags name, with the default recipe."""
    if path := args.photos or args.images:
        source = (PictureFolder if path.is_dir() else ArchiveFile)(path, args.license)
        pictures = Panels() if args.panels else Pictures()
        recipe = Cartoons(views_per_photo=8) if args.photos else pictures
        return _config_of(path, source, recipe)
    if args.pairs:
        inputs, *targets = args.pairs
        source = PairFolders(inputs, *targets, license=args.license)
        return _config_of(inputs, source, ReadyPairs())
    return Builder.builder_configs[args.config or Builder.BUILDER_CONFIGS[0].name]


def _config_of(path: Path, source: Source, recipe: Recipe) -> CartoonConfig:
    """Returns a config with the name of its folder or file."""
    name = re.sub(r"[^\w-]+", "_", path.resolve().name.split(".")[0])
    return CartoonConfig(
        name=name,
        description=f"Made from {printable(path.name)}.",
        origin=Local(source),
        recipe=recipe,
    )


def _run_check(args: argparse.Namespace, parser: argparse.ArgumentParser) -> None:
    """Compares datasets with their manifests; exits with 1 at the first difference."""
    del parser
    for folder in _prepared(args.data_dir, args.config):
        if difference := manifest.first_difference(folder, map_in_order):
            sys.exit(f"error: {folder}: {difference}")
        count = sum(1 for _ in manifest.read_examples(folder))
        print(f"{folder}: all {count} examples match the manifest")


def _prepared(data_dir: Path, config: str | None) -> list[Path]:
    """Returns the folders of the prepared datasets: of one config, or of all for None."""
    folders = sorted(data_dir.glob(f"cartoon_tfds/{config or '*'}/[0-9]*.[0-9]*.[0-9]*"))
    if not folders:
        sys.exit(f"error: no dataset {config or 'at all'} in {data_dir}/cartoon_tfds")
    return folders


def _run_export(args: argparse.Namespace, parser: argparse.ArgumentParser) -> None:
    """Writes the pairs of a dataset as folders of pictures with captions."""
    del parser
    folder = _prepared(args.data_dir, args.config)[-1]
    counts = write_image_folders(folder, args.output, args.caption)
    for split, count in counts.items():
        print(f"{args.output / split}: {count} pairs, in before/ and after/ and in metadata.jsonl")


if __name__ == "__main__":
    main()
