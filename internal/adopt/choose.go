package adopt

import (
	"cmp"
	"fmt"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/linnemanlabs/trustroot/pki/finding"
	"github.com/linnemanlabs/trustroot/pki/plan"
	"github.com/linnemanlabs/trustroot/pki/trustedroot"
)

// oldConfig is a signing config in use.
type oldConfig struct {
	path  string
	CAs   []oldService `json:"caUrls"`
	OIDC  []oldService `json:"oidcUrls"`
	Rekor []oldService `json:"rekorTlogUrls"`
	TSAs  []oldService `json:"tsaUrls"`

	RekorConfig plan.Selection `json:"rekorTlogConfig"`
	TSAConfig   plan.Selection `json:"tsaConfig"`
}

type oldService struct {
	URL string `json:"url"`
}

// endpoint returns the TSA's endpoint that signers ask on the host of a base
// URL, or the URL itself.
func (c *oldConfig) endpoint(base string) string {
	u, err := url.Parse(base)
	if c == nil || err != nil || strings.Trim(u.Path, "/") != "" {
		return base
	}
	for _, s := range c.TSAs {
		if e, err := url.Parse(normalURL(s.URL)); err == nil && e.Host == u.Host && e.Scheme == u.Scheme {
			return e.String()
		}
	}
	return base
}

// signing is how signers choose today, where it is not the default.
func (c *oldConfig) signing() *plan.Signing {
	if c == nil {
		return nil
	}
	s := plan.Signing{Rekor: c.RekorConfig, TSA: c.TSAConfig}
	for _, one := range []*plan.Selection{&s.Rekor, &s.TSA} {
		if one.Selector == "ANY" {
			*one = plan.Selection{}
		}
	}
	if s.Rekor == (plan.Selection{}) && s.TSA == (plan.Selection{}) {
		return nil
	}
	return &s
}

// providers are the identity providers that signers are sent to today.
func (c *oldConfig) providers() []plan.Provider {
	if c == nil {
		return nil
	}
	var out []plan.Provider
	for _, s := range c.OIDC {
		if !strings.Contains(s.URL, "sigstore.dev") {
			out = append(out, plan.Provider{Issuer: normalURL(s.URL)})
		}
	}
	return out
}

// chooseFiles takes the trusted root and the signing config in use, asking where
// there are several. Certificates of the others count too: they once signed.
func chooseFiles(a *Adoption, in *adopted) error {
	if a.options.TrustedRoot != "" {
		old, err := readOldRoot(a.options.TrustedRoot)
		if err != nil {
			return err
		}
		in.roots = append(slices.DeleteFunc(in.roots, func(o *oldRoot) bool { return o.path == old.path }), old)
		a.old = old
	}
	for _, o := range in.roots {
		for _, e := range o.entries {
			for _, c := range e.chain {
				in.add(c)
			}
		}
	}
	slices.SortStableFunc(in.roots, func(x, y *oldRoot) int { // the likeliest first
		return cmp.Or(y.newest().Compare(x.newest()), countErrors(a, x)-countErrors(a, y), strings.Compare(x.path, y.path))
	})
	if a.old == nil && len(in.roots) > 0 {
		a.old = choose(a, "trusted-root", "trusted root", "windows and URLs are taken from a file that nobody verifies with", in.roots, func(o *oldRoot) string { return o.path })
	}
	if len(in.configs) > 0 {
		slices.SortStableFunc(in.configs, func(x, y *oldConfig) int { return likeness(a, y.path) - likeness(a, x.path) })
		a.config = choose(a, "signing-config", "signing config", "signers are offered endpoints and selectors of another day", in.configs, func(c *oldConfig) string { return c.path })
	}
	if a.old == nil {
		return nil
	}
	a.found("the trusted root in use is %s", a.old.path)
	return lintOld(a)
}

// choose asks which of several files is in use, and takes the likeliest, the
// first, until that is answered.
func choose[F any](a *Adoption, id, what, wrong string, files []F, pathOf func(F) string) F {
	if len(files) == 1 {
		return files[0]
	}
	var paths []string
	for _, f := range files {
		paths = append(paths, pathOf(f))
	}
	answer, ok := ask(a, Question{
		ID: id, Default: filepath.Base(paths[0]), Form: "the file's name", Wrong: wrong,
		Text: fmt.Sprintf("Which %s is in use?\n  %s", what, strings.Join(paths, "\n  ")),
	})
	for i, path := range paths {
		if ok && (answer == path || answer == filepath.Base(path)) {
			return files[i]
		}
	}
	if ok {
		refuse(a, id, "%q is none of %s", answer, strings.Join(paths, ", "))
	}
	return files[0]
}

// newest is the latest instant at which something began or ended in a file.
func (o *oldRoot) newest() (latest time.Time) {
	for _, e := range o.entries {
		for _, t := range []*time.Time{e.start, e.end} {
			if t != nil && t.After(latest) {
				latest = *t
			}
		}
	}
	return latest
}

func countErrors(a *Adoption, o *oldRoot) int {
	findings, err := trustedroot.Lint(o.data, trustedroot.LintOptions{At: a.now})
	if err != nil {
		return 1
	}
	return finding.Errors(findings)
}

// likeness counts how much of the end of a name is that of the trusted root in
// use: people keep the two beside each other.
func likeness(a *Adoption, path string) int {
	if a.old == nil {
		return 0
	}
	x, y := filepath.Base(path), filepath.Base(a.old.path)
	n := 0
	for n < len(x) && n < len(y) && x[len(x)-1-n] == y[len(y)-1-n] {
		n++
	}
	return n
}
