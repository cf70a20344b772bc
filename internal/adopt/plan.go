package adopt

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/x509"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/linnemanlabs/trustroot/internal/digest"
	"github.com/linnemanlabs/trustroot/internal/draft"
	"github.com/linnemanlabs/trustroot/internal/fault"
	"github.com/linnemanlabs/trustroot/internal/trustdir"
	"github.com/linnemanlabs/trustroot/pki"
	"github.com/linnemanlabs/trustroot/pki/plan"
)

// adoptedHeader begins the plan that adopting writes.
const adoptedHeader = `# The plan: what should exist. This one was read out of certificates and keys
# that are older than it: their generations name no ceremony, for none of this
# plan made them. Fill in the KMS keys, then plan renewals with
# ` + "`trustroot renew`" + `; comments stay.
`

// writePlan says in a plan what the newest certificates are.
func writePlan(a *Adoption) error {
	root := a.authorities[0].generations
	p := &plan.Plan{Version: 1, Authorities: map[string]plan.Authority{}, Logs: map[string]plan.Log{}}
	if o := root[len(root)-1].Subject.Organization; len(o) > 0 {
		p.Organization = o[0]
	}
	var errs []error
	for _, g := range a.authorities {
		authority, err := planned(a, g)
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", g.name, err))
		}
		p.Authorities[g.name] = authority
	}
	for _, l := range a.logs {
		log := plan.Log{Kind: l.Kind, Origin: l.Origin, URL: l.URL, Algorithm: "P-256"}
		for i, k := range l.keys {
			start := k.start
			log.Generations = append(log.Generations, plan.Generation{
				Generation: i + 1, Key: keyOf(a, l.Name, i+1), SPKISHA256: k.spki, Start: &start})
		}
		p.Logs[l.Name] = log
	}
	p.Publish = publishedNames(a)
	p.Exceptions, p.Signing, p.OIDC = a.exceptions, a.config.signing(), a.config.providers()
	if a.options.Rehearsal != "" {
		p.Rehearsal = &plan.Rehearsal{AttestationRoots: a.options.Rehearsal}
	}
	if err := errors.Join(errs...); err != nil {
		return fault.New(fault.Verification, "these certificates are of a shape that no plan describes; nothing was written", err)
	}
	text, err := p.Marshal()
	if err != nil {
		return fmt.Errorf("write the plan: %w", err)
	}
	a.Plan = append([]byte(adoptedHeader), text...)
	if _, err := plan.Parse(trustdir.PlanFile, a.Plan); err != nil {
		return fmt.Errorf("the plan that would be written: %w", err)
	}
	return nil
}

// publishedNames keeps the names under which the files were found: people fetch
// them by these.
func publishedNames(a *Adoption) *plan.Publish {
	var names []plan.Alias
	for _, g := range a.authorities {
		if file := a.files[digest.Hex(g.generations[len(g.generations)-1].Raw)]; file != "" {
			names = append(names, plan.Alias{Built: "certs/" + g.name + ".crt", As: file})
		}
	}
	for _, l := range a.logs {
		if file := a.files[l.keys[len(l.keys)-1].spki]; file != "" {
			names = append(names, plan.Alias{Built: "keys/" + l.Name + ".pub", As: file})
		}
	}
	if len(names) == 0 {
		return nil
	}
	return &plan.Publish{Names: names}
}

// planned describes an authority by its newest certificate.
func planned(a *Adoption, g *adoptedAuthority) (plan.Authority, error) {
	newest := g.generations[len(g.generations)-1]
	subject, errS := pki.ParseSubject(newest.RawSubject)
	validity, errV := pki.ValidityOf(newest)
	algorithm, errA := algorithmOf(newest)
	var settings pki.Settings
	var errP error
	if g.profile == pki.ProfileOther { // its certificate is its profile
		errA, errV = nil, nil
		if validity == (pki.Validity{}) {
			validity.Days = max(1, int(newest.NotAfter.Sub(newest.NotBefore).Hours()/24))
		}
	} else {
		settings, errP = pki.SettingsOf(newest, g.profile)
	}
	if err := errors.Join(errS, errV, errP, errA); err != nil {
		return plan.Authority{}, err
	}
	out := plan.Authority{Profile: g.profile, Subject: subject, Validity: validity, Algorithm: algorithm, Settings: settings, URL: urlOf(a, g)}
	if g.name == plan.RootAuthority {
		out.Token = a.options.Token.Key
	} else if g.issuer != plan.RootAuthority {
		out.Issuer = g.issuer
	}
	for i, c := range g.generations {
		next := plan.Generation{Generation: i + 1, SPKISHA256: digest.Hex(c.RawSubjectPublicKeyInfo)}
		if g.name != plan.RootAuthority {
			next.Key = keyOf(a, g.name, i+1)
		}
		out.Generations = append(out.Generations, next)
	}
	return out, nil
}

func algorithmOf(c *x509.Certificate) (string, error) {
	key, ok := c.PublicKey.(*ecdsa.PublicKey)
	if !ok {
		return "RSA", fmt.Errorf("a key of type %T is in no plan: certificates here are ECDSA", c.PublicKey)
	}
	return key.Curve.Params().Name, nil
}

// urlOf is where an authority answers: as told, as the signing config in use
// says of the same host, or as the trusted root in use says.
func urlOf(a *Adoption, g *adoptedAuthority) string {
	if u := a.options.Answers["url."+g.name]; u != "" {
		return normalURL(u)
	}
	for i := len(g.generations) - 1; i >= 0; i-- {
		if e := a.old.entryOf(digest.Hex(g.generations[i].Raw)); e != nil {
			return a.config.endpoint(normalURL(e.uri))
		}
	}
	return ""
}

// askURLs wants to know where the services answer, where no file says it.
func askURLs(a *Adoption) {
	for _, g := range a.authorities {
		at := urlOf(a, g)
		u, err := url.Parse(at)
		known := err == nil && u.Hostname() != ""
		q := Question{ID: "url." + g.name, Wrong: "signers are sent elsewhere; verifiers do not use it"}
		switch g.profile {
		case pki.ProfileFulcioCA:
			q.Text, q.Form = fmt.Sprintf("Where does the Fulcio of %s answer?", g.name), "its base URL"
		case pki.ProfileTSA, pki.ProfileTSALeaf:
			q.Text, q.Form = fmt.Sprintf("Where does the time-stamping authority %s answer?", g.name), "its full endpoint"
			if known {
				q.Default = strings.TrimRight(at, "/") + "/api/v1/timestamp"
				known = strings.Trim(u.Path, "/") != ""
			}
		default:
			continue
		}
		if known && a.options.Answers[q.ID] == "" {
			continue
		}
		if answer, ok := ask(a, q); ok {
			if u, err := url.Parse(answer); err != nil || u.Scheme == "" || u.Host == "" {
				refuse(a, q.ID, "%q is not a URL: write it like https://name.example.com", answer)
			}
		}
	}
}

// normalURL is a URL as plans write it: the host in lower case, no slash at the
// end.
func normalURL(raw string) string {
	u, err := url.Parse(strings.TrimSpace(raw))
	if err != nil {
		return raw
	}
	u.Scheme, u.Host = strings.ToLower(u.Scheme), strings.ToLower(u.Host)
	return strings.TrimRight(u.String(), "/")
}

// askKeys asks once for the KMS keys behind the generations, which no file
// names, and one by one where somebody knows them.
func askKeys(a *Adoption) {
	var owned, shown []string
	own := func(name string, generation int) {
		owned, shown = append(owned, key(name, generation)), append(shown, trustdir.GenerationName(name, generation))
	}
	for _, g := range a.authorities {
		if g.name != plan.RootAuthority && g.profile != pki.ProfileOther {
			own(g.name, len(g.generations))
		}
	}
	authorities := len(owned)
	for _, l := range a.logs {
		own(l.Name, len(l.keys))
	}
	if len(owned) == 0 {
		return
	}
	a.keys, _ = ask(a, Question{
		ID: "keys", Default: unknown, Form: "unknown, or each to name their ARNs one by one",
		Text:  "Which KMS keys are behind " + strings.Join(shown, ", ") + "? No file names them.",
		Wrong: "nothing for now: a key that is unknown is only not looked at; its digest is pinned, and a renewal may make new keys",
	})
	if a.keys != each {
		if a.keys != "" && a.keys != unknown {
			refuse(a, "keys", "%q is neither unknown nor each", a.keys)
		}
		return
	}
	for i, k := range owned {
		form := "the key's ARN, external for a key outside KMS, or unknown"
		if i >= authorities { // a log's key outside KMS is one that the plan does not know
			form = "the key's ARN, or unknown"
		}
		answer, ok := ask(a, Question{ID: "key." + k, Default: unknown, Form: form, Text: "Which KMS key is behind " + shown[i] + "?",
			Wrong: "trustroot kms list says that key and pin differ"})
		if outside := answer == plan.ExternalKey && i < authorities; ok && answer != unknown && !outside && !plan.IsKeyARN(answer) {
			refuse(a, "key."+k, "%q is not %s", answer, form)
		}
	}
}

// keyOf is the plan's key of a generation.
func keyOf(a *Adoption, name string, generation int) string {
	if arn := a.options.Answers["key."+key(name, generation)]; arn != "" && a.keys == each {
		return arn
	}
	return plan.KeyUnknown
}

// compareProfiles makes each newest certificate again from the plan, under its
// own key, and names what the plan does not give back.
func compareProfiles(a *Adoption) error {
	p, err := plan.Parse(trustdir.PlanFile, a.Plan)
	if err != nil {
		return err
	}
	for _, g := range a.authorities {
		if g.profile == pki.ProfileOther {
			continue
		}
		n := len(g.generations) - 1
		c, where := g.generations[n], trustdir.GenerationName(g.name, n+1)
		authority := p.Authorities[g.name]
		spec := pki.Spec{Profile: g.profile, Subject: authority.Subject, Settings: authority.Settings, PublicKey: c.PublicKey,
			Serial: c.SerialNumber, NotBefore: c.NotBefore, NotAfter: c.NotAfter}
		issuers := g.chains[n][1:]
		if len(issuers) > 0 {
			spec.Issuer = issuers[0]
		}
		counted := c.SerialNumber.BitLen() < 64 // by hand: everything else is compared
		if counted {
			if spec.Serial, err = pki.NewSerial(rand.Reader); err != nil {
				return err
			}
		}
		prepared, err := pki.Prepare(spec, issuers, &draft.Recorder{Linter: linterOnce(), Profile: g.profile})
		if err != nil {
			a.defect("not-reproducible", where, "the next generation follows the plan, and the ceremony shows every field that differs", "it would not be issued again as it is: %v", err)
			continue
		}
		if bytes.Equal(prepared.TBS(), c.RawTBSCertificate) {
			a.found("%s: the plan gives its bytes again, extension for extension", where)
			continue
		}
		for _, d := range draft.Differences(c, prepared.Draft(), false) {
			if counted && d.Field == "serial" {
				continue
			}
			a.defect("not-reproducible", where, "the next generation follows the plan", "%s is %q, from the plan it would be %q", d.Field, d.Old, d.New)
		}
	}
	return nil
}
