# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
# capabilities are lost and gained under traffic: an aware guest follows, a stock guest notices nothing

export RUNTIME_DIRECTORY=$VIFD_SIM/run
VIFCTL=$SIM_TOP/$BUILD/vifctl
back() { echo "/local/domain/0/backend/vif/$(domid "$1")/0"; }
rule() { xenstore-write "$(back "$1")/policy/$2" "$3"; }
no_rule() { xenstore-rm "$(back "$1")/policy/$2"; }
record_says() { xenstore-read "$(back "$1")/capability" | grep -q -- "$2"; }
counter() { timeout 20 "$VIFCTL" --json show "$(domid "$1").0" 2>>"$SIM_LOGS/vifctl.log" |
	python3 -c "import json, sys; print(json.load(sys.stdin)['counters'].get('$2', 0))"; }
generation() { xenstore-read "$(back "$1")/capability" | sed -n 's/.*generation=\([0-9]*\).*/\1/p'; }
acked() { xenstore-read "/local/domain/$(domid "$1")/device/vif/0/capability-ack"; }
is_acked() { [ "$(generation "$1")" = "$(acked "$1")" ]; }
# follows GUEST WORD: the record has WORD and the guest has acknowledged it
follows() { wait_for 10 "$2 in the record of $1" record_says "$1" "$2" && wait_for 10 "its acknowledgement" is_acked "$1"; }
above() { [ "$(counter "$1" "$2")" -gt "$3" ]; }
# grows GUEST COUNTER: it grows within 10 s, which a slow machine may need. rests: not within half a second
grows() { wait_for 10 "more $2 of $1" above "$1" "$2" "$(counter "$1" "$2")"; }
rests() { local before; before=$(counter "$1" "$2"); sleep 0.5; ! above "$1" "$2" "$before"; }
gained=0 gains=0 lost=0 losses=0
gain() { gains=$((gains + 1)); check_true "$1" "${@:2}"; holds_last && gained=$((gained + 1)) || true; }
lose() { losses=$((losses + 1)); check_true "$1" "${@:2}"; holds_last && lost=$((lost + 1)) || true; }
# shellcheck disable=SC2154 # lib.sh's
holds_last() { [[ $checks_json == *'"ok": true}' ]]; }

vifd_start '[daemon]' "workers = $SIM_WORKERS" 'max_queues = 4' "run_dir = $VIFD_SIM/run" '' '[nic sim]' 'uplink = up0'
for name in a b c d; do guest_create $name; done
guest_start a --aware || die "guest a did not connect"
guest_start b || die "guest b did not connect"

# checksum and TSO: TCP between an aware guest and a stock guest
ip netns exec "$(ns b)" iperf3 -s >"$SIM_LOGS/iperf3-server.log" 2>&1 &
server=$!
wait_for 5 "iperf3's server" guest_run b sh -c 'ss -ltn | grep -q :5201' || true
ip netns exec "$(ns a)" iperf3 -c "$(guest_ip b)" -t 60 -b 40M >"$SIM_LOGS/iperf3-client.log" 2>&1 &
client=$!
follows a "tx-offloads=csum4,csum6,tso4" || true
sleep 1
gain "tso: used" grows a tx_gso
gain "checksum: left to vifd" grows a tx_csum_blank
rule a offload checksum
check_true "tso: the loss is acknowledged" follows a "tx-offloads=csum4,csum6,sg"
sleep 0.5
lose "tso: no longer used" rests a tx_gso
check_true "tso: checksums are still left to vifd" grows a tx_csum_blank
rule a offload none
check_true "checksum: the loss is acknowledged" follows a "tx-offloads=sg"
sleep 0.5
lose "checksum: no longer left to vifd" rests a tx_csum_blank
check_true "tcp continues" grows a tx_packets
no_rule a offload
check_true "both: the gain is acknowledged" follows a "tx-offloads=csum4,csum6,tso4"
sleep 0.5
gain "tso: used again" grows a tx_gso
gain "checksum: left to vifd again" grows a tx_csum_blank
# b does not know the exchange: it receives complete frames, and its own frames are still handled correctly
lose "rx: a stock guest gets unsegmented TCP" grows b rx_gso
rule b offload none
wait_for 5 "b's record" record_says b "rx-offloads=sg" || true
sleep 0.5
lose "rx: then a stock guest gets segments with checksums" rests b rx_gso
check_true "rx: tcp continues" grows b rx_packets
kill "$client" "$server"
wait "$client" "$server" 2>/dev/null || true
ip netns exec "$(ns b)" iperf3 -s >>"$SIM_LOGS/iperf3-server.log" 2>&1 &
server=$!
wait_for 5 "iperf3's server" guest_run b sh -c 'ss -ltn | grep -q :5201' || true
guest_run a iperf3 -R -c "$(guest_ip b)" -t 3 -b 40M >>"$SIM_LOGS/iperf3-client.log" 2>&1 &
client=$!
sleep 1
lose "emulated: a stock guest still leaves segmentation to vifd" grows b tx_gso
wait "$client" && status=0 || status=$?
check "emulated: status of its TCP client" $status "== 0"
kill "$server" 2>/dev/null || true

# static grants, queues and mtu, numbered frames between two aware guests
ip netns exec "$(ns dom0)" "$BIN/simguest-gen" --aware --both --events --static --queues 2 --flows 8 --rate 2000 --window 192 \
	--size 64,590,1514 --seconds 90 --drain 500 "$(domid c)" "$(domid d)" >"$VIFD_SIM/gen.out" 2>>"$SIM_LOGS/gen.log" &
generator=$!
wait_for 10 "c connected" record_says c "queues=4" || true
follows c "static-grants=[1-9]" || true
gain "static grants: used" grows c tx_static
rule c static-grants 0
check_true "static grants: the loss is acknowledged" follows c "static-grants=0"
lose "static grants: no longer used" rests c tx_static
check_true "static grants: frames still pass" grows c tx_packets
no_rule c static-grants
check_true "static grants: the gain is acknowledged" follows c "static-grants=[1-9]"
gain "static grants: used again" grows c tx_static
of_queue() { timeout 20 "$VIFCTL" --json show "$(domid c).0" | python3 -c "
import json, sys; print(json.load(sys.stdin)['queue_counters'][1].get('tx_packets', 0))"; }
queue_grows() { local before; before=$(of_queue); sleep 0.5; [ "$(of_queue)" -gt "$before" ]; }
queue_rests() { ! queue_grows; }
gain "queues: both are used" queue_grows
rule c queues 1
check_true "queues: the loss is acknowledged" follows c "queues=1"
lose "queues: the second is no longer used" queue_rests
no_rule c queues
check_true "queues: the gain is acknowledged" follows c "queues=4"
gain "queues: both are used again" queue_grows
rule c mtu 1000
check_true "mtu: the loss is acknowledged" follows c "mtu=1000"
sleep 0.3
lose "mtu: no longer frames are sent" rests c tx_drop_mtu
before=$(counter c tx_drop_mtu)
no_rule c mtu
check_true "mtu: the gain is acknowledged" follows c "mtu=1500"
# the generator takes a moment to give up frames that were all dropped
gain "mtu: longer frames pass" grows c tx_packets
check "mtu: frames dropped before and after" "$(counter c tx_drop_mtu)" "== $before"
drops() { timeout 20 "$VIFCTL" --json show "$(domid "$1").0" | grep -oE '"[a-z0-9_]*_drop_[a-z0-9_]*": *[1-9][0-9]*' | sort -u | tr -d '"' | tr '\n' ' '; }
switch_drops() { timeout 20 "$VIFCTL" --json nics | grep -oE '"drop_[a-z_]*": *[1-9][0-9]*' | tr -d '"' | tr '\n' ' '; }
say "dropped of c's: $(drops c); of d's: $(drops d); by the switch: $(switch_drops)"
kill "$generator"
wait "$generator" && status=0 || status=$?
cat "$VIFD_SIM/gen.out"
check "status of the generator" $status "== 0"
# policy drops longer frames between the smaller mtu and its acknowledgement
check "lost for other reasons than mtu, c to d" $(($(value lost 1) - before)) "== 0" frames
check "lost, d to c" "$(value lost 2)" "== 0" frames
check "duplicated" $(($(value duplicated 1) + $(value duplicated 2))) "== 0" frames
check "violations" $(($(value violations 1) + $(value violations 2))) "== 0"
check gained_applied "$gained" "== $gains"
check lost_emulated "$lost" "== $losses"
guest_stop a && status=0 || status=$?
check "grants in use by guest a" $status "== 0"
guest_stop b && status=0 || status=$?
check "grants in use by guest b" $status "== 0"
check_true "vifd lives" vifd_lives
vifd_stop && status=0 || status=$?
check "vifd exit status" $status "== 0"
