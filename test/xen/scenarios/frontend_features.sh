#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# The guest module's features beyond the checks of a cell: ethtool, XDP, a misbehaving back end, devlink.
#
# Runs on xen-netback, or with --set FRONT_BACKEND=vifd on vifd's software switch.
. /bed/lib.sh
: "${FRONT_MB:=4}"
: "${FRONT_BACKEND:=netback}"
if [ $FRONT_BACKEND = vifd ]; then
	. /bed/scenarios/frontend_vifd_lib
else
	. /bed/scenarios/frontend_lib
	BED_KEYS=bridge=xenbr0,script=vif-bridge
fi

stat_of() { guest_run g1 "ethtool -S eth0 | awk '\$1 == \"$1:\" { print \$2 }'"; }
sum_of() { guest_run g1 "ethtool -S eth0 | awk '\$1 ~ /$1:/ { n += \$2 } END { print n + 0 }'"; }

# Sends more frames than a ring holds to an address without owner
FLOOD="$IP neighbour replace 10.0.2.99 lladdr 00:16:3e:99:99:99 dev eth0
	bash -c 'for i in {1..400}; do echo >/dev/udp/10.0.2.99/9; done'"

# --- ethtool --------------------------------------------------------------------------------------------------

# Sets another table and key through the control ring: traffic continues, and frames carry the hash.
rss()
{
	guest_run g1 "ethtool -X eth0 equal 2 && ethtool -X eth0 weight 1 3 && ethtool -x eth0" | grep -q 'with 2 RX' &&
		[ "$(ping_lost g1 "$PEER" 10)" = 0 ] && small_in g1 "$SERVER_IP"
}

channels()
{
	local count='ls -d /sys/class/net/eth0/queues/tx-* | wc -l'

	[ "$(guest_run g1 "$count")" = 2 ] &&
		[ "$(guest_run g1 "ethtool -L eth0 combined 1; $count")" = 1 ] && small_both g1 "$SERVER_IP" &&
		[ "$(guest_run g1 "ethtool -L eth0 combined 2; $count")" = 2 ] &&
		! guest_run g1 "ethtool -L eth0 combined 3" >/dev/null
}

coalesce()
{
	guest_run g1 "ethtool -C eth0 rx-usecs 50 rx-frames 16 && ethtool -c eth0" |
		grep -q '^rx-usecs:[[:space:]]*50$' && small_both g1 "$SERVER_IP" &&
		! guest_run g1 "ethtool -C eth0 rx-usecs 10001" >/dev/null
}

# stream_in OPTION...: iperf3 sends to the guest; it tries again if the server is still busy
stream_in()
{
	guest_run g1 "for i in 1 2 3 4 5; do
		! iperf3 -c $OUTSIDE -p $((BED_IPERF_PORT + 1)) -R $* >/dev/null 2>&1 || break; sleep 1; done"
}

# events_of_stream US FRAMES: counts events for 3 s of small frames. vifd delays events at the guest's request; with
# other back ends the guest delays them itself.
events_of_stream()
{
	local before

	guest_run g1 "ethtool -C eth0 rx-usecs $1 rx-frames $2"
	[ $FRONT_BACKEND = netback ] || wait_for 60 "$1 us in the back end's record" moderates "$1" >&2
	before=$(sum_of _events)
	stream_in -u -b 4M -l 100 -t 3
	echo $(($(sum_of _events) - before))
}
moderates() { [[ $(vif_key g1 capability) == *" coalesce-rx-us=$1 "*"features=coalesce"* ]]; }

# At least 10 ms or 128 of the 15000 frames between two events, on a machine of any speed; a machine that delivers
# frames in bursts needs fewer events.
moderated()
{
	local without from with most frames=0

	[ $FRONT_BACKEND = vifd ] || frames=128
	without=$(events_of_stream 0 0)
	from=$SECONDS with=$(events_of_stream 10000 $frames)
	most=$(((SECONDS - from + 1) * 100 + frames))
	figure moderation_events_without "$without" "" events
	check moderation_events_at_10_ms "$with" "<= $most"
	guest_run g1 "ethtool -C eth0 rx-usecs 0"
}

# DIM changes the delay while frames arrive, and stops when it is turned off.
adaptive()
{
	local seen

	guest_run g1 "ethtool -C eth0 adaptive-rx on" || return 1
	seen=$(guest_run g1 "iperf3 -c $OUTSIDE -p $((BED_IPERF_PORT + 1)) -R -t 6 >/dev/null 2>&1 &
		for i in \$(seq 50); do ethtool -S eth0 | awk '/_rx_delay_us:/ { print \$2 }'; sleep 0.1
		done | sort -n | uniq | tr '\n' ' '; wait")
	say "DIM chose delays of $seen us"
	seen=${seen% } # sorted, so the last one is the largest that DIM chose
	[ $FRONT_BACKEND = netback ] || wait_for 60 "DIM's choice in the guest's record" records_delay || return 1
	guest_run g1 "ethtool -C eth0 adaptive-rx off rx-usecs 0" &&
		[ "$(echo "$seen" | wc -w)" -gt 1 ] && [ "${seen##* }" -le 128 ]
}
records_delay() { [[ $(front_key g1 capability) == *" coalesce-rx-us=$(stat_of q0_rx_delay_us) "* ]]; }

# --- requests of the guest to its host ---------------------------------------------------------------------------

requests() { vifctl show "$(guest_domid g1).0" | sed -n "s/^ *requests_$1 *//p"; }
asks() { [[ "$(front_key g1 capability) " == *" $1 "* ]]; }
answered() { [[ "$(vif_key g1 capability) " == *" $1 "* ]]; }
is_refused() { [ "$(requests refused)" -gt "$1" ]; }
no_policy() { xenstore-rm "/local/domain/0/backend/vif/$(guest_domid g1)/0/policy/$1"; }
guest_can() { [ "$(guest_run g1 "$1 2>/dev/null && echo yes")" = yes ]; }

# Counts how many of 100 frames that g2 sends to ADDRESS with MAC reach g1.
reached_by()
{
	local packets='cat /sys/class/net/eth0/statistics/rx_packets' before

	before=$(guest_run g1 "$packets")
	guest_run g2 "$IP neighbour replace $1 lladdr $2 dev eth0
		bash -c 'for i in {1..100}; do echo >/dev/udp/$1/9; done'" >/dev/null
	echo $(($(guest_run g1 "sleep 1; $packets") - before))
}
to_nobody() { reached_by 10.0.2.98 02:00:00:00:00:98; }
to_a_group() { reached_by 10.0.2.97 01:00:5e:01:01:01; }

wish_promiscuous()
{
	guest_run g1 "$IP link set eth0 promisc on"
	check requests_promiscuous_not_allowed "$(to_nobody)" "<= 30"
	policy g1 guest-promiscuous 1
	check_true requests_promiscuous wait_for 60 "flags=2 in the guest's record" asks flags=2
	check_true requests_promiscuous_granted wait_for 60 "flags=2 in the back end's record" answered flags=2
	check_true requests_promiscuous_frames wait_for 60 "frames to nobody" eval '[ "$(to_nobody)" -ge 90 ]'
	guest_run g1 "$IP link set eth0 promisc off"
	check_true requests_promiscuous_ends wait_for 60 "flags=0 in the back end's record" answered flags=0
	check_true requests_promiscuous_no_more wait_for 60 "no frames to nobody" eval '[ "$(to_nobody)" -le 30 ]'
	no_policy guest-promiscuous
}

wish_mac()
{
	local refused own

	refused=$(requests refused)
	own=$(guest_run g1 "cat /sys/class/net/eth0/address")
	guest_run g1 "$IP link set eth0 address 00:16:3e:77:77:77"
	check_true requests_mac_refused wait_for 60 "a refusal" is_refused "$refused"
	check requests_mac_no_traffic "$(ping_lost g1 "$SERVER_IP" 3)" "== 3"
	policy g1 guest-mac 1
	check_true requests_mac wait_for 60 "an answer to the new address" eval '[ "$(ping_lost g1 "$SERVER_IP" 3)" = 0 ]'
	check requests_mac_granted "$(requests granted)" ">= 1"
	guest_run g1 "$IP link set eth0 address $own"
	no_policy guest-mac
	check_true requests_mac_own_again wait_for 60 "g1's network" peer_answers g1
}

wish_mtu()
{
	check_true requests_mtu_refused guest_can "! $IP link set eth0 mtu 4000"
	policy g1 guest-mtu 4000
	check_true requests_mtu wait_for 60 "a larger mtu" guest_can "$IP link set eth0 mtu 4000"
	no_policy guest-mtu
	check_true requests_mtu_ends wait_for 60 "the mtu of before" guest_can "grep -qx 1500 /sys/class/net/eth0/mtu"
}

wish_groups()
{
	check requests_groups_list "$(to_a_group)" "<= 30"
	policy g1 guest-multicast 0
	check_true requests_groups_refused wait_for 60 "frames of all groups" eval '[ "$(to_a_group)" -ge 90 ]'
	no_policy guest-multicast
}

guest_requests()
{
	wish_promiscuous
	wish_mac
	wish_mtu
	wish_groups
}

# --- XDP ------------------------------------------------------------------------------------------------------

xdp_attached() { guest_run g1 "grep -q attached /tmp/xdp.out"; }
xdp_on()
{
	guest_run g1 "xdpload eth0 $1 100 >/tmp/xdp.out 2>&1 & echo \$! >/tmp/xdp.pid" >/dev/null
	wait_for 60 "xdp $1" xdp_attached
}
xdp_off() { guest_run g1 "kill \$(cat /tmp/xdp.pid); while $IP link show eth0 | grep -q xdp; do sleep 0.1; done"; }

# xdp VERDICT MIN MAX: one verdict for all frames. It is counted, and MIN to MAX of 10 pings to dom0 are lost. Frames
# that the guest returns have the bridge's own address as source, so no table learns from them.
xdp()
{
	local before after lost

	before=$(sum_of "_xdp_$1")
	xdp_on "$1" || return 1
	lost=$(ping_lost g1 "$SERVER_IP" 10)
	xdp_off
	after=$(sum_of "_xdp_$1")
	say "xdp $1: $lost of 10 pings lost, $((after - before)) frames counted"
	[ "$after" -gt "$before" ] && [ "$lost" -ge "$2" ] && [ "$lost" -le "$3" ]
}

# Frames longer than a page use the kernel's generic XDP.
xdp_large()
{
	local before after whole=no

	before=$(sum_of _xdp_generic)
	xdp_on pass || return 1
	! small_in g1 "$SERVER_IP" || whole=yes
	after=$(sum_of _xdp_generic)
	xdp_off
	say "xdp of large frames: $((after - before)) of them, the file is whole: $whole"
	[ $whole = yes ] && [ "$after" -gt "$before" ]
}

# --- the link ---------------------------------------------------------------------------------------------------

no_link() { [ "$(guest_run g1 "cat /sys/class/net/eth0/carrier")" = 0 ]; }
link() { xenstore-write "/local/domain/0/backend/vif/$(guest_domid g1)/0/carrier" "$1"; }

# The link is lost while the ring is full, and the frames are answered before it returns: after that only the kernel's
# watchdog would wake the queue.
link_lost_with_full_ring()
{
	local stops timeouts

	stops=$(sum_of _stops) timeouts=$(sum_of _timeouts)
	# shellcheck disable=SC2154 # of lib.sh
	kill -STOP "$vifd_pid"
	guest_run g1 "$FLOOD" >/dev/null
	link 0
	wait_for 60 "no link in g1" no_link
	kill -CONT "$vifd_pid"
	wait_for 60 "answers for all" all_answered
	link 1
	wait_for 60 "g1's network" peer_answers g1 || return 1
	stops=$(($(sum_of _stops) - stops)) timeouts=$(($(sum_of _timeouts) - timeouts))
	say "the queue was stopped $stops times, late $timeouts times"
	[ $stops -gt 0 ] && [ $timeouts = 0 ]
}
# The last few answers are processed when their slots are needed.
all_answered()
{
	[[ $(diagnosis) =~ tx:\ req_prod:\ ([0-9]+)\ rsp_cons:\ ([0-9]+)\ rsp_prod:\ ([0-9]+) ]] &&
		[ "${BASH_REMATCH[3]}" = "${BASH_REMATCH[1]}" ] && [ $((BASH_REMATCH[1] - BASH_REMATCH[2])) -lt 8 ]
}

# --- a misbehaving back end -----------------------------------------------------------------------------------

ring_ref()
{
	xenstore-read "/local/domain/$(guest_domid g1)/device/vif/0/queue-0/$1-ring-ref" 2>/dev/null ||
		xenstore-read "/local/domain/$(guest_domid g1)/device/vif/0/$1-ring-ref"
}

# The guest must read one ring without the back end writing to it, which would overwrite the broken values: frames for
# the guest make it read tx as well, answers to many of its own frames make it read rx.
break_ring()
{
	/bed/ringbreak "$(guest_domid g1)" "$(ring_ref "$1")" "$1" "$2" || return 1
	if [ "$1" = tx ]; then
		poke_guest
	else
		guest_run g1 "$FLOOD" >/dev/null
	fi
}
faults_are() { [ "$(stat_of faults)" = "$1" ]; }
health() { guest_run g1 "devlink health show xen/vif-0 reporter rings" | tr -s ' \n' ' '; }
diagnosis() { guest_run g1 "devlink health diagnose xen/vif-0 reporter rings" | tr -s ' \n' ' '; }
guest_is_sound() { [ "$(guest_run g1 "dmesg | grep -c 'BUG\|WARNING\|Oops'")" = 0 ]; }

reset_device()
{
	guest_run g1 "ethtool --reset eth0 all" >/dev/null
	wait_for 60 "g1's network after a reset" peer_answers g1
}

# mad RING HOW: the fault is noticed, stops only the device, and the devlink reporter gives the reason. The real back
# end may overwrite the broken value in time, for a frame of the guest: then it is written again.
mad()
{
	local before

	before=$(stat_of faults)
	for _ in 1 2 3; do
		break_ring "$1" "$2"
		! wait_for 3 "the fault" faults_are $((before + 1)) || break
		say "$(diagnosis)"
	done
	check "mad_$1_$2" "$(($(stat_of faults) - before))" "== 1"
}

# strange RING HOW COUNTER: one frame counts as COUNTER and the device continues
strange()
{
	local before

	before=$(stat_of "$3")
	break_ring "$1" "$2"
	check "mad_$1_$2" "$(($(stat_of "$3") - before))" ">= 1"
	reset_device
}

setup_netback()
{
	bed_nic_setup
	bed_bridge_setup
	front_setup
	front_server dom0 xenbr0
	bed_filter_add 00:16:3e:00:00:01
	FRONT_ARGS="vifront.max_queues=2" front_guest g1 00:16:3e:00:00:01 vifront
}

setup_vifd()
{
	vifd_bed
	FRONT_ARGS="vifront.max_queues=2" front_create g1 00:16:3e:00:00:01 vifront
	front_guest g2 00:16:3e:00:00:02 xen-netfront
	front_ready g1 vifront
	front_server g2 eth0
	# a VF would not deliver frames for unknown addresses or groups, or frames longer than a page
	move_guest g1 software
	move_guest g2 software
	wait_for 60 "static grants" has_static_grants
}

# Sends frames to the guest from this host
poke_guest() { server_run "ping -c 2 -W 1 $(guest_ip g1)" >/dev/null; }

setup_$FRONT_BACKEND
check ethtool_i "$(guest_run g1 "ethtool -i eth0" | sed -n 's/^driver: //p; s/^firmware-version: \(plain netif\|[^ ]*\).*/\1/p' | tr '\n' ' ')" \
	"== vifront $([ $FRONT_BACKEND = vifd ] && echo software || echo "plain netif") "
check ethtool_g "$(guest_run g1 "ethtool -g eth0" | awk '/^[RT]X:/ { printf "%s ", $2 }')" "== 256 256 256 256 "
check_true ethtool_l channels
check_true ethtool_x rss
check_true ethtool_c coalesce
check_true ethtool_adaptive adaptive
moderated
check ethtool_priv_flags "$(guest_run g1 "ethtool --show-priv-flags eth0" | grep -c ': off')" "== 13"
check_true ethtool_priv_flags_refused guest_run g1 "! ethtool --set-priv-flags eth0 promisc on 2>/dev/null"
check_true ethtool_S guest_run g1 "ethtool -S eth0 | grep -q 'q1_rx_packets'"
check_true tunable guest_run g1 "ethtool --set-tunable eth0 tx-copybreak 64 && ethtool --get-tunable eth0 tx-copybreak | grep -q 64"
[ $FRONT_BACKEND = netback ] || guest_requests

check_true xdp_pass xdp pass 0 0
check_true xdp_drop xdp drop 10 10
check_true xdp_tx xdp tx 10 10
check_true xdp_redirect xdp redirect 10 10
check_true xdp_large xdp_large
check xdp_off_again "$(ping_lost g1 "$PEER" 10)" "== 0"

# one queue, so that a frame for the guest makes it read the broken ring
guest_run g1 "echo vif-0 >/sys/bus/xen/drivers/vifront/unbind; rmmod vifront; insmod /lib/modules/*/vifront.ko max_queues=1; netup"
wait_for 60 "g1's network" peer_answers g1
[ $FRONT_BACKEND = netback ] || check_true link_lost_with_full_ring link_lost_with_full_ring
guest_run g1 "dmesg -n 1" # the module's messages would appear between the answers
mad tx index
check_true devlink_reports eval '[[ $(diagnosis) == *"tx producer index beyond the requests"* ]]'
check_true devlink_recovers wait_for 60 "the network after the reporter's recovery" peer_answers g1
mad rx index
check_true devlink_waits eval '[[ $(health) == *"state error"* ]]'
check_true devlink_waits_without_traffic eval '[ "$(ping_lost g1 "$PEER" 3)" = 3 ]'
guest_run g1 "devlink health recover xen/vif-0 reporter rings"
check_true devlink_recovers_when_asked wait_for 60 "the network after the admin's recovery" peer_answers g1
mad tx id
reset_device
mad tx status
reset_device
mad rx endless
reset_device
strange rx id q0_rx_malformed
strange rx status q0_rx_malformed
strange rx offset q0_rx_malformed
# its pages must not reach the stack as they are: the stack expects the whole header in the linear part
strange rx short q0_rx_copied
check_true mad_guest_is_sound guest_is_sound
check mad_traffic_afterwards "$(ping_lost g1 "$PEER" 20)" "== 0"
check_true mad_file_afterwards small_both g1 "$SERVER_IP"

# loaded with trusted=0: the guest grants only buffer pages
guest_run g1 "echo vif-0 >/sys/bus/xen/drivers/vifront/unbind; rmmod vifront
	insmod /lib/modules/*/vifront.ko trusted=0; netup"
wait_for 60 "g1's network" peer_answers g1
check_true untrusted_file small_both g1 "$SERVER_IP"
check untrusted_granted "$(sum_of '_(granted|taken)')" "== 0"
check untrusted_faults "$(stat_of faults)" "== 0"

guest_run g1 "ethtool -S eth0 | grep -v ': 0'; dmesg | tail -n 40" >/results/g1.txt
guest_stop g1
finish
