//go:build cgo

package yubikey

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/go-piv/piv-go/v2/piv"

	"github.com/linnemanlabs/trustroot/yubikey/virtual"
)

func TestProvision_LeavesNothingOfTheFactory(t *testing.T) {
	f := plugOne(t)
	before, err := List(t.Context())
	mustDo(t, err)
	if w := strings.Join(before[0].Warnings, "\n"); strings.Count(w, "factory's") != 3 || before[0].PINRetries != 3 {
		t.Errorf("before: %+v", before)
	}
	o := options()
	o.ForRoot, o.PINRetries, o.PUKRetries = true, 8, 6
	token := f.open(t, nil)
	mustDo(t, token.Provision(o))
	mustDo(t, token.Close())
	after, err := List(t.Context())
	mustDo(t, err)
	if a := after[0]; len(a.Warnings) != 0 || a.PINRetries != 8 || a.PUKRetries != 6 || a.Problem != nil || a.Identity.FormFactor != "USB-C Keychain" {
		t.Errorf("after: %+v", after)
	}
	mustDo(t, withRaw(f.readers.Name(f.Card), func(r *raw) error {
		there, err := r.hasCHUID()
		if err == nil && !there {
			err = errors.New("there is no CHUID")
		}
		return err
	}))
	if f.publishedKey(t) {
		t.Error("the management key is still the factory's")
	}
}

// publishedKey reports whether the factory's management key still works.
func (f *fake) publishedKey(t *testing.T) bool {
	t.Helper()
	yk, err := piv.Open(f.readers.Name(f.Card))
	mustDo(t, err)
	defer func() { mustDo(t, yk.Close()) }()
	return yk.SetManagementKey(piv.DefaultManagementKey, piv.DefaultManagementKey) == nil
}

func TestProvision_AgainChangesNothing(t *testing.T) {
	f := plugOne(t)
	f.provision(t)
	token := f.open(t, nil)
	mustDo(t, token.Provision(options()))
	if sent := f.since(); strings.Contains(sent, "fa") || strings.Contains(sent, "ff") || strings.Contains(sent, "db") {
		t.Errorf("something was written: %s", sent)
	}
}

func TestProvision_OtherPINOrPUKThanBefore(t *testing.T) {
	f := plugOne(t)
	f.provision(t)
	token := f.open(t, nil)
	o := options()
	o.PIN = []byte("572910")
	wrong(t, token.Provision(o), "PIN", 4)
	o = options()
	o.PUK = []byte("19283746")
	err := token.Provision(o)
	wrong(t, err, "PUK", 4)
	contains(t, err, "another PUK already")
}

func TestProvision_RefusesATokenOfValue(t *testing.T) {
	f := plugOne(t)
	f.withKey(t, "9c", rootKey)
	token := f.open(t, right())
	pub, err := token.Slot("9c")
	mustDo(t, err)
	mustDo(t, token.Install("83", certify(t, pub.PublicKey, "a note")))
	f.since()
	refused(t, token.Provision(options()), ErrSlotInUse, "9c", "83")
	if sent := f.since(); strings.Contains(sent, "20") || strings.Contains(sent, "87") {
		t.Errorf("sent %s", sent)
	}
}

func TestProvision_OldFirmware(t *testing.T) {
	f := plug(t, virtual.Firmware543)[0]
	token := f.open(t, nil)
	o := options()
	o.ForRoot = true
	refused(t, token.Provision(o), ErrFirmware, "EUCLEAK")
	o.AllowOldFirmware = true
	mustDo(t, token.Provision(o))
	info, err := token.Info()
	mustDo(t, err)
	if len(info.Warnings) != 1 || !strings.Contains(info.Warnings[0], "EUCLEAK") {
		t.Errorf("warnings %q", info.Warnings)
	}
}

// firmware below 5.3 does not say what is the factory's, so nothing is tried
// before a reset has made sure of it.
func TestProvision_FirmwareWithoutMetadata(t *testing.T) {
	f := plug(t, [3]byte{5, 2, 7})[0]
	token := f.open(t, right())
	f.since()
	refused(t, token.Provision(options()), ErrFirmware, "5.2.7")
	if sent := f.since(); sent != "" {
		t.Errorf("sent %s", sent)
	}
	mustDo(t, token.Reset())
	mustDo(t, token.Provision(options()))
	info, err := token.Info()
	mustDo(t, err)
	if len(info.Warnings) != 2 || info.PUKRetries != -1 || info.PINRetries != 5 {
		t.Errorf("got %+v", info)
	}
	refused(t, token.Provision(options()), ErrFirmware)
}

// another program changed the management key and kept it to itself.
func TestProvision_UnknownManagementKey(t *testing.T) {
	f := plugOne(t)
	yk, err := piv.Open(f.readers.Name(f.Card))
	mustDo(t, err)
	mustDo(t, yk.SetManagementKey(piv.DefaultManagementKey, []byte("abcdefghijklmnopqrstuvwx")))
	mustDo(t, yk.Close())
	token := f.open(t, nil)
	refused(t, token.Provision(options()), ErrNotReady, "neither the factory's nor kept")
}

// somebody set a PIN of their own before: it is used if it is the given one,
// and costs one try if not.
func TestProvision_PINWasSetBefore(t *testing.T) {
	f := plugOne(t)
	yk, err := piv.Open(f.readers.Name(f.Card))
	mustDo(t, err)
	mustDo(t, yk.SetPIN(defaultPIN, testPIN))
	mustDo(t, yk.Close())
	token := f.open(t, nil)
	o := options()
	o.PIN = []byte("572910")
	wrong(t, token.Provision(o), "PIN", 2)
	mustDo(t, token.Provision(options()))
	info, err := token.Info()
	mustDo(t, err)
	if len(info.Warnings) != 0 || info.PINRetries != 5 {
		t.Errorf("got %+v", info)
	}
}

func TestReset_MakesTheTokenNew(t *testing.T) {
	f := plugOne(t)
	f.withKey(t, "9c", rootKey)
	token := f.open(t, nil)
	mustDo(t, token.Reset())
	info, err := token.Info()
	mustDo(t, err)
	if len(info.Slots) != 0 || info.PINRetries != 3 || len(info.Warnings) != 3 {
		t.Errorf("got %+v", info)
	}
	mustDo(t, token.Provision(options()))
}

// a wrong management key and a missing touch have one status word: both are
// named. Another program may change the key behind our back.
func TestAdmin_ManagementKeyRefused(t *testing.T) {
	f := plugOne(t)
	f.provision(t)
	token := f.open(t, right())
	key, err := managementKey(token, "test")
	mustDo(t, err)
	key[0] ^= 0xff
	_, err = token.Generate("9c", rootKey)
	refused(t, err, ErrManagementKey, "touch that did not come")
	if fmt.Sprintf("%x", key) != "" && strings.Contains(err.Error(), fmt.Sprintf("%x", key)) {
		t.Error("the error tells the key")
	}
}
