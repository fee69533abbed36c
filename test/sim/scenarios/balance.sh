# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
# two vifs on a busy worker: one of them moves to the idle worker, with no frame lost, twice or overtaken

export RUNTIME_DIRECTORY=$VIFD_SIM/run
VIFCTL=$SIM_TOP/$BUILD/vifctl
worker_of() { timeout 20 "$VIFCTL" show "$(domid "$1").0" 2>>"$SIM_LOGS/vifctl.log" | awk '$1 == "worker" { print $2; exit }'; }
are_spread() { [ "$(for name in i1 i2 i3 i4; do worker_of $name; done | tr -d '\n')" = 0101 ]; }
moved() { grep -q 'balance: vif .* from worker 0, .* to worker 1' "$SIM_LOGS/vifd.log"; }

vifd_start '[daemon]' 'workers = 2' 'cpus = 0-1' "run_dir = $VIFD_SIM/run" '[nic sim]' 'uplink = up0'
check "a worker stays on its processor" "$(taskset -cp "$(pgrep -w vifd-worker1 | head -n 1)" 2>/dev/null | sed 's/.*: //')" "== 1"
# vifs that connect while nobody is busy are spread by number, so these leave one worker empty
for name in i1 i2 i3 i4; do
	guest_create $name
	guest_start $name || die "guest $name did not connect"
done
check_true "vifs that connect are spread" are_spread
guest_destroy i1
guest_destroy i3
guest_create c
guest_create d
in_ns dom0 "$BIN/simguest-gen" --seconds 8 --window 256 --both "$(domid c)" "$(domid d)" >"$VIFD_SIM/gen.out" 2>>"$SIM_LOGS/gen.log" &
gen_pid=$!
check_true "one of two on a busy worker moves to the idle one" wait_for 8 "a move" moved
wait $gen_pid
cat "$VIFD_SIM/gen.out"
for key in lost duplicated reordered violations; do
	check "$key in both directions" "$(sed -n "s/.*\b$key=\([0-9]*\) .*/\1/p" "$VIFD_SIM/gen.out" | awk '{ sum += $1 } END { print NR == 2 ? sum + 0 : "unknown" }')" "== 0"
done
vifd_stop
