package ceremony

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/linnemanlabs/trustroot/ceremony/record"
	"github.com/linnemanlabs/trustroot/internal/fault"
)

func TestHost_Clock(t *testing.T) {
	w := newWorld(t)
	r := w.founding()
	for _, days := range []int{-3650, -1, 1, 3650} {
		o := w.options(r)
		o.Now = w.now.AddDate(0, 0, days)
		_, err := Run(context.Background(), o)
		refused(t, err, fault.Usage, "this machine's clock says")
	}
	entries, err := os.ReadDir(w.out())
	must(t, err)
	if len(entries) != 0 {
		t.Error("something was made")
	}
	untouched(t, w.chip)
}

func TestHost_Network(t *testing.T) {
	w := newWorld(t)
	r := w.founding()
	o := w.options(r)
	o.Host.Interfaces = []string{"eth0"}
	o.Host.Routes = []string{"eth0", "eth0"}
	_, err := Run(context.Background(), o)
	refused(t, err, fault.Usage, "network interfaces are up: eth0; there is a default route: eth0")
	untouched(t, w.chip)
	o.AllowNetwork = true
	path, err := Run(context.Background(), o)
	must(t, err)
	v := w.verify(path)
	head, _, _ := strings.Cut(string(v.Record.Files[record.Report]), "<h2>")
	if !strings.Contains(head, "Exception: network interfaces are up: eth0") {
		t.Errorf("the report's head does not say it:\n%s", head[strings.Index(head, "<body>"):])
	}
	if !slices.ContainsFunc(v.Claims, func(c Claim) bool { return c.People && strings.Contains(c.Text, "eth0") }) {
		t.Errorf("no claim says it: %v", v.Claims)
	}
}

func TestHost_SpaceAndBinary(t *testing.T) {
	h := cleanHost()
	h.OutFree = minFree - 1
	c := newWorldPlan(t)
	_, err := h.check(c, time.Now(), false)
	refused(t, err, fault.Usage, "MiB free")
	h = cleanHost()
	c.BinarySHA256 = strings.Repeat("cd", 32)
	_, err = h.check(c, time.Now(), false)
	refused(t, err, fault.Verification, "the plan names cdcd")
}

// bad is a machine with everything that an air-gapped one should not have.
var bad = fstest.MapFS{
	"proc/net/route":                              {Data: []byte("Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\nwlan0\t00000000\t0101A8C0\t0003\t0\t0\t0\t00000000\t0\nwlan0\t0001A8C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\n")},
	"proc/net/ipv6_route":                         {Data: []byte(zeros + " 00 " + zeros + " 00 fe80 00000400 00000001 00000000 00000003 wlan1\n" + zeros + " 00 " + zeros + " 00 " + zeros + " ffffffff 00000001 00000000 00200200 lo\n")},
	"proc/swaps":                                  {Data: []byte("Filename Type Size Used Priority\n/dev/sda2 partition 1 0 -2\n")},
	"proc/cpuinfo":                                {Data: []byte("processor : 0\nflags : fpu hypervisor lm\n")},
	"proc/sys/kernel/random/entropy_avail":        {Data: []byte("12\n")},
	"proc/sys/kernel/core_pattern":                {Data: []byte("core\n")},
	"sys/class/dmi/id/product_name":               {Data: []byte("KVM\n")},
	"sys/class/rfkill/rfkill0/type":               {Data: []byte("wlan\n")},
	"sys/class/rfkill/rfkill0/name":               {Data: []byte("phy0\n")},
	"sys/class/rfkill/rfkill0/soft":               {Data: []byte("0\n")},
	"sys/class/rfkill/rfkill0/hard":               {Data: []byte("0\n")},
	"sys/class/rfkill/rfkill1/type":               {Data: []byte("bluetooth\n")},
	"sys/class/rfkill/rfkill1/soft":               {Data: []byte("1\n")},
	"sys/class/rfkill/rfkill1/hard":               {Data: []byte("0\n")},
	"sys/bus/usb/devices/1-1/idVendor":            {Data: []byte("1050\n")},
	"sys/bus/usb/devices/1-1/idProduct":           {Data: []byte("0407\n")},
	"sys/bus/usb/devices/1-1:1.0/bInterfaceClass": {Data: []byte("03\n")},
	"sys/bus/usb/devices/1-1:1.2/bInterfaceClass": {Data: []byte("0b\n")},
	"sys/bus/usb/devices/1-2/idVendor":            {Data: []byte("0bda\n")},
	"sys/bus/usb/devices/1-2/idProduct":           {Data: []byte("8153\n")},
	"sys/bus/usb/devices/1-2/product":             {Data: []byte("USB LAN\n")},
	"sys/bus/usb/devices/1-2:1.0/bInterfaceClass": {Data: []byte("ff\n")},
	"sys/bus/usb/devices/1-3:1.0/bInterfaceClass": {Data: []byte("08\n")},
	"sys/bus/usb/devices/usb1/idVendor":           {Data: []byte("1d6b\n")},
	"sys/bus/usb/devices/1-0:1.0/bInterfaceClass": {Data: []byte("09\n")},
}

const zeros = "00000000000000000000000000000000"

func TestHost_KernelFindings(t *testing.T) {
	h := cleanHost()
	h.CoreLimit, h.OutMode, h.Unprotected = 1, "-rwxr-xr-x", []string{"memory is not locked"}
	h.lookAtKernel(bad)
	if want := []string{"wlan0", "wlan1"}; !slices.Equal(h.Routes, want) {
		t.Errorf("routes %v", h.Routes)
	}
	text := strings.Join(h.Findings(), "\n")
	for _, want := range []string{"/dev/sda2", "core files", "readable for everyone", "12 bits", "virtual machine", "KVM", "wlan phy0", "0bda:8153 USB LAN (class ff)", "memory is not locked"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not found in:\n%s", want, text)
		}
	}
	for _, not := range []string{"bluetooth", "1050", "class 08", "class 09"} {
		if strings.Contains(text, not) {
			t.Errorf("%q is found in:\n%s", not, text)
		}
	}
}

func TestHost_CleanKernel(t *testing.T) {
	h := cleanHost()
	h.lookAtKernel(fstest.MapFS{
		"proc/swaps":                           {Data: []byte("Filename Type Size Used Priority\n")},
		"proc/net/route":                       {Data: []byte("Iface\tDestination\n")},
		"proc/cpuinfo":                         {Data: []byte("flags : fpu lm\n")},
		"proc/sys/kernel/random/entropy_avail": {Data: []byte("256\n")},
	})
	if f := h.Findings(); len(f) != 0 || h.network() != "" {
		t.Errorf("findings %q, network %q", f, h.network())
	}
}

// envNetwork makes the test binary print what it finds of this machine.
const envNetwork = "CEREMONY_TEST_HOST"

// inspectChild is the process in a network namespace of its own.
func inspectChild() error {
	h, err := InspectHost(os.TempDir(), nil)
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(h)
}

// inNamespace looks at this machine from a network namespace of its own, in
// which a shell runs setup first. It takes root.
func inNamespace(t *testing.T, setup string) Host {
	t.Helper()
	cmd := exec.Command("unshare", "--net", "sh", "-ec", setup+`exec "$0"`, os.Args[0])
	cmd.Env = append(os.Environ(), envNetwork+"=1")
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("a network namespace, which takes root: %v", err)
	}
	var h Host
	must(t, json.Unmarshal(out, &h))
	return h
}

func TestHost_CleanInANamespaceOfItsOwn(t *testing.T) {
	for _, setup := range []string{"", "ip link set lo up; "} {
		h := inNamespace(t, setup)
		if h.network() != "" {
			t.Errorf("after %q there is a network: %s", setup, h.network())
		}
		if h.Version == "" || len(h.BinarySHA256) != 64 || h.OutFree == 0 || len(h.OutMode) != 10 {
			t.Errorf("found %+v", h)
		}
		exceptions, err := h.check(newWorldPlan(t), time.Now(), false)
		if err != nil || len(exceptions) != 0 {
			t.Errorf("exceptions %v: %v", exceptions, err)
		}
	}
}

func TestHost_InterfaceUpAndDefaultRoute(t *testing.T) {
	h := inNamespace(t, "ip link add v0 type veth peer name v1; ip link set v0 up; ip link set v1 up; ip address add 192.0.2.1/24 dev v0; ")
	_, err := h.check(newWorldPlan(t), time.Now(), false)
	refused(t, err, fault.Usage, "network interfaces are up: v")
	h = inNamespace(t, "ip link add v0 type veth peer name v1; ip link set v0 up; ip link set v1 up; ip address add 192.0.2.1/24 dev v0; ip route add default via 192.0.2.9; ")
	_, err = h.check(newWorldPlan(t), time.Now(), false)
	refused(t, err, fault.Usage, "there is a default route: v0")
	exceptions, err := h.check(newWorldPlan(t), time.Now(), true)
	if err != nil || len(exceptions) != 1 {
		t.Errorf("with the exception: %v, %v", exceptions, err)
	}
}
