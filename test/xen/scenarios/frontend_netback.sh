#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Both front ends on the kernel's xen-netback: two cells of the matrix.
. /bed/lib.sh
. /bed/scenarios/frontend_lib

BED_KEYS=bridge=xenbr0,script=vif-bridge
bed_nic_setup
bed_bridge_setup
front_setup
front_server dom0 xenbr0
bed_filter_add 00:16:3e:00:00:01

front_guest g1 00:16:3e:00:00:01 "${FRONT_DRIVERS%% *}"
if front_looks_at vifront; then
	front_cell g1 netback vifront
	check netback_faults "$(guest_run g1 "ethtool -S eth0 | awk '/ faults:/ { print \$2 }'")" "== 0"
fi
! front_looks_at xen-netfront || front_cell g1 stock_netback xen-netfront
guest_run g1 "ethtool -S eth0 | grep -v ': 0'; dmesg | tail -n 30" >/results/g1.txt
guest_stop g1
finish
