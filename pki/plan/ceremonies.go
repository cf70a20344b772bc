package plan

import (
	"fmt"
	"slices"
	"time"

	"github.com/linnemanlabs/trustroot/pki"
)

var exceptionNames = []string{ExceptionSingleHolder, ExceptionOldFirmware, ExceptionImportedRoot, ExceptionNetworkedHost}

func ceremony(r *report, p *Plan, name string) {
	c, path := p.Ceremonies[name], join("ceremonies", name)
	day, err := time.Parse(time.DateOnly, c.Day)
	if err != nil && r.ok(path+".day") {
		r.add(path+".day", "%q is not a day: write it like 2026-05-01", c.Day)
	}
	if err == nil && r.ok(path+".not_before") && c.NotBefore.UTC().Truncate(24*time.Hour).After(day) {
		r.add(path+".not_before", "is after the day of the ceremony: the certificates would not be valid yet when they are checked")
	}
	if r.ok(path+".token") && c.Token == 0 {
		r.add(path+".token", "is the serial number of the root's YubiKey, not 0")
	}
	if r.ok(path + ".firmware") {
		if !firmwareForm.MatchString(c.Firmware) {
			r.add(path+".firmware", "%q is not a firmware version: write it like 5.7.4", c.Firmware)
		} else if c.oldFirmware() && !p.Allows(ExceptionOldFirmware) {
			r.add(path+".firmware", "a token below 5.7 leaks ECDSA keys to whoever holds it (YSA-2024-03): take a newer one, or name the exception %s with its reason", ExceptionOldFirmware)
		}
	}
	form(r, path+".record_slot", c.RecordSlot, badKeySlot)
	digest(r, path+".binary_sha256", c.BinarySHA256)
	digest(r, path+".image_sha256", c.ImageSHA256)
	people(r, path+".operators", c.Operators)
	people(r, path+".witnesses", c.Witnesses)
}

func people(r *report, path string, names []string) {
	for i, name := range names {
		text(r, index(path, i), name)
		if slices.Contains(names[:i], name) {
			r.add(index(path, i), "%q stands here a second time", name)
		}
	}
}

// oldFirmware reports a stated firmware below 5.7.
func (c Ceremony) oldFirmware() bool {
	var major, minor, patch int
	if n, err := fmt.Sscanf(c.Firmware, "%d.%d.%d", &major, &minor, &patch); err != nil || n != 3 {
		return false
	}
	return major < 5 || major == 5 && minor < 7
}

func exceptions(r *report, p *Plan) {
	seen := map[string]bool{}
	for i, e := range p.Exceptions {
		path := index("exceptions", i)
		text(r, path+".reason", e.Reason)
		if !r.ok(path + ".name") {
			continue
		}
		switch {
		case !slices.Contains(exceptionNames, e.Name):
			r.add(path+".name", "%q is not one of %s", e.Name, List(exceptionNames))
		case seen[e.Name]:
			r.add(path+".name", "%s stands here a second time", e.Name)
		case !p.needs(e.Name):
			r.add(path+".name", "%s is not needed by this plan: remove it", e.Name)
		}
		seen[e.Name] = true
	}
}

// needs reports whether something in the plan may rest on an exception. Where
// the plan cannot tell, it may.
func (p *Plan) needs(exception string) bool {
	for _, g := range p.Authorities[RootAuthority].Generations {
		if g.Ceremony == "" && exception != ExceptionSingleHolder {
			return true // an adopted root: its token is in use, whatever the next ceremony says
		}
	}
	switch exception {
	case ExceptionSingleHolder:
		return p.TUF != nil && (p.TUF.Root.Threshold == 1 || p.TUF.Targets.Threshold == 1)
	case ExceptionOldFirmware:
		for _, c := range p.Ceremonies {
			if c.Firmware == "" || c.oldFirmware() {
				return true
			}
		}
		return false
	default: // imported-root, networked-ceremony: the day decides
		return len(p.Ceremonies) > 0
	}
}

// checkRehearsal checks that subjects say REHEARSAL in a rehearsal, and only there.
func checkRehearsal(r *report, p *Plan) {
	if p.Rehearsal != nil {
		form(r, "rehearsal.attestation_roots", p.Rehearsal.AttestationRoots, badRoots)
	}
	for _, name := range sorted(p.Authorities) {
		path, a := join("authorities", name), p.Authorities[name]
		saysRehearsal(r, p, path, a.Subject)
		for i, g := range a.Generations {
			if g.Subject != nil {
				saysRehearsal(r, p, index(path+".generations", i), *g.Subject)
			}
		}
	}
}

func saysRehearsal(r *report, p *Plan, path string, s pki.Subject) {
	at := path + ".subject.organization"
	says := rehearsal.MatchString(s.Organization)
	switch {
	case !r.ok(at) || says == (p.Rehearsal != nil):
	case says:
		r.add(at, "holds the word REHEARSAL, but the plan has no rehearsal block")
	default:
		r.add(at, "must hold the word REHEARSAL: the plan has a rehearsal block")
	}
}
