package plan

import (
	"path"
	"slices"
	"strings"
)

func holders(r *report, p *Plan) {
	tokens := map[uint32]string{}
	for _, name := range sorted(p.Holders) {
		h, path := p.Holders[name], join("holders", name)
		if r.ok(path+".token") && h.Token == 0 {
			r.add(path+".token", "is the serial number of the holder's YubiKey, not 0")
		}
		if other, taken := tokens[h.Token]; taken && h.Token != 0 {
			r.add(path+".token", "holder %s has this token: two people on one token are one", other)
		} else {
			tokens[h.Token] = name
		}
		form(r, path+".slot", h.Slot, badKeySlot)
		for _, ceremony := range sorted(p.Ceremonies) {
			if p.Ceremonies[ceremony].Token == h.Token && h.Token != 0 {
				r.add(path+".token", "is the root's token of the ceremony %s, which is locked away between ceremonies: give the holder another", ceremony)
				break
			}
		}
	}
}

func tuf(r *report, p *Plan) {
	if p.TUF == nil {
		return
	}
	t := p.TUF
	form(r, "tuf.url", t.URL, badBaseURL)
	role(r, p, "tuf.root", t.Root)
	role(r, p, "tuf.targets", t.Targets)
	expiry(r, "tuf.snapshot", t.Snapshot.Expiry, t.Snapshot.Resign)
	expiry(r, "tuf.timestamp", t.Timestamp.Expiry, t.Timestamp.Resign)
	if next := t.NextOnlineKey; next != nil && (next.Key == t.OnlineKey.Key || next.SPKISHA256 != "" && next.SPKISHA256 == t.OnlineKey.SPKISHA256) {
		r.add("tuf.next_online_key", "is the online key: name another, or remove the field")
	}
	published(r, t.Places)
}

// published checks the places: folders or buckets, each once.
func published(r *report, places []Place) {
	for i, p := range places {
		at := index("tuf.places", i)
		scheme, _, url := strings.Cut(p.At, "://")
		switch {
		case p.At == "" || url && scheme != "s3" || path.Clean(p.At) == ".":
			r.add(at+".at", "%q is not a place: give a folder or s3://BUCKET/PREFIX", p.At)
		case path.Clean(p.At) == "tuf":
			r.add(at+".at", "is the trust directory's own copy, which is always written: remove it")
		case slices.ContainsFunc(places[:i], func(o Place) bool { return path.Clean(o.At) == path.Clean(p.At) }):
			r.add(at+".at", "%s is listed twice", p.At)
		}
		if p.For == "" {
			r.add(at+".for", "is empty: say what the place is for")
		}
	}
}

func role(r *report, p *Plan, path string, role Role) {
	if !r.ok(path) {
		return
	}
	expiry(r, path, role.Expiry, role.Resign)
	for i, name := range role.Holders {
		at := index(path+".holders", i)
		if _, known := p.Holders[name]; !known {
			r.add(at, "%q is not among holders", name)
		}
		if slices.Contains(role.Holders[:i], name) {
			r.add(at, "%s stands here a second time", name)
		}
	}
	at := path + ".threshold"
	switch {
	case !r.ok(at) || !r.ok(path+".holders"):
	case len(role.Holders) == 0:
		r.add(path+".holders", "is empty: name who signs")
	case role.Threshold < 1 || role.Threshold > len(role.Holders):
		r.add(at, "is %d and must be from 1 to %d, the number of holders", role.Threshold, len(role.Holders))
	case role.Threshold == 1 && !p.Allows(ExceptionSingleHolder):
		r.add(at, "one signature is enough to replace every key: write at least 2, or name the exception %s with its reason", ExceptionSingleHolder)
	}
}

func expiry(r *report, path string, expiry, resign Days) {
	if r.ok(path+".expiry") && r.ok(path+".resign") && resign >= expiry {
		r.add(path+".resign", "is %dd and must be less than the expiry of %dd", resign, expiry)
	}
}
