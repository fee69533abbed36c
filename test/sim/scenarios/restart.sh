# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
# vifd is killed with SIGKILL under traffic and restarted: guests continue, TCP survives, the gap is measured

ROUNDS=${SIM_RESTARTS:-5}
vifd_start
guest_create a
guest_create b
guest_create c
guest_create d
guest_start a
guest_start b
# Not with guest_run, so that $! is the server itself and not a shell around it
ip netns exec "$(ns b)" iperf3 -s >"$SIM_LOGS/iperf3-server.log" 2>&1 &
server=$!
sleep 0.5
# Both run until they are ended, because the length of a round depends on the machine
ip netns exec "$(ns a)" iperf3 -c "$(guest_ip b)" -t 86400 -i 1 -f m --forceflush >"$SIM_LOGS/iperf3-client.log" 2>&1 &
client=$!
ip netns exec "$(ns dom0)" "$BIN/simguest-gen" --events --rate 2500 --seconds 86400 --both "$(domid c)" "$(domid d)" \
	>"$VIFD_SIM/gen.out" 2>>"$SIM_LOGS/gen.log" &
gen_pid=$!
# A signal tells the generator the moment of the exec
printf '#!/bin/sh\nkill -USR1 %s\nexec %s "$@"\n' $gen_pid "${SIM_VIFD_WRAP:-}" >"$VIFD_SIM/marked"
chmod +x "$VIFD_SIM/marked"
SIM_VIFD_WRAP=$VIFD_SIM/marked
sleep 1
# With TCP at full speed one ping may be lost, but not all five
reaches() { [[ $(ping_lost a b 5) == [0-4] ]]; }
connected_lines() { grep -c 'vif: vif .* connected' "$SIM_LOGS/vifd.log"; }
connected_more_than() { [ "$(connected_lines)" -ge "$1" ]; }

ms_since() { echo $((($(date +%s%N) - $1) / 1000000)); }

survived=0 slowest=0 ends=0
for ((round = 1; round <= ROUNDS; round++)); do
	start=$(date +%s%N)
	vifd_kill
	took=$(ms_since $start)
	[ $took -le $ends ] || ends=$took
	want=$(($(connected_lines) + 4))
	start=$(date +%s%N)
	vifd_exec
	wait_for 30 "all vifs connected again" connected_more_than $want || true
	took=$(ms_since $start)
	[ $took -le $slowest ] || slowest=$took
	sleep 0.7
	if vifd_lives && reaches; then survived=$((survived + 1)); fi
	sleep 0.5
	[ $((round % 10)) != 0 ] || say "$round of $ROUNDS restarts, $survived survived, slowest $slowest ms"
done
kill -TERM "$gen_pid"
wait "$gen_pid" && status=0 || status=$?
cat "$VIFD_SIM/gen.out"
most() { printf '%s\n%s\n' "$(value "$1" 1)" "$(value "$1" 2)" | sort -g | tail -1; }
sum() { echo $(($(value "$1" 1) + $(value "$1" 2))); }
figure restarts "$ROUNDS" "" restarts
check restarts_survived "$survived" "== $ROUNDS"
figure "longest time from kill to the end of the process" $ends "" ms
figure "longest time from exec until all vifs are connected" $slowest "" ms
figure "generator's frames lost" "$(sum lost)" "" frames
figure "frames seen on the wire" "$(in_ns host cat /sys/class/net/eth0/statistics/rx_packets)" "" frames
check "restarts that were timed, in both directions" "$(sum marks)" "== $((2 * ROUNDS))"
figure restart_gap_ms_max "$(most mark_ms)" "< 300" ms
figure restart_gap_from_kill_ms_max "$(most gap_ms)" "" ms
check "frames received by the generator" "$(sum rx)" "> 1000"
check duplicated "$(sum duplicated)" "== 0"
check reordered "$(sum reordered)" "== 0"
check violations "$(sum violations)" "== 0"
check "status of the generator (grants in use)" $status "== 0"
# The connection from the beginning still carries data
sleep 1
reports=$(grep -c 'Mbits/sec' "$SIM_LOGS/iperf3-client.log")
tcp_flows() { tail -n "+$((reports + 4))" "$SIM_LOGS/iperf3-client.log" | grep -Eq ' [1-9][0-9.]* Mbits/sec'; }
check_true tcp_connection_lives wait_for 30 "TCP after the last restart" tcp_flows
check_true "its client lives" kill -0 "$client"
kill "$client" "$server" 2>/dev/null || true
tail -3 "$SIM_LOGS/iperf3-client.log"

# What a guest told vifd once, and would not tell again, holds after kill -9 and after a stop: its list of multicast
# groups, and the pages that it lends. Guest e has both, and IPv6.
export RUNTIME_DIRECTORY=$VIFD_SIM/run
GROUP4=239.9.9.9 GROUP6=ff05::9999 DATAGRAMS=20
counter() { timeout 20 "$SIM_TOP/$BUILD/vifctl" --json show "$(domid "$1").0" 2>>"$SIM_LOGS/vifctl.log" |
	python3 -c "import json, sys; print(json.load(sys.stdin)['counters'].get('$2', 0))"; }
# ipv6_on NAME ADDRESS: with no test of the address, which would delay it
ipv6_on() {
	in_ns "$1" sysctl -qw net.ipv6.conf.eth0.disable_ipv6=0 net.ipv6.conf.eth0.accept_dad=0
	in_ns "$1" ip -6 addr add "$2/64" dev eth0 nodad
}
groups() { in_ns "$1" python3 "$SIM_TOP/test/sim/groups.py" "${@:2}"; }
listens() { grep -q listening "$VIFD_SIM/groups"; }
# received GROUP: datagrams so far
received() { grep -c "^$1" "$VIFD_SIM/groups" || true; }
# resolves: a neighbour that forgot guest e finds it by neighbour discovery, which is multicast
resolves() { in_ns host ip -6 neigh flush dev eth0 && in_ns host ping -6 -q -c 1 -W 2 fd77::e >/dev/null; }
# lost_now: prints how many of the datagrams sent now, and of the neighbour solicitations, guest e does not hear
lost_now() {
	local before4 before6 lost=0 i
	before4=$(received $GROUP4) before6=$(received $GROUP6)
	groups host send $DATAGRAMS $GROUP4 $GROUP6
	for i in 1 2 3; do resolves || lost=$((lost + 1)); done
	echo $((lost + 2 * DATAGRAMS + before4 + before6 - $(received $GROUP4) - $(received $GROUP6)))
}
guest_create e
guest_start e --mcast --static --aware || die "guest e did not connect"
ipv6_on e fd77::e
ipv6_on host fd77::1
ip netns exec "$(ns e)" python3 "$SIM_TOP/test/sim/groups.py" listen $GROUP4 $GROUP6 >"$VIFD_SIM/groups" &
listener=$!
wait_for 10 "the listener" listens || true
wait_for 10 "neighbour discovery" resolves || true
sleep 0.5
check "multicast lost before the restarts" "$(lost_now)" "== 0" frames
lost=0 lent=true
for how in KILL TERM KILL; do
	want=$(($(connected_lines) + 3))
	if [ $how = KILL ]; then vifd_kill; else vifd_stop; fi
	vifd_exec
	wait_for 30 "all vifs connected again" connected_more_than $want || true
	now=$(lost_now)
	say "after SIG$how: $now lost"
	lost=$((lost + now))
	[ "$(ping_lost e host 5)" = 0 ] && [ "$(counter e tx_static)" -gt 0 ] && [ "$(counter e rx_static)" -gt 0 ] || lent=false
done
check multicast_lost_after_restart $lost "== 0" frames
dropped=$(counter e rx_drop_mcast)
groups host send 5 239.9.9.10
check "frames to a group that the guest did not name" $(($(counter e rx_drop_mcast) - dropped)) ">= 5"
# its pages are its own again once it asks for them
xenstore-write "/local/domain/0/backend/vif/$(domid e)/0/policy/static-grants" 0
acked() { [ "$(xenstore-read "/local/domain/$(domid e)/device/vif/0/capability-ack")" = \
	"$(xenstore-read "/local/domain/0/backend/vif/$(domid e)/0/capability" | sed -n 's/.*generation=\([0-9]*\).*/\1/p')" ]; }
given_back() { xenstore-read "/local/domain/0/backend/vif/$(domid e)/0/capability" | grep -q static-grants=0 && acked; }
wait_for 10 "the static grants' end" given_back || lent=false
check static_grants_after_restart $lent true
kill $listener
guest_stop e && status=0 || status=$?
check "grants in use by guest e" $status "== 0"
guest_stop a && status=0 || status=$?
check "grants in use by guest a" $status "== 0"
guest_stop b && status=0 || status=$?
check "grants in use by guest b" $status "== 0"
check "maps after close" "$(stat_of vifd maps)" "== 0"
check "binds after close" "$(stat_of vifd binds)" "== 0"
