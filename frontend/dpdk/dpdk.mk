# SPDX-License-Identifier: BSD-3-Clause
# The guest's DPDK driver: a plugin that DPDK's applications load by themselves once it is installed.
#
# libdpdk-dev has no headers for drivers. Those of the releases that Debian has are kept here, unchanged
# (frontend/dpdk/README.md); with any other release the plugin is not built, and make says so.

PMD          := $(BUILD)/frontend/dpdk
pmd_version  := $(shell pkg-config --modversion libdpdk 2>/dev/null | cut -d. -f1-2)
pmd_headers  := $(wildcard frontend/dpdk/dpdk-$(pmd_version))
pmd_libdir   := $(shell pkg-config --variable=libdir libdpdk 2>/dev/null)
# As Debian names it: pmds-23.0 for 22.11, whose libraries are librte_*.so.23
pmd_abi      := $(patsubst $(pmd_libdir)/dpdk/pmds-%,%,$(firstword $(wildcard $(pmd_libdir)/dpdk/pmds-*)))
pmd_so       := librte_net_xenfront.so.$(firstword $(subst ., ,$(pmd_abi)))
pmd_obj      := $(patsubst %.c,$(BUILD)/%.o,$(wildcard frontend/dpdk/*.c)) $(PMD)/capability.o
pmd_flags    := -fPIC -isystem $(pmd_headers) -DALLOW_INTERNAL_API -DALLOW_EXPERIMENTAL_API
pmd_libs      = $(shell pkg-config --libs xenstore xengnttab xenevtchn) -lrte_ethdev -lrte_bus_vdev -lrte_mbuf -lrte_mempool \
                -lrte_ring -lrte_net -lrte_kvargs -lrte_eal $(filter -lrte_log,$(shell pkg-config --libs libdpdk)) -lpthread

.PHONY: guest-dpdk install-guest-dpdk
ifneq ($(and $(pmd_headers),$(pmd_abi)),)
all: guest-dpdk
sim-bed: $(BUILD)/sim/pmdcheck
guest-dpdk: $(PMD)/$(pmd_so) $(PMD)/net_xenfront-release $(PMD)/xenfront-example ## build the guest's DPDK driver
install-guest-dpdk: guest-dpdk ## install the guest's DPDK driver, its header and its manual
	$(Q)install -D -m 644 $(PMD)/$(pmd_so) $(DESTDIR)$(pmd_libdir)/dpdk/pmds-$(pmd_abi)/$(pmd_so)
	$(Q)install -D -m 755 $(PMD)/net_xenfront-release $(DESTDIR)$(PREFIX)/sbin/net_xenfront-release
	$(Q)install -D -m 644 frontend/dpdk/rte_pmd_xenfront.h $(DESTDIR)$(PREFIX)/include/rte_pmd_xenfront.h
	$(Q)install -D -m 644 doc/man/net_xenfront.7 $(DESTDIR)$(PREFIX)/share/man/man7/net_xenfront.7
	$(Q)install -d $(DESTDIR)$(pmd_libdir)/pkgconfig
	$(Q)printf '%s\n' 'Name: net_xenfront' 'Description: DPDK driver for Xen network interfaces' 'Version: 1' \
		'Requires: libdpdk' 'Cflags: -I$(PREFIX)/include' \
		'Libs: -L$(pmd_libdir)/dpdk/pmds-$(pmd_abi) -l:$(pmd_so) -Wl,-rpath,$(pmd_libdir)/dpdk/pmds-$(pmd_abi)' \
		>$(DESTDIR)$(pmd_libdir)/pkgconfig/net_xenfront.pc
else
guest-dpdk: ; $(Q)echo "frontend/dpdk: not built: there are driver headers for DPDK $(patsubst frontend/dpdk/dpdk-%,%,$(wildcard frontend/dpdk/dpdk-*)), and this is '$(pmd_version)'"
all: guest-dpdk
install-guest-dpdk: ; $(Q)echo "frontend/dpdk: no driver headers for DPDK '$(pmd_version)'" >&2; exit 1
endif

$(pmd_obj) : private flags += $(pmd_flags)
$(PMD)/capability.o: common/capability.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(compile) -c -o $@ $<

$(PMD)/$(pmd_so): $(filter $(PMD)/%,$(pmd_obj)) frontend/dpdk/exports.map
	$(call say,LINK,$@)
	$(Q)$(link) -shared -Wl,-soname,$(@F) -Wl,--version-script,frontend/dpdk/exports.map $(if $(SANITIZE),,-Wl$(comma)-z$(comma)defs) -o $@ $(filter %.o,$^) $(pmd_libs)
	$(Q)ln -sf $(@F) $(@D)/librte_net_xenfront.so

# What gives the interface of a killed application to the kernel, and an application
$(PMD)/net_xenfront-release: $(addprefix $(PMD)/,release/main.o store.o capability.o)
	$(call say,LINK,$@)
	$(Q)$(link) -o $@ $^ $(shell pkg-config --libs xenstore) -lrte_net
$(PMD)/example/main.o: private flags += -Ifrontend/dpdk
$(PMD)/xenfront-example: $(PMD)/example/main.o $(PMD)/$(pmd_so)
	$(call say,LINK,$@)
	$(Q)$(link) -o $@ $< -L$(PMD) -l:$(pmd_so) -Wl,-rpath,'$$ORIGIN' $(shell pkg-config --libs libdpdk)
-include $(PMD)/release/main.d $(PMD)/example/main.d

# Unit tests: the driver's objects with a back end of test/unit/fake_back.c
pmd_test_src := $(wildcard test/unit/pmd_*_test.c)
pmd_test_bin := $(pmd_test_src:%.c=$(BUILD)/%)
pmd_test_obj := $(patsubst %,$(BUILD)/test/unit/%.o,pmd_% fake_back fake_kernel)
$(pmd_test_obj): private flags += $(pmd_flags)
$(pmd_test_bin): private libs += -lrte_bus_vdev
ifneq ($(and $(pmd_headers),$(pmd_abi)),)
unit: $(pmd_test_bin)
unit_bin += $(pmd_test_bin)
endif
$(foreach t,$(pmd_test_src),$(eval $(call unit_rule,$(t))))
.SECONDARY: $(pmd_test_src:%.c=$(BUILD)/%.o)

-include $(pmd_obj:.o=.d)

# pmdcheck tries the driver on the sim bed (test/sim/pmd).
pmdcheck_obj := $(patsubst %.c,$(BUILD)/%.o,$(wildcard test/sim/pmd/*.c))
$(pmdcheck_obj): private flags += -DALLOW_EXPERIMENTAL_API
$(BUILD)/sim/pmdcheck: $(pmdcheck_obj) $(PMD)/$(pmd_so)
	@mkdir -p $(@D)
	$(call say,LINK,$@)
	$(Q)$(link) -o $@ $(filter %.o,$^) -L$(PMD) -l:$(pmd_so) -Wl,-rpath,'$$ORIGIN/../frontend/dpdk' $(shell pkg-config --libs libdpdk)
-include $(pmdcheck_obj:.o=.d)
