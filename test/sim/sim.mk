# SPDX-License-Identifier: BSD-3-Clause
# The sim bed: simulated Xen libraries and xenstore over shared memory, and guests in user space.

SIM := $(BUILD)/sim

sim_hv_obj     := $(patsubst %.c,$(BUILD)/%.o,$(addprefix test/sim/hv/,simhv.c gnt.c evt.c))
sim_lib_obj    := $(patsubst %.c,$(BUILD)/%.o,$(wildcard test/sim/hv/*.c))
sim_store_obj  := $(patsubst %.c,$(BUILD)/%.o,$(wildcard test/sim/store/*.c))
sim_guest_obj  := $(patsubst %.c,$(BUILD)/%.o,$(wildcard test/sim/guest/*.c test/sim/toolstack/*.c) common/capability.c)
sim_prog_src   := $(wildcard test/sim/prog/*.c)
sim_test_src   := $(wildcard test/sim/selftest/*_test.c)
sim_prog       := $(patsubst test/sim/prog/%.c,$(SIM)/%,$(sim_prog_src))
sim_test       := $(patsubst test/sim/selftest/%.c,$(SIM)/selftest/%,$(sim_test_src))

# The soname and the symbol versions of libxenctrl contain Xen's version, each release's in its own way.
sim_ctrl_lib    := $(shell pkg-config --variable=libdir xencontrol 2>/dev/null)/libxenctrl.so
sim_ctrl_soname := $(shell objdump -p $(sim_ctrl_lib) 2>/dev/null | sed -n 's/.*SONAME *//p')
sim_ctrl_ver    := $(shell objdump -T $(sim_ctrl_lib) 2>/dev/null | awk '$$NF == "xc_interface_open" { print $$(NF - 1) }')
# Comments of later headers still name xc_domain_getinfo(), which is gone; its type they don't define.
sim_has          = $(shell grep -qw '$(1)' $$(pkg-config --variable=includedir xencontrol)/xenctrl.h 2>/dev/null && echo 1 || echo 0)

sim_libs := $(SIM)/lib/libsimhv.so $(SIM)/lib/libxengnttab.so.1 $(SIM)/lib/libxenevtchn.so.1 \
            $(SIM)/lib/$(sim_ctrl_soname) $(SIM)/lib/libflownic.so

.PHONY: sim sim-bed
sim-bed: $(sim_libs) $(SIM)/xenstored-sim $(sim_prog) $(SIM)/pingcheck $(if $(tsan_obj),$(SIM)/planted)
sim: sim-bed $(BUILD)/test/unit/verdict_test $(BUILD)/bench-policy ## build the sim bed: libraries, store, guests

.PHONY: sim-self sim-test sim-demo tour
sim-self: sim $(sim_test) ## run the self tests of the sim bed: libraries and store
	$(Q)test/sim/test --self
sim-test: all sim $(sim_test) ## run self tests and scenarios of the sim bed (root, network namespaces)
	$(Q)test/sim/test $(SIM_SUITE)
sim-demo: all sim ## show two guests and a host without Xen, in ten seconds (root)
	$(Q)test/sim/demo
tour: all sim ## make the pictures of doc/tour.md anew, from a run of the sim bed (root)
	$(Q)test/sim/run tour
	$(Q)test/recording $(BUILD)/sim/logs/tour/scenario.log doc/tour

$(sim_lib_obj) $(BUILD)/test/sim/nic/flownic.o: private CFLAGS += -fPIC
$(BUILD)/test/sim/hv/lib_ctrl.o $(BUILD)/test/sim/selftest/hv_test.o: private CPPFLAGS += \
	-DSIM_HAVE_XC_DOMAIN_GETINFO=$(call sim_has,xc_dominfo_t;) \
	-DSIM_HAVE_XC_DOMAIN_GETINFO_SINGLE=$(call sim_has,xc_domain_getinfo_single)

$(SIM)/lib/libsimhv.so: $(sim_hv_obj)
	@mkdir -p $(@D)
	$(call say,LINK,$@)
	$(Q)$(link) -shared -Wl,-soname,libsimhv.so -o $@ $^ -lpthread

sim_shared = $(Q)$(link) -shared -Wl,-soname,$(@F) -Wl,--version-script,$(1) \
	-Wl,-rpath,'$$ORIGIN' -o $@ $(2) -L$(SIM)/lib -lsimhv -lxentoollog -lpthread

$(SIM)/lib/libxengnttab.so.1: $(BUILD)/test/sim/hv/lib_gnttab.o $(SIM)/lib/libsimhv.so test/sim/hv/libxengnttab.map
	$(call say,LINK,$@)
	$(call sim_shared,test/sim/hv/libxengnttab.map,$<)

$(SIM)/lib/libxenevtchn.so.1: $(BUILD)/test/sim/hv/lib_evtchn.o $(SIM)/lib/libsimhv.so test/sim/hv/libxenevtchn.map
	$(call say,LINK,$@)
	$(call sim_shared,test/sim/hv/libxenevtchn.map,$<)

$(SIM)/lib/$(sim_ctrl_soname): $(BUILD)/test/sim/hv/lib_ctrl.o $(SIM)/lib/libsimhv.so
	$(call say,LINK,$@)
	@printf '%s { global: xc_*; local: *; };\n' $(sim_ctrl_ver) > $(SIM)/libxenctrl.map
	$(call sim_shared,$(SIM)/libxenctrl.map,$<)

# A simulated NIC that accepts rte_flow rules: vifd is started with it in LD_PRELOAD.
$(SIM)/lib/libflownic.so: $(BUILD)/test/sim/nic/flownic.o
	@mkdir -p $(@D)
	$(call say,LINK,$@)
	$(Q)$(link) -shared -Wl,-soname,$(@F) -o $@ $^ $(shell pkg-config --libs libdpdk) -lpthread

# What ThreadSanitizer is told of DPDK's library still lets it find races (test/sanitizers)
$(SIM)/planted: $(BUILD)/test/sim/tsan/planted.o $(tsan_obj)
	$(call say,LINK,$@)
	$(Q)$(link) -Wl,--wrap=rte_eal_init -o $@ $^ $(libs)

# Programs find libsimhv.so in lib/, next to themselves.
sim_exe = $(Q)$(link) -Wl,-rpath,'$$ORIGIN/$(1)lib' -o $@ $(filter %.o,$^) -L$(SIM)/lib -lsimhv $(2)

$(SIM)/xenstored-sim: $(sim_store_obj) $(SIM)/lib/libsimhv.so
	$(call say,LINK,$@)
	$(call sim_exe,,-lpthread)

$(SIM)/pingcheck: $(BUILD)/test/xen/pingcheck.o
	@mkdir -p $(@D)
	$(call say,LINK,$@)
	$(Q)$(link) -o $@ $^

$(SIM)/%: $(BUILD)/test/sim/prog/%.o $(sim_guest_obj) $(SIM)/lib/libsimhv.so
	$(call say,LINK,$@)
	$(call sim_exe,,-lxenstore -lpthread)

$(SIM)/selftest/%: $(BUILD)/test/sim/selftest/%.o $(sim_guest_obj) $(sim_libs)
	@mkdir -p $(@D)
	$(call say,LINK,$@)
	$(call sim_exe,../,-L$(SIM)/lib -l:libxengnttab.so.1 -l:libxenevtchn.so.1 -l:$(sim_ctrl_soname) -lxenstore -lxentoollog -lcmocka -lpthread)

.SECONDARY: $(BUILD)/test/xen/pingcheck.o $(sim_guest_obj) $(sim_prog_src:%.c=$(BUILD)/%.o) $(sim_test_src:%.c=$(BUILD)/%.o)
-include $(sim_lib_obj:.o=.d) $(BUILD)/test/sim/nic/flownic.d $(sim_store_obj:.o=.d) $(sim_guest_obj:.o=.d)
-include $(sim_prog_src:%.c=$(BUILD)/%.d) $(sim_test_src:%.c=$(BUILD)/%.d)
