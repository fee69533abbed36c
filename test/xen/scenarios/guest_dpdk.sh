#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# A guest whose DPDK application drives its interface: on a VF, in software, over restarts, suspends and migration.
#
#     g1: testpmd icmpecho, net_xenfront --- VF or vifd's switch --- VF --- g2: xen-netfront, pings
#
# With --front --set DPDK_MORE=1 also flow rules, migration, the death of the application, interrupts, net_af_packet over
# vifront and the kernel's back end.
# wants dpdk frames
# result into guest-dpdk: xen_testpmd_lost flows_survive_migration
# result into bench-dpdk: xen_reflect_vs_af_packet
. /bed/lib.sh
. /bed/scenarios/migration_lib
. /bed/scenarios/dpdk_lib

: "${DPDK_MORE:=0}"
G1_MAC=00:16:3e:00:00:01 G1_IP=10.0.2.11
lost=0 queries=0

# answered NAME [COUNT]: testpmd answers every ping of g2
answered()
{
	local n

	n=$(ping_lost g2 $G1_IP "${2:-20}")
	check "$1_ping_lost" "$n" "== 0"
	lost=$((lost + n))
}

g2_reaches() { [ "$(ping_lost g2 $G1_IP 3)" = 0 ]; }

move() { vifctl move "$(guest_domid g1).0" "$1" >/run/vifctl.out 2>&1 || say "$(cat /run/vifctl.out)"; }

on_path()
{
	move "$1"
	check_true "on_$1" wait_for 30 "g1 on $1" vif_path_is g1 "$1"
	answered "$1"
}

# kill -9 under its frames: the application connects again by itself
vifd_killed()
{
	guest_run g2 "pingcheck -c 400 -i 20 $G1_IP >/tmp/pings 2>&1 &"
	sleep 1
	vifd_stop KILL 2>/dev/null
	vifd_start
	check_true vifd_killed_back wait_for 40 "testpmd's answers" g2_reaches
	answered vifd_killed
}

# states: of front end and back end
states() { echo "$(xenstore-read "/local/domain/$(guest_domid g1)/device/vif/0/state") $(vif_key g1 state)"; }
released() { [ "$(states)" = "1 2" ]; }

# The interface of a killed application is released for the kernel, and goes from there to the next application
testpmd_killed()
{
	check release_while_used "$(guest_run g1 'net_xenfront-release 0; echo $?' | tail -n 1)" "== 1"
	guest_run g1 'kill -KILL $(pidof dpdk-testpmd)'
	sleep 0.5
	check killed_kernel_faults "$(kernel_faults)" "== 0" # it had event channels of before two suspends
	check killed_states "$(states)" "== 4 4"
	check release_status "$(guest_run g1 'net_xenfront-release 0; echo $?')" "== 0"
	check_true released_states wait_for 10 "states Initialising and InitWait" released
	kernel_takes g1
	check_true testpmd_killed_kernel_back wait_for 40 "the kernel's answers" g2_reaches
	kernel_gives g1
	start_echo || die "testpmd does not start again: $(pmd_log g1 . | tail -n 5)"
	check_true testpmd_back wait_for 40 "testpmd's answers" g2_reaches
	answered testpmd_killed
}

start_echo() { pmd_start g1 --forward-mode=icmpecho --auto-start --rxq=2 --txq=2; }

# An application that sleeps until its queue's channel wakes it
interrupts()
{
	guest_run g2 "/usr/bin/ip neighbour replace $G1_IP lladdr $G1_MAC dev eth0"
	guest_run g1 "rxsleep --no-pci --no-huge --no-shconf --no-telemetry -m 64 --lcores 0@0 $PMD_EAL >/run/rxsleep.log 2>&1 &"
	wait_for 40 "rxsleep" guest_run g1 "grep -q woken /run/rxsleep.log"
	answered interrupts 40
	sleep 1.5
	check interrupts_woken "$(guest_run g1 "sed -n 's/^woken \([0-9]*\).*/\1/p' /run/rxsleep.log | tail -n 1")" ">= 20"
	guest_run g1 'kill $(pidof rxsleep)'
	sleep 2
}

kernel_faults() { guest_run g1 'dmesg | grep -c "kernel BUG\|cut here\|Oops"'; }

is_back() { wait_for 60 "testpmd's answers" g2_reaches || { pmd_log g1 . | tail -n 8; return 1; }; }

# back NAME: testpmd connected again by itself, no ping is lost any more, and the guest's kernel found no fault
back()
{
	local start=$SECONDS

	check_true "$1_back" is_back
	detail "$1_seconds" $((SECONDS - start))
	answered "$1"
	check "$1_kernel_faults" "$(kernel_faults)" "== 0"
}

saved()
{
	xl save g1 /run/g1.save >/run/xl.out 2>&1 && xl restore /run/g1.save >/run/xl.out 2>&1 ||
		die "save and restore: $(tail -n 3 /run/xl.out)"
	rm -f /run/g1.save
	back restored
}

# udp_frames PORT: 20 of g2
udp_frames()
{
	local i frame frames=

	for ((i = 0; i < 20; i++)); do
		printf -v frame '00163e00000100163e000002080045000020000000004011%s%s%s%04x%04x000c000076696664' \
			62b7 0a00020c 0a00020b $((1000 + i)) "$1"
		frames="$frames $frame"
	done
	guest_run g2 "frames send eth0 $frames"
	bed_pause 1
}

# queue_frames: prints what queue 0 and queue 1 have received
queue_frames()
{
	pmd_say g1 "show port xstats 0"
	bed_pause 1
	pmd_log g1 'rx_q[01]_packets' | tail -n 2 | awk '{ printf "%s ", $2 }'
}

# One rule drops what comes for a port, others choose the queue for theirs; by RSS both would have the same one. Rules
# count from the last connection on.
flows_act()
{
	local at0 at1 at2 hits

	udp_frames 7001
	read -r -a at0 <<<"$(queue_frames)"
	udp_frames 7002
	read -r -a at1 <<<"$(queue_frames)"
	udp_frames 7003
	read -r -a at2 <<<"$(queue_frames)"
	pmd_say g1 "flow query 0 0 count"
	bed_pause 1
	queries=$((queries + 1))
	hits=$(pmd_log g1 ' hits: ' | awk '{ hits = $NF } END { print hits " by query " NR }')
	say "queues: ${at0[*]}, then ${at1[*]}, then ${at2[*]}; hits: $hits"
	[ "$hits" = "20 by query $queries" ] && [ $((at1[0] - at0[0])) -ge 20 ] && [ $((at2[1] - at1[1])) -ge 20 ]
}

flows()
{
	local udp='ingress pattern eth / ipv4 / udp dst is'

	pmd_say g1 "flow create 0 $udp 7001 / end actions count / drop / end" \
		"flow create 0 $udp 7002 / end actions queue index 0 / end" \
		"flow create 0 $udp 7003 / end actions queue index 1 / end"
	wait_for 10 "rules" pmd_says g1 'Flow rule #2 created'
	check_true flows_act flows_act
}

migrated()
{
	migrate g1
	back migrated
	check_true flows_survive_migration flows_act
}

# The same application on the driver and on net_af_packet over vifront; vifd's device makes the frames and takes them
reflect()
{
	local ours theirs

	vifd_stop
	vifd_config '[daemon]' "workers = $BED_WORKERS" '' '[nic gen]' 'uplink = none' 'vdev = net_null,size=64,copy=1'
	vifd_start
	pmd_start g1 --forward-mode=mac --auto-start || die "testpmd does not start: $(pmd_log g1 . | tail -n 5)"
	wait_for 30 "g1 on the device" vif_path_is g1 vf
	ours=$(pmd_kpps g1 4)
	pmd_end g1
	kernel_takes g1 vifront
	wait_for 30 "g1 on the device" vif_path_is g1 vf
	PMD_EAL="--vdev net_af_packet0,iface=eth0" pmd_start g1 --forward-mode=mac --auto-start ||
		die "testpmd does not start on af_packet: $(pmd_log g1 . | tail -n 5)"
	theirs=$(pmd_kpps g1 4)
	pmd_end g1
	figure xen_reflect_kpps "$ours" "" kpps
	figure xen_reflect_af_packet_kpps "$theirs" "" kpps
	figure xen_reflect_vs_af_packet "$(awk "BEGIN { print ($theirs > 0 ? $ours / $theirs : 0) }")" ">= 3" ""
}

# The kernel's back end: no record, no static grants
netback()
{
	guest_stop g1
	vifd_stop
	bed_bridge_setup
	ip address add 10.0.2.200/24 dev xenbr0
	dpdk_create g1 $G1_MAC bridge=xenbr0,script=vif-bridge
	guest_ready g1 || die "g1 did not boot"
	start_echo || die "testpmd does not start on netback: $(pmd_log g1 . | tail -n 5)"
	wait_for 30 "an answer" pingcheck -c 1 $G1_IP
	check netback_ping_lost "$(pingcheck -c 20 -i 50 $G1_IP | awk '/^sent/ { print $6 + $8 + $10 }')" "== 0"
	pmd_end g1
}

bed_nic_setup
vifd_start
[ "$DPDK_MORE" = 0 ] || { . /bed/scenarios/frontend_lib; front_setup; }
dpdk_setup
guest_gets frames
GUEST_RAMDISK=/boot/guest.cpio.gz guest_create g2 00:16:3e:00:00:02
dpdk_create g1 $G1_MAC
guest_ready g1 && guest_ready g2 || die "the guests did not boot"
start_echo || die "testpmd does not start: $(pmd_log g1 . | tail -n 5)"
on_path vf
[ "$DPDK_MORE" = 0 ] || { flows; migrated; }
saved
on_path software
vifd_killed
[ "$DPDK_MORE" = 0 ] || testpmd_killed
pmd_end g1
check testpmd_status $? "== 0"
guest_run g1 "cat $PMD_LOG; dmesg | tail -n 20" >/results/g1.txt
[ "$DPDK_MORE" = 0 ] || interrupts
check xen_testpmd_lost $lost "== 0"
guest_stop g2
if [ "$DPDK_MORE" = 1 ]; then
	reflect
	netback
else
	vifd_stop
	check stop_status $? "== 0"
fi
guest_stop g1
finish
