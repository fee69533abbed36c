# SPDX-License-Identifier: BSD-3-Clause
# Benchmarks: programs that print numbers, with the machine they were taken on.

.PHONY: bench
bench: all sim $(SIM)/bench-guest ## data path beside DPDK's vhost-user, in under 5 minutes
	$(Q)test/bench/run $(BENCH)

$(SIM)/bench-guest: $(BUILD)/test/bench/guest.o $(sim_guest_obj) $(SIM)/lib/libsimhv.so
	$(call say,LINK,$@)
	$(call sim_exe,,-lxenstore -lpthread)

-include $(BUILD)/test/bench/guest.d
