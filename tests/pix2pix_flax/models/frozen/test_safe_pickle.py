"""A pickle is read as arrays and containers, and none of its code runs."""

import collections
import pickle

import pytest

from pix2pix_flax.models.frozen.safe_pickle import SafeUnpickler

KNOWN = {("collections", "OrderedDict"): dict}


def load(data):
    return SafeUnpickler(data, KNOWN, "a dictionary").load()


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_names_of_the_table_are_resolved(protocol):
    tree = collections.OrderedDict(a=[1, 2.5], b="text")
    found = load(pickle.dumps(tree, protocol))
    assert (type(found), found) == (dict, {"a": [1, 2.5], "b": "text"})


def test_other_names_are_refused():
    with pytest.raises(pickle.UnpicklingError, match=r"asks for builtins\.eval, not a dictionary"):
        load(pickle.dumps(eval, 4))


def test_an_index_that_fills_the_memory_is_refused():
    with pytest.raises(ValueError, match="has an index larger than the pickle itself"):
        load(b"\x80\x02Nr\xff\xff\xff\x7f.")
