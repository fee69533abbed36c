#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# vifctl doctor on a collected host: fine, and each check with the fault that it is for.
set -eu

if [ "${1:-}" = --help ]; then sed -n '3s/^# //p' "$0"; exit 0; fi
cd "$(dirname "$0")/../.."
# shellcheck source=test/unit/vifctl_check.sh
. test/unit/vifctl_check.sh
trap 'rm -rf "$tmp"' EXIT
host=$tmp/host
shown=' ' # checks that were seen to fail

put() { mkdir -p "$(dirname "$host/$1")"; printf '%b\n' "$2" >"$host/$1"; }
config() { put etc/vifd/vifd.conf "[daemon]\nworkers = 2\n$1\n[nic lan]\npf = eth0\nvfs = 2\n${2:-}"; }

# A PV dom0 on which nothing is wrong, but that its memory in Xen cannot be seen
fine() {
	local pci=sys/bus/pci/devices n

	rm -rf "$host"
	put sys/hypervisor/type xen
	put sys/hypervisor/guest_type PV
	for n in privcmd gntdev evtchn; do put dev/xen/$n ''; done
	put xenstore.txt '/local/domain/0/domid = "0"\n/local/domain/0/backend/vif/7/0/script = "/etc/xen/scripts/vif-bridge"\n/local/domain/0/backend/vif/8/0/script = "/etc/xen/scripts/vif-vifd"'
	put etc/xen/scripts/vif-vifd '#!/bin/sh'
	chmod +x "$host/etc/xen/scripts/vif-vifd"
	put etc/systemd/system/multi-user.target.wants/vifd-absent.service ''
	put sys/devices/system/cpu/online 0,2-3
	put proc/meminfo 'MemTotal: 900000 kB\nMemAvailable:  500000 kB'
	put usr/lib/modprobe.d/vifd.conf 'install xen-netback /usr/lib/vifd/load-netback'
	mkdir -p "$host"/sys/bus/xen-backend/drivers/vif/vif-7-0 "$host/sys/class/net/eth0" \
		"$host/sys/bus/pci/drivers/uio_pci_generic"
	put sys/class/net/eth0/carrier 1
	put $pci/0000:01:00.0/sriov_totalvfs 7
	put $pci/0000:01:00.0/sriov_numvfs 2
	ln -s ../../../bus/pci/devices/0000:01:00.0 "$host/sys/class/net/eth0/device"
	for n in 0 1; do
		put $pci/0000:01:10.$n/resource '0x00000000fe800000 0x00000000fe803fff 0x0000000000140204\n0x0 0x0 0x0'
		ln -s ../0000:01:10.$n "$host/$pci/0000:01:00.0/virtfn$n"
	done
	config 'zero_copy = off'
}

# wrong CHECK WHAT REMEDY: only this check is wrong, and says so
wrong() {
	check "$1 is wrong" ends 1 doctor --root "$host" --json
	check "$1 and nothing else" json "[i['check'] for i in x if i['verdict'] == 'wrong'] == ['$1']"
	check "$1 says why" json "any('$2' in i['text'] and '$3' in i['remedy'] for i in x if i['check'] == '$1')"
	shown="$shown$1 "
}

fine
check "a fine host" ends 0 doctor --root "$host"
check "a line of it" grep -qx 'ok       sriov lan: eth0: the firmware offers 7 VFs' "$tmp/out"
check "as JSON" ends 0 doctor --root "$host" --json
check "of which all is fine or unknown" json "all(i['verdict'] in ('ok', 'unknown') for i in x) and len(x) >= 12"
all=$(python3 -c "import json, sys; print(*[i['check'] for i in json.load(open(sys.argv[1]))])" "$tmp/out")

put sys/hypervisor/type kvm; wrong xen 'no domain of a Xen host' 'boot Xen'; fine
for n in privcmd gntdev evtchn; do
	rm "$host/dev/xen/$n"
	wrong xen-$n "/dev/xen/$n is not there" "modprobe xen-$n"
	fine
done
put xenstore.txt ''; wrong xenstore 'does not know' 'xen-init-dom0'; fine
chmod -x "$host/etc/xen/scripts/vif-vifd"; wrong hotplug-script 'vif-vifd' 'make install'; fine
rm "$host"/etc/systemd/system/*/vifd-absent.service; wrong vifd-absent 'not enabled' 'systemctl enable'; fine
put sys/devices/system/cpu/online 0; wrong cpus '2 workers share 1 CPUs' 'workers'; fine
put proc/meminfo 'MemAvailable: 4000 kB'; wrong memory '3 MiB are available, 128 wanted' 'memory_mb'; fine
config 'zero_copy = off\nmemory = hugepages'; wrong memory '0 MiB are free as hugepages' 'memory = xen'; fine
put sys/hypervisor/guest_type PVH; config ''; wrong iommu 'no zero copy' 'dom0-iommu=strict'; fine
config 'zero_copy = off\nrepresentor = on'; wrong representor 'have no network devices' 'modprobe vifd_rep'
put dev/vifd-rep ''; check "with the module" ends 0 doctor --root "$host"; fine
config 'zero_copy = off\npower = on'; check "power = on, which Xen may do" ends 0 doctor --root "$host" --json
check "is unknown" json "[i['verdict'] for i in x if i['check'] == 'power'] == ['unknown']"
put xenstore.txt '/local/domain/3/domid = "3"\n/local/domain/3/backend/vif/8/0/script = "/etc/xen/scripts/vif-vifd"'
wrong power 'nobody scales' 'power = off'
put sys/devices/system/cpu/cpu0/cpufreq/scaling_driver acpi-cpufreq; check "power = on, which Linux does" ends 0 doctor --root "$host"; fine
rm "$host/usr/lib/modprobe.d/vifd.conf"; wrong netback-rule 'would disturb' 'make install'; fine
put etc/modprobe.d/old.conf 'install xen-netback /bin/false'; wrong netback-rule '/bin/false' 'remove that line'; fine
mkdir "$host/sys/bus/xen-backend/drivers/vif/vif-8-0"; wrong netback-bound 'vif-8-0' 'restart vifd'; fine
rm "$host/sys/class/net/eth0/carrier"; wrong link 'eth0 has no link' 'cable'; fine
put sys/bus/pci/devices/0000:01:00.0/sriov_totalvfs 0; wrong sriov 'offers no VFs' 'SR-IOV'; fine
put sys/bus/pci/devices/0000:01:00.0/sriov_totalvfs 1; wrong sriov 'offers 1 VFs, vfs = 2' 'less'; fine
config 'zero_copy = off' 'vfs = 0'; put sys/bus/pci/devices/0000:01:00.0/sriov_numvfs 0
sed -i '/^vfs = 2$/d' "$host/etc/vifd/vifd.conf"; wrong vfs 'has no VFs' 'vfs = NUMBER'; fine
put sys/bus/pci/devices/0000:01:10.1/resource '0x0000008000000000 0x0000008000003fff 0x140204'
wrong bars 'VF 1 of eth0: the memory at 0x8000000000 is out of' 'Above 4G'; fine
put sys/bus/pci/devices/0000:01:10.0/resource '0x0 0x0 0x140204'; wrong bars 'VF 0 of eth0: the memory at 0x0 has no place' 'pci=realloc'; fine
config 'zero_copy = off\nmemory = plain' 'driver = native'; rm -r "$host/sys/bus/pci/drivers/uio_pci_generic"
wrong vf-driver 'uio_pci_generic is not loaded' 'modprobe uio_pci_generic'; fine
put sys/hypervisor/guest_type PVH; config 'zero_copy = off\nmemory = plain' 'driver = native'
wrong vf-driver 'need an IOMMU' 'driver = netdev'; fine

# What depends on these is wrong or unknown as well.
sed -i 's/eth0/eth9/' "$host/etc/vifd/vifd.conf"
check "no PF" ends 1 doctor --root "$host" --json
check "is said" json "any(i['check'] == 'pf' and i['verdict'] == 'wrong' and 'eth9' in i['text'] for i in x)"
shown="${shown}pf "; fine
put etc/vifd/vifd.conf '[nic lan]\npf ='
check "no configuration" ends 1 doctor --root "$host" --json
check "is said, too" json "any(i['check'] == 'config' and i['verdict'] == 'wrong' for i in x)"
shown="${shown}config "
rm "$host/xenstore.txt"
check "without xenstore's keys" ends 1 doctor --root "$host" --json
check "nothing is said of xenstore" json "[i['verdict'] for i in x if i['check'] == 'xenstore'] == ['unknown']"

for n in $all; do check "$n was shown failing" test "${shown#* $n }" != "$shown"; done
check "at least 12 checks" test "$(printf '%s\n' $all | sort -u | wc -l)" -ge 12
echo "fact doctor_checks $(printf '%s\n' $all | sort -u | wc -l) checks"
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
