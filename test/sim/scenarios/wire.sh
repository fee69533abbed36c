# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
# guests on VFs and on the software switch share one slow wire by weight, and classes of their frames do
#
#     v1, v2 ---------- vifd --+-- vf0, vf1 (two VFs) -- pf0, pf1 --+-- br0 in "host" -- wire0 -- far in "net"
#     s1 .. s4 -- the switch --+-- up0 --------------------- eth0 --+           40 Mbit/s, 50 ms of queue
#
# As in a NIC, whoever sends more gets more of wire0. Rates are those that arrive at far, where a guest's are told from
# others' by its address.

export RUNTIME_DIRECTORY=$VIFD_SIM/run
VIFCTL=$SIM_TOP/$BUILD/vifctl
WIRE=40 FAR=02:00:00:00:00:fe
SECONDS_A_PHASE=${SIM_WIRE_SECONDS:-3}

back() { echo "/local/domain/0/backend/vif/$(domid "$1")/0"; }
rule() { xenstore-write "$(back "$1")/policy/$2" "$3"; }
show() { timeout 20 "$VIFCTL" --json show "$(domid "$1").0" 2>>"$SIM_LOGS/vifctl.log"; }
of_vif() { show "$1" | python3 -c 'import json, sys; print(json.load(sys.stdin)[sys.argv[1]])' "$2"; }
path_is() { [ "$(xenstore-read "$(back "$1")/path")" = "$2" ]; }

ns_create net
in_ns host ip link add br0 type bridge mcast_snooping 0
in_ns host ip addr del 10.77.0.1/24 dev eth0
in_ns host ip link set eth0 master br0
ip link add "wire$SIM_ID" type veth peer name "far$SIM_ID"
ip link set "wire$SIM_ID" netns "$(ns host)" name wire0
ip link set "far$SIM_ID" netns "$(ns net)" name far
in_ns net ip link set far address $FAR up
in_ns host ip link set wire0 master br0 up
in_ns host ip link set br0 up
in_ns host bridge fdb replace $FAR dev wire0 master static
in_ns host tc qdisc add dev wire0 root tbf rate ${WIRE}mbit burst 16kb latency 50ms
wire vf0 pf0
wire vf1 pf1
vifd_start '[daemon]' "workers = $SIM_WORKERS" "run_dir = $VIFD_SIM/run" '' '[nic sim]' 'uplink = up0' 'devices = vf0 vf1' \
	"uplink_mbps = $WIRE"
for name in v1 v2 s1 s2 s3 s4; do
	guest_create $name
	case $name in v*) rule $name vf require ;; *) rule $name vf never ;; esac
done

# send NAME MBIT/S [OPTION...]: a guest sends until all are stopped; 0: all it can
senders=
send() {
	local name=$1 pps=$(($2 * 1000000 / 8 / 1500))
	shift 2
	ip netns exec "$(ns dom0)" "$BIN/simguest-gen" --events --seconds 60 --dst $FAR --size 1500 --rate $pps --burst 8 "$@" "$(domid "$name")" - \
		>"$SIM_LOGS/gen-$name.txt" 2>>"$SIM_LOGS/gen.log" &
	senders="$senders $!"
}
stop_all() {
	# shellcheck disable=SC2086 # several
	kill $senders 2>/dev/null || true
	# shellcheck disable=SC2086 # several
	wait $senders 2>/dev/null || true
	senders=
}
on_their_paths() {
	local name
	for name in "$@"; do
		case $name in v*) path_is "$name" vf || return 1 ;; *) path_is "$name" software || return 1 ;; esac
	done
}

# arrives NAME...: sets $rates to the Mbit/s that come from each, over SECONDS_A_PHASE
arrives() {
	local name macs=
	for name in "$@"; do macs="$macs $(xenstore-read "$(back "$name")/mac")"; done
	# shellcheck disable=SC2086 # several
	rates=$(in_ns net python3 - "$SECONDS_A_PHASE" $macs <<-'END'
		import socket, sys, time
		macs = [bytes.fromhex(mac.replace(":", "")) for mac in sys.argv[2:]]
		got = dict.fromkeys(macs, 0)
		sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
		sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
		sock.bind(("far", 0))
		sock.settimeout(0.1)
		end = time.monotonic() + float(sys.argv[1])
		while time.monotonic() < end:
		    try:
		        frame = sock.recv(2000)
		    except socket.timeout:
		        continue
		    if frame[6:12] in got:
		        got[frame[6:12]] += len(frame)
		print(*("%.2f" % (got[mac] * 8e-6 / float(sys.argv[1])) for mac in macs))
	END
	)
	say "Mbit/s of $*: $rates"
}
# phase NAME...: measures the guests that send, two seconds after the last of them is on its path
phase() {
	wait_for 20 "paths of $*" on_their_paths "$@" || die "not all guests have their path"
	sleep 2
	arrives "$@"
}
jain() { echo "$@" | awk '{ for (i = 1; i <= NF; i++) { s += $i; q += $i * $i } printf "%.3f\n", q ? s * s / (NF * q) : 0 }'; }
sum() { echo "$@" | awk '{ for (i = 1; i <= NF; i++) s += $i; print s }'; }
quotient() { awk -v a="$1" -v b="$2" 'BEGIN { printf "%.3f\n", b ? a / b : 0 }'; }

# two on VFs that send all they can, and four on the switch
for name in v1 v2 s1 s2 s3 s4; do send $name 40; done
phase v1 v2 s1 s2 s3 s4
timed jain_vf_and_software "$(jain $rates)" ">= 0.95"
timed "all of them together" "$(sum $rates)" ">= 33" Mbit/s
check_true "v1 has a share of the wire" [ "$(of_vif v1 share_kbps)" -gt 0 ]
stop_all

# weights, in both orders
for heavy in s1 v1; do
	rule $heavy weight 48
	send v1 45
	send s1 45
	phase v1 s1
	# shellcheck disable=SC2086 # several
	set -- $rates
	if [ $heavy = v1 ]; then set -- "$2" "$1"; fi
	timed "weight 48 of $heavy to 16, at least" "$(quotient "$2" "$1")" ">= 2.7"
	timed "weight 48 of $heavy to 16, at most" "$(quotient "$2" "$1")" "<= 3.3"
	xenstore-rm "$(back $heavy)/policy/weight"
	stop_all
done

# what one leaves is the others': of both kinds
for idle in v1 s1; do
	if [ $idle = v1 ]; then busy=s1; else busy=v1; fi
	send $idle 4
	send $busy 60
	phase $idle $busy
	# shellcheck disable=SC2086 # several
	set -- $rates
	timed "$idle, which sends little" "$1" ">= 3.6" Mbit/s
	timed "$busy has what it leaves" "$2" ">= 31" Mbit/s
	stop_all
done

# a guarantee holds against VFs
rule s1 guaranteed 3125,1000
for name in v1 v2 s1; do send $name 40; done
phase v1 v2 s1
# shellcheck disable=SC2086 # several
set -- $rates
timed "s1 with 25 Mbit/s guaranteed" "$3" ">= 23" Mbit/s
timed "v1 and v2 share the rest" "$(jain "$1" "$2")" ">= 0.95"
xenstore-rm "$(back s1)/policy/guaranteed"
stop_all

# nobody is held while the wire has room
send v1 12
send s1 12
phase v1 s1
# shellcheck disable=SC2086 # several
set -- $rates
check "share of v1 while the wire has room" "$(of_vif v1 share_kbps)" "== 0" kbit/s
timed "v1 while the wire has room" "$1" ">= 11" Mbit/s
timed "s1 while the wire has room" "$2" ">= 11" Mbit/s
stop_all
# rx-rate: the far side sends 20 Mbit/s to each
received() { show "$1" | python3 -c 'import json, sys; print(json.load(sys.stdin)["counters"]["rx_bytes"])'; }
for name in v1 s1; do
	rule $name rx-rate 62500,50000
	ip netns exec "$(ns net)" "$BIN/simguest-gen" --seconds 60 --size 1500 --rate 1667 --burst 8 if:far "$(domid $name)" \
		>"$SIM_LOGS/gen-far.txt" 2>>"$SIM_LOGS/gen.log" &
	senders="$senders $!"
	wait_for 20 "path of $name" on_their_paths $name || die "$name has not its path"
	sleep 2
	before=$(received $name) start=$EPOCHREALTIME
	sleep "$SECONDS_A_PHASE"
	after=$(received $name)
	mbps=$(awk -v b="$before" -v a="$after" -v s="$start" -v e="$EPOCHREALTIME" 'BEGIN { printf "%.2f", (a - b) * 8e-6 / (e - s) }')
	check "$name with an rx-rate of 10 Mbit/s, at most" "$mbps" "<= 10.5" Mbit/s
	timed "$name with an rx-rate of 10 Mbit/s, at least" "$mbps" ">= 9" Mbit/s
	xenstore-rm "$(back $name)/policy/rx-rate"
	stop_all
done
vifd_stop || true

# classes of the wire: class 5 has half of it at least, class 1 a quarter at most
vifd_start '[daemon]' "workers = $SIM_WORKERS" "run_dir = $VIFD_SIM/run" '' '[nic sim]' 'uplink = up0' 'devices = vf0 vf1' \
	"uplink_mbps = $WIRE" 'classes = dscp' 'class_min = 0,0,0,0,0,50' 'class_max = 100,25'
for name in v1 s1 s2 s3; do send $name 40; done
for name in v2 s4; do send $name 40 --tos $((5 << 5)); done
phase v1 s1 s2 s3 v2 s4
# shellcheck disable=SC2086 # several
set -- $rates
timed "class 5 of two guests, of which half of the wire is the least" "$(sum "$5" "$6")" ">= 17" Mbit/s
timed "v2 and s4 share the class" "$(jain "$5" "$6")" ">= 0.95"
timed "class 0 of four guests" "$(sum "$1" "$2" "$3" "$4")" ">= 15" Mbit/s
timed "v1, s1, s2 and s3 share the class" "$(jain "$1" "$2" "$3" "$4")" ">= 0.95"
stop_all
for name in v1 s1; do send $name 20 --tos $((1 << 5)); done
phase v1 s1
# shellcheck disable=SC2086 # several
set -- $rates
check "class 1, of which a quarter of the wire is the most" "$(sum "$1" "$2")" "<= 10.5" Mbit/s
timed "class 1, with room on the wire" "$(sum "$1" "$2")" ">= 8.5" Mbit/s
timed "v1 and s1 share the class" "$(jain "$1" "$2")" ">= 0.95"
stop_all
check_true "vifd lives" vifd_lives
vifd_stop && status=0 || status=$?
check "vifd exit status" $status "== 0"
