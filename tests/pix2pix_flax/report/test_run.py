"""The configuration that the report of a run saves: it trains again, and flags change it."""

import importlib
import json

import ml_collections
import pytest
from absl import flags
from ml_collections import config_flags

from configs import base
from pix2pix_flax.cli.config_files import names
from pix2pix_flax.data.order import check_order, order_fingerprint
from pix2pix_flax.report.description import leaves
from pix2pix_flax.report.run import config_file

# ml_collections loads the file of a configuration by it.
pytestmark = pytest.mark.filterwarnings("ignore:the load_module:DeprecationWarning")


@pytest.fixture
def reloaded(tmp_path, monkeypatch):
    """Saves a configuration as a report does, and returns the flag --config with further flags."""

    def reload(config, *arguments):
        path = tmp_path / "saved.py"
        path.write_text(config_file(config))
        line = ["train", f"--config={path}", *arguments]
        values = flags.FlagValues()
        config_flags.DEFINE_config_file("config", flag_values=values)
        monkeypatch.setattr("sys.argv", line)  # which ml_collections reads
        values(line)
        return values["config"].value

    return reload


def types(config, prefix=""):
    """Returns the type of each value, by its dotted name."""
    found = {}
    for name, value in config.items():
        is_group = isinstance(value, ml_collections.ConfigDict)
        kind = {prefix + name: config.get_type(name)}
        found |= types(value, f"{prefix}{name}.") if is_group else kind
    return found


@pytest.mark.parametrize("name", names())
def test_each_value_has_the_type_that_its_flag_takes(name, reloaded):
    config = importlib.import_module(f"configs.{name}").get_config()
    config.init_from = None  # which may be a path, so it is not saved
    saved = reloaded(config)
    assert types(saved) == types(config)
    assert json.loads(saved.to_json()) == json.loads(config.to_json())


def test_values_that_were_not_set_can_be_set(reloaded):
    unset = [name for name, value in leaves(base.get_config()) if value is None]
    given = {"train.epochs": 10.0, "data.data_dir": "/data", "init_from": "lite"}
    assert sorted(unset) == sorted(given)
    config = importlib.import_module("configs.default").get_config()
    found = dict(leaves(reloaded(config, *(f"--config.{k}={v}" for k, v in given.items()))))
    assert {name: found[name] for name in unset} == given


def test_a_length_in_epochs_stays(reloaded):
    config = importlib.import_module("configs.anime").get_config()
    config.train.epochs = 150.0
    assert reloaded(config).train.epochs == 150.0
    assert reloaded(config, "--config.train.epochs=7").train.epochs == 7.0


def test_it_resumes_the_run_that_it_was_saved_from(smoke_config, reloaded):
    config = smoke_config("camvid")
    order = {"batch_size": config.train.batch_size, "seed": config.seed}
    run = {"config": json.loads(config.to_json())}
    run["data"] = {"fingerprint": order_fingerprint(config, **order)}
    saved = reloaded(config, f"--config.data.data_dir={config.data.data_dir}")
    check_order(run, saved, **order)


def test_flags_change_its_tuples(smoke_config, reloaded):
    saved = reloaded(smoke_config(), "--config.data.features=('cartoon','photo')")
    assert saved.data.features == ("cartoon", "photo")
