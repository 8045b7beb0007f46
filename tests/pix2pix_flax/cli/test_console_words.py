"""Words of the console command that are no command: advice, and the two ways to help."""

import pytest

from tests.commands import CONSOLE, run_command


def run(*words, cwd):
    return run_command("-c", CONSOLE, *words, cwd=cwd)


@pytest.mark.parametrize(
    ("words", "advice"),
    [
        (["cartoonise", "a b.jpg"], "Did you mean cartoonize?"),
        (["--checkpoint=lite", "cartoonize"], "Flags come after the command"),
        (["a b.jpg"], "To draw it: pix2pix-flax cartoonize 'a b.jpg'"),
    ],
)
def test_words_that_do_not_begin_with_a_command_get_advice(words, advice, tmp_path):
    (tmp_path / "a b.jpg").touch()
    done = run(*words, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.endswith(f". {advice}\n")


def test_help_of_a_command_can_be_asked_for_in_two_ways(tmp_path):
    found = [run(*words, cwd=tmp_path) for words in (("help", "serve"), ("serve", "--help"))]
    assert found[0].stdout == found[1].stdout
    assert "--site" in found[0].stdout
