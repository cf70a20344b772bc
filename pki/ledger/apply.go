package ledger

import (
	"errors"
	"fmt"
	"slices"
	"time"
)

// apply checks that an entry is allowed after what the state holds, and adds
// it. The error joins every problem of the entry; the state is then unchanged.
func apply(s *State, e *Entry) error {
	name, says, err := e.payload()
	if err != nil {
		return err
	}
	if e.Type != name {
		return fmt.Errorf("type is %q and the payload is %q", e.Type, name)
	}
	ps := &problems{}
	if !slices.Contains([]string{"", Observed, Published, Told}, e.Source) {
		ps.add("source is %q: a fact is observed, published or told", e.Source)
	}
	if e.By != "" {
		ps.text("by", e.By)
	}
	ps.instant("time", e.Time)
	if e.Time.Before(s.last) {
		ps.add("time is %s, before that of the line above, %s: set this machine's clock", e.Time.Format(time.RFC3339), s.last.Format(time.RFC3339))
	}
	if opened := s.Organization != ""; opened == (e.Created != nil) {
		ps.add("created stands in the first line, and there alone")
	}
	commit := says.check(s, ps, e)
	if len(*ps) > 0 {
		return fmt.Errorf("%s: %w", name, errors.Join(*ps...))
	}
	commit()
	s.Entries++
	if e.Source == Published {
		published(s, e)
	}
	s.last = e.Time
	return nil
}

// published notes what the trusted root in use had when it was adopted.
func published(s *State, e *Entry) {
	s.PublishedAt = e.Time
	var all []Generation
	switch {
	case e.Certificate != nil:
		all = s.Authorities[e.Certificate.Authority]
	case e.Log != nil:
		all = s.Logs[e.Log.Name]
	}
	if len(all) > 0 {
		all[len(all)-1].Adopted = true
	}
}

func (c *Created) check(s *State, ps *problems, _ *Entry) func() {
	ps.text("organization", c.Organization)
	return func() { s.Organization, s.Rehearsal = c.Organization, c.Rehearsal }
}

func (r *Request) check(s *State, ps *problems, _ *Entry) func() {
	ps.name("ceremony", r.Ceremony)
	ps.digest("digest", r.Digest)
	if r.Sequence <= s.Sequence {
		ps.add("sequence is %d and must be larger than %d", r.Sequence, s.Sequence)
	}
	if _, twice := s.Requests[r.Digest]; twice {
		ps.add("a request with the digest %s was recorded before", r.Digest)
	}
	return func() {
		s.Sequence = r.Sequence
		s.Requests[r.Digest] = *r
	}
}

func (r *Record) check(s *State, ps *problems, _ *Entry) func() {
	ps.name("ceremony", r.Ceremony)
	ps.digest("request", r.Request)
	if q, known := s.Requests[r.Request]; !known {
		ps.add("request %s is not in the ledger", r.Request)
	} else if q.Ceremony != r.Ceremony {
		ps.add("request %s is for the ceremony %s", r.Request, q.Ceremony)
	}
	if _, twice := s.Records[r.Request]; twice {
		ps.add("a record for the request %s was accepted before", r.Request)
	}
	commit := files(s, ps, named{"file", r.File})
	return func() {
		s.Records[r.Request] = *r
		commit()
	}
}

func (c *Certificate) check(s *State, ps *problems, e *Entry) func() {
	generation(s, ps, "authority", c.Authority, c.Generation, s.Authorities)
	ps.name("profile", c.Profile)
	ps.name("issuer", c.Issuer)
	if c.Ceremony != "" {
		ps.name("ceremony", c.Ceremony)
	}
	if c.URL != "" {
		ps.text("url", c.URL)
	}
	if own := c.Issuer == c.Authority; !own && len(s.Authorities[c.Issuer]) == 0 {
		ps.add("issuer %s has no certificate in the ledger", c.Issuer)
	} else if c.IssuerGeneration < 0 || !own && c.IssuerGeneration > len(s.Authorities[c.Issuer]) || own && c.IssuerGeneration > 0 {
		ps.add("issuer_generation %d of %s is not in the ledger", c.IssuerGeneration, c.Issuer)
	}
	if c.Standby && c.Issuer != c.Authority {
		ps.add("standby: only a root stands by")
	}
	ps.instant("not_before", c.NotBefore)
	ps.instant("not_after", c.NotAfter)
	if c.NotAfter.Before(c.NotBefore) {
		ps.add("not_after is before not_before")
	}
	addSerial := serial(s, ps, c.Issuer, c.Authority, c.Serial)
	// a renewed authority may keep its key; nobody else may have it.
	addKey := key(s, ps, "spki_sha256", c.SPKISHA256, "authority "+c.Authority, true)
	addFiles := files(s, ps, named{"file", c.File}, named{"chain", c.Chain})
	return func() {
		s.Authorities[c.Authority] = append(s.Authorities[c.Authority],
			Generation{Number: c.Generation, Certificate: c, Start: c.NotBefore, Added: e.Time, Standby: c.Standby, issuer: issuerOf(s, c)})
		inherit(s, c)
		addSerial()
		addKey()
		addFiles()
	}
}

func (w *Withheld) check(s *State, ps *problems, _ *Entry) func() {
	ps.name("authority", w.Authority)
	ps.text("reason", w.Reason)
	return serial(s, ps, "", w.Authority, w.Serial)
}

func (g *Log) check(s *State, ps *problems, e *Entry) func() {
	generation(s, ps, "name", g.Name, g.Generation, s.Logs)
	if !slices.Contains([]string{"rekor-v2", "static-ct"}, g.Kind) {
		ps.add("kind is %q: a log is rekor-v2 or static-ct", g.Kind)
	}
	ps.text("origin", g.Origin)
	ps.text("url", g.URL)
	ps.instant("start", g.Start)
	if last := Newest(s.Logs[g.Name]); last != nil && g.Start.Before(last.Start) {
		ps.add("start is before that of generation %d", last.Number)
	}
	addKey := key(s, ps, "log_id", g.LogID, "log "+g.Name, false)
	addFiles := files(s, ps, named{"file", g.File})
	return func() {
		s.Logs[g.Name] = append(s.Logs[g.Name], Generation{Number: g.Generation, Log: g, Start: g.Start, Added: e.Time})
		addKey()
		addFiles()
	}
}

func (a *App) check(s *State, ps *problems, e *Entry) func() {
	generation(s, ps, "name", a.Name, a.Generation, s.Apps)
	addKey := key(s, ps, "spki_sha256", a.SPKISHA256, "application "+a.Name, false)
	addFiles := files(s, ps, named{"file", a.File})
	return func() {
		s.Apps[a.Name] = append(s.Apps[a.Name], Generation{Number: a.Generation, App: a, Added: e.Time})
		addKey()
		addFiles()
	}
}

func (o *Online) check(s *State, ps *problems, e *Entry) func() {
	if next := len(s.Online) + 1; o.Generation != next {
		ps.add("generation is %d and the next one of %s is %d", o.Generation, OnlineKey, next)
	}
	addKey := key(s, ps, "spki_sha256", o.SPKISHA256, OnlineKey, false)
	return func() {
		for i := range s.Online {
			s.Online[i].close(e.Time)
		}
		s.Online = append(s.Online, Generation{Number: o.Generation, Online: o, Start: e.Time, Added: e.Time})
		addKey()
	}
}

// generation checks that a generation is the next one of its name, and that
// the name is of one kind only.
func generation(s *State, ps *problems, field, name string, number int, of map[string][]Generation) {
	ps.name(field, name)
	if next := len(of[name]) + 1; number != next {
		ps.add("generation is %d and the next one of %s is %d", number, name, next)
	}
	kinds := 0
	for _, m := range []map[string][]Generation{s.Authorities, s.Logs, s.Apps} {
		if len(m[name]) > 0 {
			kinds++
		}
	}
	if kinds > 0 && len(of[name]) == 0 {
		ps.add("%s names something of another kind", name)
	}
}

// serial checks that an issuer uses a serial number once (RFC 5280 4.1.2.2).
// One that was withheld, without an issuer here, is nobody's any more.
func serial(s *State, ps *problems, issuer, authority, serial string) func() {
	ps.serial(serial)
	for _, by := range s.issuers[serial] {
		if by == issuer || by == "" || issuer == "" {
			ps.add("serial %s was signed before, for %s", serial, s.Serials[serial])
			break
		}
	}
	return func() {
		s.issuers[serial] = append(s.issuers[serial], issuer)
		s.Serials[serial] = authority
	}
}

// key checks that a key has one owner, and unless again, that it is new to
// that one too.
func key(s *State, ps *problems, field, digest, owner string, again bool) func() {
	ps.digest(field, digest)
	if has, known := s.owners[digest]; known && (has != owner || !again) {
		ps.add("%s: the key is in use as %s; one key never serves two", field, has)
	}
	return func() { s.owners[digest] = owner }
}

// named is a file and the field that names it.
type named struct {
	field string
	File
}

// files checks that no path is spoken of with two digests.
func files(s *State, ps *problems, files ...named) func() {
	for i, f := range files {
		ps.file(f.field, f.File)
		known, spoken := s.Digests[f.Path]
		if !spoken && i > 0 && f.Path == files[0].Path {
			known, spoken = files[0].SHA256, true
		}
		if spoken && known != f.SHA256 {
			ps.add("%s: %s is recorded with another digest", f.field, f.Path)
		}
	}
	return func() {
		for _, f := range files {
			s.Digests[f.Path] = f.SHA256
		}
	}
}

// past checks that something that was seen does not lie ahead.
func past(ps *problems, field string, t, now time.Time) {
	ps.instant(field, t)
	if t.After(now) {
		ps.add("%s is %s, which lies ahead", field, t.Format(time.RFC3339))
	}
}
