# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
# 256 vifs are connected at once: the memory of each is bounded, frames still pass, everything is released

N=${SIM_MANY:-256}
rss_kb() { awk '/^VmRSS/ { print $2 }' "/proc/$vifd_pid/status"; }

vifd_start '[daemon]' "workers = $SIM_WORKERS" 'memory_mb = 256' "run_dir = $VIFD_SIM/run" '[nic sim]' 'uplink = up0'
before=$(rss_kb)
out=$(simctl burst "$N" script=none) || die "not all vifs reached InitWait: $out"
first=${out#* }
guest_create a
guest_create b
"$BIN/simguest-idle" "$first" "$N" >"$SIM_LOGS/idle.log" 2>&1 &
idle=$!
wait_for 60 "$N vifs connected" grep -q "^connected" "$SIM_LOGS/idle.log" || cat "$SIM_LOGS/idle.log"
check vifs_connected "$(sed -n 's/^connected //p' "$SIM_LOGS/idle.log")" "== $N"
check bytes_per_vif $((($(rss_kb) - before) * 1024 / N)) "< 1000000" bytes
gen --window 128 --rate 10000 --seconds 1 --both "$(domid a)" "$(domid b)" >/dev/null
check "frames lost by other guests" "$(value lost)" "== 0"
end "$idle" && status=0 || status=$?
check "grants in use by idle guests" $status "== 0"
check "maps after close" "$(stat_of vifd maps)" "== 0"
check "binds after close" "$(stat_of vifd binds)" "== 0"
