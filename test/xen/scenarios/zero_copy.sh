#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# A guest with static grants on a VF with DPDK's own driver in a PV dom0: the VF sends frames from the guest's pages and
# receives into them.
#
#     g1 (vifront) --- VF --- igb --- wire --- 10.0.2.2, an iperf3 server; 10.0.2.9, a peer that answers pings
#     g2 (xen-netfront) --- VF ---'
#
# With an IOMMU (run --iommu) it tests instead that the IOMMU confines the VFs to mapped pages.
# wants vf_smoke
# result into native: zero_copy_tx_frames zero_copy_rx_frames hypercalls_per_1000_tx_zero_copy iommu_fault_seen
. /bed/lib.sh
: "${FRONT_MB:=4}"
. /bed/scenarios/frontend_lib

EXTENTS=48
GUEST_MEMORY=224
config()
{
	vifd_config '[daemon]' "workers = $BED_WORKERS" 'log_level = debug' "memory_mb = $((EXTENTS * 2))" "$@" \
		'[nic bed]' "pf = $PF" "uplink = $PF" "driver = native"
}
stat_of() { guest_run g1 "ethtool -S eth0 | awk '\$1 == \"$1:\" { print \$2 }'"; }
has_static_grants() { [ "$(stat_of q0_static_grants)" = 512 ]; }
show() { vifctl show "$(guest_domid g1).0" >/run/show.txt; }
counter() { show; awk -v name="$1" '/^counters/ { on = 1 } on && $1 == name { n = $2 } END { print n + 0 }' /run/show.txt; }
sends_from_pages() { show; grep -q '^zero_copy *tx$' /run/show.txt; }
receives_into_pages() { show; grep -q '^zero_copy_rx *rx$' /run/show.txt; }
copies_because() { show; grep '^zero_copy_rx' /run/show.txt | grep -q "$1"; }
# Another connection has other values
connection() { xenstore-ls "/local/domain/$(guest_domid g1)/device/vif/0" | grep -e 'ring-ref' -e event-channel | tr -d '" \n'; }
no_zombies() { ! xl list | grep -q '(null)'; }
move()
{
	vifctl move "$(guest_domid g1).0" "$1" >/run/vifctl.out 2>&1 || say "$(cat /run/vifctl.out)"
	wait_for 20 "g1 on $1" vif_path_is g1 "$1"
}
set_numvfs() { echo "$1" >"/sys/bus/pci/devices/$PF_PCI/sriov_numvfs"; }
traffic() { guest_run g1 "iperf3 -c $OUTSIDE -p $((BED_IPERF_PORT + 3)) -t $1 >/tmp/tcp 2>&1 &" >/dev/null; }
traffic_ends() { guest_run g1 'killall iperf3 2>/dev/null; true' >/dev/null; }

counted()
{
	local frames zero calls mbps

	frames=$(counter tx_packets) zero=$(counter tx_zero_copy) calls=$(($(counter copy_calls) + $(counter notify)))
	mbps=$(tcp_mbps g1 out 4)
	frames=$(($(counter tx_packets) - frames)) zero=$(($(counter tx_zero_copy) - zero))
	calls=$(($(counter copy_calls) + $(counter notify) - calls))
	cp /run/show.txt /results/show.txt
	check zero_copy_tx_frames "$zero" "> 100"
	check zero_copy_tx_share "$((zero * 100 / (frames + 1)))" "> 50" %
	# frames of both directions: the received ones are acknowledgements
	check hypercalls_per_1000_tx_zero_copy "$((calls * 1000 / (frames + 1)))" "< 1000"
	check zero_copy_tcp_out "$mbps" "> 1" Mbit/s
}

# received frames: those in the buffers that the VF already had are copied first
counted_in()
{
	local frames zero mbps

	frames=$(counter rx_packets) zero=$(counter rx_zero_copy)
	mbps=$(tcp_mbps g1 in 4)
	frames=$(($(counter rx_packets) - frames)) zero=$(($(counter rx_zero_copy) - zero))
	cp /run/show.txt /results/show_in.txt
	check zero_copy_rx_frames "$zero" "> 100"
	check zero_copy_rx_share "$((zero * 100 / (frames + 1)))" "> 25" %
	check zero_copy_tcp_in "$mbps" "> 1" Mbit/s
}

# a rule that must see frames first is set and removed under traffic
ruled()
{
	local before policy

	policy=/local/domain/0/backend/vif/$(guest_domid g1)/0/policy
	traffic 30
	sleep 1
	xenstore-write "$policy/unknown-unicast" 0
	check_true ruled_copies wait_for 10 "the rule" copies_because "a rule inspects received frames"
	before=$(counter rx_zero_copy)
	check ruled_ping_lost "$(ping_lost g1 "$PEER" 20)" "== 0"
	check ruled_zero_copy "$(($(counter rx_zero_copy) - before))" "== 0"
	xenstore-rm "$policy/unknown-unicast"
	check_true ruled_zero_copy_again wait_for 20 "zero copy rx" receives_into_pages
	traffic_ends
}

# the same without traffic, which would use up the VF's pages: vifd restarts the VF
idle()
{
	local policy

	policy=/local/domain/0/backend/vif/$(guest_domid g1)/0/policy
	sleep 3
	xenstore-write "$policy/unknown-unicast" 0
	check_true idle_copies wait_for 10 "the rule" copies_because "a rule inspects received frames"
	check_true idle_stopped wait_for 5 "the VF stopped" grep -q "the VF was stopped" /run/vifd.log
	check idle_ping_lost "$(ping_lost g1 "$PEER" 40)" "== 0"
	xenstore-rm "$policy/unknown-unicast"
	check_true idle_zero_copy_again wait_for 20 "zero copy rx" receives_into_pages
	check idle_ping_lost_again "$(ping_lost g1 "$PEER" 40)" "== 0"
}

# zero_copy_again PREFIX: vifd has the guest's static grants again, and uses them, without the guest's doing
zero_copy_again()
{
	check_true "$1_sends_from_pages" wait_for 20 "zero copy" sends_from_pages
	check_true "$1_receives_into_pages" wait_for 20 "zero copy rx" receives_into_pages
	check "$1_connection" "$(connection)" "== $connected"
}

# killed under traffic: the next vifd unmaps the guest's pages, and maps them for itself
crashed()
{
	local offset

	traffic 60
	sleep 2
	offset=$(log_size /run/vifd.log)
	vifd_stop KILL
	vifd_start
	check_true crash_pages_unmapped said_since /run/vifd.log "$offset" "left [0-9]* pages of guests mapped"
	check_true crash_no_page_lost eval "! tail -c +$offset /run/vifd.log | grep -q 'not mapped any more'"
	wait_for 40 "g1 on a VF" vif_path_is g1 vf
	check crash_ping_lost "$(ping_lost g1 "$PEER" 20)" "== 0"
	zero_copy_again crash
	traffic_ends
}

# moves to software and back under traffic
moved()
{
	local before

	traffic 60
	check_true moved_to_software move software
	check_true moved_copies eval "show; grep '^zero_copy' /run/show.txt | grep -q 'driver does not report'"
	check moved_ping_lost "$(ping_lost g1 "$PEER" 20)" "== 0"
	check_true moved_back move vf
	before=$(counter tx_zero_copy)
	sleep 2
	check moved_zero_copy_again "$(($(counter tx_zero_copy) - before))" ">= 10"
	check_true moved_receives_again wait_for 20 "zero copy rx" receives_into_pages
	traffic_ends
}

# the VFs are removed while one of them reads g1's pages
taken_away()
{
	traffic 60
	sleep 1
	set_numvfs 0 &
	check_true removed_in_software wait_for 20 "g1 in software" vif_path_is g1 software
	wait $!
	check removed_ping_lost "$(ping_lost g1 "$PEER" 20)" "== 0"
	traffic_ends
}

# its pages are unmapped at once
unloaded()
{
	check unload "$(guest_run g1 "iperf3 -c $OUTSIDE -p $((BED_IPERF_PORT + 2)) -t 20 >/dev/null 2>&1 &
		sleep 2; echo vif-0 >/sys/bus/xen/drivers/vifront/unbind; rmmod vifront && echo gone; killall iperf3
		insmod /lib/modules/*/vifront.ko; netup; dmesg | grep -c 'BUG\|WARNING\|deferring\|grants are still mapped'" | tr '\n' ' ')" "== gone 0 "
	wait_for 30 "g1's network" peer_answers g1
}

destroyed()
{
	traffic 60
	sleep 2
	xl destroy g1
	check_true destroyed_is_gone wait_for 20 "the end of g1" no_zombies
}

# A page of g1 that the VFs may read while it is mapped for them: its tx ring
guarded()
{
	local ref before after

	ref=$(xenstore-read "/local/domain/$(guest_domid g1)/device/vif/0/tx-ring-ref" 2>/dev/null ||
		xenstore-read "/local/domain/$(guest_domid g1)/device/vif/0/queue-0/tx-ring-ref")
	vifd_stop
	before=$(xl dmesg | grep -c 'DMAR:.*Read.*fault')
	timeout 120 /bed/vf_smoke "$PF" 2 "$PEER" native "$(guest_domid g1)" "$ref" >/results/vf_smoke.log 2>&1
	check fault_facts_status $? "== 0"
	grep -v '^ok' /results/vf_smoke.log
	xl dmesg >/results/xl.dmesg
	after=$(grep -c 'DMAR:.*Read.*fault' /results/xl.dmesg)
	check_true iommu_fault_seen test "$after" -gt "$before"
	grep 'DMAR:.*fault' /results/xl.dmesg | tail -n 2
	guest_stop g1
}

with_iommu()
{
	check_true on_with_iommu grep -q "zero copy is on" /run/vifd.log
	front_create g1 00:16:3e:00:00:01 vifront
	front_ready g1 vifront
	wait_for 30 "g1 on a VF" vif_path_is g1 vf
	check_true sends_from_pages wait_for 20 "zero copy" sends_from_pages
	check_true receives_into_pages wait_for 20 "zero copy rx" receives_into_pages
	check ping_lost "$(ping_lost g1 "$PEER" 20)" "== 0"
	counted
	counted_in
	guarded
}

bed_nic_setup
modprobe uio_pci_generic
front_setup
bed_make_room 140
sleep 2
before=$(xl info free_memory)
config
vifd_start
if [ "$BED_IOMMU" = yes ]; then
	with_iommu
	check_true memory_back wait_for 10 "the memory back" eval '[ "$(xl info free_memory)" -ge '"$before"' ]'
	finish
fi
check_true off_without_iommu grep -q "zero copy is off: no IOMMU" /run/vifd.log
vifd_stop
config 'zero_copy = trusted-hardware'
vifd_start
check_true on_if_trusted grep -q "zero copy is on" /run/vifd.log
front_create g1 00:16:3e:00:00:01 vifront
front_create g2 00:16:3e:00:00:02 xen-netfront
front_ready g1 vifront
front_ready g2 xen-netfront
front_server g2 eth0
wait_for 30 "g1 on a VF" vif_path_is g1 vf
check_true static_grants wait_for 20 "static grants" has_static_grants
check_true sends_from_pages wait_for 10 "zero copy" sends_from_pages
check_true receives_into_pages wait_for 20 "zero copy rx" receives_into_pages
check ping_lost "$(ping_lost g1 "$PEER" 100)" "== 0"
counted
counted_in
received=$(counter rx_zero_copy)
check_true file_to_vf small_both g1 "$SERVER_IP"
check file_zero_copy_rx_frames "$(($(counter rx_zero_copy) - received))" "> 100"
ruled
idle
vifctl move "$(guest_domid g2).0" software >/dev/null
wait_for 20 "g2 in software" vif_path_is g2 software
check_true file_to_software small_both g1 "$SERVER_IP"
moved
connected=$(connection)
crashed
unloaded
wait_for 30 "g1 on a VF" vif_path_is g1 vf
check_true sends_from_pages_again wait_for 20 "zero copy" sends_from_pages
check_true receives_again wait_for 20 "zero copy rx" receives_into_pages
taken_away
set_numvfs "$BED_VFS"
guest_run g1 "ethtool -S eth0 | grep -v ': 0'; dmesg | tail -n 40" >/results/g1.txt
connected=$(connection)
vifd_stop
check stop_status $? "== 0"
vifd_start
wait_for 40 "g1 on a VF" vif_path_is g1 vf
zero_copy_again restart
destroyed
guest_stop g2
vifd_stop
check_true memory_back wait_for 10 "the memory back" eval '[ "$(xl info free_memory)" -ge '"$before"' ]'
finish
