import json
import sys
import types

# Where this module is there, TensorBoard reads by itself and does not load TensorFlow.
sys.modules["tensorboard.compat.notf"] = types.ModuleType("notf")

import cv2  # noqa: E402
import numpy as np  # noqa: E402
import pytest  # noqa: E402
from tensorboard.backend.event_processing.event_accumulator import (  # noqa: E402
    EventAccumulator,
)
from tensorboard.backend.event_processing.plugin_event_multiplexer import (  # noqa: E402
    EventMultiplexer,
)
from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData  # noqa: E402

from pix2pix_flax.report.scalars import read_scalars  # noqa: E402
from pix2pix_flax.train.schedule import Epochs  # noqa: E402
from pix2pix_flax.train.writer import Writer  # noqa: E402
from tests import plain  # noqa: E402

EPOCHS = Epochs(examples=20, batch_size=8)
PICTURE = np.random.default_rng(0).integers(0, 256, (8, 12, 3), np.uint8)


def read(workdir):
    events = EventAccumulator(str(workdir), size_guidance={"images": 0})
    return events.Reload()


def scalars(events, name):
    return [(event.step, event.value) for event in events.Scalars(name)]


def decode(event):
    bgr = cv2.imdecode(np.frombuffer(event.encoded_image_string, np.uint8), cv2.IMREAD_COLOR)
    return bgr[..., ::-1]


def test_tensorboard_reads_what_was_written(tmp_path):
    writer = Writer(tmp_path, 0, EPOCHS)
    writer.scalars(1, {"gen/l1": 0.5, "disc/real": 2.0})
    writer.scalars(2, {"gen/l1": 0.25, "disc/real": 3.0})
    writer.image(2, "panel/chelsea", PICTURE)
    events = read(tmp_path)  # while it is still open: a training is watched while it runs
    writer.close()
    assert scalars(events, "gen/l1") == [(1, 0.5), (2, 0.25)]
    assert scalars(events, "disc/real") == [(1, 2.0), (2, 3.0)]
    assert events.Tags()["images"] == ["panel/chelsea"]
    (picture,) = events.Images("panel/chelsea")
    assert picture.step == 2
    np.testing.assert_array_equal(decode(picture), PICTURE)


def test_log_has_a_line_of_json_for_each_call(tmp_path):
    writer = Writer(tmp_path, 0, EPOCHS)
    writer.scalars(1, {"gen/l1": 0.5})
    writer.scalars(2, {"validation/psnr": 20.0})
    writer.close()
    lines = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert lines == [
        {"step": 1, "epoch": 0.4, "gen/l1": 0.5},
        {"step": 2, "epoch": 0.8, "validation/psnr": 20.0},
    ]


def test_epoch_is_a_scalar_once_a_step(tmp_path):
    writer = Writer(tmp_path, 0, EPOCHS)
    for step in (1, 5):
        writer.scalars(step, {"gen/l1": 0.5})
        writer.scalars(step, {"validation/l1": 0.5})
    writer.close()
    assert scalars(read(tmp_path), "epoch") == [(1, pytest.approx(0.4)), (5, 2.0)]


def test_names_of_previews_sort_by_step_and_say_whole_epochs(tmp_path):
    writer = Writer(tmp_path, 0, EPOCHS)
    for step in (250, 4, 5):
        writer.preview(step, "panel", [PICTURE], ["input"])
    writer.close()
    assert [path.name for path in sorted((tmp_path / "previews").iterdir())] == [
        "panel-00000004.png",
        "panel-00000005-epoch002.png",
        "panel-00000250-epoch100.png",
    ]


def test_settings_are_text_and_hparams_of_the_same_run(tmp_path):
    config, workdir = plain.get_config("smoke"), tmp_path / "cartoon"
    workdir.mkdir()
    for step in (0, 2):  # a resumed run has two files
        writer = Writer(workdir, step, EPOCHS)
        writer.describe(config)
        writer.scalars(step + 1, {"best/l1": 0.5, "validation/l1": 0.75})
        writer.close()
    events = EventMultiplexer().AddRunsFromDirectory(str(tmp_path)).Reload()
    assert list(events.Runs()) == ["cartoon"]
    (text,) = events.Tensors(workdir.name, "config/text_summary")[-1].tensor_proto.string_val
    assert "| `--config.train.batch_size` | `4` |" in text.decode().splitlines()
    data = events.GetAccumulator(workdir.name).PluginTagToContent("hparams")
    start, experiment = (
        HParamsPluginData.FromString(data[f"_hparams_/{name}"])
        for name in ("session_start_info", "experiment")
    )
    values = start.session_start_info.hparams
    assert values["optimizer.learning_rate"].number_value == config.optimizer.learning_rate
    assert values["generator.name"].string_value == "unet"
    assert values["loss_weights.l1"].number_value == 100
    assert "loss_weights.l2" not in values  # which is 0
    metrics = [metric.name.tag for metric in experiment.experiment.metric_infos]
    assert metrics == ["best/l1", "validation/l1"]


def test_files_of_older_versions_stay_in_the_run(tmp_path):
    first = Writer(tmp_path, 0, EPOCHS)
    first.scalars(1, {"gen/l1": 0.5})
    first.close()
    (tmp_path / "tensorboard").mkdir()
    (file,) = tmp_path.glob("events.*")
    file.rename(tmp_path / "tensorboard" / file.name)
    second = Writer(tmp_path, 1, EPOCHS)
    second.scalars(2, {"gen/l1": 0.25})
    second.close()
    assert scalars(read(tmp_path), "gen/l1") == [(1, 0.5), (2, 0.25)]


def test_resumed_run_hides_what_was_written_after_its_step(tmp_path):
    first = Writer(tmp_path, 0, EPOCHS)
    for step in (1, 2, 3, 4):
        first.scalars(step, {"gen/l1": 0.0})
    first.close()
    second = Writer(tmp_path, 2, EPOCHS)
    for step in (3, 4):
        second.scalars(step, {"gen/l1": 1.0})
    second.close()
    assert scalars(read(tmp_path), "gen/l1") == [(1, 0.0), (2, 0.0), (3, 1.0), (4, 1.0)]


@pytest.mark.parametrize("name", ["no_folder", "log.jsonl"])
def test_unwritable_place_costs_one_warning(tmp_path, caplog, name):
    if name == "log.jsonl":
        (tmp_path / name).mkdir()
    workdir = tmp_path / "no_folder" if name == "no_folder" else tmp_path
    writer = Writer(workdir, 3, EPOCHS)
    for step in (4, 5):
        writer.scalars(step, {"gen/l1": 0.5})
        writer.image(step, "panel", PICTURE)
    writer.close()
    (record,) = caplog.records
    assert "the training continues" in record.getMessage()
    assert name in record.getMessage()


def test_full_disk_costs_one_warning_and_keeps_what_is_there(tmp_path, caplog, largest_file):
    writer = Writer(tmp_path, 0, EPOCHS)
    writer.scalars(1, {"gen/l1": 0.5})
    with largest_file(2000):
        for step in range(2, 100):  # SummaryWriter would wait for ever after ten of them
            writer.scalars(step, {"gen/l1": 0.5})
            writer.image(step, "panel", PICTURE)
        writer.close()
    (record,) = caplog.records
    assert "File too large" in record.getMessage()
    events = read(tmp_path)
    assert scalars(events, "gen/l1")[0] == (1, 0.5)
    assert 1 <= len(events.Images("panel")) < 10


def test_lines_that_a_full_disk_refused_are_written_by_the_next_process(tmp_path, largest_file):
    first = Writer(tmp_path, 0, EPOCHS)
    with largest_file(2000):
        for step in range(1, 5):
            first.image(step, "panel", np.tile(PICTURE, (20, 20, 1)))  # gives up
            first.scalars(step, {"validation/l1": 1 / step})
        first.close()
    assert first.unlogged
    second = Writer(tmp_path, 4, EPOCHS, unlogged=first.unlogged)
    second.scalars(5, {"validation/l1": 0.2})
    second.close()
    assert not second.unlogged
    (series,) = read_scalars(tmp_path)
    assert series == ("validation/l1", [1, 2, 3, 4, 5], [1 / step for step in range(1, 6)])
    assert [step for step, _ in scalars(read(tmp_path), "validation/l1")] == [1, 2, 3, 4, 5]


def test_a_line_that_was_cut_off_costs_no_further_line(tmp_path):
    log = tmp_path / "log.jsonl"
    log.write_text('{"step": 1, "gen/l1": 1.0}\n{"step": 2, "ge')
    writer = Writer(tmp_path, 1, EPOCHS)
    writer.scalars(2, {"gen/l1": 2.0})
    writer.scalars(3, {"gen/l1": 3.0})
    writer.close()
    assert read_scalars(tmp_path) == [("gen/l1", [1, 2, 3], [1.0, 2.0, 3.0])]


def test_cut_event_file_is_still_read(tmp_path):
    writer = Writer(tmp_path, 0, EPOCHS)
    for step in (1, 2, 3):
        writer.scalars(step, {"gen/l1": float(step)})
    writer.close()
    (file,) = tmp_path.glob("events.*")
    file.write_bytes(file.read_bytes()[:-5])
    assert scalars(read(tmp_path), "gen/l1") == [(1, 1.0), (2, 2.0)]


def test_training_shows_losses_speed_scores_and_panels(trained):
    events = read(trained)
    names = [f"gen/{name}" for name in ("loss", "gan", "l1", "grad_norm")]
    names += [f"disc/{name}" for name in ("loss", "real", "fake", "grad_norm")]
    names += [f"validation/{name}" for name in ("l1", "psnr", "ssim")]
    shares = ["disc/accuracy_real", "disc/accuracy_fake", "speed/input_wait_share"]
    for name in [*names, *shares, "speed/images_per_second", "best/l1", "epoch"]:
        steps, values = zip(*scalars(events, name), strict=True)
        assert steps == (4, 8), name
        assert np.isfinite(values).all(), name
        assert name not in shares or max(map(abs, values)) <= 1, name
    assert events.Scalars("validation/psnr")[1].value > 5

    panels = events.Tags()["images"]
    assert len(panels) == 4
    for name in panels:
        first, second = events.Images(name)
        assert (first.step, second.step) == (4, 8)
        first, second = decode(first), decode(second)
        # Three lines of captions, and photograph | cartoon | output.
        assert first.shape == (64 + 36, 104, 3)
        np.testing.assert_array_equal(first[:, :72], second[:, :72])
        assert (first[64:, 72:] != second[64:, 72:]).any()
        for line in range(3):
            assert (first[20 * line : 20 * line + 20] < 128).any()  # a name
