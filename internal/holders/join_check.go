package holders

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"

	"github.com/linnemanlabs/trustroot/internal/courier"
	"github.com/linnemanlabs/trustroot/internal/fault"
	"github.com/linnemanlabs/trustroot/internal/trustdir"
	"github.com/linnemanlabs/trustroot/pki"
	"github.com/linnemanlabs/trustroot/pki/plan"
	"github.com/linnemanlabs/trustroot/pki/tuf"
	"github.com/linnemanlabs/trustroot/yubikey/attestation"
)

// Planned returns what the plan says of a holder.
func Planned(d *trustdir.Dir, name string) (token uint32, slot string, err error) {
	h, ok := d.Plan.Holders[name]
	if !ok {
		return 0, "", fault.New(fault.Usage, "name a holder of the plan: "+strings.Join(courier.Names(d.Plan.Holders), ", "), fmt.Errorf("the plan has no holder %q", name))
	}
	return h.Token, h.Slot, nil
}

// checkHolder proves that the key was made on the token and in the slot that
// the plan names for the holder, and that nothing signs with it unasked.
func checkHolder(d *trustdir.Dir, h tuf.Holder, slot, device []byte, roots attestation.Roots, now time.Time) error {
	token, where, err := Planned(d, h.Name)
	if err != nil {
		return err
	}
	return checkAttested(h, slot, device, roots, attestation.Expect{PublicKey: h.PublicKey, Serial: token, Slot: where, TouchPolicy: "always"}, now)
}

func checkAttested(h tuf.Holder, slot, device []byte, roots attestation.Roots, want attestation.Expect, now time.Time) error {
	slotCert, errS := pki.ParseCertificate(slot)
	deviceCert, errD := pki.ParseCertificate(device)
	if err := errors.Join(errS, errD); err != nil {
		return fault.New(fault.Verification, "", fmt.Errorf("attestation of holder %s: %w", h.Name, err))
	}
	a, err := attestation.Verify(attestation.Pair{Slot: slotCert, Device: deviceCert}, roots, now)
	if err == nil {
		err = a.Match(want)
	}
	if err == nil && a.PINPolicy == "never" {
		err = fault.New(fault.Verification, "make the key in an empty slot with `trustroot tuf join`", errors.New("the key signs without a PIN"))
	}
	if err != nil {
		return fmt.Errorf("attestation of holder %s: %w", h.Name, err)
	}
	return nil
}

// Check verifies again what is filed of every holder that signs root or
// targets.
func Check(d *trustdir.Dir, roots attestation.Roots, now time.Time) error {
	current, _, err := HolderKeys(d)
	if err != nil {
		return err
	}
	var errs []error
	for _, h := range current {
		if !signs(d, h.Name) {
			continue
		}
		slot, device, err := attestationOf(d, trustdir.HolderDir(h.Name))
		if err == nil {
			err = checkHolder(d, h, slot, device, roots, now)
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

func signs(d *trustdir.Dir, name string) bool {
	return d.Plan.TUF != nil && slices.ContainsFunc([]plan.Role{d.Plan.TUF.Root, d.Plan.TUF.Targets}, func(r plan.Role) bool {
		return slices.Contains(r.Holders, name)
	})
}

// Joined reports whether everybody who signs root or targets has a key on file.
func Joined(d *trustdir.Dir) bool {
	for name := range d.Plan.Holders {
		if _, err := fs.Stat(d.FS(), trustdir.HolderDir(name)+trustdir.PublicFile); err != nil && signs(d, name) {
			return false
		}
	}
	return true
}

func attestationOf(d *trustdir.Dir, dir string) (slot, device []byte, err error) {
	slot, errS := fs.ReadFile(d.FS(), dir+"attestation/slot.pem")
	device, errD := fs.ReadFile(d.FS(), dir+"attestation/device.pem")
	if err := errors.Join(errS, errD); err != nil {
		return nil, nil, fault.New(fault.Verification, "invite the holder again with `trustroot tuf invite`", fmt.Errorf("read the attestation in %s: %w", dir, err))
	}
	return slot, device, nil
}

// Signer is a key of root or targets and what is known of its token.
type Signer struct {
	KeyID  string `json:"keyid"`
	Holder string `json:"holder"`
	Former bool   `json:"former,omitempty"` // the holder has another key now, or is not a holder any more
}

// CheckSigners holds the keys of a published root and targets against what is
// filed of their holders: each key belongs to a folder of holders/ and was
// attested by a token. A key that nobody filed is an error.
func CheckSigners(d *trustdir.Dir, report *tuf.Report, roots attestation.Roots, now time.Time) ([]Signer, error) {
	current, former, err := HolderKeys(d)
	if err != nil {
		return nil, err
	}
	var out []Signer
	var errs []error
	for _, role := range report.Roles {
		if role.Role == "snapshot" || role.Role == "timestamp" {
			continue
		}
		for _, id := range role.Keys {
			if slices.ContainsFunc(out, func(s Signer) bool { return s.KeyID == id }) {
				continue
			}
			s, err := checkSigner(d, id, current, former, roots, now)
			if err != nil {
				errs = append(errs, fmt.Errorf("%s: %w", role.Role, err))
			}
			out = append(out, s)
		}
	}
	return out, errors.Join(errs...)
}

func checkSigner(d *trustdir.Dir, id string, current, former []tuf.Holder, roots attestation.Roots, now time.Time) (Signer, error) {
	for i, h := range append(slices.Clone(current), former...) {
		have, err := tuf.KeyID(h.PublicKey)
		if err != nil {
			return Signer{KeyID: id}, err
		}
		if have != id {
			continue
		}
		s := Signer{KeyID: id, Holder: h.Name, Former: i >= len(current)}
		dir := trustdir.HolderDir(h.Name)
		if _, err := fs.Stat(d.FS(), dir+formerDir+"/"+id[:12]); err == nil {
			dir += formerDir + "/" + id[:12] + "/"
		}
		slot, device, err := attestationOf(d, dir)
		if err != nil {
			return s, err
		}
		if s.Former { // the plan no longer says which token it was
			return s, checkAttested(h, slot, device, roots, attestation.Expect{PublicKey: h.PublicKey}, now)
		}
		return s, checkHolder(d, h, slot, device, roots, now)
	}
	return Signer{KeyID: id}, fault.New(fault.Verification, "find out whose key it is before you trust this repository", fmt.Errorf("key %.12s is nobody's in holders/", id))
}

// HolderKeys reads the key of everybody in holders/: those that the plan names,
// and those that it no longer names or who have another key now.
func HolderKeys(d *trustdir.Dir) (current, former []tuf.Holder, err error) {
	var errs []error
	read := func(name, path string, into *[]tuf.Holder) {
		data, err := fs.ReadFile(d.FS(), path)
		if errors.Is(err, fs.ErrNotExist) {
			return // invited, and not joined yet
		}
		key, errKey := pki.ParsePublicKey(data)
		if err := errors.Join(err, errKey); err != nil {
			errs = append(errs, fmt.Errorf("key of holder %s in %s: %w", name, path, err))
			return
		}
		*into = append(*into, tuf.Holder{Name: name, PublicKey: key})
	}
	for _, name := range holderFolders(d) {
		into := &current
		if _, planned := d.Plan.Holders[name]; !planned {
			into = &former
		}
		read(name, trustdir.HolderDir(name)+"key.pem", into)
		old, err := fs.Glob(d.FS(), trustdir.HolderDir(name)+formerDir+"/*/key.pem")
		errs = append(errs, err)
		for _, path := range old {
			read(name, path, &former)
		}
	}
	return current, former, errors.Join(errs...)
}

// holderFolders are the names in holders/, sorted.
func holderFolders(d *trustdir.Dir) []string {
	entries, err := fs.ReadDir(d.FS(), "holders")
	if err != nil {
		return nil // nobody has joined
	}
	var names []string
	for _, e := range entries {
		if e.IsDir() {
			names = append(names, e.Name())
		}
	}
	return names
}
