# SPDX-License-Identifier: BSD-3-Clause
# libFuzzer targets: test/fuzz/NAME_fuzz.c, corpus in test/fuzz/corpus/NAME.
#
#   make fuzz                      each target for FUZZ_SECONDS=60
#   make fuzz FUZZ_TARGETS=ring    only these
#   $(BUILD)/fuzz/ring crash-...   run one input again

FUZZ_CC      ?= clang
FUZZ_SECONDS ?= 60
FUZZ_TARGETS ?= $(patsubst test/fuzz/%_fuzz.c,%,$(wildcard test/fuzz/*_fuzz.c))
fuzz_dir     := $(BUILD)/fuzz
fuzz_flags   := -std=gnu11 -g -O1 -Wall -Wextra -fno-omit-frame-pointer \
                -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=undefined
fuzz_objs     = $(fuzz_dir)/test/fuzz/$(1)_fuzz.o \
                $(patsubst %.c,$(fuzz_dir)/%.o,$(call sources,test/fuzz/$(1)_fuzz.c))

.PHONY: fuzz
fuzz: $(FUZZ_TARGETS:%=$(fuzz_dir)/%) ## run the fuzz targets, FUZZ_SECONDS each
	$(Q)test/fuzz/run $(fuzz_dir) $(FUZZ_SECONDS) $(FUZZ_TARGETS)

$(fuzz_dir)/%.o: %.c $(BUILD)/flags | need-libs $(schema_made)
	@mkdir -p $(@D)
	$(call say,FUZZ,$<)
	$(Q)$(FUZZ_CC) $(cppflags) $(CPPFLAGS) $(fuzz_flags) -c -o $@ $<

define fuzz_rule
$(fuzz_dir)/$(1): $(call fuzz_objs,$(1))
	$$(call say,LINK,$$@)
	$$(Q)$(FUZZ_CC) $(fuzz_flags) -o $$@ $$^ $$(libs)
endef
$(foreach t,$(FUZZ_TARGETS),$(eval $(call fuzz_rule,$(t))))

# The same without libFuzzer, for test/unit/fuzz_corpus_test.sh
corpus_all := $(patsubst test/fuzz/%_fuzz.c,%,$(wildcard test/fuzz/*_fuzz.c))
define corpus_rule
$(BUILD)/test/fuzz/$(1): $(BUILD)/test/fuzz/$(1)_fuzz.o $(BUILD)/test/fuzz/inputs.o $(call unit_objs,test/fuzz/$(1)_fuzz.c)
	$$(call say,LINK,$$@)
	$$(Q)$$(link) -o $$@ $$^ $$(libs)
endef
$(foreach t,$(corpus_all),$(eval $(call corpus_rule,$(t))))
ifeq ($(DEBIAN),$(host))
unit: $(corpus_all:%=$(BUILD)/test/fuzz/%)
endif

$(fuzz_dir)/policy $(BUILD)/test/fuzz/policy: private libs += $(shell pkg-config --libs json-c) -lm
fuzz_all := $(sort $(foreach t,$(FUZZ_TARGETS),$(call fuzz_objs,$(t))))
-include $(fuzz_all:.o=.d) $(wildcard $(BUILD)/test/fuzz/*.d)
.SECONDARY: $(fuzz_all)
