import os

# Set before jax starts. The tests run on four CPU devices, as on a machine with four GPUs; and
# they compile much and compute little, so XLA is told not to optimize.
os.environ["JAX_PLATFORMS"] = "cpu"
os.environ["XLA_FLAGS"] = (
    "--xla_force_host_platform_device_count=4 --xla_backend_optimization_level=0"
)

import contextlib
import importlib
import re
import resource
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@pytest.fixture
def largest_file():
    """Makes writes beyond a size in bytes fail, as they do on a full disk: `with largest_file(n):`.

    Only for a block within a test: pytest itself may be writing to a file.
    """

    @contextlib.contextmanager
    def limit(num_bytes):
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (num_bytes, hard))
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))

    return limit


@pytest.fixture(scope="session")
def dataset_dir(tmp_path_factory):
    """A data_dir with `cartoon_tfds/tiny`: small views of the packaged photographs."""
    from cartoon_tfds.cartoon_tfds_dataset_builder import Builder, CartoonConfig
    from cartoon_tfds.recipes.cartoons import Cartoons

    path = tmp_path_factory.mktemp("datasets")
    recipe = Cartoons(views_per_photo=4, view_size=64)
    config = CartoonConfig(name="tiny", recipe=recipe)
    Builder(config=config, data_dir=path).download_and_prepare()
    return path


@pytest.fixture(scope="session")
def smoke_config(dataset_dir):
    """Makes `configs.NAME:smoke` on the tiny dataset, with any value changed by its path."""

    def make(name="default", **changes):
        config = importlib.import_module(f"configs.{name}").get_config("smoke")
        with config.unlocked():
            config.data.name = "cartoon_tfds/tiny"
            config.data.data_dir = str(dataset_dir)
            for path, value in changes.items():
                *parents, last = path.split("__")
                node = config
                for parent in parents:
                    node = node[parent]
                node[last] = value
        return config

    return make


@pytest.fixture(scope="session")
def trained(smoke_config, tmp_path_factory):
    """A work directory in which `configs/default.py:smoke` was trained."""
    from pix2pix_flax.train import train

    workdir = tmp_path_factory.mktemp("trained")
    assert train(smoke_config(), workdir) == 0
    return workdir


@pytest.fixture(scope="session")
def run_without_tensorflow(tmp_path_factory):
    """Runs Python with arguments in an environment like this one, but that has no TensorFlow.

    An import hook that raises would break TFDS, which asks whether TensorFlow is installed. So the
    process sees a folder of links to all that is installed, the package and its metadata left out.
    """
    links = tmp_path_factory.mktemp("site")
    for folder in {Path(sysconfig.get_path(name)).resolve() for name in ("purelib", "platlib")}:
        for source in folder.iterdir():
            if not re.match(r"(tensorflow(_(cpu|gpu|intel))?(-.*)?|__pycache__)$", source.name):
                (links / source.name).symlink_to(source)

    def run(*arguments, **options):
        environment = {**os.environ, "PYTHONPATH": f"{links}{os.pathsep}{ROOT}"}
        return subprocess.run(
            [sys.executable, "-S", *map(str, arguments)],  # -S: without the real site-packages
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            **options,
        )

    done = run("-c", "import tensorflow_datasets, jax, tensorflow")
    assert done.stderr.endswith("ModuleNotFoundError: No module named 'tensorflow'\n"), done.stderr
    return run
