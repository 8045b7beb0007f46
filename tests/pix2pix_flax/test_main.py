"""The dataset that `:smoke` trains on: the sample's, or the one that a flag names."""

import cv2
import numpy as np
import pytest
from absl import flags
from ml_collections import config_flags

from cartoon_tfds.build import build
from cartoon_tfds.cartoon_tfds_dataset_builder import BuildOptions, CartoonConfig
from cartoon_tfds.recipes.pairs import ReadyPairs
from cartoon_tfds.recipes.pictures import Pictures
from cartoon_tfds.sources.base import Local
from cartoon_tfds.sources.folders import PairFolders, PictureFolder
from configs import camvid
from pix2pix_flax.data.pipeline import make_train_iterator
from pix2pix_flax.main import keep_named_dataset, let_flags_win
from pix2pix_flax.tasks.factory import make_task
from tests.commands import ROOT, run_command

# ml_collections loads the file of a configuration by it.
pytestmark = pytest.mark.filterwarnings("ignore:the load_module:DeprecationWarning")

LABELED = ["--config.data.name=cartoon_tfds/labeled"]
PLAIN = ["--config.data.name=cartoon_tfds/plain"]
SPLITS = ["--config.data.train_split=train[3:]", "--config.data.validation_split=train[:3]"]


def build_datasets(path):
    """Builds `cartoon_tfds/plain` (pictures) and `cartoon_tfds/labeled` (label maps of ids)."""
    rng = np.random.default_rng(0)
    for number in range(12):
        for kind, pixels in (
            ("photos", rng.integers(256, size=(48, 64, 3), dtype=np.uint8)),
            ("labels", rng.integers(12, size=(6, 8), dtype=np.uint8).repeat(8, 0).repeat(8, 1)),
        ):
            (path / kind / "train").mkdir(parents=True, exist_ok=True)
            cv2.imwrite(str(path / kind / "train" / f"{number}.png"), pixels)
    photos, labels = path / "photos", path / "labels"
    for name, source, recipe in (
        ("plain", PictureFolder(photos, "CC0"), Pictures()),
        ("labeled", PairFolders(photos, labels, license="CC0"), ReadyPairs()),
    ):
        config = CartoonConfig(name=name, description="", origin=Local(source), recipe=recipe)
        build(config, path, overwrite=False, options=BuildOptions())


@pytest.fixture(scope="module")
def own_datasets(made_once):
    return made_once("own_datasets", build_datasets)


@pytest.fixture
def parsed(monkeypatch):
    """Returns the flag --config of a command line, as the command changes it."""

    def parse(*arguments):
        values = flags.FlagValues()
        config_flags.DEFINE_config_file("config", flag_values=values)
        monkeypatch.setattr("sys.argv", ["train", *arguments])  # which ml_collections reads
        values(["train", *arguments])
        keep_named_dataset(values["config"])
        let_flags_win(values["config"])
        return values["config"].value

    return parse


@pytest.mark.parametrize(
    ("name", "arguments", "features"),
    [
        ("default", ["--config.data.features=('image',)", *PLAIN], ("image",)),
        ("camvid", LABELED, ("input", "target")),
        ("camvid", ["--config.data.features=('target','target')", *LABELED], ("target", "target")),
        ("facades", LABELED, ("target", "input")),
        ("comics", PLAIN, ("image",)),
        ("srresnet", [*PLAIN, "--config.data.features=('image',)"], ("image",)),
        ("anime", PLAIN, ("image",)),
    ],
)
def test_a_named_dataset_is_read_as_the_full_configuration_reads_it(
    name, arguments, features, own_datasets, parsed, caplog
):
    caplog.set_level("INFO", "pix2pix_flax")
    file = f"{ROOT}/configs/{name}.py"
    data_dir = f"--config.data.data_dir={own_datasets}"
    config = parsed(f"--config={file}:smoke", data_dir, *SPLITS, *arguments)
    full = parsed(f"--config={file}", data_dir, *SPLITS, *arguments)
    assert not caplog.messages
    assert config.data == full.data
    assert config.data.features == features
    assert config.train.steps == 8
    batch = next(make_train_iterator(config, batch_size=4, seed=0))
    assert {image.shape[0] for image in batch.values()} == {4}
    make_task(config, config.train.steps)
    if features == ("input", "target"):
        palette = {colour for _, colour, _ in camvid.PALETTE}
        assert {tuple(pixel) for pixel in batch["target"].reshape(-1, 3)} <= palette


@pytest.mark.parametrize("file", ["demo.py:pairs", "camvid.py:lite", "camvid.py:lite,supervised"])
@pytest.mark.parametrize("smoke", ["", ",smoke"])
def test_other_words_keep_their_values_of_the_data(file, smoke, parsed):
    plain = parsed(f"--config={ROOT}/configs/{file}").data
    named = parsed(f"--config={ROOT}/configs/{file}{smoke}", "--config.data.name=cartoon_tfds/mine")
    assert named.data.name == "cartoon_tfds/mine"
    values = {key: value for key, value in plain.items() if key != "name"}
    assert values == {key: value for key, value in named.data.items() if key != "name"}


@pytest.mark.parametrize("words", ["smoke", "supervised,smoke"])
def test_without_a_named_dataset_a_line_tells_of_the_sample(words, parsed, caplog):
    caplog.set_level("INFO", "pix2pix_flax")
    file = f"{ROOT}/configs/camvid.py:{words}"
    data = parsed(f"--config={file}").data
    assert (data.name, data.features) == ("cartoon_tfds/sample", ("photo", "cartoon"))
    (line,) = caplog.messages
    assert line == (
        f"{words}: trains on cartoon_tfds/sample instead of cartoon_tfds/camvid; "
        "--config.data.name=cartoon_tfds/camvid trains on yours."
    )


@pytest.mark.parametrize("file", ["camvid.py", "camvid.py:supervised", "demo.py:smoke"])
def test_a_configuration_on_its_own_dataset_says_no_more(file, parsed, caplog):
    caplog.set_level("INFO", "pix2pix_flax")
    parsed(f"--config={ROOT}/configs/{file}")
    assert not caplog.messages


@pytest.mark.parametrize(
    ("given", "steps", "minutes", "epochs"),
    [
        (["eval_every_epochs=2"], 0, 0, 2),
        (["eval_every_minutes=5"], 0, 5, 0),
        (["eval_every_epochs=2", "eval_every_steps=9"], 9, 0, 2),
        (["preview_every_epochs=2"], 2500, 0, 0),
    ],
)
def test_a_flag_in_one_unit_replaces_the_other_units(given, steps, minutes, epochs, parsed, caplog):
    caplog.set_level("INFO", "pix2pix_flax")
    values = [f"--config.train.{value}" for value in given]
    train = parsed(f"--config={ROOT}/configs/default.py", *values).train
    found = [train[f"eval_every_{unit}"] for unit in ("steps", "minutes", "epochs")]
    assert found == [steps, minutes, epochs]
    line = f"{values[0]} replaces eval_every_steps=2500 of the configuration."
    assert caplog.messages == ([line] if steps == 0 else [])


def test_smoke_trains_on_a_named_dataset(own_datasets, tmp_path):
    data = [*LABELED, f"--config.data.data_dir={own_datasets}", *SPLITS]
    config = ["--config=configs/camvid.py:smoke", "--config.train.steps=1"]
    done = run_command("-m", "pix2pix_flax.main", *config, *data, f"--workdir={tmp_path / 'run'}")
    assert done.returncode == 0, done.stderr
    assert "instead of" not in done.stderr
    assert "Training segmentation on cartoon_tfds/labeled" in done.stderr
    assert "mean_iou" in (tmp_path / "run" / "log.jsonl").read_text()
