#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# A netdev in dom0 for each vif: ip, ethtool, tcpdump and xentop see it, and what is set there becomes policy.
#
#     vif1.0 (vifd_rep) ... vifd --- VF or switch --- igb --- wire --- 10.0.2.9, which answers pings
#                            |
#                           g1
# The second part is about its private flags as commands of DPDM's. With run --apparmor vifd is confined all the time.
# wants vifd_rep.ko
. /bed/lib.sh

PINGS=200

DEV=
netdev_is() { [ "$(cat "/sys/class/net/$DEV/$1" 2>/dev/null)" = "$2" ]; }
has_dev() { [ -e "/sys/class/net/$1" ]; }
has_no_dev() { ! has_dev "$1"; }
rule_is() { [ "$(vif_key g1 "policy/$1")" = "$2" ]; }
no_rule() { [ -z "$(vif_key g1 "policy/$1")" ]; }
refuses() { ! "$@" >/run/refused 2>&1; }
cannot_open() { refuses sh -c 'exec 5<>/dev/vifd-rep'; }
follow_guest() { DEV=vif$(guest_domid g1).0; }

# Counters that ethtool tells otherwise than vifctl
differences()
{
	local json

	json=$(vifctl show --json "$(guest_domid g1).0" | tr -d ' \n')
	json=${json#*'"counters":'}
	json=${json//\}/,}
	ethtool -S "$DEV" | sed -n 's/^ *\([a-z_0-9]*\): \([0-9]*\)$/\1 \2/p' | {
		wrong=0 all=0
		while read -r name value; do
			all=$((all + 1))
			[[ $json == *"\"$name\":$value,"* ]] || { wrong=$((wrong + 1)); say "differs: $name $value" >&2; }
		done
		[ $all -gt 60 ] && echo $wrong || echo "only $all counters"
	}
}

# Of a vif that rests: what differs only because it was read in between agrees at another look
counters_wrong()
{
	local try wrong

	for try in 1 2 3 4 5; do
		sleep 0.5
		wrong=$(differences 2>/run/differences)
		[ "$wrong" != 0 ] || break
	done
	[ "$wrong" = 0 ] || cat /run/differences >&2
	echo "$wrong"
}

# standard_counters_wrong: ip's in the sense of xen-netback, against the same of ethtool -S
standard_counters_wrong()
{
	local pair wrong=0 mine theirs

	for pair in rx_packets:tx_packets rx_bytes:tx_bytes tx_packets:rx_packets tx_bytes:rx_bytes; do
		mine=$(cat "/sys/class/net/$DEV/statistics/${pair%:*}")
		theirs=$(ethtool -S "$DEV" | sed -n "s/^ *${pair#*:}: //p")
		[ "$mine" = "$theirs" ] && [ "$mine" -gt 0 ] || { wrong=$((wrong + 1)); say "$pair: $mine, $theirs" >&2; }
	done
	echo $wrong
}

# capture PATH: counts the pings and answers that tcpdump sees, each in its direction
capture()
{
	local in out

	tcpdump -Z root -i "$DEV" -n -l -Q in icmp >/run/in.txt 2>/run/in.err &
	in=$!
	tcpdump -Z root -i "$DEV" -n -l -Q out icmp >/run/out.txt 2>/run/out.err &
	out=$!
	wait_for 10 "tcpdump" sh -c 'grep -q "listening on" /run/in.err && grep -q "listening on" /run/out.err'
	sleep 1
	check "pings_lost_$1" "$(ping_lost g1 $PEER $PINGS)" "== 0"
	sleep 2
	kill $in $out
	wait $in $out
	requests=$(grep -c 'echo request' /run/in.txt)
	answers=$(grep -c 'echo reply' /run/out.txt)
	check "requests_captured_$1" "$requests" "== $PINGS"
	check "answers_captured_$1" "$answers" "== $PINGS"
	check "wrong_direction_$1" "$(cat /run/in.txt /run/out.txt | grep -c ICMP)" "== $((requests + answers))"
	seen=$((seen + requests + answers))
}

bed_nic_setup
vifd_start '[daemon]' 'representor = on' '' '[nic bed]' "pf = $PF" "vfs = $BED_VFS" "uplink = $PF"
# what it may not read then is a denial
[ "$BED_APPARMOR" = no ] || vifd -t -c /etc/vifd/vifd.conf >>/run/vifd.log 2>&1
guest_start g1 00:16:3e:00:00:01 || die "g1 did not start"
wait_for 30 "g1 on a VF" vif_path_is g1 vf
check_true missing_module_is_told grep -q 'vifd_rep is not loaded' /run/vifd.log
check pings_lost_without_module "$(ping_lost g1 $PEER)" "== 0"
check_true doctor_names_the_module sh -c 'vifctl doctor | grep -q "modprobe vifd_rep"'

follow_guest
said=$(dmesg | wc -l)
insmod /bed/vifd_rep.ko || die "vifd_rep.ko does not load"
check_true netdev_comes wait_for 5 "$DEV" has_dev "$DEV"
check_true netdev_is_up wait_for 5 "$DEV's carrier" netdev_is operstate up
check netdev_address "$(cat "/sys/class/net/$DEV/address")" "== 00:16:3e:00:00:01"
check netdev_mtu "$(cat "/sys/class/net/$DEV/mtu")" "== 1500"
ip -s link show "$DEV"
ethtool -i "$DEV"; ethtool "$DEV"; ethtool -l "$DEV"; ethtool -g "$DEV"; ethtool -c "$DEV"; ethtool --show-priv-flags "$DEV"
# what the guest takes: Debian's xen-netfront asks for all of it
feature() { ethtool -k "$DEV" | sed -n "s/^\t*$1: \([a-z]*\).*/\1/p"; }
for feature in tx-checksumming tcp-segmentation-offload tx-tcp-segmentation tx-tcp6-segmentation scatter-gather; do
	check "feature_$feature" "$(feature $feature)" "== on"
done
ethtool -K "$DEV" tso off
check feature_after_the_attempt_to_change_it "$(feature tcp-segmentation-offload)" "== on"
check ethtool_coalesce "$(ethtool -c "$DEV" | sed -n 's/^rx-usecs: *//p')" "== 0"
check_true coalesce_is_refused refuses ethtool -C "$DEV" rx-usecs 10
flag() { ethtool --show-priv-flags "$DEV" | sed -n "s/^$1 *: //p"; }
flag_is() { [ "$(flag "$1")" = "$2" ]; }
flags_wrong=0
for rule in broadcast multicast unknown-unicast anti-spoof tx rx isolated guest-mac; do
	was=$(flag $rule)
	now=$([ "$was" = on ] && echo off || echo on)
	ethtool --set-priv-flags "$DEV" $rule $now
	wait_for 5 "rule $rule" rule_is $rule "$([ $now = on ] && echo 1 || echo 0)" && wait_for 5 "flag $rule" flag_is $rule $now ||
		flags_wrong=$((flags_wrong + 1))
	ethtool --set-priv-flags "$DEV" $rule "$was"
	wait_for 5 "flag $rule" flag_is $rule "$was" || flags_wrong=$((flags_wrong + 1))
done
check priv_flags_wrong $flags_wrong "== 0"
check_true other_priv_flag_is_refused refuses ethtool --set-priv-flags "$DEV" split-drop on
check ethtool_bus_info "$(ethtool -i "$DEV" | sed -n 's/^bus-info: //p')" "== $(vif_key g1 vf)"
check_true second_user_is_refused cannot_open
check_true module_in_use_stays refuses rmmod vifd_rep

# counters
ping_lost g1 $PEER 100
sleep 1
wrong=$(counters_wrong)
check standard_counters_wrong "$(standard_counters_wrong)" "== 0"
check representor_counters_wrong "$wrong" "== 0"
check_true proc_net_dev grep -q "^ *$DEV:" /proc/net/dev
# without any bridge in dom0 xentop sees no interface of a guest, xen-netback's neither
ip link add br0 type bridge
TERM=linux xentop -b -i 1 -d 1 >/run/xentop.txt 2>&1
cat /run/xentop.txt; cat /proc/net/dev
kilobytes=$(($(cat "/sys/class/net/$DEV/statistics/tx_bytes") / 1024))
check xentop_kilobytes "$(awk '$1 == "g1" { print $11 }' /run/xentop.txt)" "== $kilobytes"

# captures, on both paths
seen=0
capture vf
vifctl move "$(guest_domid g1).0" software
wait_for 20 "the software path" vif_path_is g1 software
capture software
check tcpdump_frames_seen $seen "== $((4 * PINGS))" frames
# a filter runs before the copy: of 200 pings, answers and ARP nothing is copied for who asks for UDP
mirrored() { ethtool -S "$DEV" | sed -n 's/^ *mirrored: //p'; }
sleep 1
mirrored=$(mirrored)
tcpdump -Z root -i "$DEV" -n -w /run/udp.pcap udp port 9 >/dev/null 2>/run/udp.err &
dump=$!
wait_for 10 "tcpdump" grep -q 'listening on' /run/udp.err
sleep 1
ping_lost g1 $PEER 100
guest_run g1 "bash -c 'for i in 1 2; do echo x >/dev/udp/$PEER/9; done'"
sleep 2
kill $dump
wait $dump
check copied_of_200_frames_that_no_filter_wants $(($(mirrored) - mirrored)) "<= 10" frames
check_true wanted_frames_are_copied [ "$(tcpdump -Z root -n -r /run/udp.pcap 2>/dev/null | grep -c UDP)" = 2 ]
mirrored=$(mirrored)
ping_lost g1 $PEER 20
sleep 1
check copied_while_nobody_captures $(($(ethtool -S "$DEV" | sed -n 's/^ *mirrored: //p') - mirrored)) "== 0"

# what is set becomes policy, or is refused
ip link set "$DEV" down
check_true down_becomes_policy wait_for 5 "policy/link" rule_is link off
check_true down_has_no_carrier wait_for 5 "carrier" refuses link_is_up "$DEV"
check pings_lost_while_down "$(ping_lost g1 $PEER)" "== 5"
ip link set "$DEV" up
check_true up_removes_it wait_for 5 "policy/link" no_rule link
wait_for 5 "carrier" link_is_up "$DEV"
sleep 3
check pings_lost_after_up "$(ping_lost g1 $PEER)" "== 0"
vifctl set "$(guest_domid g1).0" link=off
check_true netdev_follows_policy wait_for 5 "$DEV's end" netdev_is operstate down
vifctl set "$(guest_domid g1).0" link
wait_for 5 "carrier" link_is_up "$DEV"
ip link set "$DEV" mtu 1400
check_true mtu_becomes_policy wait_for 5 "policy/mtu" rule_is mtu 1400
check_true mtu_beyond_the_rule_is_refused refuses ip link set "$DEV" mtu 9001
check_true address_is_refused refuses ip link set "$DEV" address 00:16:3e:00:00:02
check_true removal_is_refused refuses ip link del "$DEV"
check_true bridge_port_is_refused refuses ip link set "$DEV" master br0
modprobe 8021q
check_true vlan_device_is_refused refuses ip link add link "$DEV" name v10 type vlan id 10

# vifd dies with a capture going on, and another takes over
tcpdump -Z root -i "$DEV" -n -w /dev/null >/dev/null 2>&1 &
sleep 1
vifd_stop KILL
check_true netdev_goes_with_vifd wait_for 5 "$DEV's end" has_no_dev "$DEV"
vifd_start
check_true netdev_is_back wait_for 10 "$DEV" has_dev "$DEV"
wait_for 5 "carrier" link_is_up "$DEV"
check netdev_mtu_is_kept "$(cat "/sys/class/net/$DEV/mtu")" "== 1400"
check pings_lost_after_restart "$(ping_lost g1 $PEER)" "== 0"

# a name that is taken, and interfaces that come and go
ip link set br0 name taken
guest_start g2 00:16:3e:00:00:02 script=vif-vifd,vifname=taken || die "g2 did not start"
check pings_lost_without_netdev "$(ping_lost g2 $PEER)" "== 0"
check_true taken_name_is_told grep -q 'no netdev taken: File exists' /run/vifd.log
ip link del taken
check_true netdev_has_its_vifname wait_for 5 "netdev taken" has_dev taken
for round in 1 2 3 4; do
	xl network-detach g2 0
	check_true "netdev_goes_$round" wait_for 5 "netdev's end" has_no_dev taken
	xl network-attach g2 mac=00:16:3e:00:00:02 script=vif-vifd vifname=taken
	check_true "netdev_comes_$round" wait_for 5 "netdev" has_dev taken
done
# path=kernel: a netdev carries the frames, as a port of dom0's bridge and with a route
from_dom0() { pingcheck -c "$1" -i 50 "$(guest_ip g1)" | awk '/^sent/ { print $6 + $8 + $10; seen = 1 } END { if (!seen) print "unknown" }'; }
driver_is() { ethtool -i "$DEV" 2>/dev/null | grep -qx "driver: $1"; }
modprobe tun
ip link add dom0br type bridge
ip addr add 10.0.2.77/24 dev dom0br
ip link set dom0br up
vifctl set "$(guest_domid g1).0" path=kernel
check_true rule_moves_to_the_kernel_path wait_for 10 "path" vif_path_is g1 kernel
check_true its_netdev_takes_the_place wait_for 10 "$DEV" driver_is tun
ip link set "$DEV" master dom0br
check dom0_to_guest_ping_lost "$(from_dom0 100)" "== 0" packets
check guest_to_dom0_ping_lost "$(ping_lost g1 10.0.2.77 50)" "== 0" packets
iperf3 -s -D -1 -p 5777
sleep 1
figure ovs_or_bridge_tcp "$(guest_run g1 "iperf3 -c 10.0.2.77 -p 5777 -t 3 -f m" | awk '/receiver/ { for (i = 1; i < NF; i++) if ($(i + 1) == "Mbits/sec") print $i }')" "> 0" Mbit/s
vifd_stop KILL
check_true netdev_outlives_vifd has_dev "$DEV"
vifd_start
wait_for 10 "path" vif_path_is g1 kernel
check dom0_to_guest_ping_lost_after_restart "$(from_dom0 20)" "== 0" packets
ip link del dom0br
ip addr add 10.9.9.1/32 dev "$DEV"
ip route add "$(guest_ip g1)" dev "$DEV"
guest_run g1 "ip route add 10.9.9.1 dev eth0"
check routed_ping_lost "$(ping_lost g1 10.9.9.1 50)" "== 0" packets
vifctl set "$(guest_domid g1).0" path
check_true representor_is_back wait_for 20 "the representor" driver_is vifd
check pings_lost_afterwards "$(ping_lost g1 $PEER)" "== 0"

# representor = dpdm: DPDM's commands, each a set of all 32 private flags by ethtool
vifd_stop
vifd_start '[daemon]' 'representor = dpdm' '' '[nic bed]' "pf = $PF" "vfs = $BED_VFS" "uplink = $PF"
wait_for 10 "$DEV" driver_is vifd
wait_for 5 "its flags" flag_is b3 on
# send WORD...: the commands that these words of vifctl's are, one by one
send()
{
	vifctl priv-flags --json "$@" | grep -o '"ethtool": *"[^"]*"' | sed 's/^"ethtool": *"//; s/"$//' >/run/commands
	while read -r flags; do
		# shellcheck disable=SC2086 # 64 words
		ethtool --set-priv-flags "$DEV" $flags || return 1
	done </run/commands
}
shown() { vifctl show --json "$(guest_domid g1).0" | tr -d ' \n' | sed -n "s/.*\"$1\":\([0-9]*\).*/\1/p"; }
check dpdm_flags_shown "$(ethtool --show-priv-flags "$DEV" | awk '$3 == "on" { printf "%s ", $1 }')" "== b1 b2 b3 b4 b5 b7 b10 b11 "
check_true dpdm_feature_is_sent send op=feature vf=0 set=unicast-promisc,allmulti,spoof-check,mac-anti-spoof,link,rx-queues,tx-queues,trusted
check_true dpdm_cleared_feature wait_for 5 "rule broadcast" rule_is broadcast 0
check_true dpdm_cleared_feature_is_shown wait_for 5 "flag b3" flag_is b3 off
check_true dpdm_trusted wait_for 5 "rules" rule_is guest-mac 1
check_true dpdm_trusted_promiscuous rule_is guest-promiscuous 1
check_true dpdm_trusted_is_shown flag_is b15 on
# only the flags that change: ethtool takes the others as they are shown
check_true dpdm_one_flag_is_sent ethtool --set-priv-flags "$DEV" enable-vfd on b3 on
check_true dpdm_one_flag wait_for 5 "rule broadcast" rule_is broadcast 1
check_true dpdm_queue_rate_is_sent send op=queue-rate vf=0 queues=0 mbps=100
check_true dpdm_queue_rate wait_for 5 "rule queue-rate" rule_is queue-rate 0:625000,50000
check_true dpdm_rate_is_sent ethtool --set-priv-flags "$DEV" 0x80a00064
check_true dpdm_rate wait_for 5 "rule rate" rule_is rate 625000,50000
check_true dpdm_unknown_operation_is_refused refuses ethtool --set-priv-flags "$DEV" enable-vfd on op0 on op1 on op2 on
check_true dpdm_flags_of_no_command_are_refused refuses ethtool --set-priv-flags "$DEV" b3 off
before=$(shown netdev_commands_refused)
check_true dpdm_unknown_feature_is_sent ethtool --set-priv-flags "$DEV" enable-vfd on b13 on
check_true dpdm_unknown_feature_is_told wait_for 5 "vifd's reason" grep -q 'a bit in 15:0 has no meaning in feature' /run/vifd.log
check dpdm_commands_refused $(($(shown netdev_commands_refused) - before)) "== 1"
# ten in a row: VLANs 10 to 18, and 14 no more; each changes the list that the last one left
sent=0
for vlan in 10 11 12 13 14 15 16 17 18; do
	ethtool --set-priv-flags "$DEV" "$(printf '0x%x' $((0x80608000 + vlan)))" && sent=$((sent + 1))
done
ethtool --set-priv-flags "$DEV" 0x8060000e && sent=$((sent + 1))
check dpdm_ten_in_a_row $sent "== 10" commands
check_true dpdm_ten_in_their_order wait_for 10 "rule vlan-filter" rule_is vlan-filter 10-13,15-18
# a vifd that does not read holds up nobody
# shellcheck disable=SC2154 # of lib.sh
kill -STOP "$vifd_pid"
taken=0
for n in $(seq 66); do
	timeout 5 ethtool --set-priv-flags "$DEV" "$(printf '0x%x' $((0x80a00000 + n)))" 2>/run/refused || break
	taken=$n
done
check dpdm_commands_that_wait $taken "== 64" commands
check_true dpdm_one_more_is_refused grep -q 'busy' /run/refused
check_true dpdm_the_kernel_says_why sh -c 'dmesg | grep -q "64 commands wait for vifd, no room for 0x80a00041"'
kill -CONT "$vifd_pid"
check_true dpdm_all_of_them_act wait_for 20 "rule rate" rule_is rate 400000,50000
vifctl set "$(guest_domid g1).0" vlan-filter rate queue-rate
check pings_lost_after_commands "$(ping_lost g1 $PEER)" "== 0"

guest_stop g2
check_true netdev_goes_with_its_guest wait_for 5 "netdev's end" has_no_dev taken
guest_stop g1
check_true last_netdev_goes wait_for 5 "$DEV's end" has_no_dev "$DEV"
vifd_stop
check_true module_unloads rmmod vifd_rep
dmesg >/results/dmesg.txt
check kernel_complaints "$(tail -n +$((said + 1)) /results/dmesg.txt | grep -cE 'WARNING:|BUG:|Call Trace|unregister_netdevice: waiting')" "== 0"
finish
