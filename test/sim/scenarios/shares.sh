# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
# two traffic classes of a guest compete for its rate by their shares; queues have rates and guarantees of their own

export RUNTIME_DIRECTORY=$VIFD_SIM/run
VIFCTL=$SIM_TOP/$BUILD/vifctl
back() { echo "/local/domain/0/backend/vif/$(domid "$1")/0"; }
show() { timeout 20 "$VIFCTL" --json show "$(domid "$1").0" 2>>"$SIM_LOGS/vifctl.log"; }
counter() { show "$1" | python3 -c "import json, sys; print(json.load(sys.stdin)['counters'].get('$2', 0))"; }

# compete: guest a sends UDP of 20 Mbit/s in each of classes 1 and 5; sets $low and $high to what arrives in 2 s
compete() {
	in_ns a python3 - 10.77.0.1 <<-'END' &
		import socket, sys, time
		socks = []
		for port, tos in ((5001, 0x20), (5005, 0xa0)):
		    socks.append(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
		    socks[-1].setsockopt(socket.IPPROTO_IP, socket.IP_TOS, tos)
		    socks[-1].connect((sys.argv[1], port))
		start, sent = time.monotonic(), 0
		while (now := time.monotonic() - start) < 3.5:
		    while sent < now * 20e6 / 8 / 1200:
		        for sock in socks:
		            try:
		                sock.send(bytes(1200), socket.MSG_DONTWAIT)
		            except OSError:
		                pass
		        sent += 1
		    time.sleep(0.001)
	END
	read -r low high < <(in_ns host python3 - <<-'END'
		import select, socket, time
		socks = {}
		for port in (5001, 5005):
		    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
		    sock.bind(("10.77.0.1", port))
		    socks[sock] = 0
		begin, end = None, time.monotonic() + 10
		while (now := time.monotonic()) < end:
		    for sock in select.select(list(socks), [], [], 0.1)[0]:
		        size = len(sock.recv(2000))
		        if begin is None:
		            begin, end = now + 1, now + 3
		        socks[sock] += size if now >= begin else 0
		print(*("%.2f" % (size * 8e-6 / 2) for size in socks.values()))
	END
	)
	wait $!
	say "Mbit/s: class 1 $low, class 5 $high"
}
quotient() { awk -v a="$1" -v b="$2" 'BEGIN { printf "%.2f\n", b ? a / b : 0 }'; }

# Prints the Mbit/s of queues 0 and 1 of vif b, measured over 1.5 s
queue_rates() {
	python3 - "$VIFCTL" "$(domid b).0" <<-'END'
		import json, subprocess, sys, time
		def look():
		    vif = json.loads(subprocess.run([sys.argv[1], "--json", "show", sys.argv[2]], capture_output=True, check=True).stdout)
		    return time.monotonic(), [queue.get("tx_bytes", 0) for queue in vif["queue_counters"]]
		before, first = look()
		time.sleep(1.5)
		after, second = look()
		print(*("%.2f" % ((b - a) * 8e-6 / (after - before)) for a, b in zip(first, second)))
	END
}

vifd_start '[daemon]' "workers = $SIM_WORKERS" 'max_queues = 2' "run_dir = $VIFD_SIM/run" '' '[nic sim]' 'uplink = up0'
guest_create a
guest_create b
guest_start a || die "guest a did not connect"
xenstore-write "$(back a)/policy/rate" 62500,50000 "$(back a)/policy/classes" dscp "$(back a)/policy/class-shares" 1,1,1,1,1,3
sleep 0.3
compete
timed "both classes, of 10 Mbit/s" "$(awk -v a="$low" -v b="$high" 'BEGIN { print a + b }')" ">= 8" Mbit/s
check "both classes, at most" "$(awk -v a="$low" -v b="$high" 'BEGIN { print a + b }')" "<= 10.5" Mbit/s
timed "class 5 to class 1, 3 to 1, at least" "$(quotient "$high" "$low")" ">= 2.4"
timed "class 5 to class 1, 3 to 1, at most" "$(quotient "$high" "$low")" "<= 3.6"
check tx_drop_class "$(counter a tx_drop_class)" ">= 100"
xenstore-write "$(back b)/policy/queue-rate" "0:62500,50000 1:31250,50000"
in_ns dom0 "$BIN/simguest-gen" --events --queues 2 --flows 2 --size 1000 --seconds 20 --dst 02:00:00:00:00:fe "$(domid b)" - \
	>"$SIM_LOGS/gen.txt" 2>&1 &
generator=$!
sends() { [ "$(counter b tx_packets)" -gt 100 ]; }
wait_for 10 "b's frames" sends || die "b does not send"
read -r first second < <(queue_rates)
check "queue 0 of 10 Mbit/s, at most" "$first" "<= 10.5" Mbit/s
timed "queue 0 of 10 Mbit/s, at least" "$first" ">= 9" Mbit/s
check "queue 1 of 5 Mbit/s, at most" "$second" "<= 5.3" Mbit/s
timed "queue 1 of 5 Mbit/s, at least" "$second" ">= 4.5" Mbit/s
check tx_hold_rate "$(counter b tx_hold_rate)" ">= 100"
check "frames dropped by queue-rate" "$(counter b tx_drop_off)" "== 0"
# without a guarantee each queue has half of 20 Mbit/s; with 15 guaranteed, queue 1 also shares the other 5
xenstore-write "$(back b)/policy/queue-rate" "" "$(back b)/policy/rate" 125000,50000
sleep 0.3
read -r first second < <(queue_rates)
timed "queue 0 of a shared 20 Mbit/s" "$first" ">= 8" Mbit/s
timed "queue 1 of a shared 20 Mbit/s" "$second" ">= 8" Mbit/s
xenstore-write "$(back b)/policy/queue-guaranteed" 1:93750,50000
sleep 0.3
read -r first second < <(queue_rates)
timed "queue 1 with 15 Mbit/s guaranteed" "$second" ">= 14" Mbit/s
timed "queue 0 meanwhile, at least" "$first" ">= 1" Mbit/s
check "queue 0 meanwhile, at most" "$first" "<= 4.5" Mbit/s
check "both queues together" "$(awk -v a="$first" -v b="$second" 'BEGIN { print a + b }')" "<= 21" Mbit/s
check_true "show --why lists queue-guaranteed" grep -q '^queue-guaranteed *1:93750,50000 *policy/ *software$' <(timeout 20 "$VIFCTL" show --why "$(domid b).0")
xenstore-write "$(back b)/policy/rate" 62500,50000 && sleep 0.5
check "a rate below the guarantee is refused" "$(xenstore-read "$(back b)/policy-error")" \
	"== queue-guaranteed: 15000 kbit/s are more than rate's 10000"
xenstore-rm "$(back b)/policy/queue-guaranteed"
xenstore-write "$(back b)/policy/queue-rate" "0:62500,50000 1:31250,50000" "$(back b)/policy/rate" ""
xenstore-write "$(back b)/policy/tx-queues" 0
sleep 0.5
read -r first second < <(queue_rates)
timed "queue 0 while queue 1 is closed" "$first" ">= 9" Mbit/s
check "queue 1 while it is closed" "$second" "== 0" Mbit/s
check_true "frames of the closed queue are counted" [ "$(counter b tx_drop_off)" -gt 0 ]
kill $generator
wait $generator || true
guest_stop a && status=0 || status=$?
check "grants in use by guest a" $status "== 0"
vifd_stop && status=0 || status=$?
check "vifd exit status" $status "== 0"
