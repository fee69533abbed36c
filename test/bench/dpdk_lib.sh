# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash disable=SC2154 # variables of dpdk and of the libraries that it sources
#
# Two systems with the same application in the guest, testpmd. NIC is tx (a NIC without frames) or the size of the
# frames that it receives for ever.
#
#   session_start vifd|vhost NIC GUESTS [QUEUES]   back end, guests g1, g2 ... and their testpmd
#   session_stop              its $figures are complete; $apart is how many ns a cache line took from CPU to CPU and back
#                             when it began, or FROM-TO if that was not the same when it ended
#   mpps MODE KEY [BYTES]     every guest forwards in MODE (macswap, rxonly, txonly); sum of Rx or Tx over the guests
#   waits MODE                the same, without figures: percent of the polls at which g1 finds nothing, or for txonly of
#                             the bursts without room
#
# With $sender, granted or own, the guests' application is bench-sender with such a pool.

guests= running= priority= apart= guest_program=dpdk-testpmd

nic_of() {
	case $1 in
		tx) echo "net_null$2,no-rx=1" ;;
		*) echo "net_pcap$2,rx_pcap=$VIFD_SIM/g$2-$1.pcap,infinite_rx=1" ;;
	esac
}

mac_of() { printf '00:16:3e:00:01:%02x' "$1"; }

# --- DPDK's vhost-user -----------------------------------------------------------------------------

vhost_start() {
	local nic=$1 nr=$2 n devices=()
	for ((n = 1; n <= nr; n++)); do
		devices+=(--vdev "$(nic_of "$nic" $n)" --vdev "net_vhost$n,iface=$VIFD_SIM/vhost$n.sock,queues=1")
	done
	tp_start back 1 -- -m $((128 + 64 * nr)) "${devices[@]}" -- -i --port-topology=paired --no-flush-rx \
		--total-num-mbufs=$((4096 + 4096 * nr))
	tp_ready back
	for ((n = 1; n <= nr; n++)); do
		tp_program=$guest_program tp_start "g$n" 0 -- -m 128 --vdev "net_virtio_user0,path=$VIFD_SIM/vhost$n.sock,queues=1,mac=$(mac_of $n)" \
			-- "${guest_words[@]}"
	done
	# shellcheck disable=SC2086
	tp_ready $guests
	wait_for 10 "virtio_user's connections" vhost_connected "$nr" || die "virtio_user did not connect"
	tp_say back 'set fwd io' start
}

vhost_connected() { [ "$(grep -c 'virtio is now ready' "$SIM_LOGS/testpmd-back.log")" -ge "$1" ]; }

# --- vifd ------------------------------------------------------------------------------------------

driver() { ls "$SIM_TOP/$BUILD"/frontend/dpdk/librte_net_xenfront.so.* 2>/dev/null | head -n 1; }

on_device() {
	[ "$(xenstore-read "/local/domain/0/backend/vif/$1/0/path" 2>/dev/null)" = vf ] &&
		timeout 20 "$SIM_TOP/$BUILD/vifctl" --json show "$1.0" 2>/dev/null | grep -q '"move": *"none"'
}

# guest_testpmd NAME DOMID WORD... -- ARGUMENT...: testpmd as that domain, with the driver and the simulated Xen
guest_testpmd() {
	local name=$1 dom=$2 words=()
	shift 2
	while [ "$1" != -- ]; do words+=("$1"); shift; done
	shift
	mkdir -p "$VIFD_SIM/run-$name"
	tp_program=$guest_program tp_start "$name" 0 "${words[@]}" VIFD_SIM_DOMID="$dom" XENSTORED_PATH="$VIFD_SIM/xs/$dom.sock" \
		RUNTIME_DIRECTORY="$VIFD_SIM/run-$name" LD_LIBRARY_PATH="$BIN/lib" -- -m 128 -d "$(driver)" --vdev net_xenfront0,vif=0 "$@"
}

vifd_session() {
	local nic=$1 nr=$2 n config=()
	for ((n = 1; n <= nr; n++)); do
		config+=("[nic nic$n]" 'uplink = none' "vdev = $(nic_of "$nic" $n)")
	done
	vifd_start '[daemon]' "workers = $SIM_WORKERS" "memory_mb = $((256 + 32 * nr))" "run_dir = $VIFD_SIM/run" "${config[@]}"
	for ((n = 1; n <= nr; n++)); do
		guest_create "g$n" bridge="nic$n" mac="$(mac_of $n)" || die "guest $n was not created"
		guest_testpmd "g$n" "${guest_dom[g$n]}" -- -- "${guest_words[@]}"
	done
	# shellcheck disable=SC2086
	tp_ready $guests
	# a move ends sooner if the guest takes what arrives
	for ((n = 1; n <= nr; n++)); do tp_say "g$n" 'set fwd rxonly' start; done
	for ((n = 1; n <= nr; n++)); do
		wait_for 10 "guest $n on its NIC" on_device "${guest_dom[g$n]}" || die "guest $n is not on its NIC"
	done
	for ((n = 1; n <= nr; n++)); do tp_say "g$n" stop; done
	pin_worker "$vifd_pid" 1
}

# --- both ------------------------------------------------------------------------------------------

# With several guests on one CPU, these take turns as the kernel has them, so they are not real-time.
session_start() {
	local n nic=$2 nr=$3 queues=${4:-1} word
	rm -f "$figures.session"
	running=$1 guests= priority= apart=$("$BIN/bench-apart")
	[ "$nr" = 1 ] || priority=normal
	for ((n = 1; n <= nr; n++)); do
		guests="$guests g$n"
		[ "$nic" = tx ] || "$here/frames" "$VIFD_SIM/g$n-$nic.pcap" "$nic" "$(mac_of $n)"
	done
	guest_program=dpdk-testpmd
	guest_words=(-i --port-topology=loop --no-flush-rx --disable-link-check --total-num-mbufs=8192 --rxq="$queues" --txq="$queues")
	[ -z "${sender:-}" ] || { guest_program=$BIN/bench-sender guest_words=("$sender"); }
	case $running in
		vhost) vhost_start "$nic" "$nr"
			pin_worker "${tp_pid[back]}" 1 ;;
		vifd) vifd_session "$nic" "$nr" ;;
	esac
	for word in $guests; do pin_worker "${tp_pid[$word]}" 0 $priority; done
}

session_stop() {
	local name
	tp_stop
	if [ "$running" = vifd ]; then
		for name in "${!guest_dom[@]}"; do simctl destroy "${guest_dom[$name]}" >/dev/null || true; done
		vifd_stop || die "vifd ended with status $?"
		guest_dom=() guest_number=()
	fi
	running=
	apart=$(apart_since "$apart")
	[ ! -e "$figures.session" ] || sed "s/$/ $apart/" "$figures.session" >>"$figures"
	rm -f "$figures.session"
}

all_shown() {
	local name
	for name in $guests; do
		[ "$(nr_shown "$name")" -ge $((${shown[$name]} + 2)) ] || return 1
	done
}

# Testpmd divides the frames since it was last asked by the time since then.
mpps() {
	local mode=$1 key=$2 name
	local -A shown=()
	for name in $guests; do
		tp_say "$name" "set fwd $mode" ${3:+"set txpkts $3"} start
		shown[$name]=$(nr_shown "$name")
	done
	sleep 0.3
	for name in $guests; do tp_say "$name" "show port stats 0"; done
	sleep "$(awk "BEGIN { print $window / 1000 }")"
	for name in $guests; do tp_say "$name" "show port stats 0"; done
	for name in $guests; do tp_say "$name" stop; done
	wait_for 20 "testpmd's figures" all_shown || return 1
	for name in $guests; do
		awk -v k="$key-pps:" '{ for (i = 1; i < NF; i++) if ($i == k) pps = $(i + 1) } END { print pps }' \
			"$SIM_LOGS/testpmd-$name.log"
	done | awk '{ sum += $1 } END { printf "%.3f\n", sum / 1e6 }'
}

nr_bursts() { grep -ac -e '-bursts : ' "$SIM_LOGS/testpmd-g1.log" || true; }
bursts_shown() { [ "$(nr_bursts)" -gt "$1" ]; }

waits() {
	local before name key=RX
	before=$(nr_bursts)
	[ "$1" != txonly ] || key=TX
	tp_say g1 'set record-burst-stats on'
	for name in $guests; do tp_say "$name" "set fwd $1" start; done
	sleep 0.2
	for name in $guests; do tp_say "$name" stop; done
	tp_say g1 'set record-burst-stats off'
	wait_for 20 "testpmd's bursts" bursts_shown "$before" || return 1
	grep -a -e "$key-bursts : " "$SIM_LOGS/testpmd-g1.log" | tail -n 1 |
		awk '{ for (i = 1; i < NF; i++) if ($(i + 1) == "of" && $(i + 2) == 0) zero = $i } END { print zero + 0 }' FS='[][ %]+'
}
