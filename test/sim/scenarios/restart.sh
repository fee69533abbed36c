# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
# kill -9 of vifd under traffic and a new start: guests go on, TCP lives, the gap is measured

ROUNDS=${SIM_RESTARTS:-5}
vifd_start
guest_create a
guest_create b
guest_create c
guest_create d
guest_start a
guest_start b
# Not by guest_run: $! is the server itself, not a shell around it
ip netns exec "$(ns b)" iperf3 -s >"$SIM_LOGS/iperf3-server.log" 2>&1 &
server=$!
sleep 0.5
# Both until they are told to end: how long a round takes is the machine's affair
ip netns exec "$(ns a)" iperf3 -c "$(guest_ip b)" -t 86400 -i 1 -f m --forceflush >"$SIM_LOGS/iperf3-client.log" 2>&1 &
client=$!
ip netns exec "$(ns dom0)" "$BIN/simguest-gen" --events --rate 2500 --seconds 86400 --both "$(domid c)" "$(domid d)" \
	>"$VIFD_SIM/gen.out" 2>>"$SIM_LOGS/gen.log" &
gen_pid=$!
# The generator is told of the very moment of the exec
printf '#!/bin/sh\nkill -USR1 %s\nexec %s "$@"\n' $gen_pid "${SIM_VIFD_WRAP:-}" >"$VIFD_SIM/marked"
chmod +x "$VIFD_SIM/marked"
SIM_VIFD_WRAP=$VIFD_SIM/marked
sleep 1
# Beside TCP at full speed a ping may be lost; five are not
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
check restarts "$ROUNDS"
check restarts_survived "$survived" "== $ROUNDS"
check "kill to the end of the process, slowest" $ends "" ms
check "exec to all vifs connected, slowest" $slowest "" ms
check "generator's frames lost" "$(sum lost)" "" frames
check "of them seen on the wire" "$(in_ns host cat /sys/class/net/eth0/statistics/rx_packets)" "" frames
check "restarts that were timed, both ways" "$(sum marks)" "== $((2 * ROUNDS))"
figure restart_gap_ms_max "$(most mark_ms)" "< 300" ms
check restart_gap_from_kill_ms_max "$(most gap_ms)" "" ms
check "generator's frames received" "$(sum rx)" "> 1000"
check duplicated "$(sum duplicated)" "== 0"
check reordered "$(sum reordered)" "== 0"
check violations "$(sum violations)" "== 0"
check "generator's status (grants in use)" $status "== 0"
# The one connection of the beginning still carries data
sleep 1
reports=$(grep -c 'Mbits/sec' "$SIM_LOGS/iperf3-client.log")
tcp_flows() { tail -n "+$((reports + 4))" "$SIM_LOGS/iperf3-client.log" | grep -Eq ' [1-9][0-9.]* Mbits/sec'; }
check_true tcp_connection_lives wait_for 30 "TCP after the last restart" tcp_flows
check_true "its client too" kill -0 "$client"
kill "$client" "$server" 2>/dev/null || true
tail -3 "$SIM_LOGS/iperf3-client.log"
guest_stop a && status=0 || status=$?
check guest_a_grants_in_use $status "== 0"
guest_stop b && status=0 || status=$?
check guest_b_grants_in_use $status "== 0"
check maps_after_close "$(stat_of vifd maps)" "== 0"
check binds_after_close "$(stat_of vifd binds)" "== 0"
