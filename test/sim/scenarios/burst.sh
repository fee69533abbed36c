# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
# 100 vifs created at once: each is in InitWait within a second

vifd_start
out=$(simctl burst 100 script=none) || die "not all vifs reached InitWait: $out"
timed initwait_ms_max_of_100 "${out% *}" "< 1000" ms
first=${out#* }
check_true "vifd lives" vifd_lives
start=$(date +%s%N)
for ((i = first; i < first + 100; i++)); do
	simctl destroy "$i" || true
done
timed "time to destroy 100 domains" $((($(date +%s%N) - start) / 1000000)) "< 30000" ms
check "maps after close" "$(stat_of vifd maps)" "== 0"
