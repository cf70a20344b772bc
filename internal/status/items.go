package status

import (
	"context"
	"crypto/ecdsa"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/linnemanlabs/trustroot/internal/trustdir"
	"github.com/linnemanlabs/trustroot/pki"
	"github.com/linnemanlabs/trustroot/pki/ledger"
	"github.com/linnemanlabs/trustroot/pki/plan"
	"github.com/linnemanlabs/trustroot/pki/tuf"
	"github.com/linnemanlabs/trustroot/pki/tuf/store"
	"github.com/linnemanlabs/trustroot/yubikey/attestation"
)

// soundFirmware is the first that does not leak ECDSA keys (YSA-2024-03).
var soundFirmware = attestation.Version{5, 7, 0}

func certificateItems(d *trustdir.Dir, s *Status) {
	for _, name := range slices.Sorted(maps.Keys(d.State.Authorities)) {
		generations := d.State.Authorities[name]
		for i, g := range generations {
			// roots issue beside each other, and one that stands by replaces none
			last := i == len(generations)-1 || name == plan.RootAuthority && g.Live()
			end := g.Certificate.NotAfter
			s.Items = append(s.Items, Item{Kind: KindCertificate, Name: name, Generation: g.Number,
				Start: g.Certificate.NotBefore, Expires: &end, Replaced: !last, Do: "trustroot renew " + name})
			s.window(name, g, last)
			if !last && g.End == nil {
				s.warnOpen(name, g, generations[i+1])
			}
		}
	}
}

// lifeItems adds what a whole life brings: the next CRL of each root, the days
// from which a root is too old to issue a full term, and every compromise.
func lifeItems(d *trustdir.Dir, s *Status) {
	roots := d.State.Authorities[plan.RootAuthority]
	for _, g := range roots {
		if last := d.State.LastCRL(plan.RootAuthority, g.Number); last != nil {
			end := last.NextUpdate
			s.Items = append(s.Items, Item{Kind: KindCRL, Name: plan.RootAuthority, Generation: g.Number, Start: last.ThisUpdate, Expires: &end,
				Replaced: g.Destroyed != nil || g.Retired != nil || g.Certificate.NotAfter.Before(s.At), Do: fmt.Sprintf("trustroot request create --crl %d --out STICK, and hold the ceremony", g.Number)})
		}
	}
	inspectionItems(d, s)
	for _, g := range roots {
		if name, from, until := trustdir.FullTerm(d, g); name != "" && g.Live() {
			s.Items = append(s.Items, Item{Kind: KindTerm, Name: plan.RootAuthority, Generation: g.Number, Start: from, Expires: &until,
				Do: "make the next root on another token: trustroot renew root --new-key --token SERIAL --ceremony NAME --day DATE"})
		}
	}
	for _, name := range slices.Sorted(maps.Keys(d.Plan.Authorities)) {
		a := d.Plan.Authorities[name]
		if name == plan.RootAuthority || len(d.State.Authorities[name]) == 0 {
			continue
		}
		for _, g := range roots {
			if !g.Live() || s.At.Before(g.Start) {
				continue
			}
			if a.Validity.NotAfter(s.At).After(g.Certificate.NotAfter) {
				s.Warnings = append(s.Warnings, Warning{Name: trustdir.GenerationName(plan.RootAuthority, g.Number),
					Text: fmt.Sprintf("it is too old to issue %s for a full %s: it ends %s", name, a.Validity, g.Certificate.NotAfter.Format(time.DateOnly)),
					Do:   "make the next root on another token: trustroot renew root --new-key --token SERIAL --ceremony NAME --day DATE"})
			}
		}
	}
	for _, e := range d.Ledger.Entries() {
		if c := e.Compromise; c != nil {
			s.Warnings = append(s.Warnings, Warning{Name: c.Name,
				Text: fmt.Sprintf("COMPROMISED since %s: %s", trustdir.Stamp(c.Since), c.Reason), Do: "nothing is made with this key any more"})
		}
	}
}

// inspectionItems adds the next inspection of each token whose root signs or stands by: half
// a year after the last one, or after the root was made.
func inspectionItems(d *trustdir.Dir, s *Status) {
	for _, g := range d.State.Authorities[plan.RootAuthority] {
		if g.Destroyed != nil || g.Compromised != nil || g.Certificate.Ceremony == "" {
			continue // nothing to guard; or no ceremony made it, so its token is not known
		}
		c := d.Plan.Ceremonies[g.Certificate.Ceremony]
		if c.Token == 0 {
			continue
		}
		last := g.Added
		for _, m := range d.State.Material[ledger.TokenItem(c.Token)] {
			if m.What == ledger.MaterialInspected && m.At.After(last) {
				last = m.At
			}
		}
		due := last.AddDate(0, 6, 0)
		s.Items = append(s.Items, Item{Kind: KindInspection, Name: ledger.TokenItem(c.Token), Generation: g.Number, Start: last, Expires: &due,
			Do: fmt.Sprintf("trustroot-offline token inspect --serial %d", c.Token)})
	}
}

func logItems(d *trustdir.Dir, s *Status) {
	for _, name := range slices.Sorted(maps.Keys(d.State.Logs)) {
		generations := d.State.Logs[name]
		for i, g := range generations {
			s.window(name, g, i == len(generations)-1)
			if i < len(generations)-1 && g.End == nil {
				s.warnOpen(name, g, generations[i+1])
			}
		}
	}
}

// window adds a window: an open one of a log, and any that was closed. That of
// an authority which is open ends with its certificate, which is there already.
func (s *Status) window(name string, g ledger.Generation, last bool) {
	if g.End == nil && g.Certificate != nil {
		return
	}
	i := Item{Kind: KindWindow, Name: name, Generation: g.Number, Start: g.Start, Expires: g.End, Replaced: !last}
	if g.Compromised != nil && last {
		i.Do = "trustroot renew " + name + " --new-key"
	}
	s.Items = append(s.Items, i)
}

// warnOpen says that a cutover is missing. What is published stays as it is
// until it is recorded, the names without a generation too, whatever the date.
func (s *Status) warnOpen(name string, g, newer ledger.Generation) {
	text := fmt.Sprintf("its window is open beside generation %d, which began %s", newer.Number, trustdir.Stamp(newer.Start))
	if c := g.Certificate; c != nil && s.At.After(c.NotAfter) {
		text = fmt.Sprintf("it ended %s and no cutover to generation %d is recorded: certs/%s.crt and every other name without a generation still hand it out", trustdir.Stamp(c.NotAfter), newer.Number, name)
	}
	s.Warnings = append(s.Warnings, Warning{
		Name: trustdir.GenerationName(name, g.Number),
		Text: text,
		Do:   "once the service was seen to use the new key: trustroot cutover " + name + " --at TIME",
	})
}

// repositoryItems reads the deadlines of tuf/, as published.
func repositoryItems(d *trustdir.Dir, ctx context.Context, s *Status) (err error) {
	if _, err := os.Stat(d.Join("tuf/timestamp.json")); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	place, err := store.OpenExisting(ctx, d.Join("tuf"))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, place.Close()) }()
	names := tuf.Policy{}
	for _, name := range slices.Sorted(maps.Keys(d.Plan.Holders)) {
		if key := holderPublicKey(d, name); key != nil {
			names.Former = append(names.Former, tuf.Holder{Name: name, PublicKey: key})
		}
	}
	deadlines, err := tuf.Deadlines(ctx, place, names, s.At)
	if err != nil {
		return err
	}
	for _, l := range deadlines {
		expires, from := l.Expires, l.SignFrom
		i := Item{Kind: KindTUF, Name: l.Role, Generation: int(l.Version.Version), Expires: &expires, SignFrom: &from, Online: l.Online, Do: "trustroot tuf stage, sign, publish"}
		if l.Online {
			i.Do = "trustroot tuf refresh"
		} else {
			i.Who = l.Holders
		}
		s.Items = append(s.Items, i)
	}
	return nil
}

// holderPublicKey is only for names: a holder who has not joined has none.
func holderPublicKey(d *trustdir.Dir, name string) *ecdsa.PublicKey {
	data, err := fs.ReadFile(d.FS(), "holders/"+name+"/key.pem")
	if err != nil {
		return nil
	}
	key, err := pki.ParsePublicKey(data)
	if err != nil {
		return nil
	}
	return key
}

// tokenWarnings looks at the attestations on file. They were verified when
// they were filed; here only the firmware is read.
func tokenWarnings(d *trustdir.Dir, s *Status) error {
	var errs []error
	seen := map[string]bool{}
	for _, pattern := range []string{"authorities/*/g*/attestation/slot.pem", "holders/*/attestation/slot.pem"} {
		found, err := fs.Glob(d.FS(), pattern)
		if err != nil {
			return err
		}
		for _, name := range found {
			w, err := tokenWarning(d, name)
			if err != nil {
				errs = append(errs, fmt.Errorf("%s: %w", name, err))
			} else if w != nil && !seen[w.Name+w.Text] {
				seen[w.Name+w.Text] = true
				s.Warnings = append(s.Warnings, *w)
			}
		}
	}
	return errors.Join(errs...)
}

func tokenWarning(d *trustdir.Dir, name string) (*Warning, error) {
	data, err := fs.ReadFile(d.FS(), name)
	if err != nil {
		return nil, err
	}
	slot, err := pki.ParseCertificate(data)
	if err != nil {
		return nil, err
	}
	a, err := attestation.Unverified(slot)
	if err != nil {
		return nil, err
	}
	if !a.Firmware.Less(soundFirmware) {
		return nil, nil
	}
	owner := strings.TrimSuffix(path.Dir(name), "/attestation")
	return &Warning{
		Name: fmt.Sprintf("token %d", a.Serial),
		Text: fmt.Sprintf("firmware %s leaks ECDSA keys to whoever holds the token (EUCLEAK, YSA-2024-03); it keeps the key of %s", a.Firmware, owner),
		Do:   "plan a new key on a token with firmware 5.7 or later",
	}, nil
}
