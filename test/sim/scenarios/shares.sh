# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
# two classes of a guest's frames compete for its rate, by their shares; each queue has a rate of its own, or none

export RUNTIME_DIRECTORY=$VIFD_SIM/run
VIFCTL=$SIM_TOP/$BUILD/vifctl
back() { echo "/local/domain/0/backend/vif/$(domid "$1")/0"; }
show() { timeout 20 "$VIFCTL" --json show "$(domid "$1").0" 2>>"$SIM_LOGS/vifctl.log"; }
counter() { show "$1" | python3 -c "import json, sys; print(json.load(sys.stdin)['counters'].get('$2', 0))"; }

# flow PORT TOS: 20 Mbit/s of UDP from a for three seconds; how much of it arrives goes to a file, Mbit/s
flow() {
	guest_run a iperf3 -J -u -c 10.77.0.1 -p "$1" -S "$2" -l 1200 -b 20M -t 3 >"$VIFD_SIM/flow.$1" 2>>"$SIM_LOGS/iperf3.log" || true
	python3 -c "
import json, sys
sum = json.load(open(sys.argv[1]))['end']['sum']
print('%.2f' % (sum['bits_per_second'] * (1 - sum['lost_percent'] / 100) / 1e6))" "$VIFD_SIM/flow.$1" >"$VIFD_SIM/mbps.$1"
}
# compete: both flows at once, of classes 1 and 5; class 0 is left to what iperf3 has to say beside
compete() {
	flow 5201 0x20 &
	flow 5202 0xa0
	wait $!
	low=$(cat "$VIFD_SIM/mbps.5201") high=$(cat "$VIFD_SIM/mbps.5202")
	say "Mbit/s: class 1 $low, class 5 $high"
}
quotient() { awk -v a="$1" -v b="$2" 'BEGIN { printf "%.2f\n", b ? a / b : 0 }'; }

# Mbit/s of queues 0 and 1 of vif b over two seconds
queue_rates() {
	python3 - "$VIFCTL" "$(domid b).0" <<-'END'
		import json, subprocess, sys, time
		def look():
		    vif = json.loads(subprocess.run([sys.argv[1], "--json", "show", sys.argv[2]], capture_output=True, check=True).stdout)
		    return time.monotonic(), [queue.get("tx_bytes", 0) for queue in vif["queue_counters"]]
		before, first = look()
		time.sleep(2)
		after, second = look()
		print(*("%.2f" % ((b - a) * 8e-6 / (after - before)) for a, b in zip(first, second)))
	END
}

vifd_start '[daemon]' 'workers = 1' 'max_queues = 2' "run_dir = $VIFD_SIM/run" '' '[nic sim]' 'uplink = up0'
guest_create a
guest_create b
guest_start a || die "guest a did not connect"
for port in 5201 5202; do
	in_ns host iperf3 -s -p $port >"$SIM_LOGS/iperf3-$port.log" 2>&1 &
	servers="${servers-} $!"
	wait_for 5 "iperf3's server" in_ns host sh -c "ss -ltn | grep -q :$port" || die "no server"
done
xenstore-write "$(back a)/policy/rate" 62500,50000 "$(back a)/policy/classes" dscp "$(back a)/policy/class-shares" 1,1,1,1,1,3
sleep 0.3
compete
check "of 10 Mbit/s, both classes" "$(awk -v a="$low" -v b="$high" 'BEGIN { print a + b }')" ">= 8" Mbit/s
timed "share of class 5 to class 1, 3 to 1" "$(quotient "$high" "$low")" ">= 2.4"
timed "and no more" "$(quotient "$high" "$low")" "<= 3.6"
check tx_drop_class "$(counter a tx_drop_class)" "> 0"
# shellcheck disable=SC2086 # several
kill $servers
# shellcheck disable=SC2086
wait $servers || true

xenstore-write "$(back b)/policy/queue-rate" "0:62500,50000 1:31250,50000"
in_ns dom0 "$BIN/simguest-gen" --events --queues 2 --flows 2 --size 1000 --seconds 20 --dst 02:00:00:00:00:fe "$(domid b)" - \
	>"$SIM_LOGS/gen.txt" 2>&1 &
generator=$!
sends_by_both() { queue_rates | awk '$1 > 0 && $2 > 0 { found = 1 } END { exit !found }'; }
wait_for 10 "frames of both queues" sends_by_both || die "b does not send"
read -r first second < <(queue_rates)
check "queue 0 of 10 Mbit/s" "$first" "<= 10.5" Mbit/s
timed "queue 0, at least" "$first" ">= 9" Mbit/s
check "queue 1 of 5 Mbit/s" "$second" "<= 5.3" Mbit/s
timed "queue 1, at least" "$second" ">= 4.5" Mbit/s
check tx_hold_rate "$(counter b tx_hold_rate)" "> 0"
check tx_drops_by_queue_rate "$(counter b tx_drop_off)" "== 0"
xenstore-write "$(back b)/policy/tx-queues" 0
sleep 0.5
read -r first second < <(queue_rates)
timed "queue 0 while the other one is closed" "$first" ">= 9" Mbit/s
check "the closed one" "$second" "== 0" Mbit/s
check_true "what it sends is counted" [ "$(counter b tx_drop_off)" -gt 0 ]
kill $generator
wait $generator || true
guest_stop a && status=0 || status=$?
check guest_a_grants_in_use $status "== 0"
vifd_stop && status=0 || status=$?
check vifd_exit_status $status "== 0"
