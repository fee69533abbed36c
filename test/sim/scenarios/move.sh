# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
# a guest moves between its own device and the software path, under traffic
#
#     guest a -- vifd --+-- vf0, vf1 (its own devices, in place of VFs) ----------+-- br0 10.77.0.1 in "host"
#     guest b --        +-- the switch -- up0 ---------------------------- eth0 --+

export RUNTIME_DIRECTORY=$VIFD_SIM/run
VIFCTL=$SIM_TOP/$BUILD/vifctl
PINGS=4000 # one every 2 ms
ctl() { timeout 20 "$VIFCTL" "$@" 2>>"$SIM_LOGS/vifctl.log"; }
path() { xenstore-read "/local/domain/0/backend/vif/$A/0/path"; }
path_is() { [ "$(path)" = "$1" ]; }
record_says() { xenstore-read "/local/domain/0/backend/vif/$A/0/capability" | grep -q "path=$1 "; }
generation() { xenstore-read "/local/domain/0/backend/vif/$A/0/capability" | sed -n 's/.*generation=\([0-9]*\).*/\1/p'; }
seconds_of() { sed -n 's/.*"seconds": *\([0-9.]*\).*/\1/p'; }

# device NAME: adds a wire to the host, for one vif
device() {
	ip link add "$1$SIM_ID" type veth peer name "p$1$SIM_ID"
	ip link set "$1$SIM_ID" netns "$(ns dom0)" name "$1"
	ip link set "p$1$SIM_ID" netns "$(ns host)" name "p$1"
	in_ns dom0 ip link set "$1" up mtu 1500
	in_ns dom0 ethtool -K "$1" gro off tx off >/dev/null
	in_ns host ethtool -K "p$1" tx off gso off tso off gro off >/dev/null
	in_ns host ip link set "p$1" master br0 up
}

wires() {
	in_ns host ip link add br0 type bridge
	in_ns host ip addr del 10.77.0.1/24 dev eth0
	in_ns host ip link set eth0 master br0
	in_ns host ip addr add 10.77.0.1/24 dev br0
	in_ns host ip link set br0 up
	device vf0
	device vf1
}

# Prints how many answers are missing, and how many came twice
pinged() {
	awk '/transmitted/ { for (i = 1; i < NF; i++) { if ($(i + 1) ~ /^packets/) sent = $i
		if ($(i + 1) ~ /^received/) got = $i
		if ($(i + 1) ~ /^duplicates/) twice = substr($i, 2) } print sent - got, twice + 0 }' "$VIFD_SIM/pings"
}

wires
vifd_start '[daemon]' 'log_level = debug' "workers = $SIM_WORKERS" "run_dir = $VIFD_SIM/run" '' '[nic sim]' 'uplink = up0' 'devices = vf0 vf1'
guest_create a
guest_start a || die "guest a did not connect"
A=$(domid a)
wait_for 10 "a device of its own" path_is vf || die "a has no device of its own"
wait_for 10 "its record" record_says vf || true
before=$(generation)
check "pings lost before the moves" "$(ping_lost a host 50)" "== 0"

guest_run a ping -n -q -i 0.002 -s 600 -W 1 -c $PINGS "$(guest_ip host)" >"$VIFD_SIM/pings" 2>&1 &
pings=$!
tcp_mbps a host 7 -b 50M >"$VIFD_SIM/tcp" &
tcp=$!
sleep 1
figure "time to move to software" "$(ctl --json move "$A.0" software | seconds_of)" "< 3" s
check_true "the vif is on software" path_is software
check_true "the record says software" wait_for 5 "the record" record_says software
sleep 1
figure "time to move to the device" "$(ctl --json move "$A.0" vf | seconds_of)" "< 3" s
check_true "the vif is on the device" path_is vf
check_true "the record says vf" wait_for 5 "the record" record_says vf
check "records written for two moves" "$(($(generation) - before))" "== 2"
ctl --json show "$A.0" >"$SIM_LOGS/show.json"
wait $pings || true
wait $tcp
read -r lost twice < <(pinged)
timed "pings lost during two moves" "$lost" "== 0"
timed "pings answered twice" "$twice" "== 0"
check "tcp during two moves" "$(cat "$VIFD_SIM/tcp")" "> 2" Mbit/s

# ten quick moves: nothing breaks, and at most one record is written each second
before=$(generation)
start=$SECONDS
for _ in 1 2 3 4 5; do
	ctl move "$A.0" software >/dev/null
	ctl move "$A.0" vf >/dev/null
done
check "records written for ten moves" "$(($(generation) - before))" "<= $((SECONDS - start + 1))"
check "pings lost after ten moves" "$(ping_lost a host 50)" "== 0"

# numbered frames of all sizes both ways, while the vif moves: each arrives once and in order. A port holds all
# frames under way, so none is lost while a busy machine makes vifd wait.
guest_create b
B=$(domid b)
b_is_on() { [ "$(xenstore-read "/local/domain/0/backend/vif/$B/0/$1" 2>/dev/null)" = "$2" ]; }
ip netns exec "$(ns host)" "$BIN/simguest-gen" --events --window 256 --rate 4000 --seconds 100 --size 64,128,594,1500 --both \
	--silences "$VIFD_SIM/silences" "$B" if:br0 >"$VIFD_SIM/stream" 2>>"$SIM_LOGS/gen.log" &
stream=$!
real_time $stream
vifd_real_time
events_start
wait_for 10 "guest b on a device of its own" b_is_on path vf || true
device_before=$(xenstore-read "/local/domain/0/backend/vif/$B/0/vf")
# a device becomes free a moment after its vif has left it
ctl move "$A.0" software >/dev/null
ctl move "$B.0" other >/dev/null
check_true "guest b has the other device" b_is_on vf "$([ "$device_before" = vf0 ] && echo vf1 || echo vf0)"
for _ in 1 2 3; do
	ctl move "$B.0" software >/dev/null
	ctl move "$B.0" vf >/dev/null
done
check_true "the stream continued meanwhile" kill -0 $stream
kill -TERM $stream || true
wait $stream || true
of_stream() { awk -v key="$1" '{ for (i = 1; i <= NF; i++) if (index($i, key "=") == 1) { v = substr($i, length(key) + 2)
	sum += v; if (v > max) max = v } } END { print key == "gap_ms" ? max : sum + 0 }' "$VIFD_SIM/stream"; }
check "frames of the stream" "$(of_stream rx)" "> 10000"
check "move_sim_admin_lost" "$(of_stream lost)" "== 0"
check "move_sim_admin_duplicated" "$(of_stream duplicated)" "== 0"
check "move_sim_admin_reordered" "$(of_stream reordered)" "== 0"
figure "move_sim_admin_gap_ms" "$(gap_of_moves "$B.0")" "< 1" ms
detail "move_sim_admin_longest_gap_ms" "$(of_stream gap_ms)"
longest() { sed -n "s/.*has left .*$1 \([0-9]*\) us.*/\1/p" "$SIM_LOGS/vifd.log" | sort -n | tail -n 1; }
figure "longest pause in sending" "$(longest "sending paused")" "< 1000" us
figure "longest wait of a received frame" "$(longest waited)" "< 1000" us
cp "$VIFD_SIM/stream" "$SIM_LOGS/stream.txt"
guest_destroy b

# from devices with long frames to an uplink without: vifd segments what the guest still sends
for n in 0 1; do
	in_ns dom0 ip link set "vf$n" mtu 4000
	in_ns host ip link set "pvf$n" mtu 4000
done
in_ns host ip link set br0 mtu 4000
in_ns a ip link set eth0 mtu 4000
long_frames() { [ "$(in_ns host ping -c 1 -W 1 -M "do" -s 3800 "$(guest_ip a)" | grep -c '1 received')" = 1 ]; }
ctl set "$A.0" mtu=4000 >/dev/null
ctl move "$A.0" vf >/dev/null
check_true "mtu: the record has the device's mtu" wait_for 5 "the record" record_says "vf .* mtu=4000"
check_true "mtu: long frames pass on the device" wait_for 10 "an answer" long_frames
tcp_mbps a host 6 -b 30M >"$VIFD_SIM/tcp" &
tcp=$!
sleep 1
ctl move "$A.0" software >/dev/null
check_true "mtu: the record has the uplink's mtu" wait_for 5 "the record" record_says "software .* mtu=1500"
wait $tcp
check "mtu: tcp of long frames on software" "$(cat "$VIFD_SIM/tcp")" "> 20" Mbit/s
# the host's answers are too long for this wire, but the host has reassembled the requests
reassembled() { in_ns host awk '$1 == "Ip:" { if (at) print $at; for (i = 1; i <= NF; i++) if ($i == "ReasmOKs") at = i }' /proc/net/snmp; }
before=$(reassembled)
in_ns a ping -q -c 20 -i 0.01 -W 1 -M dont -s 3000 "$(guest_ip host)" >/dev/null || true
check "mtu: reassembled packets that may be fragmented" "$(($(reassembled) - before))" "== 20"
guest_stop a && status=0 || status=$?
check "grants in use by guest a" $status "== 0"
guest_destroy a
check_true "vifd lives" vifd_lives
vifd_stop && status=0 || status=$?
check "vifd exit status" $status "== 0"
