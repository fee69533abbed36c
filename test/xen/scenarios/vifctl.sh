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

# --- what somebody else changes of the VF -----------------------------------------------------------------------------

# pf_says WORD: succeeds if the PF shows WORD for g1's VF
pf_says() { ip link show "$PF" | grep "^ *vf $VF " | grep -q "$1"; }
# told VALUE ACTION
told() { grep "\"event\":\"vf-changed\".*\"vif\":\"$VIF\".*\"value\":\"$1" /run/events | grep -q "\"action\":\"$2"; }
why() { vifctl show --why "$VIF" | grep -q "$1"; }

# changes ACTION VALUE WORD...: 'ip link set PF vf N WORD...'; succeeds if vifd tells of VALUE and what it did
changes()
{
	ip link set "$PF" vf "$VF" "${@:3}" || return 1
	wait_for 10 "the event of $2" told "$2" "$1"
}

# foreign_is CHOICE: starts vifd with it, and reads its events
foreign_is()
{
	vifd_stop
	vifd_config
	echo "foreign = $1" >>/etc/vifd/vifd.conf
	vifd_start
	wait_for 30 "g1 on a VF" vif_path_is g1 vf || die "g1 has no VF"
	VF=$(vifctl vfs | awk -v vif="$VIF" '$NF == vif { print $3 }')
	sleep 2 # both ports serve the vif while it moves
	vifctl events >/run/events &
	wait_for 10 "the reader of events" test -S /run/vifd/events
	sleep 0.5
}

has_no_link_state() { ! ip link set "$PF" vf "$VF" state disable; }

# igb has all of a VF's values but its link's state
foreign_is_set_back()
{
	local detected=0 row

	foreign_is refuse
	for row in 'mac mac 02:00:00:00:66:66' 'vlan vlan 77' 'rate max_tx_rate 77' 'spoof spoofchk off' 'trust trust on'; do
		# shellcheck disable=SC2086 # words
		! changes "set back" $row || detected=$((detected + 1))
	done
	check pf_vf_foreign_changes_detected $detected "== 5"
	check_true nic_has_no_link_state has_no_link_state
	check_true foreign_mac_is_set_back wait_for 5 "its address" pf_says "link/ether 00:16:3e:00:00:01"
	check_true foreign_spoofchk_is_set_back pf_says "spoof checking on"
	check foreign_values_left "$(ip link show "$PF" | grep "^ *vf $VF " | grep -cE "vlan 77|77Mbps|trust on")" "== 0"
	check foreign_ping_lost "$(ping_lost g1 $PEER 10)" "== 0"
}

foreign_is_adopted()
{
	foreign_is adopt
	check_true foreign_rate_is_adopted changes adopted rate max_tx_rate 50
	check_true foreign_rate_is_a_rule why 'rate *6250,1000'
	check_true foreign_spoofchk_is_adopted changes adopted spoof spoofchk off
	check_true foreign_spoofchk_is_a_rule why 'anti-spoof *0'
	vifctl set "$VIF" rate anti-spoof
}

# --- one VF, and what is reset ----------------------------------------------------------------------------------------

sent() { vifctl show "$VIF" | awk '/^counters/ { on = 1 } on && $1 == "tx_packets" { print $2 }'; }

vf_is_told_and_reset()
{
	vifctl vf "$VIF"
	check vf_mac_at_the_pf "$(vifctl vf "$VIF" | sed -n 's/^  mac  *//p')" "== 00:16:3e:00:00:01"
	check vf_spoofchk_at_the_pf "$(vifctl vf bed/0 | sed -n 's/^  spoofchk  *//p')" "== on"
	check frames_before_reset "$(sent)" "> 100"
	check_true stats_are_reset vifctl reset stats "$VIF"
	check frames_after_reset "$(($(sent) + 0))" "< 100"
	check_true vf_is_reset vifctl reset vf "$VIF"
	check path_after_reset "$(path_of)" "== vf"
	check reset_ping_lost "$(ping_lost g1 $PEER 10)" "== 0"
}

# --- VFd's commands, with a second vif of g1 as a mirror's target --------------------------------------------------------

# vfd WORD...: succeeds if the answer is VFd's, and OK
vfd() { vifctl vfd "$@" >/run/vfd.answer; grep -q '"state": "OK"' /run/vfd.answer; }
vfd_refuses() { ! vifctl vfd "$@" >/run/vfd.answer 2>/dev/null && grep -q '"state": "ERROR"' /run/vfd.answer; }
rule_is() { vifctl show --why "$VIF" | grep -q "^$1  *$2 "; }
counter() { vifctl show "$VIF" | awk -v name="$1" '$1 == name { n = $2 } END { print n + 0 }'; }
index_of() { vifctl vfs | awk -v vif="$1" '$NF == vif { print $3 }'; }
second_has_vf() { [ -n "$(index_of "$(guest_domid g1).1")" ]; }

# works COMMAND...: counts it in $working, or says what was answered instead
works()
{
	if "$@"; then
		working=$((working + 1))
	else
		say "$1 failed: $(head -c 2000 /run/vfd.answer)"
	fi
}

pings() { vfd ping && grep -q 'pong: vifd ' /run/vfd.answer; }
adds() { vfd add g1 && wait_for 10 "VFd's rules" rule_is multicast 0; }
deletes() { vfd delete g1 && wait_for 10 "the end of VFd's rules" rule_is multicast 1; }
# shows VF
shows() { vfd show all && grep -q "vf *$1 [0-9a-f:.]* *$VIF *UP" /run/vfd.answer; }
dumps() { vfd dump && grep -q '"vifs": ' /run/vfd.answer; }
resets() { vfd reset 0 "$1" && [ "$(path_of)" = vf ]; }

mirrored_since() { [ $(($(counter mirrored) - $1)) -ge 10 ]; }
# mirrors VF TARGET: both directions of five pings are ten frames
mirrors()
{
	local before

	before=$(counter mirrored)
	vfd mirror 0 "$1" all "$2" && wait_for 10 "the mirror" rule_is mirror-to 00:16:3e:00:00:02 || return 1
	ping_lost g1 $PEER 5
	wait_for 5 "ten mirrored frames" mirrored_since "$before" || { counter mirrored; return 1; }
	vfd mirror 0 "$1" off
}

vfd_commands()
{
	local working=0 vf target

	mkdir -p /var/lib/vfd/config
	echo '{ "name": "g1", "pciid": "0000:01:00.0", "vfid": 0, "vm_mac": "00:16:3e:00:00:01", "vlans": [ 7 ],
		"allow_untagged": true, "allow_mcast": false, "allow_un_ucast": true, "mac_anti_spoof": true }' >/var/lib/vfd/config/g1.json
	works pings
	works adds
	check_true vfd_add_twice_is_refused vfd_refuses add g1
	works deletes
	check_true vfd_delete_twice_is_refused vfd_refuses delete g1
	xl network-attach g1 mac=00:16:3e:00:00:02 script=vif-vifd
	wait_for 60 "a VF of g1's second vif" second_has_vf
	guest_run g1 'ip link set eth1 up'
	sleep 2 # both ports serve the vif while it moves
	vf=$(index_of "$VIF") target=$(index_of "$(guest_domid g1).1")
	works shows "$vf"
	works mirrors "$vf" "$target"
	check_true vfd_mirror_of_no_vf_is_refused vfd_refuses mirror 0 99 all 0
	works resets "$vf"
	works dumps
	check vfd_commands $working "== 7" commands
	xl network-detach g1 1
}

foreign_is_left()
{
	foreign_is report
	check_true foreign_rate_is_told changes left rate max_tx_rate 77
	vifctl set "$VIF" rate=6250,1000
	sleep 1
	check_true foreign_rate_is_left pf_says "max_tx_rate 77Mbps"
	vifctl set "$VIF" rate
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
wait_for 150 "the end of the pings" pings_done
kill $watch_pid
cat /run/watch
check_true watch_saw_both_moves sh -c 'grep -q "path  *vf -> software" /run/watch && grep -q "path  *software -> vf" /run/watch'
guest_run g1 'cat /tmp/pings; tail -n 4 /tmp/tcp'
check pings_lost "$(ping_value lost)" "== 0"
check pings_duplicated "$(ping_value duplicated)" "== 0"
check pings_bogus "$(ping_value bogus)" "== 0"
check_true tcp_ends wait_for 60 "the end of iperf3" tcp_done
figure tcp_mbps "$(tcp_value)" "> 1" Mbit/s
vifctl show "$VIF"
vf_is_told_and_reset
vfd_commands
foreign_is_set_back
foreign_is_adopted
foreign_is_left
cat /run/events; grep "somebody else" /run/vifd.log; cat /run/vfd.answer
check refused_status "$(vifctl move 999.0 vf 2>/dev/null; echo $?)" "== 1"
finish
