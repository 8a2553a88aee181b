# The paper, repeated on one's own data: trains, converts, runs and reports. docs/paper.md walks through it.
#
#     make paper DATA=… DEV=… TEST=…
#
# Each is labelled tweets in any format that `starling tweets inspect` reads: to learn from, to choose by, to report on.
# Every step's result is a file or folder below $(PAPER), and what is there is not made again.

PAPER ?= runs/paper
SEEDS ?= 0 1 2 3 4
PRECISIONS ?= float32 float16 int8
# The recipe that goes to the devices, and those that stay on the workstation, in TensorFlow.
EDGE ?= mobilebert
WORKSTATION ?= bert-large $(EDGE)
# Where a recipe's checkpoints are, in the layout of `starling train`: seed-0/checkpoint, seed-1/checkpoint, …
CHECKPOINTS ?= $(PAPER)
PADDED_TO ?= 128
QUIET_SECONDS ?= 10
NODE ?= $(shell hostname)
STARLING ?= .venv-training/bin/starling

comma := ,
space := $(subst ,, )
commas = $(subst $(space),$(comma) ,$(strip $(1)))
trained = $(foreach recipe,$(sort $(EDGE) $(WORKSTATION)),$(CHECKPOINTS)/$(recipe)/seed-$(lastword $(SEEDS))/checkpoint)
bundles = $(foreach precision,$(PRECISIONS),$(foreach seed,$(SEEDS),$(PAPER)/bundles/$(precision)-$(seed)))
results = $(PAPER)/results-$(NODE) $(if $(strip $(WORKSTATION)),$(PAPER)/results-$(NODE)-tensorflow)

.PHONY: paper paper-inputs paper-bundles always
.SECONDARY:

paper: paper-inputs $(results)
	$(STARLING) report $(PAPER)/results-* --out $(PAPER)/report

paper-inputs:
	@test -n "$(DEV)" && test -n "$(TEST)" || { echo "make paper DATA=... DEV=... TEST=...: see docs/paper.md"; exit 1; }

# What goes to a device: copy $(PAPER)/bundles, test.jsonl and device.toml there.
paper-bundles: paper-inputs $(bundles) $(PAPER)/test.jsonl $(PAPER)/device.toml

# These are asked every time: an experiment that was cut short goes on, and a complete one has nothing to do.
$(PAPER)/results-$(NODE): paper-bundles
	$(STARLING) experiment $(PAPER)/device.toml --node $(NODE) --out $@

$(PAPER)/results-$(NODE)-tensorflow: $(PAPER)/workstation.toml $(PAPER)/test.jsonl $(trained) always
	$(STARLING) experiment $(PAPER)/workstation.toml --node $(NODE) --out $@

$(PAPER)/test.jsonl: | $(PAPER)
	$(STARLING) tweets export $(TEST) --out $@

$(PAPER)/device.toml: | $(PAPER)
	@{ echo 'seeds = [$(call commas,$(SEEDS))]'; \
	   echo 'before_seconds = $(QUIET_SECONDS)'; echo 'after_seconds = $(QUIET_SECONDS)'; \
	   echo '[data]'; echo 'test = "test.jsonl"'; \
	   echo '[[models]]'; echo 'name = "$(EDGE)"'; echo 'path = "bundles/{precision}-{seed}"'; \
	   echo 'precisions = [$(call commas,$(foreach precision,$(PRECISIONS),"$(precision)"))]'; } > $@

$(PAPER)/workstation.toml: | $(PAPER)
	@{ echo 'seeds = [$(call commas,$(SEEDS))]'; \
	   echo 'before_seconds = $(QUIET_SECONDS)'; echo 'after_seconds = $(QUIET_SECONDS)'; \
	   echo '[data]'; echo 'test = "test.jsonl"'; \
	   $(foreach recipe,$(WORKSTATION),echo '[[models]]'; echo 'name = "$(recipe)-tensorflow"'; \
	       echo 'kind = "tensorflow"'; echo 'max_tokens = $(PADDED_TO)'; \
	       echo 'path = "$(abspath $(CHECKPOINTS))/$(recipe)/seed-{seed}/checkpoint"';) } > $@

# PRECISION-SEED, converted and compared with its checkpoint on DEV.
$(PAPER)/bundles/%: $(trained) | $(PAPER)/bundles
	$(STARLING) convert $(CHECKPOINTS)/$(EDGE)/seed-$(lastword $(subst -, ,$*))/checkpoint --data $(DEV) \
	    --precision $(firstword $(subst -, ,$*)) --out $@

$(PAPER)/%/seed-$(lastword $(SEEDS))/checkpoint: | $(PAPER)
	$(STARLING) train $* --data $(DATA) --dev $(DEV) $(foreach seed,$(SEEDS),--seed $(seed)) --out $(PAPER)/$*

$(PAPER) $(PAPER)/bundles:
	mkdir -p $@
