#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Containers of two guests on virtual VFs beside containers on a bridge in the guest, in one boot, in turns.
#
#     without:  container - veth - bridge - routes - eth0 = vif 0 -+
#     with:     container - VF of the virtual PF = vif 1 ----------+- vifd, VFs of the NIC or its switch --- wire --- servers, peer
#
# The guest routes between its bridge and its interface, as container networks do; proxy ARP makes the containers' addresses
# known outside, so that vif 0 has one MAC. (A bridge to the interface itself would need several, and igb does not take a
# VF's further addresses out of its filter again: Linux commit 584af82154f5.)
# Both kinds of containers are there all the time. Needs --front and --vfs 4. Ratios are medians of those of each round;
# "out" and "in" are to and from the servers outside, the others between containers of the two guests unless they say
# "outside". BED_POLL_US is as in bench_xen. VPF_PATHS are the paths of all vifs, with - between them; results of the second bear its name.
# result into virtual-pf: tcp_out_with_vs_without tcp_in_with_vs_without latency_p50_with_vs_without
. /bed/lib.sh
: "${FRONT_MB:=1}" "${BED_DRIVER:=native}" "${BED_POLL_US:=300}"
. /bed/scenarios/frontend_vifd_lib
. /bed/scenarios/virtual_pf_lib

: "${VPF_S:=4}" "${VPF_PINGS:=500}" "${VPF_PATHS:=vf-software}"
GUEST_RUN_LIMIT=120 GUEST_BOOT_LIMIT=180
METRICS="tcp_out tcp_in tcp udp_out udp_in latency_p50 latency_p99 latency_outside_p50 latency_outside_p99"
declare -A seen=() # "path metric with|without|ratio": values by round

median() { printf '%s\n' "$@" | sort -g | awk '{ v[NR] = $1 } END { print NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2 }'; }
ratio() { awk -v a="$1" -v b="$2" 'BEGIN { printf "%.3g", (b > 0 ? a / b : 0) }'; }

# Containers are named by their way; ip_of NAME WAY
ip_of() { [ "$2" = with ] && echo "10.0.2.12${1#g}" || echo "10.0.2.11${1#g}"; }
inside() { guest_run "$1" "$IP netns exec $2 $3"; } # NAME WAY COMMAND

containers()
{
	local name=$1

	vpf_on "$name" 1 1
	guest_run "$name" "modprobe bridge; modprobe veth; $IP netns add without; $IP netns add with
		$IP link add br0 type bridge forward_delay 0; $IP link set br0 up
		$IP link add v0 type veth peer name v1; $IP link set v1 netns without
		$IP link set v0 master br0; $IP link set v0 up; $IP route add $(ip_of "$name" without)/32 dev br0
		cd /proc/sys/net/ipv4; echo 1 >ip_forward
		for i in eth0 br0; do echo 1 >conf/\$i/proxy_arp; echo 0 >neigh/\$i/proxy_delay; done
		$IP link set dev \$(ls $VPF_SRIOV/virtfn0/net) netns with name v1
		for n in without with; do $IP -n \$n link set lo up; $IP -n \$n link set v1 up; $IP netns exec \$n iperf3 -s -D; done
		$IP -n without address add $(ip_of "$name" without)/24 dev v1; $IP -n with address add $(ip_of "$name" with)/24 dev v1"
	for way in without with; do
		wait_for 60 "$name's container $way" inside "$name" $way "ping -c 1 -W 1 $PEER" || die "no network: $(guest_run "$name" "ip a")"
	done
}

all_on() { vif_path_is g1 "$1" && vif_path_is g2 "$1" && vif_path_is g1 "$1" 1 && vif_path_is g2 "$1" 1; }

move_all()
{
	local name vif

	for name in g1 g2; do
		for vif in 0 1; do
			vif_path_is $name "$1" $vif || vifctl move "$(guest_domid $name).$vif" "$1" >/run/vifctl.out 2>&1 || say "$(cat /run/vifctl.out)"
		done
	done
	wait_for 60 "all vifs on $1" all_on "$1" || die "not all vifs are on $1: $(vifctl list)"
}

# tcp WAY ADDRESS OPTIONS: Mbit/s of g1's container; the server may still be busy with the last test
tcp()
{
	local mbps

	for _ in 1 2 3; do
		mbps=$(inside g1 "$1" "iperf3 -c $2 --connect-timeout 4000 -t $VPF_S -f m $3 2>&1" | tee -a /results/iperf3.txt |
			awk '/receiver/ { for (i = 1; i < NF; i++) if ($(i + 1) == "Mbits/sec") m = $i } END { print m + 0 }')
		[ "$mbps" = 0 ] || break
		sleep 1
	done
	echo "$mbps"
}

# How many bytes have left the guest by the netdev of this way
bytes_out() { [ "$1" = with ] && echo "$IP netns exec with cat /sys/class/net/v1/statistics/tx_bytes" || echo "cat /sys/class/net/eth0/statistics/tx_bytes"; }

# UDP, by which the paper behind virtual PFs measured throughput. udp_out WAY: Mbit/s of 1400 bytes each that leave the
# guest; udp_in WAY: thousands of frames of 60 bytes that reach the container each second
udp_out()
{
	local count kbytes
	count=$(bytes_out "$1")

	for _ in 1 2 3; do
		kbytes=$(guest_run g1 "before=\$($count); $IP netns exec $1 iperf3 -u -b 0 -l 1400 --connect-timeout 4000 -t $VPF_S -c $OUTSIDE \
			-p $(iperf_port g1) >/dev/null 2>&1; echo \$(((\$($count) - before) / 1000))")
		[ "$kbytes" -lt 100 ] || break
		sleep 1
	done
	awk "BEGIN { print $kbytes * 8 / 1000 / $VPF_S }"
}

udp_in() { inside g1 "$1" "$(peer_floods v1 "$VPF_S")" | awk "{ print \$1 / 1000 / $VPF_S }"; }

# put PATH METRIC WAY VALUE
put()
{
	seen["$1 $2 $3"]+=" $4"
	echo "$1 $2 $3 $n $4" >>/results/figures.txt
}

# latency PATH METRIC WAY ADDRESS: of round trips, in microseconds
latency()
{
	local line p50 p99

	line=$(inside g1 "$3" "pingcheck -c $VPF_PINGS -i 2 $4")
	read -r p50 p99 <<<"$(awk '{ for (i = 1; i < NF; i++) v[$i] = $(i + 1) } END { print v["p50_us"] + 0, v["p99_us"] + 0 }' <<<"$line")"
	put "$1" "$2_p50" "$3" "$p50"
	put "$1" "$2_p99" "$3" "$p99"
}

seconds_of() { xl list "$1" | awk 'END { print $NF }'; }

# busy PATH METRIC WAY COMMAND...: a TCP measurement, and how much of their processors g1 and dom0 spend meanwhile, percent
busy()
{
	local path=$1 metric=$2 way=$3 guest dom0 start
	shift 3

	guest=$(seconds_of g1) dom0=$(seconds_of Domain-0) start=${EPOCHREALTIME/./}
	put "$path" "$metric" "$way" "$("$@")"
	start=$((${EPOCHREALTIME/./} - start))
	put "$path" "${metric}_g1_percent" "$way" "$(awk "BEGIN { printf \"%d\", ($(seconds_of g1) - $guest) * 1e8 / $start }")"
	put "$path" "${metric}_dom0_percent" "$way" "$(awk "BEGIN { printf \"%d\", ($(seconds_of Domain-0) - $dom0) * 1e8 / $start }")"
}

# measure PATH WAY
measure()
{
	busy "$1" tcp_out "$2" tcp "$2" $OUTSIDE "-p $(iperf_port g1)"
	busy "$1" tcp_in "$2" tcp "$2" $OUTSIDE "-p $(iperf_port g1) -R"
	busy "$1" tcp "$2" tcp "$2" "$(ip_of g2 "$2")" ""
	busy "$1" udp_out "$2" udp_out "$2"
	busy "$1" udp_in "$2" udp_in "$2"
	latency "$1" latency "$2" "$(ip_of g2 "$2")"
	latency "$1" latency_outside "$2" $PEER
}

round()
{
	local path way metric ways="without with"

	[ $(($1 % 2)) = 1 ] || ways="with without" # so that neither always goes first
	for path in ${VPF_PATHS//-/ }; do
		move_all "$path"
		for way in $ways; do
			measure "$path" "$way"
		done
		for metric in $METRICS; do
			put "$path" "$metric" ratio "$(ratio "${seen[$path $metric with]##* }" "${seen[$path $metric without]##* }")"
			say "round $1, $path: $metric ${seen[$path $metric without]##* } without, ${seen[$path $metric with]##* } with"
		done
	done
}

target()
{
	case $1 in
	tcp_out) echo ">= 1.2" ;;
	tcp_in) echo ">= 2" ;;
	latency_p50) echo "<= 0.7" ;;
	tcp|udp_*) echo ">= 1.0" ;;
	latency_*) echo "<= 1.0" ;;
	esac
}

# report PATH PREFIX
# shellcheck disable=SC2086 # the values are words
report()
{
	local metric way of unit

	for metric in $METRICS; do
		case $metric in
		tcp*|udp_out) unit=Mbit/s ;;
		udp_in) unit="thousand frames/s" ;;
		*) unit=us ;;
		esac
		for way in without with; do
			figure "$2${metric}_$way" "$(median ${seen[$1 $metric $way]})" "" "$unit"
			for of in g1 dom0; do
				[[ $metric == latency* ]] ||
					figure "$2${metric}_${of}_percent_$way" "$(median ${seen[$1 ${metric}_${of}_percent $way]})" "" "% of a processor"
			done
		done
		figure "$2${metric}_with_vs_without" "$(median ${seen[$1 $metric ratio]})" "$(target $metric)" ""
	done
}

vifd_bed
vpf_policies g1 1
vpf_policies g2 1
for name in g1 g2; do
	GUEST_CONFIG=$(vpf_vifs $name 1) front_create $name 00:16:3e:00:00:0${name#g} vifront
done
for name in g1 g2; do
	front_ready $name vifront
	containers $name
done
for n in $(seq "$BED_ROUNDS"); do
	round "$n"
	# a machine of any speed shall reach the figures
	[ "$(bed_seconds)" -lt $((BED_TIMEOUT * 2 / 3)) ] || break
done
check rounds "$n" ">= 1"
first=${VPF_PATHS%%-*}
for path in ${VPF_PATHS//-/ }; do
	report "$path" "$([ "$path" = "$first" ] || echo "${path}_")"
done
guest_run g1 "ip -s link; ethtool -S eth0 | grep -v ': 0'; dmesg | tail -n 20" >/results/g1.txt
guest_stop g1
guest_stop g2
vifd_stop
check vifd_status $? "== 0"
finish
