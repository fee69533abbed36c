#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# vifctl moves a stock guest from its VF to the software path and back, while it pings and sends by TCP.
#
#     g1 --- VF or vifd's switch --- igb --- wire --- 10.0.2.2, an iperf3 server; 10.0.2.9, which answers pings
. /bed/lib.sh

PINGS=4000 # one every 5 ms

path_of() { vifctl show "$VIF" | sed -n 's/^path  *//p'; }
record() { vif_key g1 capability | tr ' ' '\n' | sed -n "s/^$1=//p"; }
record_is() { [ "$(record "$1")" = "$2" ]; }
generation_is_above() { [ "$(record generation)" -gt "$1" ]; }
pings_done() { guest_run g1 'cat /tmp/pings' | grep -q '^sent'; }
ping_value() { guest_run g1 'cat /tmp/pings' | sed -n "s/.*\b$1 \([0-9]*\).*/\1/p"; }

tcp_done() { guest_run g1 'cat /tmp/tcp' | grep -qE 'iperf Done|error'; }
tcp_value() { guest_run g1 'cat /tmp/tcp' | awk '/receiver/ { for (i = 1; i < NF; i++) if ($(i + 1) == "Mbits/sec") print $i }'; }

start_traffic()
{
	guest_run g1 "pingcheck -c $PINGS -i 5 $PEER >/tmp/pings 2>&1 &"
	guest_run g1 "iperf3 -c $OUTSIDE -p $((BED_IPERF_PORT + BED_IPERF_SERVERS - 1)) -t 18 -f m >/tmp/tcp 2>&1 &"
	sleep 2
}

# move TO: prints how many seconds it took
move()
{
	local said

	said=$(vifctl move "$VIF" "$1" 2>&1) || { say "$said" >&2; echo failed; return; }
	say "$said" >&2
	printf '%s\n' "$said" | sed -n 's/.*(\(.*\) s)/\1/p'
}

bed_nic_setup
vifctl list 2>/run/vifctl.err
check status_3_without_vifd $? "== 3"
check_true error_names_the_socket grep -q '/var/run/dpdk/vifd/dpdk_telemetry.v2' /run/vifctl.err
vifd_start
guest_start g1 00:16:3e:00:00:01 || die "g1 did not start"
wait_for 30 "g1 on a VF" vif_path_is g1 vf
VIF=$(guest_domid g1).0
wait_for 20 "the record of the VF" record_is path vf
vifctl list
vifctl vfs
check vfs_owned "$(vifctl vfs | grep -c "vif $VIF\$")" "== 1"
check record_vf "$(record vf)" "== $(vif_key g1 vf)"
before=$(record generation)

vifctl watch --interval 0.05 >/run/watch &
watch_pid=$!
start_traffic
check moved_to_software_s "$(move software)" "< 10" s
check path_after "$(path_of)" "== software"
check_true record_follows wait_for 15 "the record of the software path" record_is path software
check vfs_free_again "$(vifctl vfs | grep -c "vif $VIF\$")" "== 0"
sleep 2
check moved_to_vf_s "$(move vf)" "< 20" s
check path_after_return "$(path_of)" "== vf"
check_true record_follows_again wait_for 15 "the record of the VF" record_is path vf
check_true generations_increased generation_is_above "$((before + 1))"
wait_for 60 "the end of the pings" pings_done
kill $watch_pid
cat /run/watch
check_true watch_saw_both_moves sh -c 'grep -q "path  *vf -> software" /run/watch && grep -q "path  *software -> vf" /run/watch'
guest_run g1 'cat /tmp/pings; tail -n 4 /tmp/tcp'
check pings_lost "$(ping_value lost)" "== 0"
check pings_duplicated "$(ping_value duplicated)" "== 0"
check pings_bogus "$(ping_value bogus)" "== 0"
wait_for 30 "the end of iperf3" tcp_done
check tcp_mbps "$(tcp_value)" "> 1" Mbit/s
vifctl show "$VIF"
check refused_status "$(vifctl move 999.0 vf 2>/dev/null; echo $?)" "== 1"
finish
