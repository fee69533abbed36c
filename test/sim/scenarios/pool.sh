# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
# VFs fail, disappear, or are needed by others: guests move by themselves, and their traffic continues
#
#     guests -- vifd --+-- vf0, vf1 (two VFs) ---- pf0, pf1 --+-- br0 10.77.0.1 in "host"
#                      +-- the switch -- up0 --------- eth0 --+
#     probe (in dom0) -------------------------------- pr0 ---+

export RUNTIME_DIRECTORY=$VIFD_SIM/run
VIFCTL=$SIM_TOP/$BUILD/vifctl
key() { xenstore-read "/local/domain/0/backend/vif/$(domid "$1")/0/$2" 2>/dev/null; }
path_is() { [ "$(key "$1" path)" = "$2" ]; }
key_is() { [ "$(key "$1" "$2")" = "$3" ]; }
rule() { xenstore-write "/local/domain/0/backend/vif/$(domid "$1")/0/policy/$2" "$3"; }
no_rule() { xenstore-rm "/local/domain/0/backend/vif/$(domid "$1")/0/policy/$2"; }
error_of() { key "$1" policy-error || true; }
guarantees() { key "$1" capability | grep -q "guaranteed=$2"; }
has_error() { [ -n "$(error_of "$1")" ]; }
has_no_error() { [ -z "$(error_of "$1")" ]; }

in_ns host ip link add br0 type bridge
in_ns host ip addr del 10.77.0.1/24 dev eth0
in_ns host ip link set eth0 master br0
in_ns host ip addr add 10.77.0.1/24 dev br0
in_ns host ip link set br0 up
wire vf0 pf0
wire vf1 pf1
wire probe pr0
in_ns dom0 ip link set probe up
vifd_start '[daemon]' 'log_level = debug' "workers = $SIM_WORKERS" "run_dir = $VIFD_SIM/run" '' '[nic sim]' 'uplink = up0' \
	'devices = vf0 vf1' 'assign = load' 'uplink_mbps = 1000'
vifd_real_time
events_start
for name in a b c; do guest_create $name; done

set_down() { in_ns dom0 ip link set "$vf" down; }
set_up() { in_ns dom0 ip link set "$vf" up; }
remove() { in_ns dom0 ip link del "$vf"; }
make_again() { wire "$vf" "pf${vf#vf}"; }
lose_link() { in_ns host ip link set "pf${vf#vf}" down; }
find_link() { in_ns host ip link set "pf${vf#vf}" up; }
find_all_links() { for port in eth0 pf0 pf1; do in_ns host ip link set $port up; done; }
# The kernel's events of links, and when "carrier" of guest a changed, with the time. Other frames by the netdev of
# a's VF, which do not pass vifd, tell for how long there was no wire
lose_all_links() {
	ip netns exec "$(ns dom0)" "$BIN/simguest-gen" --both --events --seconds 60 --rate 4000 --flow 8 "if:$vf" if:probe \
		>"$VIFD_SIM/wire.out" 2>>"$SIM_LOGS/gen.log" &
	other=$!
	real_time $other
	in_ns dom0 ip -ts monitor link >"$VIFD_SIM/links" &
	watcher=$!
	xenstore-watch -n 3 "/local/domain/0/backend/vif/$(domid a)/0/carrier" |
		while read -r _; do echo "${EPOCHREALTIME/./}"; done >"$VIFD_SIM/carrier" &
	sleep 0.2
	for port in eth0 pf0 pf1; do in_ns host ip link set $port down; done
}
# link_event WORD: when the kernel first said so of a's VF, in microseconds
link_event() { date -d "$(sed -n "s/^\[\([^]]*\)\].* ${vf}[@:].*[<,]$1[,>].*/\1/p" "$VIFD_SIM/links" | head -n 1)" +%s%6N; }
goes_to() { path_is a "$1" && key_is a carrier "$2"; }

# generate OPTION...: starts guest a, which runs until generated is called
generate() {
	ip netns exec "$(ns dom0)" "$BIN/simguest-gen" --events --seconds 120 --silences "$VIFD_SIM/silences" "$@" \
		>"$VIFD_SIM/gen.out" 2>>"$SIM_LOGS/gen.log" &
	generator=$!
	real_time $generator
}
generated() {
	kill -TERM $generator || true
	wait $generator || true
}

# stream CAUSE BREAK REPAIR PATH CARRIER [GAP]: sends numbered frames both ways between guest a and the wire. BREAK
# makes a's frames leave by PATH; REPAIR restores the VF; GAP as for numbers
stream() {
	local cause=$1
	generate --both --rate 4000 --size 64,590,1514 --drain 500 "$(domid a)" if:probe
	wait_for 30 "a on a VF" path_is a vf || true
	sleep 1
	vf=$(key a vf)
	$2
	check_true "${cause}: a is on $4, carrier $5" wait_for 15 "path $4, carrier $5" goes_to "$4" "$5"
	sleep 1
	$3
	check_true "${cause}: a is back on a VF" wait_for 30 "a on a VF" goes_to vf 1
	sleep 1
	numbers "$cause" "" "${6-}"
}

# How much longer frames were away that pass vifd, in that direction in which it is more
gap_beside_wire() {
	kill -TERM $other || true
	wait_for 5 "the other frames' numbers" grep -q 'from=if:probe.*silence_ms' "$VIFD_SIM/wire.out" || true
	cat "$VIFD_SIM/wire.out" >>"$SIM_LOGS/gen.log"
	sed -n 's/.*\bsilence_ms=\([^ ]*\).*/\1/p' "$VIFD_SIM/wire.out" "$VIFD_SIM/gen.out" |
		awk '{ ms[NR] = $1 } END { a = ms[3] - ms[1]; b = ms[4] - ms[2]; printf "%.1f\n", (a > b ? a : b) }'
}

# both KEY: the sum of both directions
both() { echo $(($(value "$1" 1) + $(value "$1" 2))); }

gap_of_a() { gap_of_moves "$(domid a).0"; }
longest_gap() { (value gap_ms 1; value gap_ms 2) | sort -n | tail -n 1; }

# numbers CAUSE [LOST] [GAP] [TARGET]: checks the frames; if hardware may lose some, LOST is empty and they are only recorded.
# GAP prints for how many ms frames were interrupted, for less than TARGET
numbers() {
	generated
	cat "$VIFD_SIM/gen.out" >>"$SIM_LOGS/gen.log"
	check "move_sim_$1_received" "$(both rx)" "> 2000" frames
	check "move_sim_$1_lost" "$(both lost)" "${2-}" frames
	check "move_sim_$1_duplicated" "$(both duplicated)" "== 0" frames
	check "move_sim_$1_reordered" "$(both reordered)" "== 0" frames
	figure "move_sim_$1_gap_ms" "$("${3:-gap_of_a}")" "${4-< 1}" ms
	detail "move_sim_$1_longest_gap_ms" "$(longest_gap)"
}

# Without a cause: how long the machine alone interrupts frames now and then
generate --both --rate 4000 --size 64,590,1514 --drain 500 "$(domid a)" if:probe
wait_for 30 "a on a VF" path_is a vf || true
sleep 2
numbers undisturbed "== 0" longest_gap ""

stream netdev_down set_down set_up software 1
stream numvfs0 remove make_again software 1
stream vf_link lose_link find_link software 1
stream pf_link lose_all_links find_all_links vf 0 gap_beside_wire
kill $watcher
figure "move_sim_pf_link_told_ms" "$((($(sed -n 2p "$VIFD_SIM/carrier") - $(link_event NO-CARRIER)) / 1000))" "< 20" ms
check "links whose change no event told of" "$(grep -c 'link has changed, and no event' "$SIM_LOGS/vifd.log" || true)" "== 0"

# two idle guests have the VFs; guest a, on the software path, is busy
guest_start b || die "guest b did not connect"
guest_start c || die "guest c did not connect"
wait_for 30 "b on a VF" path_is b vf || true
wait_for 30 "c on a VF" path_is c vf || true
generate --both --rate 4000 --size 64,590,1514 --drain 500 "$(domid a)" if:probe
check_true "deserving: a starts on the software path" wait_for 15 "a connected" path_is a software
(ping_lost b host 250 >"$VIFD_SIM/lost_b") &
pings=$!
check_true "deserving: busy a has a VF" wait_for 30 "a on a VF" path_is a vf
check "deserving: idle guests on VFs" "$(for g in b c; do key $g path; done | grep -c vf)" "== 1"
wait $pings || true
check "deserving: lost pings of b" "$(cat "$VIFD_SIM/lost_b")" "== 0"
numbers deserving "== 0"

# the admin's rules for single guests
rule b vf never
check_true "never: b is on the software path" wait_for 15 "b on software" path_is b software
rule b vf require
check_true "require: b has a VF" wait_for 15 "b on a VF" path_is b vf
rule c vf require
check_true "require: c has the other VF" wait_for 15 "c on a VF" path_is c vf
no_rule b vf
rule b guaranteed 50000,1000
check_true "guaranteed: 400 Mbit/s of 1000" wait_for 20 "the record of b" guarantees b 400000
check_true "guaranteed: nothing refused" has_no_error b
rule c guaranteed 100000,1000
check_true "guaranteed: another 800 are refused" wait_for 15 "policy-error" has_error c
check "guaranteed: reason" "$(error_of c)" "== guaranteed: 800000 kbit/s and the 400000 of others exceed the wire's 1000000"
no_rule c guaranteed
check_true "guaranteed: the error is gone" wait_for 15 "no policy-error" has_no_error c
rule b vf require
sleep 1.5 # on any machine: policy is read each second
check_true "require: both requirements are accepted" has_no_error b
generate --rate 10 "$(domid a)" -
wait_for 15 "a connected" path_is a software || true
rule a vf require
check_true "require: refused if no VF is left" wait_for 15 "policy-error" has_error a
check "require: reason" "$(error_of a)" "== vf: require: no VF left, 2 of 2 are required by other interfaces"
generated
check "pings lost at the end" "$(ping_lost b host 20)" "== 0"
guest_stop b && status=0 || status=$?
check "grants in use by guest b" $status "== 0"
guest_stop c && status=0 || status=$?
check "grants in use by guest c" $status "== 0"
vifd_stop && status=0 || status=$?
check "vifd exit status" $status "== 0"
