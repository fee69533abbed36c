#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# vifd is killed and restarted under traffic; guests are saved, restored, rebooted and destroyed in rounds: nothing leaks.
#
#     g1 --- VF --+
#     g2 --- VF --+-- igb --- wire --- 10.0.2.2, an iperf3 server; 10.0.2.9, which answers pings
#
# g1 has traffic all the time, g2 goes through the rounds. BED_ROUNDS is the number of rounds.
. /bed/lib.sh
. /bed/scenarios/leak_lib

RESTARTS=3
GUEST_BOOT_LIMIT=180
g2_mac=00:16:3e:00:00:02

on_vf() { wait_for 120 "$1 on a VF" vif_path_is "$1" vf; }
reaches_peer() { [ "$(ping_lost "$1" $PEER "${2:-5}")" = 0 ]; }
pf_values() { ip link show "$PF" | grep '^ *vf '; }

# pings_start NAME MS [COMMAND]: sends a ping every MS until pings_end NAME, which prints pingcheck's line. COMMAND is
# started by the same guest_run, because each one takes time
pings_start() { guest_run "$1" "pingcheck -c 60000 -i $2 $PEER >/tmp/pings 2>&1 & ${3:-}"; }
pings_end()
{
	guest_run "$1" 'killall -TERM pingcheck; while pidof pingcheck >/dev/null; do sleep 0.1; done; cat /tmp/pings' |
		grep '^sent'
}
value_of() { printf '%s\n' "$2" | sed -n "s/.*\b$1 \([0-9]*\).*/\1/p"; }

# tcp_command NAME SECONDS: prints an iperf3 command for NAME's own server
# shellcheck disable=SC2154 # of lib.sh
tcp_command()
{
	echo "iperf3 -c $OUTSIDE -p $((BED_IPERF_PORT + guest_number[$1] % BED_IPERF_SERVERS)) -t $2 -f m >/tmp/tcp 2>&1 &"
}
tcp_has_ended() { guest_run "$1" 'pidof iperf3 || echo ended' | grep -q ended; }
tcp_is_whole() { guest_run "$1" 'cat /tmp/tcp' | grep -q 'iperf Done' && guest_run "$1" 'cat /tmp/tcp' | grep -q receiver; }

# Prints a value that only a boot or a reload of the front end changes
identity() { guest_run g1 'cat /proc/sys/kernel/random/boot_id /sys/class/net/eth0/ifindex'; }

# kill -9 and restart, under traffic
restarts()
{
	local round line survived=0 before

	before=$(guest_domid g1)$(identity)
	pings_start g1 20 "$(tcp_command g1 $((RESTARTS * 8)))"
	for ((round = 1; round <= RESTARTS; round++)); do
		sleep 1
		vifd_stop KILL
		vifd_start
		on_vf g1 && on_vf g2 && reaches_peer g1 && reaches_peer g2 && survived=$((survived + 1))
	done
	line=$(pings_end g1)
	say "pings of g1: $line"
	figure restarts $RESTARTS "" restarts
	check restarts_survived $survived "== $RESTARTS"
	figure restart_gap_ms_max "$(value_of gap_ms "$line")" "< 10000" ms
	check restart_pings_sent "$(value_of sent "$line")" "> 100"
	figure restart_pings_lost "$(value_of lost "$line")" "" frames
	wait_for 60 "the end of g1's TCP connection" tcp_has_ended g1
	guest_run g1 'tail -n 4 /tmp/tcp'
	check_true restart_tcp_lives tcp_is_whole g1
	check_true restart_without_reload test "$(guest_domid g1)$(identity)" = "$before"
}

# Saves the guest to a file and restores it in a new domain.
save_and_restore()
{
	xl save g2 /run/g2.save >/run/xl.out 2>&1 && xl restore /run/g2.save >/run/xl.out 2>&1 || {
		say "save or restore: $(tail -n 3 /run/xl.out)"
		return 1
	}
	rm -f /run/g2.save
	on_vf g2 && wait_for 60 "g2's answers" reaches_peer g2 && guest_run g2 'killall pingcheck'
}

reboot() { guest_reboot g2 && on_vf g2; }

destroy_and_create()
{
	xl destroy g2 && wait_for 60 "g2's end" guest_is_gone g2 && guest_start g2 $g2_mac && on_vf g2
}

# under_traffic COMMAND: runs it while g2 sends and receives. Not at full speed, because the emulated processors need
# time for the rest, and not TCP, because a server that has lost its client stays busy for long.
under_traffic()
{
	local start=$SECONDS

	# shellcheck disable=SC2016 # the guest expands it
	guest_run g2 "pingcheck -c 60000 -i 10 -s 1400 $PEER >/tmp/pings 2>&1 &"' frames=/sys/class/net/eth0/statistics/rx_packets
		before=$(cat $frames); sleep 1; test $(cat $frames) -gt $((before + 10))' || { say "g2 has no traffic"; return 1; }
	"$1" || { say "$1 failed"; return 1; }
	say "$1 took $((SECONDS - start)) s"
}

settled() { held_count /run/held.now g1 g2 && [ "$(held_leaks /run/held.before /run/held.now 2>/dev/null)" = 0 ]; }

# Runs everything once a round and counts; a count that does not return to its former value in time is a leak.
rounds()
{
	local round done=0 leaks=0 more line

	held_count /run/held.before g1 g2
	tr '\n' ' ' </run/held.before
	echo
	pings_start g1 50
	for ((round = 1; round <= BED_ROUNDS; round++)); do
		under_traffic save_and_restore && under_traffic reboot && under_traffic destroy_and_create &&
			done=$((done + 1))
		wait_for 30 "the counts of before" settled
		more=$(held_leaks /run/held.before /run/held.now)
		leaks=$((leaks > more ? leaks : more))
		say "round $round of $BED_ROUNDS: $more leaked; $(tr '\n' ' ' </run/held.now)"
	done
	line=$(pings_end g1)
	say "pings of g1: $line"
	figure rounds "$BED_ROUNDS" "" rounds
	check rounds_done $done "== $BED_ROUNDS"
	check "leaks_after_${BED_ROUNDS}_rounds" $leaks "== 0"
	check rounds_neighbour_pings "$(value_of sent "$line")" "> 100"
	check rounds_neighbour_frames_lost "$(value_of lost "$line")" "== 0"
}

# Checks what vifd holds of running guests after SIGTERM: of each at least two rings and a channel before
sigterm()
{
	local status

	check sigterm_grants_before "$(held_grants g1 g2)" ">= 4"
	check sigterm_channels_before "$(held_channels g1 g2)" ">= 2"
	vifd_stop
	status=$?
	check sigterm_status $status "== 0"
	check sigterm_left_grants "$(held_grants g1 g2)" "== 0"
	check sigterm_left_channels "$(held_channels g1 g2)" "== 0"
	pf_values >/run/pf.after
	check_true sigterm_restores_pf cmp -s /run/pf.before /run/pf.after
	diff /run/pf.before /run/pf.after
	vifd_start
	on_vf g1
	check_true sigterm_next_start_serves reaches_peer g1
}

# Checks that the counts are the same as before the first guest
nothing_held() { [ "$(held_maps) $(held_vfs) $(held_nodes) $(held_fds)" = "$fresh" ]; }

last_guests()
{
	guest_stop g2
	xl destroy g1
	wait_for 60 "what vifd held before the first guest" nothing_held
	check held_at_the_end "$(held_maps) $(held_vfs) $(held_nodes) $(held_fds)" "== $fresh"
	check domains_at_the_end "$(zombies)" "== 0"
}

bed_nic_setup
pf_values >/run/pf.before
vifd_start
fresh="$(held_maps) $(held_vfs) $(held_nodes) $(held_fds)"
guest_create g1 00:16:3e:00:00:01 && guest_create g2 $g2_mac || die "guests were not created"
guest_ready g1 && guest_ready g2 || die "guests did not boot"
on_vf g1
on_vf g2
restarts
rounds
sigterm
last_guests
finish
