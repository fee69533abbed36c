# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash disable=SC2154 # variables of run and of the libraries that it sources
#
# What vifd is compared with: pairs of testpmd, front end on CPU 0 and back end on CPU 1.
#
#   peers_start PEER...       vhost (net_virtio_user, net_vhost), memif (net_memif, client and server), memif_zc (its client
#                             has zero-copy), long (vhost whose front end has buffers for 64 KiB)
#   peer_run PEER CASE        CASE is tx, rx or both and the bytes of a frame, as tx_64; prints million frames/s
#
# In tx and rx one of the two only sends and the other only receives. In both the back end forwards between its second
# device, net_null, and the front end, which sends back what it gets; frames of both directions count.

declare -A peer_front=() peer_back=()

peer_devices() {
	local memif="socket=$VIFD_SIM/$1.sock,socket-abstract=no"
	case $1 in
		memif*)
			peer_back[$1]=net_memif0,role=server,$memif
			peer_front[$1]=net_memif0,role=client,$memif ;;
		*)
			peer_back[$1]=net_vhost0,iface=$VIFD_SIM/$1.sock,queues=1
			peer_front[$1]=net_virtio_user0,path=$VIFD_SIM/$1.sock,queues=1 ;;
	esac
	[ "$1" != memif_zc ] || peer_front[$1]+=,zero-copy=yes
}

peer_is_connected() {
	case $1 in
		memif*) [ -S "$VIFD_SIM/$1.sock" ] ;;
		*) grep -q 'virtio is now ready' "$SIM_LOGS/testpmd-back-$1.log" ;;
	esac
}

peer_front_start() {
	local words=(-i --port-topology=chained --no-flush-rx --disable-link-check) eal=(-m 256)
	case $1 in
		long) words+=(--mbuf-size=65535 --total-num-mbufs=2048) ;;
		*) words+=(--total-num-mbufs=16384) ;;
	esac
	[ "$1" != memif_zc ] || eal+=(--single-file-segments)
	tp_start "front-$1" 0 -- "${eal[@]}" --vdev "${peer_front[$1]}" -- "${words[@]}"
}

peers_start() {
	local peer
	for peer in "$@"; do
		peer_devices "$peer"
		tp_start "back-$peer" 1 -- -m 256 --vdev "${peer_back[$peer]}" --vdev net_null0,size=64,copy=1 -- -i \
			--port-topology=chained --no-flush-rx --disable-link-check --total-num-mbufs=16384
	done
	tp_ready "${@/#/back-}"
	for peer in "$@"; do peer_front_start "$peer"; done
	tp_ready "${@/#/front-}"
	for peer in "$@"; do
		wait_for 10 "$peer's connection" peer_is_connected "$peer" || die "$peer did not connect"
		pin_worker "${tp_pid[front-$peer]}" 0
		pin_worker "${tp_pid[back-$peer]}" 1
		peer_run "$peer" tx_64 >/dev/null # touches the memory
	done
}

# peer_modes PEER CASE: both forward; sets $shows, the one that tells the figures
peer_modes() {
	local bytes=${2#*_} back=rxonly front=txonly ports=0
	shows=back-$1
	case ${2%_*} in
		rx) back=txonly front=rxonly shows=front-$1 ;;
		both) back=io front=io ports=0,1 shows=front-$1 ;;
	esac
	tp_say "back-$1" "set portlist $ports" "set fwd $back" "set txpkts $bytes"
	tp_say "front-$1" "set fwd $front" "set txpkts $bytes"
	if [ "$front" = txonly ]; then set -- "back-$1" "front-$1"; else set -- "front-$1" "back-$1"; fi
	tp_say "$1" start
	tp_say "$2" start
}

shown_since() { [ "$(nr_shown "$1")" -ge "$2" ]; }

# Testpmd divides the frames since it was last asked by the time since then.
peer_measure() {
	local shows shown
	peer_modes "$@"
	sleep 0.2
	shown=$(nr_shown "$shows")
	tp_say "$shows" 'show port stats 0'
	sleep "$(awk "BEGIN { print $window / 1000 }")"
	tp_say "$shows" 'show port stats 0'
	tp_say "front-$1" stop
	tp_say "back-$1" stop
	wait_for 5 "testpmd's figures" shown_since "$shows" $((shown + 2)) || return 1
	awk -v both="${2%_*}" '/Rx-pps:/ { rx = $2 } /Tx-pps:/ { tx = $2 }
		END { printf "%.3f\n", (rx + (both == "both" ? tx : 0)) / 1e6 }' "$SIM_LOGS/testpmd-$shows.log"
}

# Tries again, because the other side may not be ready for the first frames
peer_run() {
	local mpps i
	for i in 1 2 3; do
		mpps=$(peer_measure "$@") || return 1
		[ "$mpps" = 0.000 ] || break
	done
	echo "$mpps"
}
