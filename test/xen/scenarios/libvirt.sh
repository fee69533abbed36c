#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# libvirt's driver for Xen as the toolstack: virsh creates, changes, saves and ends a guest whose interface is vifd's.
#
#     virsh -- libvirtd -- libxl -- vif-vifd -- vifd --- VF or switch --- igb --- wire --- 10.0.2.9, which answers pings
#       |                                        |
#       +-- /proc/net/dev: vif1.0 (vifd_rep) ....+
# wants libvirt vifd_rep.ko
. /bed/lib.sh

UUID=01234567-89ab-cdef-0123-456789abcdef
RATE=6400 # 125 KiB/s, in 50 ms
MAC=00:16:3e:00:00:01
EXTRA=00:16:3e:00:00:02
GUEST_BOOT_LIMIT=240 # a busy machine

export LC_ALL=C
virsh_says() { virsh -c xen:///system "$@" >/run/virsh 2>&1; }
# virsh_fails TEXT WORD...: virsh fails, and says TEXT
virsh_fails()
{
	local text=$1
	shift

	! virsh_says "$@" && grep -q "$text" /run/virsh
}

# A step of virsh's, and what it says
step()
{
	local name=$1
	shift

	check_true "virsh_$name" virsh_says "$@"
	[ -z "$(sed '/^$/d' /run/virsh)" ] || cat /run/virsh
}

libvirt_start()
{
	mkdir -p /run/libvirt /etc/libvirt
	printf '%s\n' 'auth_unix_rw = "none"' 'auth_unix_ro = "none"' 'log_outputs = "2:file:/results/libvirtd.log"' >/etc/libvirt/libvirtd.conf
	libvirtd >/run/libvirtd.out 2>&1 &
	wait_for 60 "libvirtd" virsh_says list || die "libvirtd does not answer: $(cat /run/libvirtd.out /run/virsh)"
}

# guest_xml NAME MAC MORE [MULTICAST]: a guest of this bed; MORE goes into its interface, the rule into its metadata
guest_xml()
{
	guest_number[$1]=$((16#${2##*:}))
	cat >"/run/$1.xml" <<-END
	<domain type='xen'>
	  <name>$1</name>
	  <uuid>$UUID</uuid>
	  <memory unit='MiB'>160</memory>
	  <vcpu>1</vcpu>
	  <os>
	    <type arch='x86_64' machine='xenpv'>linux</type>
	    <kernel>/boot/vmlinux</kernel>
	    <initrd>/boot/guest.cpio.gz</initrd>
	    <cmdline>console=hvc0 quiet bed.ip=$(guest_ip "$1")/24</cmdline>
	  </os>
	  <on_poweroff>destroy</on_poweroff>
	  <on_reboot>restart</on_reboot>
	  <on_crash>destroy</on_crash>
	  <metadata>
	    <vifd:rules xmlns:vifd="urn:vifd:rules">
	      <vifd:interface mac="$2">
	        multicast = ${4:-0}
	      </vifd:interface>
	    </vifd:rules>
	  </metadata>
	  <devices>
	    <interface type='ethernet'>
	      <mac address='$2'/>
	      <script path='vif-vifd'/>
	      $3
	    </interface>
	    <console type='pty'><target type='xen' port='0'/></console>
	  </devices>
	</domain>
	END
}

booted() { guest_booted[$1]=$(log_size "$(guest_log "$1")"); }
interfaces() { virsh -c xen:///system domiflist g1 | awk 'NF == 5 && $1 != "Interface"'; }

# stats_wrong NAME HANDLE: counts what domifstat tells otherwise than vifctl. Both mean the guest's side, so its rx is what the
# guest receives. A netdev's counters are up to 0.25 s old.
stats_wrong()
{
	sleep 1
	virsh -c xen:///system domifstat g1 "$1" >/run/stat 2>&1
	vifctl show "$(guest_domid g1).$2" >/run/show
	awk 'NR == FNR { if ($1 ~ /^[rt]x_(packets|bytes)$/) count[$1] = $2; next }
		$2 in count { seen++; if ($3 == 0 || $3 != count[$2]) wrong++ }
		END { print wrong + 4 - seen }' /run/show /run/stat
}

has_no_rules() { [ -z "$(ls /etc/vifd/vif.d)" ]; }

bed_nic_setup
insmod /bed/vifd_rep.ko || die "vifd_rep.ko does not load"
vifd_start '[daemon]' 'representor = on' '' '[nic bed]' "pf = $PF" "vfs = $BED_VFS" "uplink = $PF"
libvirt_start

# define, start, what it shows
guest_xml g1 $MAC "<bandwidth><outbound average='125'/></bandwidth>"
step define define /run/g1.xml
booted g1
step start start g1
[ -n "$(guest_domid g1)" ] && guest_ready g1 || die "g1 did not boot"
check_true on_a_vf wait_for 60 "g1 on a VF" vif_path_is g1 vf
rule() { vifctl show --why "$(guest_domid g1).0" | awk -v name="$1" '$1 == name { print $2 }'; }
check rule_of_the_metadata "$(rule multicast)" "== 0"
ls -l /etc/vifd/vif.d
check script "$(vif_key g1 script)" "== /etc/xen/scripts/vif-vifd"
check rate "$(vif_key g1 rate)" "== $RATE,50000"
check domiflist "$(interfaces | awk '{ print $1, $2, $5 }')" "== vif$(guest_domid g1).0 ethernet $MAC"
check pings_lost "$(ping_lost g1 $PEER 50)" "== 0"
check domifstat_wrong "$(stats_wrong "vif$(guest_domid g1).0" 0)" "== 0"

# a second interface comes and goes
step attach attach-interface g1 bridge bed --script vif-vifd --mac $EXTRA --target g1b --live
check_true attached_connects wait_for 30 "g1's second interface" vif_state_is g1 4 1
check vifname "$(vif_key g1 vifname 1)" "== g1b"
guest_run g1 "ip link set eth1 up; ip address add 10.0.2.77/32 dev eth1; ip route add $PEER dev eth1 src 10.0.2.77"
check attached_pings_lost "$(ping_lost g1 $PEER)" "== 0"
check attached_listed "$(interfaces | wc -l)" "== 2"
check attached_domifstat_wrong "$(stats_wrong g1b 1)" "== 0"
step detach detach-interface g1 bridge --mac $EXTRA --live
check_true detached_is_gone wait_for 10 "the end of vif 1" sh -c "! xenstore-exists /local/domain/0/backend/vif/$(guest_domid g1)/1"
check detached_listed "$(interfaces | wc -l)" "== 1"

# one that vifd refuses: virsh does not know why, libvirt's log does
check_true no_such_nic_is_refused virsh_fails 'failed to attach' attach-interface g1 bridge nosuch --script vif-vifd --mac $EXTRA --live
check_true log_says_why grep -q 'bridge=nosuch: no \[nic\] of vifd.conf has this name' /var/log/libvirt/libxl/libxl-driver.log
xl network-detach g1 1
check_true setlink_is_not_libvirts virsh_fails 'cannot be updated' domif-setlink g1 "vif$(guest_domid g1).0" down
cat /run/virsh

# suspend, reboot, save, restore, shutdown
step suspend suspend g1
step resume resume g1
check pings_lost_after_resume "$(ping_lost g1 $PEER)" "== 0"
booted g1
step reboot reboot g1
guest_ready g1
check_true on_a_vf_after_reboot wait_for 60 "g1 on a VF" vif_path_is g1 vf
check pings_lost_after_reboot "$(ping_lost g1 $PEER)" "== 0"
step save save g1 /run/g1.save
check_true saved_is_gone wait_for 10 "g1's end" guest_is_gone g1
step restore restore /run/g1.save
check_true restored_connects wait_for 30 "g1" vif_state_is g1 4
sleep 2
check pings_lost_after_restore "$(ping_lost g1 $PEER)" "== 0"
check domifstat_wrong_after_restore "$(stats_wrong "vif$(guest_domid g1).0" 0)" "== 0"
step shutdown shutdown g1
check_true shutdown_ends_it wait_for 30 "g1's end" guest_is_gone g1
check nodes_left "$(xenstore-list /local/domain/0/backend/vif 2>/dev/null | wc -l)" "== 0"
check_true rules_end_with_the_guest wait_for 30 "the end of the rules" has_no_rules

# what does not start says why
guest_xml g1 $MAC '' 2
step define_again define /run/g1.xml
check_true wrong_rule_is_told virsh_fails "g1: rules in <metadata>: .*'2': expected" start g1
cat /run/virsh
guest_xml g1 $MAC ''
step define_right define /run/g1.xml
vifd_stop
check_true absent_vifd_is_told virsh_fails "vifd is not running: run 'systemctl start vifd'" start g1
cat /run/virsh
cp -r /var/log/libvirt /results/
# shellcheck disable=SC2154 # of lib.sh
check libvirt_checks "$passed" "== $((passed + failed))" checks
finish
