# The paper's experiment with your own data: train, convert, run, report. docs/paper.md describes it.
#
#     make paper DATA=... DEV=... TEST=...
#
# DATA, DEV and TEST are labelled tweets in any format that `starling tweets inspect` reads: for training, for the choice of
# the checkpoint, and for the experiment. The result of each step is a file or folder in $(PAPER); existing ones are kept.

PAPER ?= runs/paper
SEEDS ?= 0 1 2 3 4
PRECISIONS ?= float32 float16 int8
# The recipe for the devices, and the recipes that run on the workstation, in TensorFlow.
EDGE ?= mobilebert
WORKSTATION ?= bert-large $(EDGE)
# Checkpoints, in the layout of `starling train`: seed-0/checkpoint, seed-1/checkpoint, ...
CHECKPOINTS ?= $(PAPER)
# Length to which TensorFlow pads each tweet. The paper prints none; 128 is assumed.
PADDED_TO ?= 128
# Baselines that learn from DATA when they are loaded: majority, tfidf. They need the training extra. Empty: none.
BASELINES ?= majority tfidf
# Set to 1 to run MobileBERT's shape with random weights too: time, memory and size without its weights.
RANDOM_WEIGHTS ?=
QUIET_SECONDS ?= 10
COOL_DOWN_SECONDS ?= 120
# Number of tweets of TEST, the same for all runs. Empty: all.
TWEETS ?=
# Serial port of the power meter on the devices, e.g. /dev/ttyACM0. Empty: the machine's own counter, if it has one.
POWER_PORT ?=
NODE ?= $(shell hostname)
STARLING ?= .venv-training/bin/starling
PYTHON_TRAINING ?= .venv-training/bin/python

comma := ,
space := $(subst ,, )
commas = $(subst $(space),$(comma) ,$(strip $(1)))
trained = $(foreach recipe,$(sort $(EDGE) $(WORKSTATION)),$(CHECKPOINTS)/$(recipe)/seed-$(lastword $(SEEDS))/checkpoint)
bundles = $(foreach precision,$(PRECISIONS),$(foreach seed,$(SEEDS),$(PAPER)/bundles/$(precision)-$(seed)))
random = $(if $(RANDOM_WEIGHTS),$(foreach precision,$(PRECISIONS),$(PAPER)/bundles/random-$(precision)))
has_workstation = $(strip $(WORKSTATION) $(BASELINES))
results = $(PAPER)/results-$(NODE) $(if $(has_workstation),$(PAPER)/results-$(NODE)-workstation)
learned_from = $(if $(strip $(BASELINES)),$(PAPER)/train.jsonl)

.PHONY: paper paper-inputs paper-bundles paper-estimate always
.SECONDARY:

paper: paper-inputs $(results)
	$(STARLING) report $(PAPER)/results-* --out $(PAPER)/report

paper-inputs:
	@test -n "$(DEV)" && test -n "$(TEST)" || { echo "make paper DATA=... DEV=... TEST=...: see docs/paper.md"; exit 1; }
	@test -n "$(DATA)" || test -z "$(strip $(BASELINES))" || \
	    { echo "the baselines ($(strip $(BASELINES))) learn from DATA=...; without them: BASELINES="; exit 1; }

# For the devices: copy $(PAPER)/bundles, test.jsonl and device.toml to each.
paper-bundles: paper-inputs $(bundles) $(random) $(PAPER)/test.jsonl $(PAPER)/device.toml

# How long this machine would take, from a few tweets of each kind of run.
paper-estimate: paper-bundles
	$(STARLING) experiment $(PAPER)/device.toml --node $(NODE) --out $(PAPER)/results-$(NODE) --estimate

# These always run: an interrupted experiment is continued, and a finished one has nothing to do.
$(PAPER)/results-$(NODE): paper-bundles
	$(STARLING) experiment $(PAPER)/device.toml --node $(NODE) --out $@

$(PAPER)/results-$(NODE)-workstation: $(PAPER)/workstation.toml $(PAPER)/test.jsonl $(trained) $(learned_from) always
	$(STARLING) experiment $(PAPER)/workstation.toml --node $(NODE) --out $@

$(PAPER)/test.jsonl: | $(PAPER)
	$(STARLING) tweets export $(TEST) --out $@

$(PAPER)/train.jsonl: | $(PAPER)
	$(STARLING) tweets export $(DATA) --out $@

# Keys before the first section, and [power], which both plans have.
define plan_head
echo 'seeds = [$(call commas,$(SEEDS))]'; \
	   $(if $(TWEETS),echo 'tweets = $(TWEETS)';) \
	   echo 'before_seconds = $(QUIET_SECONDS)'; echo 'after_seconds = $(QUIET_SECONDS)'; \
	   echo 'cool_down_seconds = $(COOL_DOWN_SECONDS)'; \
	   echo; echo '[power]'; \
	   $(if $(POWER_PORT),echo 'port = "$(POWER_PORT)"',echo '# port = "/dev/ttyACM0"  # of the meter: see `starling power list`'); \
	   $(if $(POWER_PORT),,echo 'source = "auto"';) \
	   echo; echo '[data]'; echo 'test = "test.jsonl"'
endef

$(PAPER)/device.toml: | $(PAPER)
	@{ $(plan_head); \
	   echo; echo '[[models]]'; echo 'name = "$(EDGE)"'; echo 'path = "bundles/{precision}-{seed}"'; \
	   echo 'precisions = [$(call commas,$(foreach precision,$(PRECISIONS),"$(precision)"))]'; \
	   $(if $(RANDOM_WEIGHTS),echo; echo '[[models]]'; echo 'name = "mobilebert-random"'; \
	       echo 'path = "bundles/random-{precision}"'; \
	       echo 'precisions = [$(call commas,$(foreach precision,$(PRECISIONS),"$(precision)"))]';) } > $@

$(PAPER)/workstation.toml: | $(PAPER)
	@{ $(plan_head); \
	   $(foreach recipe,$(WORKSTATION),echo; echo '[[models]]'; echo 'name = "$(recipe)-tensorflow"'; \
	       echo 'kind = "tensorflow"'; echo 'max_tokens = $(PADDED_TO)'; \
	       echo 'path = "$(abspath $(CHECKPOINTS))/$(recipe)/seed-{seed}/checkpoint"';) \
	   $(foreach kind,$(BASELINES),echo; echo '[[models]]'; echo 'name = "$(kind)"'; echo 'kind = "$(kind)"'; \
	       echo 'path = "train.jsonl"';) } > $@

# PRECISION-SEED: converted, and compared with its checkpoint on DEV.
$(PAPER)/bundles/%: $(trained) | $(PAPER)/bundles
	$(STARLING) convert $(CHECKPOINTS)/$(EDGE)/seed-$(lastword $(subst -, ,$*))/checkpoint --data $(DEV) \
	    --precision $(firstword $(subst -, ,$*)) --out $@

$(PAPER)/bundles/random-%: $(PAPER)/random/checkpoint | $(PAPER)/bundles
	$(STARLING) convert $< --data $(PAPER)/random/tweets.jsonl --precision $* --out $@

$(PAPER)/random/checkpoint: | $(PAPER)
	$(PYTHON_TRAINING) -m training.random_weights $(PAPER)/random

$(PAPER)/%/seed-$(lastword $(SEEDS))/checkpoint: | $(PAPER)
	$(STARLING) train $* --data $(DATA) --dev $(DEV) $(foreach seed,$(SEEDS),--seed $(seed)) --out $(PAPER)/$*

$(PAPER) $(PAPER)/bundles:
	mkdir -p $@
