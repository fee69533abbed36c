#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Both front ends on vifd's software path: two cells of the matrix.
. /bed/lib.sh
. /bed/scenarios/frontend_vifd_lib

# a vif that reconnects would take a free VF again
CELL="in_software ping_lost tcp file udp ipv6 vlan bridge jumbo unload in_software save"

vifd_bed
vifd_guests "${FRONT_DRIVERS%% *}"
if front_looks_at vifront; then
	front_cell g1 software vifront
	check software_faults "$(stat_of faults)" "== 0"
fi
! front_looks_at xen-netfront || front_cell g1 stock_software xen-netfront
vifd_end
