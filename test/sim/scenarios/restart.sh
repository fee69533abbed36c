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
guest_run b iperf3 -s >"$SIM_LOGS/iperf3-server.log" 2>&1 &
server=$!
sleep 0.5
guest_run a iperf3 -c "$(guest_ip b)" -t $((ROUNDS * 2 + 6)) -i 1 -f m >"$SIM_LOGS/iperf3-client.log" 2>&1 &
client=$!
in_ns dom0 "$BIN/simguest-gen" --events --rate 5000 --seconds $((ROUNDS * 2 + 3)) "$(domid c)" "$(domid d)" \
	>"$VIFD_SIM/gen.out" 2>>"$SIM_LOGS/gen.log" &
gen_pid=$!
sleep 1
# Beside TCP at full speed a ping may be lost; five are not
reaches() { [[ $(ping_lost a b 5) == [0-4] ]]; }
connected_lines() { grep -c 'vif: vif .* connected' "$SIM_LOGS/vifd.log"; }
connected_more_than() { [ "$(connected_lines)" -ge "$1" ]; }

survived=0 slowest=0
for ((round = 1; round <= ROUNDS; round++)); do
	vifd_kill
	want=$(($(connected_lines) + 4))
	start=$(date +%s%N)
	vifd_exec
	wait_for 5 "all vifs connected again" connected_more_than $want || true
	took=$((($(date +%s%N) - start) / 1000000))
	[ $took -le $slowest ] || slowest=$took
	sleep 0.7
	if vifd_lives && reaches; then survived=$((survived + 1)); fi
	sleep 0.5
done
wait "$gen_pid" && status=0 || status=$?
cat "$VIFD_SIM/gen.out"
check restarts "$ROUNDS"
check restarts_survived "$survived" "== $ROUNDS"
check "exec to all vifs connected, slowest" $slowest "" ms
check "generator's frames lost" "$(value lost)" "" frames
check "of them seen on the wire" "$(in_ns host cat /sys/class/net/eth0/statistics/rx_packets)" "" frames
figure restart_gap_ms_max "$(value gap_ms)" "< 300" ms
check "generator's frames received" "$(value rx)" "> 1000"
check duplicated "$(value duplicated)" "== 0"
check violations "$(value violations)" "== 0"
check "generator's status (grants in use)" $status "== 0"
wait "$client" && status=0 || status=$?
check tcp_connection_lives $status "== 0"
kill "$server" 2>/dev/null || true
tail -4 "$SIM_LOGS/iperf3-client.log"
guest_stop a && status=0 || status=$?
check guest_a_grants_in_use $status "== 0"
guest_stop b && status=0 || status=$?
check guest_b_grants_in_use $status "== 0"
check maps_after_close "$(stat_of vifd maps)" "== 0"
check binds_after_close "$(stat_of vifd binds)" "== 0"
