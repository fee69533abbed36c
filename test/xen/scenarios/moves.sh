#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# A stock guest moves between VFs and the software path for every possible reason, under numbered UDP and TCP.
#
#     g1 --- VF or vifd's switch --- igb --- wire --- 10.0.2.9, which numbers frames and returns them; 10.0.2.2, iperf3
#     g2 --- competes for a VF                  igb --- the same, if there is a second NIC
#
# vifd never loses a frame that it has. If hardware disappears with frames in it, or nobody reads them, lost frames are
# counted: at most a VF's ring plus the frames that arrived during the gap.
. /bed/lib.sh
. /bed/scenarios/migration_lib

RATE=300
RING=512  # frames of a VF that is gone; see doc/capability.md
STILL=250 # ms; if dom0 stands still for longer, a VF's 256 receive buffers may be used up
NEAR=100  # ms; a silence that is further from every move was not made by one
NOTED=20  # ms; shorter silences are not noted

VIF= VIF2=
declare -A domids=()
told=0   # lines of /run/events that have been judged
behind=0 # ms, of g1's clock
guest_domid() { echo "${domids[$1]-}"; } # xl is slow
rule_of_g2() { echo "/local/domain/0/backend/vif/$(guest_domid g2)/0/policy/${1:-vf}"; }
vf_is_not() { [ -n "$(vif_key g1 vf)" ] && [ "$(vif_key g1 vf)" != "$1" ]; }
carrier_is() { [ "$(vif_key g1 carrier)" = "$1" ]; }
netdev_of_g1() { netdev_of_pci "$(vif_key g1 vf)"; }
move() { vifctl move "$@" || say "vifctl move $* failed"; }

# g1_is_on PATH [SECONDS]
g1_is_on() { wait_for "${2:-30}" "g1 on $1" vif_path_is g1 "$1"; }

# on_any_vf: waits until g1 is back on a VF, after any number of losses
on_any_vf()
{
	move "$VIF" vf >/dev/null
	move "$VIF" auto >/dev/null
	g1_is_on vf
}

start_stream() { guest_run g1 "stream -r $RATE -l /tmp/silences $PEER >/tmp/stream 2>&1 &"; }
# The silences of the stream since the last call, as "silence FROM TO" in dom0's time
silences()
{
	guest_run g1 'cat /tmp/silences; : >/tmp/silences' |
		awk -v behind="$behind" '$1 == "silence" { printf "silence %.1f %.1f\n", $2 + behind, $3 + behind }'
}

# clock_behind: prints by how many ms g1's clock is behind dom0's. A guest's clock misses ticks while its kernel starts.
# Each tells the other its time by xenstore; that takes as long both ways, at its fastest.
clock_behind()
{
	local dir here there
	# shellcheck disable=SC2016 # others expand them
	local tell='for i in $(seq 20); do xenstore-write $1 ${EPOCHREALTIME/./}; sleep 0.1; done'
	# shellcheck disable=SC2016
	local hear='least=0 last=; for i in $(seq 100); do was=$(xenstore-read $1 2>/dev/null) now=${EPOCHREALTIME/./}
		[ "$was" != "$last" ] || continue
		[ -n "$last" ] && [ $((now - was)) -ge $least ] || least=$((now - was)); last=$was; done; echo $least'

	dir=/local/domain/$(guest_domid g1)/data
	xenstore-write "$dir/dom0" 0
	xenstore-chmod "$dir/dom0" "n$(guest_domid g1)"
	guest_run g1 "bash -c '$tell' tell data/guest & bash -c '$hear' hear data/dom0 >/tmp/least; wait" &
	bash -c "$tell" tell "$dir/dom0" &
	here=$(bash -c "$hear" hear "$dir/guest")
	wait
	there=$(guest_run g1 'cat /tmp/least')
	echo $(((here - there) / 2000))
}

# vifctl ends when vifd does
events_start() { vifctl events >>/run/events 2>/dev/null & }

# gap_of_moves [FROM TO]: prints the longest of the silences at hand that was about the time of a move since the last
# call, in ms. From FROM to TO there was no wire: that time is not counted, and the silence with it is as one of a move.
gap_of_moves()
{
	tail -n "+$((told + 1))" /run/events | sed -n "s/.*\"moved\".*\"time_ms\":\([0-9]*\),\"vif\":\"$VIF\".*/moved \1/p" |
		cat - /run/silences | awk -v near=$NEAR -v noted=$NOTED -v off="${1-0}" -v on="${2-0}" '
			function least(a, b) { return a < b ? a : b }
			function most(a, b) { return a > b ? a : b }
			BEGIN { if (on) at[++moves] = (off + on) / 2 }
			$1 == "moved" { at[++moves] = $2 }
			$1 == "silence" { for (i = 1; i <= moves; i++)
				if ($2 < at[i] + near && $3 > at[i] - near)
					longest = most(longest, $3 - $2 - most(0, least($3, on) - most($2, off))) }
			END { if (moves) printf "%.1f\n", (longest > noted ? longest : noted) }'
}

# A dead stream prints nothing, so nobody waits for it for ever, least of all in the guest.
mark()
{
	guest_run g1 'n=$(wc -l </tmp/stream); kill -USR1 $(pidof stream) || exit
		for i in $(seq 200); do [ $(wc -l </tmp/stream) -le $n ] || break; sleep 0.05; done
		[ $(wc -l </tmp/stream) -le $n ] || tail -n 1 /tmp/stream'
}

# bound_of CAUSE [bounded]: prints how many frames may be lost, from the counts in "of". If the machine stood still, the
# NIC had no room for some frames: only frames from outside that arrived during the gap.
bound_of()
{
	local silent=$((RATE * ${of[gap_ms]%.*} / 1000))

	if [ -n "${2-}" ]; then
		echo "<= $((RING + silent))"
	elif [ "${of[gap_ms]%.*}" -lt $STILL ]; then
		echo "== 0"
	else
		echo "<= $silent"
	fi
}

# judge CAUSE [bounded] [FROM TO]: checks the frames since the last call. From FROM to TO, in ms, there was no wire.
judge()
{
	local cause=$1 target words gap
	local -A of=([gap_ms]=0)

	sleep 0.3
	read -r -a words <<<"$(mark)" # dom0 has no /dev/fd
	say "$cause: ${words[*]}"
	while [ ${#words[@]} -gt 1 ]; do
		of[${words[0]}]=${words[1]}
		words=("${words[@]:2}")
	done
	target=$(bound_of "$@")
	check "move_xen_${cause}_received" "${of[received]-}" "> $((RATE / 2))" frames
	check "move_xen_${cause}_lost" "${of[lost]-}" "$target" frames
	[ -n "${2-}" ] || check "move_xen_${cause}_lost_of_the_guest" "${of[lost_out]-}" "== 0" frames
	check "move_xen_${cause}_duplicated" "${of[duplicated]-}" "== 0" frames
	check "move_xen_${cause}_reordered" "${of[reordered]-}" "== 0" frames
	silences >/run/silences
	cat /run/silences >>/results/silences.txt
	gap=$(gap_of_moves "${@:3}")
	told=$(wc -l </run/events)
	: "${gap:=${of[gap_ms]}}"
	figure "move_xen_${cause}_gap_ms" "$gap" "< 50" ms
	detail "$cause" "{\"longest_gap_ms\": ${of[gap_ms]}, \"lost_out\": ${of[lost_out]:-null}, \"lost_in\": ${of[lost_in]:-null}}"
}

# The PF limits g1's VF, so that g2 gets its guaranteed rate.
limited() { ip link show "$PF" | grep -q 'max_tx_rate 990Mbps'; }
unlimited() { ! ip link show "$PF" | grep -q max_tx_rate; }
rates()
{
	xenstore-write "$(rule_of_g2 guaranteed)" 1250,1000
	check_true vf_rate_leaves_the_guarantee wait_for 20 "a largest rate of 990 Mbit/s" limited
	xenstore-rm "$(rule_of_g2 guaranteed)"
	check_true vf_rate_set_back wait_for 20 "no largest rate" unlimited
}

admin()
{
	local vf

	move "$VIF" software
	g1_is_on software
	move "$VIF" vf
	g1_is_on vf
	vf=$(vif_key g1 vf)
	move "$VIF" other
	check_true another_vf vf_is_not "$vf"
	move "$VIF" auto
	g1_is_on vf
	judge admin
}

# Idle g2 has the only VF left; busy g1 must get it.
deserving()
{
	local pci

	move "$VIF" software
	g1_is_on software
	pci=$(vf_addresses "$PF_PCI" | tail -n 1)
	echo "$pci" >/sys/bus/pci/drivers/igbvf/unbind
	xenstore-write "$(rule_of_g2)" prefer
	wait_for 30 "g2 on the VF that is left" vif_path_is g2 vf
	mark >/dev/null
	move "$VIF" auto
	g1_is_on vf
	check_true deserving_g2_is_on_software vif_path_is g2 software
	judge deserving
	xenstore-write "$(rule_of_g2)" never
	echo "$pci" >/sys/bus/pci/drivers/igbvf/bind
}

numvfs0()
{
	bed_vfs_remove "$PF_PCI"
	g1_is_on software
	judge numvfs0 bounded
	bed_vfs_create
	on_any_vf
	check_true numvfs0_and_back vif_path_is g1 vf
	judge numvfs_back bounded
}

reset()
{
	local pci

	pci=$(vif_key g1 vf)
	echo 1 >"/sys/bus/pci/devices/$pci/reset" || say "VF $pci cannot be reset"
	g1_is_on software
	check_true reset_is_noticed grep -q "VF $pci accepts frames and sends none" /run/vifd.log
	judge reset bounded
	on_any_vf
	mark >/dev/null
}

netdev_down()
{
	local dev

	dev=$(netdev_of_g1)
	ip link set "$dev" down
	g1_is_on software
	judge netdev_down bounded
	ip link set "$dev" up
	on_any_vf
	mark >/dev/null
}

pf_link()
{
	local down up carrier=0

	down=$((${EPOCHREALTIME/./} / 1000))
	ip link set "$PF" down
	check_true carrier_follows_down wait_for 30 "no carrier" carrier_is 0
	ip link set "$PF" up
	until [ "$carrier" = 1 ]; do read -r carrier <"/sys/class/net/$PF/carrier"; done
	up=$((${EPOCHREALTIME/./} / 1000))
	check_true carrier_follows_up wait_for 30 "carrier" carrier_is 1
	on_any_vf
	judge pf_link bounded $down $up
}

restart()
{
	vifd_stop
	vifd_start
	g1_is_on vf
	vifd_stop KILL
	vifd_start
	g1_is_on vf
	judge restart bounded
	events_start
}

# One VF of each PF with an address that vifd may set, as in a domain that has the VFs without the PFs
two_pfs()
{
	local pci vf

	DEVICES=
	for pci in $(pf_addresses); do
		bed_vfs_remove "$pci"
		ip link set "$(netdev_of_pci "$pci")" up
	done
	modprobe -r igbvf
	for pci in $(pf_addresses); do
		wait_for 30 "link of $pci" link_is_up "$(netdev_of_pci "$pci")"
		echo 1 >"/sys/bus/pci/devices/$pci/sriov_numvfs"
	done
	for pci in $(pf_addresses); do
		wait_for 30 "link of $pci" link_is_up "$(netdev_of_pci "$pci")"
	done
	modprobe igbvf
	for pci in $(pf_addresses); do
		vf=$(vf_addresses "$pci")
		wait_for 30 "netdev of VF $vf" test -d "/sys/bus/pci/devices/$vf/net"
		DEVICES="$DEVICES $(netdev_of_pci "$vf")"
	done
}

# Two NICs on one wire: g1 moves from a VF of one NIC to a VF of the other and back
admin_other_pf()
{
	local pci

	[ "$BED_NICS" -gt 1 ] || { say "one NIC: no PF to move to"; return; }
	vifd_stop
	two_pfs
	vifd_start '[daemon]' "workers = $BED_WORKERS" '' '[nic bed]' "devices = $DEVICES" "uplink = $PF"
	g1_is_on vf
	events_start
	sleep 0.3
	mark >/dev/null
	pci=$(vif_key g1 vf)
	move "$VIF" other
	check_true another_pf [ "$(vif_key g1 vf | cut -d: -f1-2)" != "${pci%:*}" ]
	move "$VIF" other
	check back_on_the_first "$(vif_key g1 vf)" "== $pci"
	judge admin_other_pf
}

tcp_lives() { guest_run g1 'tail -n 2 /tmp/tcp' | grep -q ' [1-9][0-9.]* .bits/sec'; }

# Migration to the same host, from a VF to a VF
migration()
{
	local before alive=false

	guest_run g1 'kill $(pidof stream)'
	migrate g1
	domids[g1]=$(xl domid g1)
	check_true migrated_path_vf g1_is_on vf
	before=$(tcp_reports g1)
	! wait_for 60 "TCP after the migration" tcp_flows_after g1 "$before" || alive=true
	check migration_tcp_alive $alive true
}

bed_nic_setup
vifd_start '[daemon]' "workers = $BED_WORKERS" 'log_level = debug' '' '[nic bed]' "pf = $PF" "vfs = $BED_VFS" "uplink = $PF" 'assign = load'
guest_create g1 00:16:3e:00:00:01 && guest_create g2 00:16:3e:00:00:02 || die "guests were not created"
domids=([g1]=$(xl domid g1) [g2]=$(xl domid g2))
xenstore-write "$(rule_of_g2)" never
guest_ready g1 && guest_ready g2 || die "guests did not boot"
VIF=$(guest_domid g1).0 VIF2=$(guest_domid g2).0
g1_is_on vf || die "g1 has no VF"
guest_run g1 "iperf3 -c $OUTSIDE -p $BED_IPERF_PORT -t 900 -b 2M -i 1 --forceflush >/tmp/tcp 2>&1 &"
behind=$(clock_behind)
say "g1's clock is $behind ms behind dom0's"
events_start
start_stream
sleep 2
judge undisturbed
start=$SECONDS
for cause in rates admin deserving netdev_down reset pf_link restart numvfs0 admin_other_pf; do
	$cause
done
check_true tcp_lives wait_for 20 "TCP after all of it" tcp_lives
guest_run g1 'tail -n 3 /tmp/tcp'
migration
figure seconds $((SECONDS - start)) "" s
finish
