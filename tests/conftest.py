import atexit
import contextlib
import fcntl
import importlib
import os
import re
import resource
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path

import pytest

# The environment is set before jax starts, for the workers of pytest-xdist and the commands that
# the tests run too. The tests run on four CPU devices, as on a machine with four GPUs; and they
# compile much and compute little, so XLA is told not to optimize, and compiled functions and
# frozen weights are kept in a folder for the other tests of the session.
os.environ["JAX_PLATFORMS"] = "cpu"
os.environ["XLA_FLAGS"] = " ".join(
    [
        "--xla_force_host_platform_device_count=4",
        "--xla_backend_optimization_level=0",
        # These make a training step compile in a third of the time.
        "--xla_cpu_use_fusion_emitters=false",
        "--xla_cpu_parallel_codegen_split_count=1",
        "--xla_llvm_disable_expensive_passes=true",
    ]
)
if "PYTEST_XDIST_WORKER" not in os.environ:  # which have the environment of the first process
    _folder = tempfile.mkdtemp(prefix="pix2pix-flax-tests-")
    atexit.register(shutil.rmtree, _folder, ignore_errors=True)
    os.environ["JAX_COMPILATION_CACHE_DIR"] = f"{_folder}/compiled"
    os.environ["PIX2PIX_FLAX_CACHE"] = f"{_folder}/weights"
os.environ["JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"] = "0"
os.environ["JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES"] = "-1"

ROOT = Path(__file__).parent.parent
_internal_errors = []


def pytest_internalerror(excrepr):
    """Keeps errors of pytest itself, of a worker too; the later ones are consequences."""
    _internal_errors.append(str(excrepr))


def pytest_unconfigure():
    """Prints the first error of pytest itself last, where a log that was cut still has it."""
    if _internal_errors and "PYTEST_XDIST_WORKER" not in os.environ:
        print(f"The first error of pytest itself:\n{_internal_errors[0][-4000:]}")


@pytest.fixture(scope="session")
def made_once(tmp_path_factory):
    """Makes a folder once for all workers of a session: `made_once(name, make)` returns its path.

    `make(path)` fills the folder, which a test never changes: it takes a copy.
    """
    base = tmp_path_factory.getbasetemp()
    shared = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "shared"
    shared.mkdir(exist_ok=True)

    def get(name, make):
        path, done = shared / name, shared / f"{name}.done"
        with open(shared / f"{name}.lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not done.exists():
                shutil.rmtree(path, ignore_errors=True)  # an attempt that failed
                path.mkdir()
                make(path)
                done.touch()
        return path

    return get


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
def dataset_dir(made_once):
    """A data_dir with `cartoon_tfds/tiny`: small views of the packaged photographs."""
    from cartoon_tfds.cartoon_tfds_dataset_builder import Builder, CartoonConfig
    from cartoon_tfds.recipes.cartoons import Cartoons

    def build(path):
        recipe = Cartoons(views_per_photo=4, view_size=64)
        config = CartoonConfig(name="tiny", recipe=recipe)
        Builder(config=config, data_dir=path).download_and_prepare()

    return made_once("datasets", build)


@pytest.fixture(scope="session")
def smoke_config(dataset_dir):
    """Makes `configs.NAME:smoke` on the tiny dataset, with any value changed by its path.

    `plain` and `supervised` are files of `tests/`.
    """

    def make(name="plain", **changes):
        module = f"tests.{name}" if name in ("plain", "supervised") else f"configs.{name}"
        config = importlib.import_module(module).get_config("smoke")
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
def trained_once(smoke_config, made_once):
    """Makes a work directory in which `configs/NAME.py:smoke` was trained, with any changes.

    `trained_once(name, folder=name, **changes)`: runs with other changes have other folders.
    """
    from pix2pix_flax.train import train

    def get(name, folder=None, **changes):
        def run(workdir):
            assert train(smoke_config(name, **changes), workdir) == 0

        return made_once(f"trained_{folder or name}", run)

    return get


@pytest.fixture(scope="session")
def trained(trained_once):
    """A work directory in which `tests/plain.py:smoke` was trained."""
    return trained_once("plain")


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
