# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
# one guest breaks every rule of the protocol; two others keep their rate and lose nothing

export RUNTIME_DIRECTORY=$VIFD_SIM/run
OPS=${SIM_HOSTILE_OPS:-200000} LIMIT=${SIM_HOSTILE_SECONDS:-25} RATE=${SIM_HOSTILE_RATE:-10000}
vifd_start '[daemon]' "workers = $SIM_WORKERS" 'max_queues = 2' "run_dir = $VIFD_SIM/run" '[nic sim]' 'uplink = up0'
guest_create a
guest_create b
guest_create evil
others_connected() { [ "$(state_of "$A")" = 4 ] && [ "$(state_of "$B")" = 4 ]; }
A=$(domid a) B=$(domid b)
gen --events --window 192 --rate "$RATE" --seconds 3 --both "$A" "$B" >/dev/null
alone=$(value rx_mpps)
check "frames lost before it starts" "$(value lost)" "== 0"
ip netns exec "$(ns dom0)" "$BIN/simguest-gen" --events --window 192 --rate "$RATE" --seconds $((LIMIT + 60)) --both "$A" "$B" \
	>"$VIFD_SIM/gen.out" 2>>"$SIM_LOGS/gen.log" &
gen_pid=$!
wait_for 10 "the other guests' connection" others_connected || true
# as many rules as it gets, while it is connected
"$BIN/simguest-hostile" --only flow-rule --fatal 0 --ops 1000000000 --seconds 4 "$(domid evil)" >/dev/null 2>>"$SIM_LOGS/hostile.log" &
evil=$!
has_rules() { [ "$("$SIM_TOP/$BUILD/vifctl" flows "$(domid evil).0" 2>/dev/null | wc -l)" -gt 8 ]; }
check_true "the hostile guest has flow rules" wait_for 20 "its rules" has_rules
wait $evil || true
start=$SECONDS
"$BIN/simguest-hostile" --seed "${SIM_SEED:-1}" --fatal "${SIM_HOSTILE_FATAL:-5000}" \
	--ops "$OPS" --seconds "$LIMIT" "$(domid evil)" \
	>"$SIM_LOGS/hostile.out" 2>"$SIM_LOGS/hostile.log" &
evil=$!
end_status=0
wait "$evil" || end_status=$?
took=$((SECONDS - start))
sleep 1
kill -TERM "$gen_pid"
wait "$gen_pid" && status=0 || status=$?
cat "$VIFD_SIM/gen.out" "$SIM_LOGS/hostile.out" "$SIM_LOGS/hostile.log"
check "status of the other guests" $status "== 0"
check "frames of the other guests" "$(value rx)" "> $((took * RATE / 2))"
figure neighbour_throughput_ratio "$(awk -v a="$alone" -v b="$(value rx_mpps)" 'BEGIN { print b / a }')" ">= 0.95" ""
check neighbour_frames_lost "$(($(value lost 1) + $(value lost 2)))" "== 0"
check "violations of the other guests" "$(($(value violations 1) + $(value violations 2)))" "== 0"
check "status of the hostile guest" $end_status "== 0"
figure "duration of the hostile operations" $took "" s
check hostile_operations "$(sed -n 's/^operations=\([0-9]*\).*/\1/p' "$SIM_LOGS/hostile.out")" "> 1000"
check_true "vifd lives" vifd_lives
guest_destroy evil || true
check maps_after_destroy "$(stat_of vifd maps)" "== 0"
check binds_after_destroy "$(stat_of vifd binds)" "== 0"
gen --events --window 192 --rate "$RATE" --seconds 1 --both "$A" "$B" >/dev/null
check "frames lost afterwards" "$(value lost)" "== 0"
check "log lines of vifd" "$(wc -l <"$SIM_LOGS/vifd.log")" "< 2000"
