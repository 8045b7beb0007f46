"""The page in Chromium, with real uploads and a fake camera."""

import base64
import io
import shutil
import time

import numpy as np
import pytest
import skimage.data
from PIL import Image
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from cartoon_tfds.images import read_image
from cartoon_tfds.sources.packaged import iter_packaged
from pix2pix_flax.inference.images.pixels import resize
from pix2pix_flax.inference.predictor import load_predictor
from pix2pix_flax.serve.app import make_app
from pix2pix_flax.serve.site import build_site
from tests.pix2pix_flax.inference.video.clips import make_clip, pan
from tests.pix2pix_flax.serve.server import serving

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(not (CHROMIUM and DRIVER), reason="apt install chromium chromium-driver"),
]


@pytest.fixture(scope="module")
def network():
    return load_predictor("lite")


@pytest.fixture(scope="module")
def address(network, tmp_path_factory):
    site = tmp_path_factory.mktemp("site")
    photographs = [read_image(photo.data) for photo in iter_packaged()]
    networks = {"lite": "Ink", "sketch": "Sketch"}
    build_site(site, networks, photographs, {"Cat": skimage.data.chelsea()})
    with serving(make_app({"ink": network}, site)) as port:
        yield f"http://localhost:{port}"


class Page:
    """The page in a window."""

    def __init__(self, address, *arguments, ready="Ready"):
        options = webdriver.ChromeOptions()
        options.binary_location = CHROMIUM
        for argument in ("--headless=new", "--no-sandbox", *arguments):
            options.add_argument(argument)
        self.driver = webdriver.Chrome(options, webdriver.ChromeService(DRIVER))
        self.driver.get(address)
        self.wait(ready)

    def find(self, name):
        return self.driver.find_element(By.ID, name)

    @property
    def status(self):
        return self.find("status").text

    def wait(self, words, seconds=120):
        end = time.monotonic() + seconds
        while words not in self.status:
            assert time.monotonic() < end, self.status
            time.sleep(0.1)

    def open(self, path):
        self.find("file").send_keys(str(path))
        self.wait(" pixels in ")

    def pixels(self, canvas):
        url = self.driver.execute_script(
            "return document.getElementById(arguments[0]).toDataURL()", canvas
        )
        return np.asarray(Image.open(io.BytesIO(base64.b64decode(url.partition(",")[2]))))[..., :3]

    def requests(self):
        script = "return performance.getEntriesByType('resource').map((entry) => entry.name)"
        return self.driver.execute_script(script)


@pytest.fixture
def page(address):
    page = Page(address, "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream")
    yield page
    page.driver.quit()


def saved(folder, image, name="photo.png"):
    Image.fromarray(image).save(folder / name)
    return folder / name


@pytest.mark.parametrize(("height", "width"), [(256, 256), (667, 1000), (1365, 2048)], ids=str)
def test_the_page_draws_as_python_does(page, network, tmp_path, height, width):
    photo = resize(skimage.data.coffee()[np.newaxis], height, width)[0]
    page.open(saved(tmp_path, photo))
    np.testing.assert_array_equal(page.pixels("before"), photo)
    difference = np.abs(page.pixels("after").astype(int) - network(photo[np.newaxis])[0])
    assert np.quantile(difference, 0.999) <= 1
    assert difference.max() <= 8


def test_the_chosen_style_is_drawn_by_its_network(page, tmp_path):
    photo = resize(skimage.data.chelsea()[np.newaxis], 1024, 1538)[0]
    page.open(saved(tmp_path, photo))
    page.find("style").send_keys("Sketch")
    expected = load_predictor("sketch")(photo[np.newaxis])[0].astype(int)
    end = time.monotonic() + 120
    while np.quantile(np.abs(page.pixels("after") - expected), 0.999) > 1:
        assert time.monotonic() < end, page.status
        time.sleep(0.5)


def test_pictures_stay_on_the_machine(page, tmp_path):
    before = page.requests()
    assert before
    page.open(saved(tmp_path, skimage.data.chelsea()))
    assert page.requests() == before


def test_strength_mixes_the_cartoon_with_the_photo(page, tmp_path):
    page.open(saved(tmp_path, skimage.data.chelsea()))
    page.driver.execute_script(
        "const it = document.getElementById('strength'); it.value = 0;"
        "it.dispatchEvent(new Event('input'))"
    )
    np.testing.assert_array_equal(page.pixels("after"), skimage.data.chelsea())


def test_a_large_photo_is_shrunk_to_the_chosen_side(page, tmp_path):
    page.open(saved(tmp_path, skimage.data.coffee()))
    page.find("size").send_keys("512")
    page.wait("512 x 341")
    assert page.pixels("after").shape == (341, 512, 3)


def test_the_border_moves_by_keyboard(page, tmp_path):
    page.open(saved(tmp_path, skimage.data.chelsea()))
    page.find("split").send_keys(Keys.ARROW_RIGHT, Keys.ARROW_RIGHT)
    style = page.find("compare").get_attribute("style")
    assert "--split: 52%" in style


def test_an_example_is_drawn(page):
    page.driver.find_element(By.CSS_SELECTOR, "#examples button").click()
    page.wait("451 x 300 pixels")


def test_the_camera_is_drawn_again_and_again(page):
    page.find("camera").click()
    page.wait("frames a second")
    first = page.pixels("before")
    time.sleep(3)
    assert page.pixels("after").shape == first.shape
    assert (page.pixels("before") != first).any()


@pytest.mark.parametrize("kind", ["webm", "mp4"])
def test_a_recording_is_kept_when_a_picture_is_opened(page, tmp_path, kind):
    page.driver.execute_script(
        "window.kept = [];"
        "HTMLAnchorElement.prototype.click = function () { window.kept.push(this.download); };"
        "const Recorder = MediaRecorder;"  # Safari's own kind is MP4
        "window.MediaRecorder = function (stream, options) {"
        f"  return new Recorder(stream, {{ ...options, mimeType: 'video/{kind}' }});"
        "};"
    )
    page.find("camera").click()
    page.wait("frames a second")
    page.find("record").click()
    time.sleep(2)
    page.open(saved(tmp_path, skimage.data.chelsea()))
    end = time.monotonic() + 20
    while not (kept := page.driver.execute_script("return window.kept")):
        assert time.monotonic() < end
        time.sleep(0.1)
    assert kept == [f"camera-cartoon.{kind}"]
    assert page.find("record").get_attribute("textContent") == "Record"


def test_a_clip_is_drawn(page, tmp_path):
    clip = make_clip(tmp_path / "clip.webm", pan(50), codec="libvpx-vp9")
    page.find("file").send_keys(str(clip))
    page.wait("frames a second")


def test_a_file_that_is_no_picture_is_told_in_words(page, tmp_path):
    (tmp_path / "notes.png").write_text("no picture")
    page.find("file").send_keys(str(tmp_path / "notes.png"))
    page.wait("notes.png cannot be read")
    assert "wrong" in page.find("status").get_attribute("class")


def test_after_a_file_that_cannot_be_read_there_is_no_cartoon_to_save(page, tmp_path):
    page.open(saved(tmp_path, skimage.data.chelsea()))
    assert page.find("save").is_enabled()
    (tmp_path / "notes.png").write_text("no picture")
    page.find("file").send_keys(str(tmp_path / "notes.png"))
    page.wait("notes.png cannot be read")
    assert not page.find("save").is_enabled()


def test_of_two_files_the_later_one_is_drawn(page, tmp_path):
    large = skimage.data.chelsea().repeat(12, axis=0).repeat(12, axis=1)
    Image.fromarray(large).save(tmp_path / "large.png", compress_level=1)
    small = saved(tmp_path, skimage.data.chelsea())
    page.find("file").send_keys(str(tmp_path / "large.png"))
    page.open(small)
    time.sleep(5)
    assert page.pixels("after").shape == (300, 451, 3)


def test_a_refused_camera_is_told_in_words(address):
    page = Page(address, "--deny-permission-prompts")
    page.find("camera").click()
    page.wait("camera")
    assert page.status.startswith(("The browser did not allow", "This machine has no camera"))
    page.driver.quit()


@pytest.mark.parametrize(("width", "height"), [(390, 844), (1440, 900)])
def test_the_page_fits_into_the_window(page, tmp_path, width, height):
    page.driver.set_window_size(width, height)
    page.open(saved(tmp_path, skimage.data.coffee()))
    wide = page.driver.execute_script("return document.documentElement.scrollWidth")
    assert wide <= page.driver.execute_script("return window.innerWidth")


def test_the_page_speaks_french_where_the_browser_does(address, tmp_path):
    page = Page(address, "--accept-lang=fr", ready="Prêt")
    assert page.find("save").text == "Enregistrer le dessin"
    assert page.driver.find_element(By.TAG_NAME, "html").get_attribute("lang") == "fr"
    assert page.find("controls").get_attribute("aria-label") == "Réglages"
    page.find("file").send_keys(str(saved(tmp_path, skimage.data.chelsea())))
    page.wait("451 x 300 pixels en ")
    assert "Déplacez la limite" in page.status
    page.driver.quit()
