# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
# four vifs on a busy worker: one of them moves to the idle worker, with no frame lost, twice or overtaken

export RUNTIME_DIRECTORY=$VIFD_SIM/run
VIFCTL=$SIM_TOP/$BUILD/vifctl
IDLE="i1 i2 i3 i4 i5 i6 i7 i8"
worker_of() { timeout 20 "$VIFCTL" show "$(domid "$1").0" 2>>"$SIM_LOGS/vifctl.log" | awk '$1 == "worker" { print $2; exit }'; }
are_spread() { [ "$(for name in $IDLE; do worker_of $name; done | tr -d '\n')" = 01010101 ]; }
moved() { grep -q 'balance: vif .* from worker 0, .* to worker 1' "$SIM_LOGS/vifd.log"; }

# exchange NAME NAME: both send all they can to one another; the output goes to gen-NAME.out
exchange() {
	in_ns dom0 "$BIN/simguest-gen" --seconds 12 --window 256 --both "$(domid "$1")" "$(domid "$2")" \
		>"$VIFD_SIM/gen-$1.out" 2>>"$SIM_LOGS/gen.log" &
	generators="$generators $!"
}

vifd_start '[daemon]' 'workers = 2' 'cpus = 0-1' "run_dir = $VIFD_SIM/run" '[nic sim]' 'uplink = up0'
check "a worker stays on its processor" "$(taskset -cp "$(pgrep -w vifd-worker1 | head -n 1)" 2>/dev/null | sed 's/.*: //')" "== 1"
for name in $IDLE; do
	guest_create $name
	guest_start $name || die "guest $name did not connect"
done
check_true "vifs that connect are spread" are_spread
# one worker is left empty
for name in i1 i3 i5 i7; do guest_destroy $name; done
for name in a b c d; do guest_create $name; done
generators=
exchange a b
exchange c d
check_true "one of the vifs on a busy worker moves to the idle one" wait_for 12 "a move" moved
# shellcheck disable=SC2086 # several
wait $generators
cat "$VIFD_SIM"/gen-*.out
for key in lost duplicated reordered violations; do
	check "$key by all four" "$(sed -n "s/.*\b$key=\([0-9]*\) .*/\1/p" "$VIFD_SIM"/gen-*.out | awk '{ sum += $1 } END { print NR == 4 ? sum + 0 : "unknown" }')" "== 0"
done
vifd_stop
