package plan

import (
	"net/url"
	"slices"
	"strings"

	"github.com/linnemanlabs/trustroot/pki"
)

// checkTrustDomain checks that SVIDs can live under a spiffe-ca (SPIFFE-ID and
// X.509-SVID): SPIRE issues its own CA below it, and that one the SVIDs.
func checkTrustDomain(r *report, path string, p *Plan, name string) {
	a := p.Authorities[name]
	if a.Profile != pki.ProfileSPIFFECA {
		return
	}
	if a.PathLen != nil && *a.PathLen == 0 {
		r.add(path+".path_len", "leaves no room for SPIRE's own CA, which it issues below this one: every SVID under it is refused; write 1 or more")
	}
	for i, uri := range a.URIs {
		u, err := url.Parse(uri)
		at := index(path+".uris", i)
		if err != nil || u.Scheme != "spiffe" || u.Host == "" {
			continue // said at settings
		}
		svid := "spiffe://" + strings.ToLower(u.Host) + "/workload"
		if u.Host != strings.ToLower(u.Host) || u.Path != "" {
			r.add(at, "is not a trust domain: write spiffe://%s, in lower case and without a path; the SVID %s would not be of this domain", strings.ToLower(u.Host), svid)
			continue
		}
		for _, from := range []string{name, p.IssuerOf(name)} {
			if field := excluding(p.Authorities[from].NameConstraints, u.Host); field != "" {
				r.add(join("authorities", from)+".name_constraints."+field, "excludes %s, the trust domain of %s: every SVID such as %s is refused", u.Host, name, svid)
			}
		}
	}
}

// excluding returns which side of some name constraints keeps the host of a URI
// out, or nothing.
func excluding(nc *pki.NameConstraints, host string) string {
	if nc == nil {
		return ""
	}
	within := func(list []string) bool {
		return slices.ContainsFunc(list, func(c string) bool {
			c = strings.ToLower(c)
			return host == c || strings.HasPrefix(c, ".") && strings.HasSuffix(host, c)
		})
	}
	switch {
	case within(nc.Excluded.URI):
		return "excluded.uri"
	case len(nc.Permitted.URI) > 0 && !within(nc.Permitted.URI):
		return "permitted.uri"
	}
	return ""
}
