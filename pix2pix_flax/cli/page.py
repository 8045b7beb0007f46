"""Makes the page that draws cartoons in a browser, as a folder for any static host.

    pix2pix-flax page --output=site/

npm loads the runtime, onnxruntime-web. The page then needs no other machine.
"""

from pathlib import Path

from absl import flags

from pix2pix_flax.cli.paths import PATH

REQUIRED = ()
_OUTPUT = flags.DEFINE(
    PATH,
    "output",
    None,
    "Folder to write; by default the folder that pix2pix-flax serve gives out.",
)
_RUNTIME = flags.DEFINE(
    PATH,
    "runtime",
    None,
    "Archive of onnxruntime-web, as npm pack writes it; by default npm loads it.",
)

_EXAMPLES = {"coffee": "Coffee", "chelsea": "Cat", "astronaut": "Astronaut", "rocket": "Rocket"}


def main(argv: list[str]) -> None:
    """Writes the page."""
    del argv
    import jax

    from cartoon_tfds.images import read_image
    from cartoon_tfds.sources.packaged import iter_packaged
    from pix2pix_flax.serve.site import BUILT, NETWORKS, build_site

    jax.config.update("jax_platforms", "cpu")
    photographs = {photo.photo_id: read_image(photo.data) for photo in iter_packaged(extra="serve")}
    examples = {
        title: photographs[name] for name, title in _EXAMPLES.items() if name in photographs
    }
    print("npm loads the runtime, and the networks become ONNX files: a minute or two.", flush=True)
    output = Path(_OUTPUT.value) if _OUTPUT.value else BUILT
    archive = Path(_RUNTIME.value) if _RUNTIME.value else None
    build_site(output, NETWORKS, list(photographs.values()), examples, archive=archive)
    size = sum(file.stat().st_size for file in output.rglob("*") if file.is_file())
    place = f" --site={output}" if _OUTPUT.value else ""
    print(f"{output}: the page, {size / 1e6:.0f} MB. Show it with pix2pix-flax serve{place}.")
