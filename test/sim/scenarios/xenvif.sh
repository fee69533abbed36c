# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
# a front end as Windows' xenvif: closes before it connects, waits in a busy loop, is picky about what it receives
#
#     guest w (simguest-xenvif) --- vifd --- the switch -- up0 -- eth0 in "host"
#     guest b (as Linux) ----------

export RUNTIME_DIRECTORY=$VIFD_SIM/run
LISTED=224.0.0.1 OTHER=239.9.9.10 TOGGLES=6
back() { echo "/local/domain/0/backend/vif/$(domid w)/0"; }
front() { xenstore-read "/local/domain/$(domid w)/device/vif/0/$1" 2>/dev/null || echo none; }
counter() { timeout 20 "$SIM_TOP/$BUILD/vifctl" --json show "$(domid w).0" 2>>"$SIM_LOGS/vifctl.log" |
	python3 -c "import json, sys; print(json.load(sys.stdin)['counters'].get('$1', 0))"; }
back_is() { [ "$(xenstore-read "$(back)/state")" = "$1" ]; }
# of KEY: from what the guest said last
of() { sed -n "s/.*\b$1=\([^ ]*\).*/\1/p" "$SIM_LOGS/guest-w.log" | tail -1; }
toggled() { [ "$(grep -c '^toggled' "$SIM_LOGS/guest-w.log")" -ge "$1" ]; }
# heard GROUP: how many of 10 datagrams vifd hands to the guest
heard() {
	local before
	before=$(counter rx_packets)
	in_ns host python3 "$SIM_TOP/test/sim/groups.py" send 10 "$1"
	sleep 0.5
	echo $(($(counter rx_packets) - before))
}

vifd_start
guest_create w
guest_create b
guest_start b || die "guest b did not connect"
check_true "xenvif: InitWait before it is there" wait_for 5 InitWait back_is 2
ns_create w
ip netns exec "$(ns w)" "$BIN/simguest-xenvif" --toggles $TOGGLES "$(domid w)" >"$SIM_LOGS/guest-w.log" 2>&1 &
guest_pid[w]=$!
check_true "xenvif: connects after Closing and Closed" wait_for 15 "guest w" guest_is_ready w || true
in_ns w ip addr add "$(guest_ip w)/24" dev eth0
check "xenvif: its key of queues" "$(front multi-queue-num-queues)" "== 1"
check_true "xenvif: its flat keys" [ "$(front tx-ring-ref)" != none ]
check_true "xenvif: no keys of a queue" [ "$(front queue-0/tx-ring-ref)" = none ]
check "xenvif: lost pings" "$(ping_lost w host 20)" "== 0" frames
timed "xenvif: tcp out" "$(tcp_mbps w b 2)" "> 100" Mbit/s
timed "xenvif: tcp in" "$(tcp_mbps b w 2)" "> 100" Mbit/s
check "xenvif: aggregated frames that it sent" "$(counter tx_gso)" "> 100" frames
check "xenvif: aggregated frames that it was handed" "$(counter rx_gso)" "> 100" frames

# disabled and enabled as fast as it goes, each answer awaited in the busy loop
kill -USR1 "${guest_pid[w]}"
check_true "xenvif: disabled and enabled $TOGGLES times" wait_for 60 "the toggles" toggled 1
check "xenvif: error of that" "$(of error)" "== 0"
# a budget slows down who does so often; the real driver waits 120 s for each answer
timed "xenvif: longest of them" "$(of slowest_ms)" "< 5000" ms
check "xenvif: lost pings after that" "$(ping_lost w host 20)" "== 0" frames

# it does not notice that vifd is another one; its list of groups it does not send again
check "xenvif: datagrams to a group in its list" "$(heard $LISTED)" "== 10"
dropped=$(counter rx_drop_mcast)
check "xenvif: datagrams to a group not in its list" "$(heard $OTHER)" "== 0"
check "xenvif: those dropped" "$(($(counter rx_drop_mcast) - dropped))" ">= 10"
vifd_kill
vifd_start
check_true "xenvif: connected after kill -9 of vifd" wait_for 10 Connected back_is 4
check "xenvif: lost pings after that" "$(ping_lost w host 20)" "== 0" frames
check "xenvif: datagrams to a group in its list, after kill -9" "$(heard $LISTED)" "== 10"
check "xenvif: datagrams to a group not in its list, after kill -9" "$(heard $OTHER)" "== 0"
check "xenvif: lost pings between guests after kill -9" "$(ping_lost b w 20)" "== 0" frames

# disabled while nobody answers: it waits, with its processor busy, until vifd is there again
vifd_stop
kill -USR1 "${guest_pid[w]}"
sleep 1
check_true "xenvif: waits while vifd is stopped" eval '! toggled 2'
vifd_start
check_true "xenvif: answered by the vifd that came" wait_for 60 "the toggles" toggled 2
check "xenvif: error of that, vifd stopped" "$(of error)" "== 0"
check "xenvif: lost pings in the end" "$(ping_lost w host 20)" "== 0" frames
guest_stop w && status=0 || status=$?
check "xenvif: status (grants in use)" $status "== 0"
check "xenvif: aggregated frames that it took" "$(of aggregated)" "> 100" frames
check "xenvif: of them without data_validated" "$(of unvalidated)" "== 0" frames
check "xenvif: states in which Windows hangs" "$(of hangs)" "== 0"
check "xenvif: Closing written more than once for one close" "$(($(of closings) - $(of closes)))" "== 0"
check "xenvif: connections" "$(of connects)" "== $((1 + 2 * TOGGLES))"
check "xenvif: violations of the protocol" "$(of violations)" "== 0"
check_true "xenvif: vifd lives" vifd_lives
vifd_stop && status=0 || status=$?
check "vifd exit status" $status "== 0"
