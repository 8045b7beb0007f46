"""The files for schedulers in docs/scaling.md parse, and their flags exist."""

import logging
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "scaling.md").read_text()


def block(language):
    (text,) = re.findall(rf"^```{language}\n(.*?)^```", PAGE, flags=re.DOTALL | re.MULTILINE)
    return text


def flags(words):
    """Returns the flags behind the module of a training."""
    return words[words.index("pix2pix_flax.main") + 1 :]


def assert_taken(words):
    process = subprocess.run(
        [sys.executable, "-m", "pix2pix_flax.main", *flags(words), "--help"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert process.returncode == 0, process.stderr
    assert "--config.distributed=True" in process.stdout


def test_slurm():
    text = block("bash")
    subprocess.run(["bash", "-n"], input=text, text=True, check=True)
    options = re.findall(r"^#SBATCH --[a-z-]+(?:=\S+)?$", text, flags=re.MULTILINE)
    assert len(options) == text.count("#SBATCH") == 7
    (command,) = re.findall(r"^srun (.*)$", text.replace("\\\n", " "), flags=re.MULTILINE)
    assert_taken(shlex.split(command))


def test_kubernetes():
    service, job = yaml.safe_load_all(block("yaml"))
    assert (service["kind"], job["kind"]) == ("Service", "Job")
    spec = job["spec"]
    pod = spec["template"]["spec"]
    (container,) = pod["containers"]
    environment = {entry["name"]: entry.get("value") for entry in container["env"]}
    assert environment["JAX_NUM_PROCESSES"] == str(spec["completions"]) == str(spec["parallelism"])
    # The name of the first pod: JOB-0.SERVICE.
    name, service_name = job["metadata"]["name"], service["metadata"]["name"]
    assert environment["JAX_COORDINATOR_ADDRESS"].startswith(f"{name}-0.{service_name}:")
    assert pod["subdomain"] == service_name
    assert service["spec"]["selector"] == {"job-name": name}
    assert {m["name"] for m in container["volumeMounts"]} == {v["name"] for v in pod["volumes"]}
    assert_taken(container["command"])


def test_beam_knows_the_options(caplog):
    options = pytest.importorskip("apache_beam.options.pipeline_options")
    lines = re.findall(r"--beam_pipeline_options=(\S+)", PAGE)
    assert len(lines) == 4

    def parsed(line):
        """Returns the options that differ from the defaults; TFDS splits a line at its commas."""
        words = [f"--{word}" for word in line.split(",")]
        return options.PipelineOptions(flags=words).get_all_options(drop_default=True)

    with caplog.at_level(logging.WARNING):
        for line in lines:
            names = {word.partition("=")[0] for word in line.split(",")}
            assert names == parsed(line).keys()
        assert "unknown" not in parsed("runner=SparkRunner,unknown=3")
