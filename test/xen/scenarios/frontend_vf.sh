#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Both front ends on vifd and a VF: two cells of the matrix; the record, static grants, and a record that changes.
. /bed/lib.sh
. /bed/scenarios/frontend_vifd_lib

wishes_delay() { [[ $(front_key g1 capability) == *" coalesce-rx-us=30 "* ]]; }

record_and_grants()
{
	check_true vf_record_acknowledged wait_for 60 "the acknowledgement" acknowledged
	check_true vf_static_grants wait_for 60 "static grants" has_static_grants
	check vf_driver_info "$(guest_run g1 "ethtool -i eth0 | sed -n 's/^firmware-version: \([^ ]*\) .*/\1/p'")" "== $(vif_key g1 vf)"
	check vf_speed "$(guest_run g1 "ethtool eth0 | sed -n 's/.*Speed: \([0-9]*\)Mb.*/\1/p'")" "== $(vif_key g1 capability | sed 's/.*speed=\([0-9]*\).*/\1/')"
	guest_run g1 "ethtool -C eth0 rx-usecs 30 rx-frames 8"
	check_true vf_coalescing_in_record wait_for 60 "the request in the front end's record" wishes_delay
	guest_run g1 "ethtool -C eth0 rx-usecs 0"
	check_true vf_only_static only_static
}

moves()
{
	local changes carrier

	guest_run g1 "ping -i 0.02 -q $SERVER_IP >/tmp/ping.out 2>&1 &" >/dev/null
	changes=$(stat_of path_changes)
	carrier=$(guest_run g1 "cat /sys/class/net/eth0/carrier_changes")
	check_true vf_moved_to_software move software
	check_true vf_acknowledged_in_software wait_for 60 "its acknowledgement" acknowledged
	check_true vf_moved_back move vf
	check_true vf_acknowledged_on_vf wait_for 60 "its acknowledgement" acknowledged
	check vf_path_changes "$(($(stat_of path_changes) - changes))" "== 2"
	check vf_carrier_changes "$(($(guest_run g1 "cat /sys/class/net/eth0/carrier_changes") - carrier))" "== 0"
	check vf_move_lost "$(guest_run g1 "killall -INT ping; sleep 1; sed -n 's/.* \([0-9]*\)% packet loss.*/\1/p' /tmp/ping.out")" "== 0" %
	check vf_faults "$(stat_of faults)" "== 0"
	check_true vf_no_fault_key [ -z "$(vif_key g1 fault)" ]
}

vifd_bed
vifd_guests "${FRONT_DRIVERS%% *}"
if front_looks_at vifront; then
	record_and_grants
	front_cell g1 vf vifront
	check_true vf_static_after_restore wait_for 60 "static grants" has_static_grants
	wait_for 60 "g1 on a VF" vif_path_is g1 vf
	moves
fi
! front_looks_at xen-netfront || front_cell g1 stock_vf xen-netfront
vifd_end
