#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Sends the same frames through a guest on a VF and one on the software path: checks each rule and the NIC's part.
#
#     g1 --- VF ------- igb 0 --- wire --- igb 1: dom0 sends frames there and checks what arrives
#     g2 --- switch ----+           \--- 10.0.2.9 answers pings; 10.0.2.2 has iperf3 servers
#
# The frames are from the unit test's table. The sim bed runs the whole table; this runs the frames that the NIC affects.
# wants frames rules.table
. /bed/lib.sh

declare -A MACS=([g1]=02:00:00:00:00:01 [g2]=02:00:00:00:00:04) PATHS=([g1]=vf [g2]=software)
WRONG_MAC=02:00:00:00:66:66
# Rules of one set are separated by ;. Sets that teach the wire another location of a guest's address come last.
SETS=(
	'' 'macs=02:00:00:00:00:09 02:00:00:00:00:03' 'unknown-unicast=0;macs=02:00:00:00:00:03'
	'vlan-filter=10' 'vlan-filter=10;allow-untagged=1' 'vlan-insert=10' 'vlan=10p/20u/30' 'vlan-outer=100'
	'broadcast=0' 'multicast=0' 'unknown-unicast=0' 'tx=0' 'rx=0' 'mtu=68' 'link=off' 'ip=10.0.0.5' 'isolated=1' 'anti-spoof=0'
)
mtu=600 # each set has its own mtu; when vifd reports it, the whole set is in force

vif() { echo "$(guest_domid "$1").0"; }
back() { echo "/local/domain/0/backend/vif/$(guest_domid "$1")/0"; }
rule() { xenstore-write "$(back "$1")/policy/$2" "$3"; }
no_rule() { xenstore-rm "$(back "$1")/policy/$2"; }
# for_both COMMAND: runs it for both guests at the same time, with the guest's name as first argument
for_both()
{
	"$1" g1 "${@:2}" &
	"$1" g2 "${@:2}"
	wait $!
}

counters_of() { awk '/^counters/ { on = 1 } on && NF == 2 { print $1, $2 }' "$1"; }
counters() { vifctl show "$(vif "$1")" | counters_of -; }
counter() { counters "$1" | awk -v name="$2" '$1 == name { n = $2 } END { print n + 0 }'; }
enforced() { vifctl show --why "$(vif "$1")" | sed -n "s/^$2 .* \(software and hardware\|software\)\$/\1/p"; }
enforced_is() { [ "$(enforced "$1" "$2")" = "$3" ]; }
# nic_says WORD: succeeds if the PF shows WORD for g1's VF
nic_says() { ip link show "$PF" | grep "^ *vf $VF " | grep -q "$1"; }
reaches_peer() { [ "$(ping_lost "$1" $PEER 5)" = 0 ]; }

vf_of_g1() { vifctl vfs | awk -v vif="$(vif g1)" '$NF == vif { print $3 }'; }

setup()
{
	echo 1 >/proc/sys/net/ipv6/conf/all/disable_ipv6
	echo 1 >/proc/sys/net/ipv6/conf/default/disable_ipv6
	guest_gets frames
	mkdir -p /etc/vifd/vif.d /var/log/vifd
	printf '%s\n' '[match]' "mac = ${MACS[g2]}" '[policy]' 'vf = never' >/etc/vifd/vif.d/g2.conf
	bed_nic_setup
	OUT=$(netdev_of_pci "$(pf_addresses | sed -n 2p)")
	ip link set "$OUT" up
	vifd_start
	guest_create g1 ${MACS[g1]} && guest_create g2 ${MACS[g2]} || die "guests were not created"
	guest_ready g1 && guest_ready g2 || die "guests did not boot"
	wait_for 30 "g1 on a VF" vif_path_is g1 vf || die "g1 has no VF"
	wait_for 30 "link of $OUT" link_is_up "$OUT" || die "$OUT has no link"
	VF=$(vf_of_g1)
	sleep 2 # both ports serve the vif while it moves
}

# --- checks that need a network ---------------------------------------------------------------------------------------

what_holds_without_rules()
{
	for guest in g1 g2; do
		check_true "${PATHS[$guest]}_reaches_peer" wait_for 10 "answers to $guest" reaches_peer $guest
		check "${PATHS[$guest]}_path" "$(vif_key $guest path)" "== ${PATHS[$guest]}"
	done
	check_true nic_has_the_mac nic_says "link/ether ${MACS[g1]}"
	check_true nic_checks_for_spoofing nic_says "spoof checking on"
	check_true nic_does_not_trust nic_says "trust off"
	check vf_anti_spoof "$(enforced g1 anti-spoof)" "== software and hardware"
	check software_anti_spoof "$(enforced g2 anti-spoof)" "== software"
}

# A guest that sets another address by itself
change_mac()
{
	local before

	before=$(counter "$1" tx_drop_spoof)
	guest_run "$1" "ip link set eth0 down; ip link set eth0 address $WRONG_MAC; ip link set eth0 up
		pingcheck -c 3 -i 50 -w 500 $PEER
		ip link set eth0 down; ip link set eth0 address ${MACS[$1]}; ip link set eth0 up" |
		sed -n 's/^sent.* received \([0-9]*\) .*/\1/p' >"/run/changed.$1"
	echo $(($(counter "$1" tx_drop_spoof) - before)) >"/run/dropped.$1"
}

changed_mac_is_refused()
{
	for_both change_mac
	for guest in g1 g2; do
		check "${PATHS[$guest]}_answers_to_a_changed_mac" "$(cat /run/changed.$guest)" "== 0"
		check "${PATHS[$guest]}_tx_drop_spoof" "$(cat /run/dropped.$guest)" ">= 1"
		check_true "${PATHS[$guest]}_own_mac_again" wait_for 10 "answers to $guest" reaches_peer $guest
	done
}

send_tcp() { tcp_mbps "$1" out 3 >"/run/mbps.$1"; }

rate_holds()
{
	rule g1 rate 6250,50000
	rule g2 rate 6250,50000
	wait_for 10 "the PF's rate" nic_says "max_tx_rate 2Mbps"
	check_true nic_has_the_rate nic_says "max_tx_rate 2Mbps"
	check vf_rate "$(enforced g1 rate)" "== software and hardware"
	check software_rate "$(enforced g2 rate)" "== software"
	for_both send_tcp
	for guest in g1 g2; do
		check "${PATHS[$guest]}_mbps_of_1" "$(cat /run/mbps.$guest)" "< 1.5" Mbit/s
		check "${PATHS[$guest]}_tx_hold_rate" "$(counter $guest tx_hold_rate)" ">= 1"
		no_rule $guest rate
	done
	wait_for 10 "the PF's rate gone" enforced_is g1 rate software
	check vf_rate_without "$(enforced g1 rate)" "== software"
}

# Datagrams for 15 s, as many as leave; the rate that arrives, in kbit/s. TCP would need longer to adapt to so low a rate.
send_long()
{
	guest_run "$1" "iperf3 -c $OUTSIDE -p $(iperf_port "$1") -u -b 20M -l 1200 -t 15 -f k 2>&1" |
		awk '/receiver/ { for (i = 1; i < NF; i++) if ($(i + 1) == "Kbits/sec") kbps = $i } END { print kbps + 0 }' >"/run/kbps.$1"
}
vf_is_free_of_limits() { ! nic_says max_tx_rate; }

# A full wire is divided between VF and switch by weight, and the PF is told of the VF's part. The wire is said to carry
# 1 Mbit/s, which guests fill even on a busy machine. Of 16 and 48 the software path has 0.75 at best; without the division
# the VF, with the smaller weight, has the most.
wire_is_shared()
{
	local senders

	vifd_stop
	check vifd_exit_status_before_shares $? "== 0"
	vifd_start "$(cat /etc/vifd/vifd.conf)" 'uplink_mbps = 1' 'foreign = report'
	wait_for 60 "g1 on a VF" vif_path_is g1 vf || die "g1 has no VF"
	VF=$(vf_of_g1)
	sleep 2
	rule g2 weight 48 # of 16 + 48
	check_true nic_without_a_share vf_is_free_of_limits
	for_both send_long &
	senders=$!
	check_true nic_has_the_share wait_for 60 "the PF's rate" nic_says 'max_tx_rate 1Mbps'
	wait $senders
	check share_of_the_software_path "$(awk -v a="$(cat /run/kbps.g2)" -v b="$(cat /run/kbps.g1)" 'BEGIN { print a / (a + b) }')" "> 0.5"
	no_rule g2 weight
	check_true nic_without_a_share_again wait_for 60 "the PF's rate gone" vf_is_free_of_limits
}

echoes_in() { tcpdump -Z root -r "$1" -n icmp 2>/dev/null | grep -c "$2"; }

pings_peer() { ping_lost "$1" $PEER 5 >/dev/null; }

mirror_to_files()
{
	rule g1 mirror-to file:g1
	rule g2 mirror-to file:g2
	sleep 1.5
	for_both pings_peer
	no_rule g1 mirror-to
	no_rule g2 mirror-to
	sleep 1.5
	for guest in g1 g2; do
		check "${PATHS[$guest]}_frames_in_a_file" "$(echoes_in "/var/log/vifd/$guest.pcapng" "$(guest_ip $guest)")" "== 10"
	done
}

# mirror FROM TO: counts FROM's echo requests and answers that TO receives
mirror()
{
	local from=$1 to=$2

	rule "$from" mirror-to "${MACS[$to]}"
	guest_run "$to" "frames log eth0 >/tmp/mirror 2>&1 & echo \$! >/tmp/pid; sleep 1.2"
	pings_peer "$from"
	check "${PATHS[$from]}_frames_at_a_guest" "$(guest_run "$to" 'sleep 0.3; kill $(cat /tmp/pid)
		cut -c 25-28,47-48 /tmp/mirror | grep -c ^080001')" "== 10"
	no_rule "$from" mirror-to
}

# --- raw frames ---------------------------------------------------------------------------------------------

# Removes all other traffic from now on
be_quiet()
{
	guest_run "$1" "echo 1 >/proc/sys/net/ipv6/conf/eth0/disable_ipv6
		ip link set eth0 arp off; ip address flush dev eth0; frames log eth0 >/tmp/seen 2>&1 &"
}

# Prints the table's lines for a set of rules, except frames from the other guest's address: they would teach the
# wire another location of it
cases()
{
	awk -F'\t' -v rules="$2" '{ r = ""; for (i = 6; i <= NF; i++) r = r (i > 6 ? ";" : "") $i }
		r == rules && !($2 == "rx" && substr($3, 13, 12) == "020000000004")' /bed/rules.table | as_of "$1"
}

# The table is written for g1. For g2 the two guests are swapped, and the other addresses are changed to match.
as_of()
{
	[ "$1" = g2 ] || { cat; return; }
	sed -e 's/020000000001/swap/g; s/020000000004/020000000001/g; s/swap/020000000004/g' \
		-e 's/020000000002/020000000006/g; s/020000000003/020000000005/g' \
		-e 's/00:00:03/00:00:05/g; s/00:00:09/00:00:0a/g; s/fffe000001/fffe000004/g'
}

texts() { awk -F'\t' -v direction="$1" '$2 == direction { print $3 }' "$2"; }

# mtu_is GUEST MTU: also stores the counters, as those before the set
mtu_is()
{
	vifctl show "$(vif "$1")" >"/run/show.$1"
	counters_of "/run/show.$1" >"/run/before.$1"
	[ "$(awk '$1 == "mtu" { print $2; exit }' "/run/show.$1")" = "$2" ]
}

# set_rules RULES: replaces all rules
set_rules()
{
	local guest word words=()

	mtu=$((mtu + 1))
	for guest in g1 g2; do
		xenstore-rm "$(back $guest)/policy" 2>/dev/null
		words+=("$(back $guest)/policy/mtu" "$mtu")
		tr ';' '\n' <<<"$1" | as_of $guest >/run/words # dom0 has no /dev/fd
		while IFS= read -r word; do
			[ -z "$word" ] || words+=("$(back $guest)/policy/${word%%=*}" "${word#*=}")
		done </run/words
	done
	xenstore-write "${words[@]}"
	case $1 in mtu=*) word=${1#mtu=} ;; *) word=$mtu ;; esac
	for_both in_force "$word"
}

in_force() { wait_for 10 "the rules of $1" mtu_is "$1" "$2"; }

send_tx()
{
	local texts

	texts=$(texts tx "/run/cases.$1")
	[ -z "$texts" ] || guest_run "$1" "frames send eth0 ${texts//$'\n'/ }"
}

# counted GUEST DIRECTION: prints the frames of that direction since set_rules
counted()
{
	counters "$1" >"/run/after.$1"
	awk -v d="$2" '$1 == d "_packets" || ($1 ~ "^" d "_drop_" && $1 !~ /_bytes$/) { sum += NR == FNR ? -$2 : $2 }
		END { print sum + 0 }' "/run/before.$1" "/run/after.$1"
}
all_counted() { [ "$(counted "$1" "$2")" -ge "$(texts "$2" "/run/cases.$1" | wc -l)" ]; }

# Frames that a NIC drops are never counted; then this ends by timeout
settle() { wait_for "$2" "" all_counted "$1" "$3" >/dev/null; }

see_rx()
{
	guest_run "$1" "sed -n '$((${seen_lines[$1]} + 1)),\$p' /tmp/seen" >"/run/rx.$1"
}

# judge GUEST RULES: prints a line of JSON for each case, and writes wrong cases to /run/wrong
judge()
{
	awk -F'\t' -v path="${PATHS[$1]}" -v rules="$2" -v before="/run/before.$1" -v after="/run/after.$1" \
		-v tx=/run/tx -v rx="/run/rx.$1" -v wrong=/run/wrong '
		function bare(text) { sub(/(00)+$/, "", text); return text }
		function load(file, direction,   line) {
			while ((getline line < file) > 0)
				there[direction, bare(line)]++
		}
		BEGIN {
			load(tx, "tx"); load(rx, "rx")
			while ((getline line < before) > 0) { split(line, f, " "); count[f[1]] -= f[2] }
			while ((getline line < after) > 0) { split(line, f, " "); count[f[1]] += f[2] }
		}
		{
			n++; name[n] = $1; direction[n] = $2; becomes[n] = bare($4); expected[n] = $5
			if ($5 == "pass") passing[$2, becomes[n]]++
			else drops[$5]++
		}
		END {
			for (i = 1; i <= n; i++) {
				d = direction[i]; pass = expected[i] == "pass"; key = d SUBSEP becomes[i]
				passed = pass ? there[key] == passing[key] : there[key] > passing[key]
				# a broadcast for the other guest is counted here too
				all = count[expected[i]] == drops[expected[i]] || (d == "rx" && count[expected[i]] > drops[expected[i]])
				cause = pass ? "pass" : all ? expected[i] : count[expected[i]] ? expected[i] " or NIC" : "NIC"
				ok = passed == pass && (pass || all || (d == "rx" && count[expected[i]] < drops[expected[i]]))
				printf "{\"path\": \"%s\", \"name\": \"%s\", \"rule\": \"%s\", \"direction\": \"%s\", \"passed\": %d, \"dropped\": %d, \"cause\": \"%s\", \"expected\": \"%s\", \"ok\": %s}\n",
					path, name[i], rules, d, passed, !passed, cause, expected[i], ok ? "true" : "false"
				if (!ok)
					printf "wrong: %s: %s: %s: %d seen, %d expected, counted %d of %d\n", path, rules, name[i],
						there[key], passing[key], count[expected[i]], drops[expected[i]] >>wrong
			}
		}' "/run/cases.$1"
}

# exchange DIRECTION PATIENCE COMMAND...: sends the frames of that direction and waits until they are counted
exchange()
{
	[ -n "$(texts "$1" /run/cases.g1)" ] || return 0
	"${@:3}"
	for_both settle "$2" "$1"
}
send_rx()
{
	# shellcheck disable=SC2046 # one word each
	frames send "$OUT" $(texts rx /run/cases.g1) $(texts rx /run/cases.g2)
}

# right_path RULES: igb's VFs have one address, so with more g1 is in software, and on a VF again between two such sets
right_path()
{
	local path=vf

	[[ $1 != *macs=* ]] || path=software
	[ $path = software ] || [ "${PATHS[g1]}" = software ] || return 0
	check_true "further_macs_g1_on_$path" wait_for 30 "g1 on $path" vif_path_is g1 $path
	PATHS[g1]=$path VF=$(vf_of_g1)
	sleep 2 # both ports serve the vif while it moves
}

declare -A seen_lines=([g1]=0 [g2]=0)
run_set()
{
	local guest out

	set_rules "$1"
	right_path "$1"
	cases g1 "$1" >/run/cases.g1
	cases g2 "$1" >/run/cases.g2
	: >/run/rx.g1; : >/run/rx.g2
	out=$(wc -l </run/outside)
	exchange tx 3 for_both send_tx
	exchange rx 1 send_rx
	[ -z "$(texts rx /run/cases.g1)" ] || for_both see_rx
	out_settle "$out"
	for guest in g1 g2; do
		seen_lines[$guest]=$((${seen_lines[$guest]} + $(wc -l </run/rx.$guest)))
		judge $guest "$1" >>/run/judged.$guest
	done
}

# The wire's other end needs a moment for frames that were counted.
out_settle()
{
	sleep 0.2
	tail -n "+$(($1 + 1))" /run/outside >/run/tx
}

every_set()
{
	local set

	frames log "$OUT" >/run/outside 2>/run/outside.err &
	for_both be_quiet
	frames send "$OUT" ffffffffffff02000000000288b5 ffffffffffff02000000000688b5 # where the table's peers are
	: >/run/judged.g1; : >/run/judged.g2; : >/run/wrong
	for set in "${SETS[@]}"; do
		run_set "$set"
		what_the_nic_was_told "$set"
	done
	head -n 30 /run/wrong
	cat /run/judged.g1 /run/judged.g2 >/run/judged
	check rules "$(sed 's/.*"rule": "//; s/".*//; s/;/\n/g' /run/judged | sed '/^$/d; s/=.*//' | sort -u | wc -l)" ">= 15"
	check cases "$(wc -l </run/judged)" ">= 120"
	check cases_wrong "$(grep -c '"ok": false' /run/judged)" "== 0"
	check software_hardware_disagree "$(for guest in g1 g2; do
		sed 's/.*"name": "\([^"]*\)", "rule": "\([^"]*\)".*"passed": \([01]\).*/\2 \1 \3/' /run/judged.$guest >/run/passed.$guest
	done; awk 'NR == FNR { g1[FNR] = $0; next } g1[FNR] != $0 { n++ } END { print n + 0 }' /run/passed.g1 /run/passed.g2)" "== 0"
	check dropped_by_the_nic "$(grep -c '"cause": "[^"]*NIC"' /run/judged.g1)" ">= 1" cases
	detail table "[
    $(sed '$!s/$/,/' /run/judged)
  ]"
}

vlan_devices() { ls -d /sys/class/net/vd*."$1" 2>/dev/null | wc -l; }

# Checks while a set of rules is in force
what_the_nic_was_told()
{
	case $1 in
	'unknown-unicast=0;macs='*)
		check_true further_macs_say_why eval 'vifctl show --why "$(vif g1)" | grep -q "no VF: macs"' ;;
	'vlan-filter=10')
		check vlan_devices_of_10 "$(vlan_devices 10)" "== 2"
		check vf_vlan_filter "$(enforced g1 vlan-filter)" "== software and hardware"
		check software_vlan_filter "$(enforced g2 vlan-filter)" "== software" ;;
	'vlan-outer=100')
		check vlan_devices_within_an_outer_tag "$(ls -d /sys/class/net/vd* 2>/dev/null | wc -l)" "== 0" ;;
	'link=off')
		check vf_carrier_with_link_off "$(vif_key g1 carrier)" "== 0"
		check software_carrier_with_link_off "$(vif_key g2 carrier)" "== 0"
		figure vf_link "$(enforced g1 link)" "" "" ;;
	'anti-spoof=0')
		check_true nic_passes_spoofed_frames nic_says "spoof checking off"
		check vf_anti_spoof_off "$(enforced g1 anti-spoof)" "== software"
		spoofed_past_vifd ;;
	esac
}

# With anti-spoof off in vifd and the PF's check turned on by hand, which vifd leaves so (foreign = report), shows what the NIC itself does with such a frame.
spoofed_past_vifd()
{
	local frame=02000000000202000000666688b5aabbccddeeff out

	ip link set "$PF" vf "$VF" spoofchk on
	check_true spoof_check_set_by_hand nic_says "spoof checking on"
	out=$(wc -l </run/outside)
	guest_run g1 "frames send eth0 $frame"
	sleep 1
	figure spoofed_frames_past_the_nic "$(tail -n "+$((out + 1))" /run/outside | grep -c "^$frame")" "" frames
	figure spoof_events_of_the_nic "$(dmesg | grep -ci 'spoof event')" "" frames
	ip link set "$PF" vf "$VF" spoofchk off
}

# Frames to unknown addresses: the software path gets all that reach the PF, this NIC's VFs none
promiscuous_mode()
{
	set_rules 'unknown-unicast=0;promiscuous=1'
	check_true promiscuous_leaves_its_vf wait_for 20 "g1 in software" vif_path_is g1 software
	check_true promiscuous_says_why eval 'vifctl show --why "$(vif g1)" | grep -q "no VF: promiscuous"'
	set_rules ''
	check_true promiscuous_comes_back wait_for 30 "g1 on a VF" vif_path_is g1 vf
	VF=$(vf_of_g1)
}

all_is_taken_back()
{
	xenstore-rm "$(back g1)/policy"
	xenstore-rm "$(back g2)/policy"
	wait_for 10 "the NIC's check" nic_says "spoof checking on"
	check_true nic_checks_again nic_says "spoof checking on"
	check vlan_devices_at_the_end "$(ls -d /sys/class/net/vd* 2>/dev/null | wc -l)" "== 0"
	check_true no_policy_error test -z "$(vif_key g1 policy-error)$(vif_key g2 policy-error)"
	vifd_stop
	check vifd_exit_status $? "== 0"
	check_true nic_no_longer_trusts nic_says "trust off"
}

setup
what_holds_without_rules
changed_mac_is_refused
rate_holds
wire_is_shared
mirror_to_files
mirror g1 g2
mirror g2 g1
every_set
promiscuous_mode
all_is_taken_back
finish
