"""The report in Chromium, as a file."""

import shutil

import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(not (CHROMIUM and DRIVER), reason="apt install chromium chromium-driver"),
]


@pytest.fixture(params=[(1280, 900), (400, 800)], ids=["desktop", "phone"])
def page(request, trained):
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for argument in ("--headless=new", "--no-sandbox"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"performance": "ALL", "browser": "ALL"})
    driver = webdriver.Chrome(options, webdriver.ChromeService(DRIVER))
    width, height = request.param
    size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    driver.get((trained / "report.html").as_uri())
    yield driver
    driver.quit()


def press(element, key):
    element.send_keys(key)
    return element.get_attribute("value")


def test_borders_and_previews_move_and_nothing_is_asked_for(page):
    compared = page.find_element(By.CSS_SELECTOR, ".compare")
    slider = compared.find_element(By.TAG_NAME, "input")
    assert press(slider, Keys.END) == "100"
    script = "return arguments[0].style.getPropertyValue('--split')"
    assert page.execute_script(script, compared) == "100%"

    strip = page.find_element(By.CSS_SELECTOR, ".strip")
    assert press(strip.find_element(By.TAG_NAME, "input"), Keys.HOME) == "0"
    shown = [image for image in strip.find_elements(By.TAG_NAME, "img") if image.is_displayed()]
    assert [image.get_attribute("alt") for image in shown] == ["step 4"]
    assert strip.find_element(By.TAG_NAME, "output").text == "step 4"

    assert page.execute_script("return document.documentElement.scrollWidth <= innerWidth")
    assert not page.get_log("browser")
    log = " ".join(entry["message"] for entry in page.get_log("performance"))
    assert "Network.requestWillBeSent" in log  # of the file itself
    assert '"url":"http' not in log
