#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# A stock guest with four processors, so four queues, on a VF and in software, with two workers; then it asks for one.
: "${BED_WORKERS:=2}"
. /bed/lib.sh

GUEST_VCPUS=4
GUEST_BOOT_LIMIT=300 # four emulated processors wait for each other

shown() { vifctl show "$(guest_domid g1).0" | awk -v key="$1" '$0 ~ "^" key " " { print $2 }'; }

# used_queues: counts the queues of g1 that have sent a frame
used_queues()
{
	vifctl show "$(guest_domid g1).0" |
		awk '$1 == "tx_packets" && NF == 6 { for (i = 3; i <= NF; i++) used += $i > 0; print used }'
}

# flows WHERE: sixteen flows, each in one queue, so that no queue has none
flows()
{
	local port

	# shellcheck disable=SC2154 # of lib.sh
	port=$((BED_IPERF_PORT + guest_number[g1] % BED_IPERF_SERVERS))
	check "$1_flows" "$(guest_run g1 "iperf3 -c $OUTSIDE -p $port -P 16 -t 5 -i 0 -f k 2>&1 | grep receiver" |
		awk '!/SUM/ && $5 > 0' | grep -c .)" "== 16"
	check "$1_ping_lost" "$(ping_lost g1 $PEER 20)" "== 0" frames
}

bed_nic_setup
vifd_start '[daemon]' "workers = $BED_WORKERS" '' '[nic bed]' "pf = $PF" "vfs = $BED_VFS" "uplink = $PF"
guest_start g1 00:16:3e:00:00:01 || die "g1 did not boot"
check_true on_a_vf wait_for 60 "g1 on a VF" vif_path_is g1 vf
say "Linux $(guest_run g1 'uname -r')"
check queues "$(shown queues)" "== 4"
flows vf
vifctl move "$(guest_domid g1).0" software >/run/vifctl.out 2>&1 || say "$(cat /run/vifctl.out)"
check_true in_software wait_for 60 "g1 in software" vif_path_is g1 software
flows software
check queues_that_sent "$(used_queues)" "== 4"
# The driver loaded anew leaves the four queues' keys behind. Linux holds it for each bound device.
guest_run g1 'cd /sys/bus/xen/drivers/vif; echo vif-0 >unbind
	for i in 1 2 3 4 5 6 7 8; do rmmod xen_netfront && break; sleep 1; done
	modprobe xen-netfront max_queues=1; netup' >/dev/null
check_true one_queue wait_for 60 "g1 with one queue" sh -c "vifctl show $(guest_domid g1).0 | grep -q '^queues *1\b'"
check one_queue_ping_lost "$(ping_lost g1 $PEER 20)" "== 0" frames
guest_stop g1
check zombies "$(zombies)" "== 0"
vifd_stop
finish
