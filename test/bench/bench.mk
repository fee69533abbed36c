# SPDX-License-Identifier: BSD-3-Clause
# Benchmarks: they print numbers and the machine that these were measured on.

.PHONY: bench bench-coalescing bench-scale bench-xen bench-virtual-pf bench-dpdk bench-policy bench-guard
bench: all sim $(SIM)/bench-guest $(SIM)/bench-latency $(SIM)/bench-apart ## compare vifd with DPDK's vhost-user and memif: speed, latency, many vifs; in under 15 minutes (BENCH="--parts LIST")
	$(Q)test/bench/all $(BENCH)

bench-coalescing: all sim ## latency and events from 1,000 frames/s to the maximum, told at once, late, and as vifd chooses (3 minutes)
	$(Q)test/bench/coalescing $(BENCH)

bench-scale: all sim $(SIM)/bench-guest ## frames per second of 1, 32 and 256 vifs, of one and two workers, in a minute
	$(Q)test/bench/scale $(BENCH)

bench-xen: all ## compare vifd with the kernel's xen-netback on the Xen bed, in one boot (30 minutes)
	$(Q)test/xen/run --front --nics 2 --timeout 2400 --name bench-xen $(BENCH) bench_xen

bench-virtual-pf: all ## compare containers on virtual VFs with containers on a guest's bridge, in one boot (15 minutes)
	$(Q)test/xen/run --front --vfs 4 --rounds 5 --timeout 1200 $(BENCH) virtual_pf_speed
	$(Q)test/xen/virtual_pf_plot build/xen/logs/virtual_pf_speed/dom0/figures.txt build/results

bench-dpdk: all sim $(SIM)/bench-apart $(if $(and $(pmd_headers),$(pmd_abi)),$(SIM)/bench-sender) ## compare a guest's DPDK application with one on DPDK's vhost-user, in under 10 minutes (BENCH_SHORT=1: 2)
	$(Q)test/bench/dpdk $(BENCH)

$(SIM)/bench-guest: $(BUILD)/test/bench/guest.o $(BUILD)/test/bench/null_back.o $(sim_guest_obj) $(SIM)/lib/libsimhv.so
	$(call say,LINK,$@)
	$(call sim_exe,,-lxenstore -lpthread)

$(SIM)/bench-latency: $(BUILD)/test/bench/latency.o
	$(call say,LINK,$@)
	$(Q)$(link) -o $@ $^ $(libs)

$(SIM)/bench-apart: $(BUILD)/test/bench/apart.o
	$(call say,LINK,$@)
	$(Q)$(link) -o $@ $^ -lpthread

$(BUILD)/test/bench/sender.o: private flags += -DALLOW_EXPERIMENTAL_API
$(SIM)/bench-sender: $(BUILD)/test/bench/sender.o $(PMD)/$(pmd_so)
	$(call say,LINK,$@)
	$(Q)$(link) -o $@ $< -L$(PMD) -l:$(pmd_so) -Wl,-rpath,'$$ORIGIN/../frontend/dpdk' $(shell pkg-config --libs libdpdk)

bench-policy: $(BUILD)/bench-policy ## measure the cycles per frame that rules cost
	$(Q)$<

bench-guard: $(BUILD)/bench-guard $(BUILD)/bench-no-mirror $(BUILD)/bench-captures ## count the instructions per frame and compare them with the recorded ones
	$(Q)test/bench/guard

$(BUILD)/bench-guard: $(BUILD)/test/bench/guard.o $(call unit_objs,test/bench/guard.c)
	$(call say,LINK,$@)
	$(Q)$(link) -o $@ $^ $(libs)

# The same path without mirrors and captures
looking := $(patsubst %,$(BUILD)/%.o,backend/path/tx backend/path/tx_plain backend/path/rx_accept)
$(looking:.o=.blind.o): $(BUILD)/%.blind.o: %.c test/bench/no_mirror.h $(BUILD)/flags | need-libs $(schema_made)
	$(call say,CC,$@)
	$(Q)$(compile) -include test/bench/no_mirror.h -c -o $@ $<

$(BUILD)/bench-no-mirror: $(BUILD)/test/bench/guard.o $(filter-out $(looking),$(call unit_objs,test/bench/guard.c)) $(looking:.o=.blind.o)
	$(call say,LINK,$@)
	$(Q)$(link) -o $@ $^ $(libs)

$(BUILD)/bench-captures: $(BUILD)/test/bench/captures.o $(call unit_objs,test/bench/captures.c)
	$(call say,LINK,$@)
	$(Q)$(link) -o $@ $^ $(libs)

bench_policy_obj := $(patsubst %,$(BUILD)/%.o,test/bench/policy backend/policy/policy backend/policy/words \
                      backend/path/verdict backend/path/verdict_ip backend/path/isolation backend/path/counters \
                      backend/path/mirror backend/path/frame_filter backend/port/memory) $(base_src:%.c=$(BUILD)/%.o)
$(BUILD)/bench-policy: $(bench_policy_obj)
	$(call say,LINK,$@)
	$(Q)$(link) -o $@ $^ $(libs)

-include $(looking:.o=.blind.d) $(BUILD)/test/bench/apart.d $(BUILD)/test/bench/captures.d $(BUILD)/test/bench/guard.d $(BUILD)/test/bench/guest.d $(BUILD)/test/bench/latency.d $(BUILD)/test/bench/null_back.d $(BUILD)/test/bench/policy.d $(BUILD)/test/bench/sender.d
