"""The console command `pix2pix-flax`, and the commands that its first word names."""

import importlib
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

import pix2pix_flax
from cartoon_tfds.errors import did_you_mean
from pix2pix_flax.cli import command

COMMANDS = {
    "cartoonize": ("pix2pix_flax.cli.cartoonize", "draws pictures and clips as cartoons"),
    "train": ("pix2pix_flax.main", "trains the networks of a configuration"),
    "evaluate": ("pix2pix_flax.cli.evaluate_checkpoint", "scores a checkpoint on a dataset"),
    "report": ("pix2pix_flax.cli.report", "writes a run as one page, with curves and pictures"),
    "generate": ("pix2pix_flax.cli.generate", "makes images from noise"),
    "images": ("pix2pix_flax.cli.translate_images", "translates pictures, with all options"),
    "video": ("pix2pix_flax.cli.translate_video", "translates a clip, with all options"),
    "dataset": ("cartoon_tfds.__main__", "builds and checks datasets"),
    "export": ("pix2pix_flax.cli.export_generator", "writes a network for other runtimes"),
    "serve": ("pix2pix_flax.cli.serve", "opens the page that draws in a browser"),
    "page": ("pix2pix_flax.cli.page", "makes that page as a folder"),
    "import": ("pix2pix_flax.cli.import_pytorch", "reads a network of PyTorch"),
}
"""Module and description of each command; `dataset` parses its words itself."""


def main() -> None:
    """Runs the command that the first word names, with the other words."""
    words = sys.argv[1:]
    if words[:1] == ["help"] and len(words) > 1:
        words = [words[1], "--help"]
    if not words or words[0] in ("-h", "--help", "help"):
        command.print_and_exit(_overview())
    if words[0] == "--version":
        print(f"pix2pix-flax {pix2pix_flax.__version__}")
        sys.exit(0)
    if words[0] not in COMMANDS:
        known = f"no command {words[0]!r}; known: {', '.join(COMMANDS)}"
        print(f"error: {known}{_advice(words)}", file=sys.stderr)
        sys.exit(2)
    module = importlib.import_module(COMMANDS[words[0]][0])
    sys.argv = [f"pix2pix-flax {words[0]}", *words[1:]]
    if words[0] == "dataset":
        sys.exit(module.main())
    command.run_module(module, rename=_as_commands)


def _advice(words: Sequence[str]) -> str:
    """Returns a hint for words that do not begin with a command; '' if there is none."""
    if question := did_you_mean(words[0], COMMANDS, cutoff=0.7):
        return f". {question}"
    if words[0].startswith("-"):
        return ". Flags come after the command"
    if Path(words[0]).exists():
        return f". To draw it: pix2pix-flax cartoonize {shlex.quote(words[0])}"
    return ""


def _as_commands(text: str) -> str:
    """Returns a help text in which the scripts of a checkout are commands of the console."""
    for word, (module, _) in COMMANDS.items():
        script = f"scripts/{module.rpartition('.')[2]}.py"
        for typed in (script, f"-m {module.removesuffix('.__main__')}"):
            text = text.replace(f"python {typed}", f"pix2pix-flax {word}")
    return text


def _overview() -> str:
    width = max(map(len, COMMANDS))
    lines = [f"  {name:{width}}  {text}" for name, (_, text) in COMMANDS.items()]
    return "\n".join(
        [
            "Photographs into cartoons, and other image GANs.",
            "",
            "    pix2pix-flax cartoonize photo.jpg",
            "",
            "Commands; pix2pix-flax COMMAND --help lists the flags of each:",
            *lines,
        ]
    )
