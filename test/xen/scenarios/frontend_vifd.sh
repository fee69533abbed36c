#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# The guest's module on vifd, on a VF and in software: the matrix, static grants, and a record that changes.
. /bed/lib.sh
. /bed/scenarios/frontend_lib

: "${FRONT_MB:=16}"
bed_nic_setup
front_setup
vifd_start

stat_of() { guest_run "$1" "ethtool -S eth0 | awk '\$1 == \"$2:\" { print \$2 }'"; }
on_path() { [ "$(vif_key "$1" path)" = "$2" ]; }
acknowledged() { [ "$(front_key "$1" capability-ack)" = "$(vif_key "$1" capability | sed 's/.*generation=\([0-9]*\).*/\1/')" ]; }
front_key() { xenstore-read "/local/domain/$(guest_domid "$1")/device/vif/0/$2" 2>/dev/null; }
lent() { [ "$(stat_of "$1" q0_static_grants)" = 512 ]; }

# Static pages only: nothing else was granted since, and frames went both ways.
only_static()
{
	local before after

	before=$(stat_of g1 q0_tx_granted)
	file_in g1 "$SERVER_IP" && file_out g1 "$(guest_ip g1)" || return 1
	after=$(stat_of g1 q0_tx_granted)
	[ "$before" = "$after" ]
}

move()
{
	vifctl move "$(guest_domid g1).0" "$1" >/run/vifctl.out 2>&1 || say "$(cat /run/vifctl.out)"
	wait_for 20 "g1 on $1" on_path g1 "$1" && wait_for 20 "its acknowledgement" acknowledged g1
}

front_guest g1 00:16:3e:00:00:01 vifront
front_guest g2 00:16:3e:00:00:02 xen-netfront
front_server g2 eth0
wait_for 30 "g1 on a VF" on_path g1 vf
check_true vifd_record_acknowledged wait_for 20 "the acknowledgement" acknowledged g1
check_true vifd_static_grants wait_for 20 "static grants" lent g1
# no bridge here: vifd lets a guest send from its own MAC only; no VLAN or jumbo without a policy for it
front_cell g1 vf "jumbo vlan bridge"
check_true vifd_only_static only_static
check vifd_driver_info "$(guest_run g1 "ethtool -i eth0 | sed -n 's/^firmware-version: \([^ ]*\) .*/\1/p'")" "== $(vif_key g1 vf)"

guest_run g1 "ping -i 0.02 -q $SERVER_IP >/tmp/ping.out 2>&1 &" >/dev/null
changes=$(stat_of g1 path_changes)
check_true vifd_moved_to_software move software
check_true vifd_moved_to_vf move vf
check vifd_path_changes "$(($(stat_of g1 path_changes) - changes))" "== 2"
check vifd_link_kept "$(guest_run g1 "cat /sys/class/net/eth0/carrier_changes")" "<= 2"
check vifd_move_lost "$(guest_run g1 "killall -INT ping; sleep 1; sed -n 's/.* \([0-9]*\)% packet loss.*/\1/p' /tmp/ping.out")" "== 0" %

check_true vifd_moved_again move software
front_cell g1 software "jumbo vlan bridge"
check vifd_unload "$(front_unload g1 vifront | tr '\n' ' ')" "== gone 0 "
check vifd_ping_after_reload "$(ping_lost g1 "$PEER" 10)" "== 0"
check_true vifd_save_restore front_save g1
check_true vifd_static_after_restore wait_for 20 "static grants" lent g1
check vifd_faults "$(stat_of g1 faults)" "== 0"
check vifd_fault_key "$(vif_key g1 fault)" "== "
front_driver g1 xen-netfront
vifctl move "$(guest_domid g1).0" vf >/dev/null
wait_for 20 "g1 on vf" on_path g1 vf
front_cell g1 stock_vf "jumbo vlan bridge"
vifctl move "$(guest_domid g1).0" software >/dev/null
wait_for 20 "g1 in software" on_path g1 software
front_cell g1 stock_software "jumbo vlan bridge"
front_compare g1 beside_vifd
guest_run g1 "ethtool -S eth0 | grep -v ': 0'; dmesg | tail -n 30" >/results/g1.txt
guest_stop g1
guest_stop g2
vifd_stop
finish
