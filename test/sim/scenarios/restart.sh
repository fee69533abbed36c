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
check restarts "$ROUNDS"
check restarts_survived "$survived" "== $ROUNDS"
check "longest time from kill to the end of the process" $ends "" ms
check "longest time from exec until all vifs are connected" $slowest "" ms
check "generator's frames lost" "$(sum lost)" "" frames
check "frames seen on the wire" "$(in_ns host cat /sys/class/net/eth0/statistics/rx_packets)" "" frames
check "restarts that were timed, in both directions" "$(sum marks)" "== $((2 * ROUNDS))"
figure restart_gap_ms_max "$(most mark_ms)" "< 300" ms
check restart_gap_from_kill_ms_max "$(most gap_ms)" "" ms
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
guest_stop a && status=0 || status=$?
check "grants in use by guest a" $status "== 0"
guest_stop b && status=0 || status=$?
check "grants in use by guest b" $status "== 0"
check "maps after close" "$(stat_of vifd maps)" "== 0"
check "binds after close" "$(stat_of vifd binds)" "== 0"
